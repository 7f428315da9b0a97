//! The flags of kube-controller-manager and kube-scheduler.

use super::Work;
use super::api_server::cloud;

/// The last release (of Kubernetes 1) that opens a port without TLS unless it is told not to.
const LAST_WITH_PLAIN_PORT: u16 = 23;

/// Where both listen unless they are told otherwise: only their own manager asks them anything.
const LOOPBACK: &str = "127.0.0.1";

pub(super) fn controller_manager(work: &mut Work<'_>) {
    if work.is_absent(work.facts.not_on_workers()) {
        return;
    }
    let cluster = &work.config.cluster;
    let (network, own) = (&cluster.network, &cluster.controllers);
    work.flags
        .fixed("bind-address", LOOPBACK, "only its own manager asks it");
    common(work, "controller-manager");
    let flags = &mut work.flags;
    flags.key(
        "cluster-name",
        &cluster.cluster_name,
        "cluster_config.cluster_name",
    );
    flags.key("cluster-cidr", &network.pod_cidr, "cluster_config.pod_cidr");
    // Calico gives out addresses itself; most other plugins read the range of each node.
    flags.key(
        "allocate-node-cidrs",
        network.unmanaged_cni,
        "cluster_config.unmanaged_cni",
    );
    flags.key(
        "service-cluster-ip-range",
        &network.service_cluster_ip_range,
        "cluster_config.service_cluster_ip_range",
    );
    let paths = &work.facts.paths;
    flags.fact(
        "root-ca-file",
        format!("{}/ca.pem", paths.node_certs),
        "paths.node_certs",
    );
    flags.fact(
        "service-account-private-key-file",
        format!("{}/service-account.key", paths.config),
        "paths.config",
    );
    flags.fixed(
        "use-service-account-credentials",
        true,
        "each controller holds only what it needs",
    );
    flags.key(
        "profiling",
        own.kube_controller_manager_profiling_enabled,
        "cluster_config.kube_controller_manager_profiling_enabled",
    );
    flags.key(
        "terminated-pod-gc-threshold",
        own.kube_manager_terminated_pod_gc_threshold,
        "cluster_config.kube_manager_terminated_pod_gc_threshold",
    );
    cloud(work);
    work.custom(
        "cluster_config.custom_kube_controller_manager_flags",
        &own.custom_kube_controller_manager_flags,
    );
}

pub(super) fn scheduler(work: &mut Work<'_>) {
    if work.is_absent(work.facts.not_on_workers()) {
        return;
    }
    let own = &work.config.cluster.controllers;
    let address = if own.kube_scheduler_bind_to_all {
        "0.0.0.0"
    } else {
        LOOPBACK
    };
    work.flags.key(
        "bind-address",
        address,
        "cluster_config.kube_scheduler_bind_to_all",
    );
    common(work, "scheduler");
    work.flags.key(
        "profiling",
        own.kube_scheduler_profiling_enabled,
        "cluster_config.kube_scheduler_profiling_enabled",
    );
    work.custom(
        "cluster_config.custom_kube_scheduler_flags",
        &own.custom_kube_scheduler_flags,
    );
}

/// What both have in common.
fn common(work: &mut Work<'_>, name: &str) {
    let config = work.config_path(&format!("{name}.kubeconfig"));
    for flag in [
        "kubeconfig",
        "authentication-kubeconfig",
        "authorization-kubeconfig",
    ] {
        work.flags.fact(flag, &config, "paths.config");
    }
    let flags = &mut work.flags;
    if work.facts.kubernetes_minor <= LAST_WITH_PLAIN_PORT {
        flags.fixed("port", 0, "nothing is served without TLS");
    }
    flags.fixed("leader-elect", true, "one of the managers acts at a time");
}
