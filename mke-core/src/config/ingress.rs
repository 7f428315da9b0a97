//! Groups of `[cluster_config]` about traffic from outside: the ingress of both generations, and MetalLB.

use std::collections::BTreeMap;

use super::components::{INGRESS_NGINX, ISTIO, METALLB};
use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;

section! {
    /// The load balancer MetalLB.
    pub struct Metallb at "cluster_config.metallb_config" {
        /// Whether MetalLB gives services addresses from outside.
        enabled: bool = Key::bool(false).not_in_3_4().rule("needs an address pool").all_nodes(&[METALLB]);
    }
    rows {
        /// The addresses that MetalLB may give.
        pools("metallb_ip_addr_pool"): MetallbPool;
    }
}

section! {
    /// Addresses that MetalLB may give.
    pub struct MetallbPool at "cluster_config.metallb_config.metallb_ip_addr_pool[]" {
        /// The name of the pool.
        name: String = Key::unset(Kind::Text).required().not_in_3_4().not_empty().all_nodes(&[METALLB]);
        /// The networks of the pool.
        external_ip: Vec<String> = Key::unset(Kind::List).required().not_in_3_4().format(Format::Cidr).not_empty().all_nodes(&[METALLB]);
    }
}

section! {
    /// The ingress that came with 3.3 and 3.4.
    pub struct ServiceMesh at "cluster_config.service_mesh" {
        /// Whether the ingress runs.
        enabled: bool = Key::bool(false).since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// How many proxies it has.
        ingress_num_replicas: i64 = Key::integer(2).min(1).since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// Addresses from outside at which it is reached.
        ingress_external_ips: Vec<String> = Key::list(&[]).since(3, 3, 0).until(3, 4, 0)
            .format(Format::IpAddress).all_nodes(&[ISTIO]);
        /// Whether it asks for a load balancer.
        ingress_enable_lb: bool = Key::bool(false).since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// Whether workloads see the addresses of clients.
        ingress_preserve_client_ip: bool = Key::bool(false).since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
    }
    rows {
        /// The ports at which it is reached.
        ports("ingress_exposed_ports"): ServiceMeshPort = vec![
            ServiceMeshPort::new("http2", 80, 33000),
            ServiceMeshPort::new("https", 443, 33001),
            ServiceMeshPort::new("tcp", 31400, 33002),
        ];
        /// The nodes that its proxies prefer.
        affinity("ingress_node_affinity"): ServiceMeshAffinity = vec![ServiceMeshAffinity::default()];
        /// The taints that its proxies bear.
        toleration("ingress_node_toleration"): ServiceMeshToleration = vec![ServiceMeshToleration::default()];
    }
}

section! {
    /// A port of the ingress.
    pub struct ServiceMeshPort at "cluster_config.service_mesh.ingress_exposed_ports[]" {
        /// The name of the port.
        name: String = Key::unset(Kind::Text).required().since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// The port of the service.
        port: u16 = Key::unset(Kind::Integer).min(1).max(65535).required().since(3, 3, 0).until(3, 4, 0)
            .all_nodes(&[ISTIO]);
        /// The port of the proxy; 0 chooses one.
        target_port: u16 = Key::integer(0).min(0).max(65535).since(3, 3, 0).until(3, 4, 0)
            .all_nodes(&[ISTIO]);
        /// The port on every node.
        node_port: Option<u16> = Key::unset(Kind::Integer).min(0).max(65535).since(3, 3, 0).until(3, 4, 0)
            .rule("lies in `cluster_config.nodeport_range`").all_nodes(&[ISTIO]);
    }
}

section! {
    /// A label that proxies prefer.
    pub struct ServiceMeshAffinity at "cluster_config.service_mesh.ingress_node_affinity[]" {
        /// The label that proxies look for.
        key: String = Key::text("com.docker.ucp.manager").since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// Its value.
        value: String = Key::text("").since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
    }
}

section! {
    /// A taint that proxies bear.
    pub struct ServiceMeshToleration at "cluster_config.service_mesh.ingress_node_toleration[]" {
        /// The taint that proxies bear.
        key: String = Key::text("com.docker.ucp.manager").since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// Its value.
        value: String = Key::text("").since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
        /// Whether the taint must have that value or only be there.
        operator: String = Key::text("Exists").one_of(&["Exists", "Equal"]).since(3, 3, 0).until(3, 4, 0)
            .all_nodes(&[ISTIO]);
        /// What the taint does to others.
        effect: String = Key::text("NoSchedule").one_of(&["NoSchedule", "PreferNoSchedule", "NoExecute"])
            .since(3, 3, 0).until(3, 4, 0).all_nodes(&[ISTIO]);
    }
}

