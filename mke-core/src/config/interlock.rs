//! The file of layer 7 routing (Interlock): what reads services and what serves them.

use std::collections::BTreeMap;

use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;
use crate::secret::Secret;

section! {
    /// The Interlock file.
    pub struct Interlock at "" {
        /// Where extensions reach Interlock.
        listen_addr("ListenAddr"): String = Key::text(":8080").live();
        /// Where the Engine answers.
        docker_url("DockerURL"): String = Key::text("unix:///var/run/docker.sock").live();
        /// The file with the authority of the Engine's certificate.
        tls_ca_cert("TLSCACert"): Option<String> = Key::unset(Kind::Text).live();
        /// The file with the certificate shown to the Engine.
        tls_cert("TLSCert"): Option<String> = Key::unset(Kind::Text).live();
        /// The file with the key of that certificate.
        tls_key("TLSKey"): Option<Secret> = Key::unset(Kind::Text).secret().live();
        /// Whether any certificate of the Engine is trusted.
        allow_insecure("AllowInsecure"): bool = Key::bool(false)
            .risk("whoever stands between can act as the Engine").live();
        /// How often services are looked at.
        poll_interval("PollInterval"): String = Key::text("3s").unit("duration")
            .format(Format::PositiveDuration).not_empty().live();
        /// Where extensions are told to reach Interlock; unset finds it out.
        endpoint_override("EndpointOverride"): Option<String> = Key::unset(Kind::Text).live();
    }
    named {
        /// What serves the routes, one table for each service cluster.
        extensions("Extensions"): Extension;
    }
}

section! {
    /// What serves the routes of one service cluster.
    pub struct Extension at "Extensions.<name>" {
        /// The image of the extension.
        image("Image"): String = Key::text("mirantis/ucp-interlock-extension:3.4.15").required().not_empty()
            .live();
        /// Arguments of the extension.
        args("Args"): Vec<String> = Key::list(&[]).live();
        /// Labels of the extension's service.
        labels("Labels"): BTreeMap<String, String> = Key::map().live();
        /// Labels of the extension's containers.
        container_labels("ContainerLabels"): BTreeMap<String, String> = Key::map().live();
        /// The networks that the proxy may join; unset means all.
        networks("Networks"): Vec<String> = Key::unset(Kind::List).live();
        /// On which nodes the extension may run.
        constraints("Constraints"): Vec<String> = Key::list(&["node.labels.com.docker.ucp.orchestrator.swarm==true", "node.platform.os==linux"])
            .live();
        /// How tasks of the extension are spread.
        placement_preferences("PlacementPreferences"): Vec<String> = Key::unset(Kind::List).live();
        /// The name of the extension's service.
        service_name("ServiceName"): String = Key::text("ucp-interlock-extension").live();
        /// The service cluster that is served; empty serves services that name none.
        service_cluster("ServiceCluster"): String = Key::text("").live();
        /// The image of the proxy.
        proxy_image("ProxyImage"): String = Key::text("mirantis/ucp-interlock-proxy:3.4.15").required()
            .not_empty().live();
        /// Arguments of the proxy.
        proxy_args("ProxyArgs"): Vec<String> = Key::list(&[]).live();
        /// Labels of the proxy's service.
        proxy_labels("ProxyLabels"): BTreeMap<String, String> = Key::map().live();
        /// Labels of the proxy's containers.
        proxy_container_labels("ProxyContainerLabels"): BTreeMap<String, String> = Key::map().live();
        /// The name of the proxy's service.
        proxy_service_name("ProxyServiceName"): String = Key::text("ucp-interlock-proxy").live();
        /// Where the proxy finds its configuration.
        proxy_config_path("ProxyConfigPath"): String = Key::text("/etc/nginx/nginx.conf")
            .format(Format::AbsolutePath).live();
        /// How many proxies run.
        proxy_replicas("ProxyReplicas"): i64 = Key::integer(2).min(0).live();
        /// The signal that ends a proxy.
        proxy_stop_signal("ProxyStopSignal"): String = Key::text("SIGQUIT").live();
        /// How long a proxy may take to end.
        proxy_stop_grace_period("ProxyStopGracePeriod"): String = Key::text("5s").unit("duration")
            .format(Format::Duration).live();
        /// On which nodes the proxies may run.
        proxy_constraints("ProxyConstraints"): Vec<String> = Key::list(&["node.labels.com.docker.ucp.orchestrator.swarm==true", "node.platform.os==linux"])
            .live();
        /// How the proxies are spread.
        proxy_placement_preferences("ProxyPlacementPreferences"): Vec<String> = Key::unset(Kind::List).live();
        /// How long to wait between two proxies in an update.
        proxy_update_delay("ProxyUpdateDelay"): Option<String> = Key::unset(Kind::Text).unit("duration")
            .format(Format::Duration).live();
        /// Whether ports are published by the routing mesh or on each proxy's node.
        publish_mode("PublishMode"): String = Key::text("ingress").one_of(&["ingress", "host"]).live();
        /// The port for HTTP that clients use.
        published_port("PublishedPort"): u16 = Key::integer(8080).min(1).max(65535).live();
        /// The proxy's own port for HTTP.
        target_port("TargetPort"): u16 = Key::integer(80).min(1).max(65535).live();
        /// The port for HTTPS that clients use.
        published_ssl_port("PublishedSSLPort"): u16 = Key::integer(8443).min(1).max(65535).live();
        /// The proxy's own port for HTTPS.
        target_ssl_port("TargetSSLPort"): u16 = Key::integer(443).min(1).max(65535).live();
        /// The Engine's config object that replaces the template of the proxy's configuration.
        template("Template"): Option<String> = Key::unset(Kind::Text).live();
        /// Whether routes change without a restart of the proxy.
        hitless_service_update("HitlessServiceUpdate"): bool = Key::bool(true).live();
        /// The image of the service that hands configurations to running proxies.
        config_image("ConfigImage"): String = Key::text("mirantis/ucp-interlock-config:3.4.15").live();
        /// The name of that service.
        config_service_name("ConfigServiceName"): String = Key::text("ucp-interlock-config").live();
    }
    tables {
        /// Options of the proxy itself.
        config("Config"): ExtensionConfig;
    }
}

