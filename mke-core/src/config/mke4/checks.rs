//! What speaks against an upgrade to MKE 4 before it begins (M4-001, M4-004, M4-008).

use serde::Serialize;

use crate::config::{Config, Version};

/// Largest kubeconfig file: two orders of magnitude above a real one.
const MAX_KUBECONF_BYTES: usize = 1024 * 1024;

/// What is known about the cluster besides its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster3 {
    /// Its version, when known.
    pub version: Option<Version>,
    /// Whether the operator says that a backup is there.
    pub backup_confirmed: bool,
}

/// One thing that must be mended first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The version is not one that can be upgraded.
    #[error(
        "the cluster runs version {0}; only the latest release of 3.7 or 3.8 can be upgraded: upgrade to it first"
    )]
    Version(String),
    /// The version is not known.
    #[error(
        "the version of the cluster is not known; only the latest release of 3.7 or 3.8 can be upgraded: say which it runs"
    )]
    UnknownVersion,
    /// Nobody said that there is a backup.
    #[error("no backup is confirmed: make one and confirm it, a failed upgrade is rolled back from it")]
    NoBackup,
    /// Calico keeps its data in etcd. The first part is the text that operators search for.
    #[error(
        "unsupported configuration for mke4 upgrade: mke3 cluster is using etcdv3 and not kdd backend for calico: set `cluster_config.calico_kdd` to true and apply it first"
    )]
    CalicoInEtcd,
    /// Somebody else's network plugin.
    #[error(
        "`cluster_config.unmanaged_cni` is on: a cluster with a network plugin of its own cannot be upgraded in place"
    )]
    UnmanagedCni,
    /// kube-proxy with IPVS.
    #[error("`cluster_config.kube_proxy_mode` is `ipvs`: such a cluster cannot be upgraded in place")]
    Ipvs,
    /// Calico with eBPF.
    #[error("`cluster_config.calico_ebpf_enabled` is on: such a cluster cannot be upgraded in place")]
    Ebpf,
    /// What an upgrade that failed left behind blocks every later one.
    #[error(
        "`{0}` is empty or damaged, as an upgrade that failed leaves it, and blocks the next one: delete the file, the \
         upgrade writes a new one"
    )]
    StaleKubeconf(String),
}

/// Whether the kubeconfig file at `path` would block the upgrade (M4-008): it is there, and is not one with a cluster, a
/// user and a context.
pub fn stale_kubeconf(path: &str, content: &[u8]) -> Option<Obstacle> {
    let usable = std::str::from_utf8(content)
        .ok()
        .filter(|text| text.len() <= MAX_KUBECONF_BYTES)
        .and_then(|text| serde_yaml_ng::from_str::<serde_json::Value>(text).ok())
        .is_some_and(|file| {
            let filled = |list: &str| {
                file.get(list)
                    .and_then(serde_json::Value::as_array)
                    .is_some_and(|rows| !rows.is_empty())
            };
            file.get("kind").and_then(serde_json::Value::as_str) == Some("Config")
                && ["clusters", "users", "contexts"].into_iter().all(filled)
        });
    (!usable).then(|| Obstacle::StaleKubeconf(path.to_owned()))
}

/// Everything that speaks against the upgrade; empty when nothing does. Whether a release of 3.7 or 3.8 is the latest
/// one cannot be known here and is not said.
pub fn obstacles(config: &Config, cluster: Cluster3) -> Vec<Obstacle> {
    let network = &config.cluster.network;
    let mut found = Vec::new();
    match cluster.version {
        None => found.push(Obstacle::UnknownVersion),
        Some(version) if !is_source(version) => found.push(Obstacle::Version(version.to_string())),
        Some(_) => {}
    }
    let conditions = [
        (!cluster.backup_confirmed, Obstacle::NoBackup),
        (
            !network.calico_kdd && !network.unmanaged_cni,
            Obstacle::CalicoInEtcd,
        ),
        (network.unmanaged_cni, Obstacle::UnmanagedCni),
        (
            config.cluster.kube_proxy.kube_proxy_mode == "ipvs",
            Obstacle::Ipvs,
        ),
        (network.calico_ebpf_enabled, Obstacle::Ebpf),
    ];
    found.extend(
        conditions
            .into_iter()
            .filter_map(|(holds, obstacle)| holds.then_some(obstacle)),
    );
    found
}

fn is_source(version: Version) -> bool {
    version >= Version::new(3, 7, 0) && version < Version::new(3, 9, 0)
}
