//! The flags of kubelets: limits and reserved resources (CFG-021, CFG-022), profiles (CFG-044), and where they differ
//! between managers, workers and Windows.
//!
//! Which profile a node has is said by a label on it; whoever knows labels puts its name into the facts. A profile's
//! flags come last, after custom flags for all nodes.

use super::api_server::cloud_config;
use super::facts::{NodeRole, OperatingSystem, Orchestrator};
use super::flags::Origin;
use super::tls::cipher_suites;
use super::{Mount, Work, coredns};
use crate::config::Config;

/// The first release (of Kubernetes 1) in which kubelets give pods a seccomp profile when they are told to.
const FIRST_WITH_SECCOMP: u16 = 25;

/// The last release that must be told not to look for the Engine.
const LAST_WITH_ENGINE: u16 = 26;

/// The bits with which Kubernetes marks packets by itself.
pub(super) const MASQUERADE_BIT: u8 = 14;
const DROP_BIT: u8 = 15;

/// The last release whose kubelets mark packets.
const LAST_WITH_BITS: u16 = 26;

/// How many pods a node runs at most (CFG-022): `kubelet_max_pods`, or fewer when `kubelet_pods_per_core` and the number
/// of cores say so.
pub fn pod_limit(config: &Config, cores: Option<u32>) -> i64 {
    let kubelet = &config.cluster.kubelet;
    let per_core = Some(kubelet.kubelet_pods_per_core).filter(|pods| *pods > 0);
    let by_cores = per_core
        .zip(cores)
        .map(|(pods, cores)| pods.saturating_mul(cores.into()));
    by_cores.map_or(kubelet.kubelet_max_pods, |pods| {
        pods.min(kubelet.kubelet_max_pods)
    })
}

pub(super) fn render(work: &mut Work<'_>) {
    let (config, facts) = (work.config, work.facts);
    let kubelet = &config.cluster.kubelet;
    let windows = facts.os == OperatingSystem::Windows;
    let flags = &mut work.flags;
    flags.fact("hostname-override", &facts.name, "name");
    flags.fact("node-ip", facts.address, "address");
    let config_file = work.config_path("kubelet.kubeconfig");
    work.flags.fact("kubeconfig", config_file, "paths.config");
    if windows {
        let key = "cluster_config.windows_kubelet_data_root";
        work.flags
            .key("root-dir", &kubelet.windows_kubelet_data_root, key);
    } else {
        let key = "cluster_config.kubelet_data_root";
        work.flags.key("root-dir", &kubelet.kubelet_data_root, key);
    }
    runtime(work);
    work.certificates(
        &facts.paths.node_certs,
        [
            ("client-ca-file", "ca.pem"),
            ("tls-cert-file", "cert.pem"),
            ("tls-private-key-file", "key.pem"),
        ],
        "paths.node_certs",
    );
    let flags = &mut work.flags;
    flags.fixed("tls-min-version", "VersionTLS12", "older versions are not safe");
    flags.fixed("anonymous-auth", false, "only the API server calls");
    flags.fixed(
        "authentication-token-webhook",
        true,
        "the API server says who a token is",
    );
    flags.fixed("authorization-mode", "Webhook", "the API server says who may");
    flags.fixed("port", 10_250, "the port of kubelets");
    flags.fixed("read-only-port", 0, "nothing is served without TLS");
    cipher_suites(
        work,
        "tls-cipher-suites",
        &kubelet.cipher_suites_for_kubelet,
        "cluster_config.cipher_suites_for_kubelet",
    );
    names(work);
    limits(work);
    marks(work);
    if !windows {
        linux(work);
    }
    let provider = &config.cluster.cloud_provider;
    if !provider.is_empty() {
        work.flags
            .key("cloud-provider", provider, "cluster_config.cloud_provider");
        if provider != "external" {
            cloud_config(work);
        }
    }
    work.custom(
        "cluster_config.custom_kubelet_flags",
        &kubelet.custom_kubelet_flags,
    );
    profile(work);
    say_limit(work);
}

/// How many pods this node runs, unless custom flags have a say in it.
fn say_limit(work: &mut Work<'_>) {
    let own = |name: &str| {
        work.flags
            .list
            .iter()
            .filter(|flag| flag.name.replace('_', "-") == name)
            .count()
            == 1
    };
    let per_core = work.config.cluster.kubelet.kubelet_pods_per_core;
    let cores = work
        .facts
        .cores
        .filter(|_| per_core > 0 && own("max-pods") && own("pods-per-core"));
    if let Some(cores) = cores {
        let pods = pod_limit(work.config, Some(cores));
        work.notes
            .push(format!("with {cores} cores this node runs at most {pods} pods"));
    }
}

fn runtime(work: &mut Work<'_>) {
    let facts = work.facts;
    if facts.kubernetes_minor <= LAST_WITH_ENGINE {
        work.flags
            .fixed("container-runtime", "remote", "pods run in containerd");
    }
    let socket = match facts.os {
        OperatingSystem::Linux => format!("unix://{}", facts.paths.containerd),
        OperatingSystem::Windows => "npipe:////./pipe/containerd-containerd".to_owned(),
    };
    work.flags
        .fact("container-runtime-endpoint", socket, "paths.containerd");
}

