//! Groups of `[cluster_config]` about the network of pods and services.

use super::components::{
    API_SERVER, CALICO_CONTROLLERS, CALICO_NODE, CONTROLLER_MANAGER, COREDNS, KUBE_PROXY, KUBELET,
};
use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;

section! {
    /// The network of pods and services.
    pub struct Network at "cluster_config" {
        /// A manifest of another CNI plugin; empty installs Calico.
        cni_installer_url: String = Key::text("").flag("--cni-installer-url").format(Format::HttpUrl)
            .fixed_at_install();
        /// Whether the operator looks after the CNI plugin.
        unmanaged_cni: bool = Key::bool(false).flag("--unmanaged-cni").fixed_at_install();
        /// The network that pods get their addresses from.
        pod_cidr: String = Key::text("192.168.0.0/16").unit("CIDR").required().flag("--pod-cidr")
            .format(Format::Cidr).not_empty()
            .rule("no address in common with `service_cluster_ip_range`; on Azure the network of the nodes, with VXLAN another one")
            .risk("pods keep their addresses until they start again")
            .all_nodes(&[CALICO_NODE, CONTROLLER_MANAGER]);
        /// The network that services get their addresses from.
        service_cluster_ip_range: String = Key::text("10.96.0.0/16").unit("CIDR").required()
            .flag("--service-cluster-ip-range").format(Format::Cidr).not_empty()
            .aliases(&["service-cluster-ip-range"]).rule("no address in common with `pod_cidr`")
            .risk("services that exist keep their addresses").restarts(&[API_SERVER, CONTROLLER_MANAGER]);
        /// The ports that services may take on every node.
        nodeport_range: String = Key::text("32768-35535").required().flag("--nodeport-range")
            .format(Format::PortRange).not_empty()
            .rule("the lower port first; the ports of the ingress lie in it, those of the control plane do not")
            .all_nodes(&[API_SERVER, KUBELET]);
        /// The largest packet of Calico's interfaces, in bytes.
        calico_mtu: String = Key::text("1480").unit("bytes").flag("--cni-mtu")
            .format(Format::Number { min: 576, max: 65_535 })
            .rule("less 20 for IPIP and 50 for VXLAN than the network carries").all_nodes(&[CALICO_NODE]);
        /// The largest packet in an IPIP tunnel, in bytes.
        ipip_mtu: String = Key::text("1480").unit("bytes").format(Format::Number { min: 576, max: 65_535 })
            .all_nodes(&[CALICO_NODE]);
        /// Whether pods' traffic between nodes travels in VXLAN instead of IPIP.
        calico_vxlan: bool = Key::bool(true).since(3, 3, 0).flag("--calico-vxlan")
            .risk("pods cannot reach other nodes while nodes differ").all_nodes(&[CALICO_NODE]);
        /// The largest packet in a VXLAN tunnel, in bytes.
        calico_vxlan_mtu: String = Key::text("1450").unit("bytes").flag("--cni-mtu")
            .format(Format::Number { min: 576, max: 65_535 }).all_nodes(&[CALICO_NODE]);
        /// The UDP port of VXLAN.
        calico_vxlan_port: String = Key::text("4789").format(Format::Number { min: 1, max: 65_535 })
            .all_nodes(&[CALICO_NODE]);
        /// The identifier of the VXLAN.
        vxlan_vni: i64 = Key::integer(10000).min(10000).max(20000).flag("--vxlan-vni")
            .rule("another than 10000 needs `calico_vxlan`").all_nodes(&[CALICO_NODE]);
        /// How Calico finds a node's own address.
        calico_ip_auto_method: String = Key::text("").flag("--calico-ip-auto-method")
            .all_nodes(&[CALICO_NODE]);
        /// Whether pods' traffic between nodes is encrypted with IPsec.
        secure_overlay: bool = Key::bool(false).flag("--secure-overlay")
            .rule("not with `unmanaged_cni` or `calico_vxlan`; packets have at most 1452 bytes then").all_nodes(&[CALICO_NODE]);
        /// Whether a node uses only address blocks of its own.
        calico_strict_affinity: bool = Key::bool(false).not_in_3_4().all_nodes(&[CALICO_NODE]);
        /// Whether Calico keeps its data in the Kubernetes API instead of etcd.
        calico_kdd: bool = Key::bool(false).not_in_3_4().rule("can be switched on, never off").lasting()
            .risk("networking stands still for about 20 seconds on each node, and there is no way back")
            .all_nodes(&[CALICO_NODE, CALICO_CONTROLLERS]);
        /// Whether Calico moves packets with eBPF.
        calico_ebpf_enabled: bool = Key::bool(false).not_in_3_4().flag("--calico-ebpf-enabled")
            .rule("`kube_proxy_mode` is `disabled` then").all_nodes(&[CALICO_NODE, KUBE_PROXY]);
        /// Whether iptables marks packets with the usual bits of Kubernetes.
        kube_default_drop_masq_bits: bool = Key::bool(false).not_in_3_4().all_nodes(&[KUBE_PROXY, KUBELET]);
        /// Whether Multus gives pods more than one network.
        multus_cni: Option<bool> = Key::unset(Kind::Bool).since(3, 7, 0).not_in_3_4().flag("--multus-cni")
            .fixed_at_install();
        /// Whether each node caches DNS answers.
        node_local_dns: Option<bool> = Key::unset(Kind::Bool).not_in_3_4().all_nodes(&[COREDNS]);
    }
}

