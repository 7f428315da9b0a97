//! `[cluster_config]`: the cluster itself. Its many keys stand in groups, one struct each.

use super::cluster_parts::{ImagePruneFilter, Metrics, Privileges, Storage, Stores};
use super::components::{
    API_SERVER, AUTH_API, CONTROL_PLANE, CONTROLLER, CONTROLLER_MANAGER, KUBELET, PROXY, SWARM_MANAGER,
};
use super::format::Format;
use super::ingress::{IngressController, Metallb, ServiceMesh};
use super::key::{Key, Kind};
use super::kubernetes::{
    ApiServer, Controllers, CoreDnsLameduck, EventRateLimit, Kubelet, PolicyEnforcement,
};
use super::network::{CalicoProbes, KubeProxy, Network};
use super::section::section;

section! {
    /// The cluster itself.
    pub struct Cluster at "cluster_config" {
        /// The port of the web page and the API.
        controller_port: u16 = Key::integer(443).min(1).max(65535).required().flag("--controller-port")
            .risk("client bundles name the port: their users need new ones").restarts(&[CONTROLLER, PROXY]);
        /// The port of the classic Swarm manager.
        swarm_port: u16 = Key::integer(2376).min(1).max(65535).required().flag("--swarm-port")
            .restarts(&[SWARM_MANAGER]);
        /// How the classic Swarm manager places containers; services are not affected.
        swarm_strategy: String = Key::text("spread").one_of(&["spread", "binpack", "random"])
            .flag("--binpack | --random").restarts(&[SWARM_MANAGER]);
        /// Name servers for the containers of the control plane.
        dns: Vec<String> = Key::list(&[]).required().flag("--dns").format(Format::IpAddress).all_nodes(CONTROL_PLANE);
        /// Options of the resolver in the containers of the control plane.
        dns_opt: Vec<String> = Key::list(&[]).required().flag("--dns-opt").all_nodes(CONTROL_PLANE);
        /// Search domains for the containers of the control plane.
        dns_search: Vec<String> = Key::list(&[]).required().flag("--dns-search").format(Format::HostName)
            .all_nodes(CONTROL_PLANE);
        /// Whether administrators can read what a controller does with processors and memory (`/debug`).
        profiling_enabled: bool = Key::bool(false).flag("--enable-profiling").live();
        /// For how many seconds lists may be answered from access data that is not fresh; 0 never.
        authz_cache_timeout: i64 = Key::integer(0).min(0).unit("seconds").since(3, 4, 4)
            .risk("a removed right may show in lists until the time is over").live();
        /// The address that links to published services point to.
        external_service_lb: String = Key::text("").flag("--external-service-lb").format(Format::Host).live();
        /// Leaves out the response headers X-Server-Ip and X-Server-Name.
        exclude_server_identity_headers: bool = Key::bool(false).live();
        /// The cloud whose load balancers and disks Kubernetes uses.
        cloud_provider: String = Key::text("").flag("--cloud-provider")
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// How many addresses each machine on Azure gets; 0 allocates none.
        azure_ip_count: String = Key::text("128").flag("--azure-ip-count")
            .format(Format::Number { min: 0, max: 4_096 }).rule("0, or at least 6")
            .risk("machines that are there keep their addresses").all_nodes(&[KUBELET]);
        /// Whether collections of volumes are kept in the store and not in labels.
        local_volume_collection_mapping: bool = Key::bool(false).live();
        /// Whether scan results of registries show in the web page.
        image_scan_aggregation_enabled: bool = Key::bool(false).live();
        /// Which version of CVSS scan results show.
        image_scan_cvss_version: i64 = Key::integer(3).one_of(&["2", "3"]).not_in_3_4().live();
        /// Whether lists are not refreshed in the background.
        swarm_polling_disabled: bool = Key::bool(false).live();
        /// The identifier of the controller towards the authentication service.
        oidc_client_id: Option<String> = Key::unset(Kind::Text).restarts(&[CONTROLLER, AUTH_API]);
        /// Whether the web page hides what only Swarm has.
        hide_swarm_ui: bool = Key::bool(false).live();
        /// Whether the cluster runs without Kubernetes.
        swarm_only: bool = Key::bool(false).since(3, 4, 4).flag("--swarm-only").fixed_at_install();
        /// Further names in the certificates of all managers.
        shared_sans: Vec<String> = Key::list(&[]).flag("--san").format(Format::HostName).live();
        /// What users read before they log in.
        pre_logon_message: String = Key::text("").live();
        /// How many networks a collection may hold; 0 is no limit.
        networks_quota_per_collection: i64 = Key::integer(0).not_in_3_4().min(0).live();
        /// Whether clients without an identity are held to few HTTP/2 streams.
        unauthenticated_http2_dos_mitigation: bool = Key::bool(false).not_in_3_4()
            .restarts(&[CONTROLLER, API_SERVER]);
        /// Whether only HTTP/1.1 is spoken.
        disable_http2: bool = Key::bool(false).not_in_3_4().restarts(&[CONTROLLER, API_SERVER]);
        /// Whether public keys that were looked up are remembered.
        pubkey_auth_cache_enabled: bool = Key::bool(false).not_in_3_4().restarts(&[CONTROLLER]);
        /// From which processor load, in percent, the web page warns.
        cpu_usage_banner_threshold: i64 = Key::integer(20).unit("percent").not_in_3_4().live();
        /// How often that load is measured.
        cpu_usage_banner_scrape_interval: String = Key::text("10m").unit("duration").not_in_3_4()
            .format(Format::PositiveDuration).live();
        /// When unused images are removed.
        image_prune_schedule: String = Key::text("").unit("cron with seconds, or @descriptor").not_in_3_4()
            .format(Format::Cron).live();
        /// The oldest version of TLS that the controller speaks; TLS 1.2 is the least in any case.
        min_tls_version: String = Key::text("").one_of(&["", "tlsv1", "tlsv1.0", "tlsv1.1", "tlsv1.2"])
            .until(3, 0, 0).not_in_3_4().any_case().aliases(&["min_TLS_version"]).restarts(&[CONTROLLER]);
        /// The name of the Kubernetes cluster in clients' configuration.
        cluster_name: String = Key::text("kubernetes").not_in_3_4();
        /// Whether users who are no administrators may use group managed service accounts of Windows.
        gmsa_allow_non_admins: bool = Key::bool(false).not_in_3_4().restarts(&[API_SERVER]);
        /// Whether Kubernetes takes credential specifications of Windows.
        windows_gmsa: Option<bool> = Key::unset(Kind::Bool).not_in_3_4().restarts(&[API_SERVER]);
        /// Whether nodes offer their NVIDIA devices to pods.
        nvidia_device_plugin: bool = Key::bool(false).since(3, 4, 6).all_nodes(&[KUBELET]);
        /// Whether NVIDIA devices are cut into parts.
        nvidia_device_partitioner: bool = Key::bool(true).not_in_3_4().all_nodes(&[KUBELET]);
        /// Whether an update of a pod leaves its node selector alone.
        ignore_pod_updates_for_node_selector: bool = Key::bool(false).not_in_3_4().restarts(&[API_SERVER]);
    }
    parts {
        /// Where the control plane keeps its state.
        stores: Stores;
        /// What is measured and how long it is kept.
        metrics: Metrics;
        /// The network of pods and services.
        network: Network;
        /// The probes of Calico's controller.
        calico_probes: CalicoProbes;
        /// How traffic reaches services.
        kube_proxy: KubeProxy;
        /// The Kubernetes API server.
        api_server: ApiServer;
        /// Kubernetes' controller manager and scheduler.
        controllers: Controllers;
        /// What runs pods on a node.
        kubelet: Kubelet;
        /// Who may use privileged attributes of pods.
        privileges: Privileges;
        /// Volumes.
        storage: Storage;
    }
    tables {
        /// The limit on events.
        event_rate_limit("k8s_event_rate_limit"): EventRateLimit;
        /// Admission policies.
        policy("policy_enforcement"): PolicyEnforcement;
        /// How CoreDNS ends.
        core_dns_lameduck("core_dns_lameduck_config"): CoreDnsLameduck;
        /// The load balancer MetalLB.
        metallb("metallb_config"): Metallb;
        /// The ingress that came with 3.3 and 3.4.
        service_mesh("service_mesh"): ServiceMesh;
        /// The ingress since 3.5.
        ingress_controller("ingress_controller"): IngressController;
    }
    rows {
        /// Which images are never pruned.
        image_prune_whitelist("image_prune_whitelist"): ImagePruneFilter;
    }
}