fn names(work: &mut Work<'_>) {
    let network = &work.config.cluster.network;
    if network.node_local_dns == Some(true) {
        let key = "cluster_config.node_local_dns";
        work.flags.key("cluster-dns", coredns::NODE_LOCAL, key);
    } else if let Some(address) = coredns::address(&network.service_cluster_ip_range) {
        let key = "cluster_config.service_cluster_ip_range";
        work.flags.key("cluster-dns", address, key);
    }
    let why = "the domain of every cluster here";
    work.flags.fixed("cluster-domain", coredns::DOMAIN, why);
}

fn limits(work: &mut Work<'_>) {
    let kubelet = &work.config.cluster.kubelet;
    let flags = &mut work.flags;
    flags.key(
        "max-pods",
        kubelet.kubelet_max_pods,
        "cluster_config.kubelet_max_pods",
    );
    flags.key(
        "pods-per-core",
        kubelet.kubelet_pods_per_core,
        "cluster_config.kubelet_pods_per_core",
    );
    let (reserved, key) = match work.facts.role {
        NodeRole::Manager => (
            &kubelet.manager_kube_reserved_resources,
            "cluster_config.manager_kube_reserved_resources",
        ),
        NodeRole::Worker => (
            &kubelet.worker_kube_reserved_resources,
            "cluster_config.worker_kube_reserved_resources",
        ),
    };
    flags.key_if_given("kube-reserved", Some(reserved), key);
    flags.key(
        "event-qps",
        kubelet.kubelet_event_record_qps,
        "cluster_config.kubelet_event_record_qps",
    );
    if kubelet.kubelet_pods_per_core > kubelet.kubelet_max_pods
        || !(1..=250).contains(&kubelet.kubelet_max_pods)
    {
        work.problems.add(
            "cluster_config.kubelet_max_pods",
            format!(
                "{} pods with {} for each core cannot be: use 1 to 250, and at most as many for each core",
                kubelet.kubelet_max_pods, kubelet.kubelet_pods_per_core
            ),
        );
    }
}

/// Labels and taints that keep pods where they belong.
fn marks(work: &mut Work<'_>) {
    let mut taints = Vec::new();
    if work.facts.role == NodeRole::Manager {
        let flags = &mut work.flags;
        flags.fact("node-labels", "com.docker.ucp.manager=", "role");
        taints.push("com.docker.ucp.manager=:NoSchedule");
    }
    if work.facts.orchestrator == Orchestrator::Swarm {
        taints.push("com.docker.ucp.orchestrator.kubernetes=:NoExecute");
    }
    if !taints.is_empty() {
        work.flags
            .fact("register-with-taints", taints.join(","), "role and orchestrator");
    }
}

fn linux(work: &mut Work<'_>) {
    let cluster = &work.config.cluster;
    let kubelet = &cluster.kubelet;
    let minor = work.facts.kubernetes_minor;
    let flags = &mut work.flags;
    flags.key(
        "protect-kernel-defaults",
        kubelet.kube_protect_kernel_defaults,
        "cluster_config.kube_protect_kernel_defaults",
    );
    if minor >= FIRST_WITH_SECCOMP {
        flags.key(
            "seccomp-default",
            !kubelet.disable_seccomp_default,
            "cluster_config.disable_seccomp_default",
        );
    }
    // No other bits are documented, so without this key kubelets choose.
    if cluster.network.kube_default_drop_masq_bits && minor <= LAST_WITH_BITS {
        let key = "cluster_config.kube_default_drop_masq_bits";
        flags.key("iptables-masquerade-bit", MASQUERADE_BIT, key);
        flags.key("iptables-drop-bit", DROP_BIT, key);
    }
    let storage = &cluster.storage;
    if storage.use_flex_volume_driver {
        let path = format!("{}/volume-plugins", kubelet.kubelet_data_root);
        flags.key("volume-plugin-dir", path, "cluster_config.use_flex_volume_driver");
    }
    if storage.iscsi_enabled {
        for (path, read_only, key) in [
            (&storage.iscsiadm_path, true, "cluster_config.iscsiadm_path"),
            (&storage.iscsidb_path, false, "cluster_config.iscsidb_path"),
        ] {
            work.mounts.push(Mount {
                source: path.clone(),
                target: path.clone(),
                read_only,
                origin: Origin::Key(key),
            });
        }
    }
}

/// The flags of the node's profile.
fn profile(work: &mut Work<'_>) {
    const KEY: &str = "cluster_config.custom_kubelet_flags_profiles";
    let Some(name) = &work.facts.kubelet_profile else {
        return;
    };
    let profiles = &work.config.cluster.kubelet.custom_kubelet_flags_profiles;
    let Some(text) = profiles.get(name) else {
        let known: Vec<_> = profiles.keys().map(String::as_str).collect();
        work.problems.add(
            KEY,
            format!(
                "the node is labelled for the profile {name:?}, which does not exist: there are [{}]",
                known.join(", ")
            ),
        );
        return;
    };
    let place = format!("{KEY}.{name}");
    // Only spaces stand between flags: a line break is a mistake that a shell would not forgive either.
    let flags = text.split(' ').filter(|flag| !flag.is_empty());
    let origin = |_| Origin::Profile(name.clone());
    work.flags.custom(&place, flags, origin, &mut work.problems);
}