section! {
    /// Options of the proxy itself.
    pub struct ExtensionConfig at "Extensions.<name>.Config" {
        /// A mark for the version of these options.
        version("Version"): String = Key::text("").live();
        /// The version of HTTP towards services.
        http_version("HTTPVersion"): String = Key::text("1.1").live();
        /// The user that the proxy runs as.
        user("User"): String = Key::text("nginx").live();
        /// Where the proxy writes its process number.
        pid_path("PidPath"): String = Key::text("/var/run/proxy.pid").live();
        /// How many connections one process serves.
        max_connections("MaxConnections"): i64 = Key::integer(1024).min(1).live();
        /// How many seconds a connection to a service may take.
        connect_timeout("ConnectTimeout"): i64 = Key::integer(5).unit("seconds").min(0).live();
        /// How many seconds a service may take to read.
        send_timeout("SendTimeout"): i64 = Key::integer(600).unit("seconds").min(0).live();
        /// How many seconds a service may take to answer.
        read_timeout("ReadTimeout"): i64 = Key::integer(600).unit("seconds").min(0).live();
        /// Whether a client keeps its task by its address.
        ip_hash("IPHash"): bool = Key::bool(false).live();
        /// The user of the page about the proxy's state.
        admin_user("AdminUser"): String = Key::text("").live();
        /// That user's password.
        admin_pass("AdminPass"): Secret = Key::text("").secret().live();
        /// Further options of TLS.
        ssl_opts("SSLOpts"): String = Key::text("").live();
        /// How many bits the Diffie-Hellman parameters have.
        ssl_default_dh_param("SSLDefaultDHParam"): i64 = Key::integer(1024).unit("bits").min(512).live();
        /// The file with those parameters.
        ssl_default_dh_param_path("SSLDefaultDHParamPath"): String = Key::text("").live();
        /// Whether clients must show a certificate.
        ssl_verify("SSLVerify"): String = Key::text("required").live();
        /// How many processes a proxy has.
        worker_processes("WorkerProcesses"): i64 = Key::integer(1).min(1).live();
        /// How many files a process may open.
        rlimit_no_file("RLimitNoFile"): i64 = Key::integer(65535).min(1).aliases(&["RlimitNoFile"]).live();
        /// The TLS ciphers of the proxy.
        ssl_ciphers("SSLCiphers"): String = Key::text("HIGH:!aNULL:!MD5").live();
        /// The versions of TLS of the proxy.
        ssl_protocols("SSLProtocols"): String = Key::text("TLSv1.2").live();
        /// Whether answers do not name the proxy.
        hide_info_headers("HideInfoHeaders"): bool = Key::bool(false).live();
        /// How long an idle connection of a client is kept.
        keepalive_timeout("KeepaliveTimeout"): String = Key::text("75s").live();
        /// How large a request may be.
        client_max_body_size("ClientMaxBodySize"): String = Key::text("32m").live();
        /// How much of a request's body is held in memory.
        client_body_buffer_size("ClientBodyBufferSize"): String = Key::text("8k").live();
        /// How much memory a request's headers get at first.
        client_header_buffer_size("ClientHeaderBufferSize"): String = Key::text("1k").live();
        /// Number and size of the buffers for larger headers.
        large_client_header_buffers("LargeClientHeaderBuffers"): String = Key::text("4 8k").live();
        /// How long a client may take for its body.
        client_body_timeout("ClientBodyTimeout"): String = Key::text("60s").live();
        /// Whether names of headers may have underscores.
        underscores_in_headers("UnderscoresInHeaders"): bool = Key::bool(false).live();
        /// How many kilobytes of memory processes share about services.
        upstream_zone_size("UpstreamZoneSize"): i64 = Key::integer(64).unit("KB").min(0).live();
        /// The size of a table of names; read and ignored.
        server_names_hash_bucket_size("ServerNamesHashBucketSize"): i64 = Key::integer(128).until(3, 4, 2)
            .live();
        /// Lines for the main part of the proxy's configuration.
        global_options("GlobalOptions"): Vec<String> = Key::list(&[]).live();
        /// Lines for its HTTP part.
        http_options("HTTPOptions"): Vec<String> = Key::list(&[]).live();
        /// Lines for its TCP part.
        tcp_options("TCPOptions"): Vec<String> = Key::list(&[]).live();
        /// Where requests are logged.
        access_log_path("AccessLogPath"): String = Key::text("/dev/stdout").live();
        /// Where errors are logged.
        error_log_path("ErrorLogPath"): String = Key::text("/dev/stdout").live();
        /// What is logged of a request.
        main_log_format("MainLogFormat"): Option<String> = Key::unset(Kind::Text).live();
        /// What is logged of a request that is traced.
        trace_log_format("TraceLogFormat"): Option<String> = Key::unset(Kind::Text).live();
    }
}