section! {
    /// The ingress since 3.5.
    pub struct IngressController at "cluster_config.ingress_controller" {
        /// Whether the ingress runs.
        enabled: bool = Key::bool(false).since(3, 5, 0).not_in_3_4().all_nodes(&[INGRESS_NGINX]);
        /// How many proxies it has.
        ingress_num_replicas: i64 = Key::integer(2).min(1).since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// Addresses from outside at which it is reached.
        ingress_external_ips: Vec<String> = Key::list(&[]).since(3, 5, 0).not_in_3_4()
            .format(Format::IpAddress).all_nodes(&[INGRESS_NGINX]);
        /// Whether it asks for a load balancer.
        ingress_enable_lb: bool = Key::bool(false).since(3, 5, 0).not_in_3_4().all_nodes(&[INGRESS_NGINX]);
        /// Whether workloads see the addresses of clients.
        ingress_preserve_client_ip: bool = Key::bool(false).since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// Further options of its NGINX.
        ingress_config_map: BTreeMap<String, String> = Key::map().since(3, 5, 0).not_in_3_4()
            .aliases(&["config_map"]).all_nodes(&[INGRESS_NGINX]);
        /// TCP ports and the service behind each, as `namespace/service:port`.
        ingress_tcp_services: BTreeMap<String, String> = Key::map().since(3, 7, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// UDP ports and the service behind each, as `namespace/service:port`.
        ingress_udp_services: BTreeMap<String, String> = Key::map().since(3, 7, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
    }
    tables {
        /// Its further flags.
        extra_args("ingress_extra_args"): IngressExtraArgs;
    }
    rows {
        /// The ports at which it is reached.
        ports("ingress_exposed_ports"): IngressPort = vec![
            IngressPort::new("http2", 80, 33000),
            IngressPort::new("https", 443, 33001),
            IngressPort::new("tcp", 31400, 33002),
        ];
        /// The nodes that its proxies prefer.
        affinity("ingress_node_affinity"): IngressAffinity = vec![IngressAffinity::default()];
        /// The taints that its proxies bear.
        toleration("ingress_node_toleration"): IngressToleration = vec![IngressToleration::default()];
    }
}

section! {
    /// Further flags of the ingress.
    pub struct IngressExtraArgs at "cluster_config.ingress_controller.ingress_extra_args" {
        /// Its own port for HTTP.
        http_port: u16 = Key::integer(80).since(3, 7, 0).not_in_3_4().min(1).max(65_535)
            .all_nodes(&[INGRESS_NGINX]);
        /// Its own port for HTTPS.
        https_port: u16 = Key::integer(443).since(3, 7, 0).not_in_3_4().min(1).max(65_535)
            .all_nodes(&[INGRESS_NGINX]);
        /// Whether TLS is passed on to workloads that end it themselves.
        enable_ssl_passthrough: bool = Key::bool(false).since(3, 7, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// The certificate for names that have none, as `namespace/name`.
        default_ssl_certificate: String = Key::text("").since(3, 7, 0).not_in_3_4()
            .format(Format::NamespacedName).all_nodes(&[INGRESS_NGINX]);
        /// The service for names that none answers for, as `namespace/name`.
        default_backend_service: String = Key::text("").since(3, 7, 0).not_in_3_4()
            .format(Format::NamespacedName).all_nodes(&[INGRESS_NGINX]);
    }
}

section! {
    /// A port of the ingress.
    pub struct IngressPort at "cluster_config.ingress_controller.ingress_exposed_ports[]" {
        /// The name of the port.
        name: String = Key::unset(Kind::Text).required().since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// The port of the service.
        port: u16 = Key::unset(Kind::Integer).min(1).max(65535).required().since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// The port of the proxy; 0 chooses one.
        target_port: u16 = Key::integer(0).min(0).max(65535).since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// The port on every node.
        node_port: Option<u16> = Key::unset(Kind::Integer).min(0).max(65535).since(3, 5, 0).not_in_3_4()
            .rule("lies in `cluster_config.nodeport_range`").all_nodes(&[INGRESS_NGINX]);
        /// The transport of the port; empty is TCP.
        protocol: String = Key::text("").since(3, 5, 0).not_in_3_4().all_nodes(&[INGRESS_NGINX]);
    }
}

section! {
    /// A label that proxies prefer.
    pub struct IngressAffinity at "cluster_config.ingress_controller.ingress_node_affinity[]" {
        /// The label that proxies look for.
        key: String = Key::text("com.docker.ucp.manager").since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// Its value.
        value: String = Key::text("").since(3, 5, 0).not_in_3_4().all_nodes(&[INGRESS_NGINX]);
    }
}

section! {
    /// A taint that proxies bear.
    pub struct IngressToleration at "cluster_config.ingress_controller.ingress_node_toleration[]" {
        /// The taint that proxies bear.
        key: String = Key::text("com.docker.ucp.manager").since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// Its value.
        value: String = Key::text("").since(3, 5, 0).not_in_3_4().all_nodes(&[INGRESS_NGINX]);
        /// Whether the taint must have that value or only be there.
        operator: String = Key::text("Exists").one_of(&["Exists", "Equal"]).since(3, 5, 0).not_in_3_4()
            .all_nodes(&[INGRESS_NGINX]);
        /// What the taint does to others.
        effect: String = Key::text("NoSchedule").one_of(&["NoSchedule", "PreferNoSchedule", "NoExecute"])
            .since(3, 5, 0).not_in_3_4().all_nodes(&[INGRESS_NGINX]);
    }
}