section! {
    /// The probes of Calico's controller.
    pub struct CalicoProbes at "cluster_config" {
        /// Whether the probes of Calico's controller are set here.
        calico_controller_probes_tuning: bool = Key::bool(false).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// After how many failed liveness probes it starts again.
        calico_controller_liveness_probe_failure_threshold: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// How many seconds pass before the first liveness probe.
        calico_controller_liveness_probe_initial_delay_seconds: i64 = Key::integer(-1).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// How many seconds lie between liveness probes.
        calico_controller_liveness_probe_period_seconds: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// After how many good liveness probes it counts as alive.
        calico_controller_liveness_probe_success_threshold: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// How many seconds a liveness probe may take.
        calico_controller_liveness_probe_timeout_seconds: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// After how many failed readiness probes it counts as not ready.
        calico_controller_readiness_probe_failure_threshold: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// How many seconds pass before the first readiness probe.
        calico_controller_readiness_probe_initial_delay_seconds: i64 = Key::integer(-1).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// How many seconds lie between readiness probes.
        calico_controller_readiness_probe_period_seconds: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// After how many good readiness probes it counts as ready.
        calico_controller_readiness_probe_success_threshold: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
        /// How many seconds a readiness probe may take.
        calico_controller_readiness_probe_timeout_seconds: i64 = Key::integer(0).not_in_3_4()
            .all_nodes(&[CALICO_CONTROLLERS]);
    }
}

section! {
    /// How traffic reaches services.
    pub struct KubeProxy at "cluster_config" {
        /// With what kube-proxy moves packets to services.
        kube_proxy_mode: String = Key::text("iptables").one_of(&["iptables", "ipvs", "disabled"])
            .flag("--kube-proxy-mode").fixed_at_install();
        /// Networks whose IPVS rules kube-proxy leaves alone.
        ipvs_exclude_cidrs: Vec<String> = Key::unset(Kind::List).since(3, 4, 4).format(Format::Cidr)
            .all_nodes(&[KUBE_PROXY]);
        /// The shortest time between two looks at the IPVS rules.
        ipvs_min_sync_period: Option<String> = Key::unset(Kind::Text).since(3, 4, 4).format(Format::Duration)
            .all_nodes(&[KUBE_PROXY]);
        /// By which method IPVS chooses an endpoint.
        ipvs_scheduler: Option<String> = Key::unset(Kind::Text).since(3, 4, 4).all_nodes(&[KUBE_PROXY]);
        /// Whether nodes answer ARP for their own addresses only.
        ipvs_strict_arp: bool = Key::bool(false).since(3, 4, 4).all_nodes(&[KUBE_PROXY]);
        /// The usual time between two looks at the IPVS rules.
        ipvs_sync_period: Option<String> = Key::unset(Kind::Text).since(3, 4, 4).format(Format::Duration)
            .all_nodes(&[KUBE_PROXY]);
        /// How long an idle TCP connection is remembered.
        ipvs_tcp_timeout: Option<String> = Key::unset(Kind::Text).since(3, 4, 4).format(Format::Duration)
            .all_nodes(&[KUBE_PROXY]);
        /// How long a TCP connection is remembered after its end.
        ipvs_tcpfin_timeout: Option<String> = Key::unset(Kind::Text).since(3, 4, 4).format(Format::Duration)
            .all_nodes(&[KUBE_PROXY]);
        /// How long UDP packets are remembered.
        ipvs_udp_timeout: Option<String> = Key::unset(Kind::Text).since(3, 4, 4).format(Format::Duration)
            .all_nodes(&[KUBE_PROXY]);
        /// Further flags for kube-proxy.
        custom_kube_proxy_flags: Vec<String> = Key::list(&[]).not_in_3_4().format(Format::Flag)
            .all_nodes(&[KUBE_PROXY]);
        /// Whether kube-proxy leaves old rules in place when it starts.
        kube_proxy_no_cleanup_on_start: bool = Key::bool(true).not_in_3_4().all_nodes(&[KUBE_PROXY]);
        /// Whether kube-proxy reads a file instead of flags.
        kube_proxy_use_config_file: bool = Key::bool(false).not_in_3_4().all_nodes(&[KUBE_PROXY]);
        /// The text of that file.
        custom_proxy_config_yaml: String = Key::text("").not_in_3_4().all_nodes(&[KUBE_PROXY]);
    }
}
