//! The environment of Calico: data plane, packet sizes, datastore (CFG-036), probes. With a plugin of somebody else
//! there is nothing to render.

use super::Work;
use super::api_server::STORE_PORT;
use super::flags::Origin;
use crate::config::Config;

/// Where Felix, the agent on each node, shows its measurements.
const NODE_METRICS: u16 = 9_091;
/// Where calico-kube-controllers shows its own.
const CONTROLLERS_METRICS: u16 = 9_094;
/// Where Felix says whether it is well.
const HEALTH: u16 = 9_099;

pub(super) fn render(work: &mut Work<'_>) {
    let network = &work.config.cluster.network;
    let other = if network.unmanaged_cni {
        Some("`cluster_config.unmanaged_cni` is on: the operator looks after the network plugin".to_owned())
    } else if network.cni_installer_url.is_empty() {
        None
    } else {
        Some("`cluster_config.cni_installer_url` installs another network plugin".to_owned())
    };
    if work.is_absent(other) {
        return;
    }
    datastore(work);
    data_plane(work);
    work.variable(
        "CALICO_IPV4POOL_CIDR",
        &network.pod_cidr,
        Origin::Key("cluster_config.pod_cidr"),
    );
    if !network.calico_ip_auto_method.is_empty() {
        let key = Origin::Key("cluster_config.calico_ip_auto_method");
        work.variable("IP_AUTODETECTION_METHOD", &network.calico_ip_auto_method, key);
    }
    let key = Origin::Key("cluster_config.calico_ebpf_enabled");
    work.variable("FELIX_BPFENABLED", network.calico_ebpf_enabled, key);
    let key = Origin::Key("cluster_config.calico_strict_affinity");
    work.variable("STRICT_AFFINITY", network.calico_strict_affinity, key);
    for (name, port) in [
        ("FELIX_HEALTHPORT", HEALTH),
        ("FELIX_PROMETHEUSMETRICSPORT", NODE_METRICS),
        ("KUBE_CONTROLLERS_PROMETHEUSMETRICSPORT", CONTROLLERS_METRICS),
    ] {
        work.variable(name, port, Origin::Fixed("the product's port"));
    }
    let why = Origin::Fixed("the product reads them");
    work.variable("FELIX_PROMETHEUSMETRICSENABLED", true, why);
    probes(work);
    let controls = work.environment.iter();
    let odd: Vec<_> = controls
        .filter(|variable| variable.value.chars().any(char::is_control))
        .map(|variable| variable.origin.to_string())
        .collect();
    for place in odd {
        work.problems.add(place, "holds a control character: remove it");
    }
}

fn datastore(work: &mut Work<'_>) {
    const KDD: Origin = Origin::Key("cluster_config.calico_kdd");
    if work.config.cluster.network.calico_kdd {
        work.variable("DATASTORE_TYPE", "kubernetes", KDD);
        return;
    }
    work.variable("DATASTORE_TYPE", "etcdv3", KDD);
    let servers = work.facts.managers.iter();
    let servers: Vec<_> = servers
        .map(|manager| super::etcd::url(*manager, STORE_PORT))
        .collect();
    work.variable("ETCD_ENDPOINTS", servers.join(","), Origin::Fact("managers"));
    for (name, file) in [
        ("ETCD_CA_CERT_FILE", "ca.pem"),
        ("ETCD_CERT_FILE", "cert.pem"),
        ("ETCD_KEY_FILE", "key.pem"),
    ] {
        let path = format!("{}/{file}", work.facts.paths.kv_certs);
        work.variable(name, path, Origin::Fact("paths.kv_certs"));
    }
}

/// How packets travel between nodes, and how large they may be.
fn data_plane(work: &mut Work<'_>) {
    let network = &work.config.cluster.network;
    const VXLAN: &str = "cluster_config.calico_vxlan";
    let (vxlan, ipip, backend) = if network.calico_vxlan {
        ("Always", "Never", "vxlan")
    } else {
        ("Never", "Always", "bird")
    };
    work.variable("CALICO_NETWORKING_BACKEND", backend, Origin::Key(VXLAN));
    work.variable("CALICO_IPV4POOL_VXLAN", vxlan, Origin::Key(VXLAN));
    work.variable("CALICO_IPV4POOL_IPIP", ipip, Origin::Key(VXLAN));
    if network.calico_vxlan {
        let mtu = Origin::Key("cluster_config.calico_vxlan_mtu");
        work.variable("CNI_MTU", &network.calico_vxlan_mtu, mtu.clone());
        work.variable("FELIX_VXLANMTU", &network.calico_vxlan_mtu, mtu);
        let port = Origin::Key("cluster_config.calico_vxlan_port");
        work.variable("FELIX_VXLANPORT", &network.calico_vxlan_port, port);
        let vni = Origin::Key("cluster_config.vxlan_vni");
        work.variable("FELIX_VXLANVNI", network.vxlan_vni, vni);
    } else {
        let mtu = Origin::Key("cluster_config.calico_mtu");
        work.variable("CNI_MTU", &network.calico_mtu, mtu);
        let mtu = Origin::Key("cluster_config.ipip_mtu");
        work.variable("FELIX_IPINIPMTU", &network.ipip_mtu, mtu);
    }
    if network.secure_overlay {
        if network.calico_vxlan {
            work.problems.add(
                "cluster_config.secure_overlay",
                "encrypts IPIP only, and pods' traffic travels in VXLAN: set `cluster_config.calico_vxlan` to false, or \
                 this, because nothing would be encrypted",
            );
        }
        work.notes.push(
            "secure overlay runs beside it: an agent on each node, and one manager of its keys".to_owned(),
        );
    }
}

/// The probes of calico-kube-controllers, as fields of a probe of Kubernetes.
fn probes(work: &mut Work<'_>) {
    let probes = &work.config.cluster.calico_probes;
    if !probes.calico_controller_probes_tuning {
        return;
    }
    let text = probe_patch(work.config);
    let key = Origin::Key("cluster_config.calico_controller_probes_tuning");
    work.file("calico-kube-controllers-probes.yaml", text, key);
}

fn probe_patch(config: &Config) -> String {
    let probes = &config.cluster.calico_probes;
    super::api_server::yaml(&serde_json::json!({
        "livenessProbe": {
            "failureThreshold": probes.calico_controller_liveness_probe_failure_threshold,
            "initialDelaySeconds": probes.calico_controller_liveness_probe_initial_delay_seconds,
            "periodSeconds": probes.calico_controller_liveness_probe_period_seconds,
            "successThreshold": probes.calico_controller_liveness_probe_success_threshold,
            "timeoutSeconds": probes.calico_controller_liveness_probe_timeout_seconds,
        },
        "readinessProbe": {
            "failureThreshold": probes.calico_controller_readiness_probe_failure_threshold,
            "initialDelaySeconds": probes.calico_controller_readiness_probe_initial_delay_seconds,
            "periodSeconds": probes.calico_controller_readiness_probe_period_seconds,
            "successThreshold": probes.calico_controller_readiness_probe_success_threshold,
            "timeoutSeconds": probes.calico_controller_readiness_probe_timeout_seconds,
        },
    }))
}
