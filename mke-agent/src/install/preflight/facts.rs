//! What the checks look at. Whoever cannot find a fact out leaves it `None`, and the rule says so instead of passing.

use std::collections::BTreeSet;

use ipnet::IpNet;
use mke_core::config::Config;
use mke_net::address::{Purpose, Range};
use serde::{Deserialize, Serialize};

/// Switches that let findings through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches {
    /// `--force-minimums`
    pub minimums: bool,
    /// `--force-insecure-tcp`
    pub insecure_tcp: bool,
    /// `--force-port-check`
    pub ports: bool,
    /// `--force-recent-backup`
    pub backup: bool,
}

impl Switches {
    /// Whether a switch is on.
    pub fn allow(self, switch: &str) -> bool {
        match switch {
            "--force-minimums" => self.minimums,
            "--force-insecure-tcp" => self.insecure_tcp,
            "--force-port-check" => self.ports,
            "--force-recent-backup" => self.backup,
            _ => false,
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFacts {
    /// Its host name.
    pub name: String,
    /// Whether it is, or becomes, a manager.
    pub manager: bool,
    /// Whether it runs Linux.
    pub linux: bool,
    /// Whether the swarm sees it.
    pub ready: bool,
    /// Version of its engine.
    pub engine: String,
    /// Release of its kernel, such as `5.10.0-28-amd64`.
    pub kernel: Option<String>,
    /// Its operating system, such as `Debian GNU/Linux 12 (bookworm)`.
    pub os: Option<String>,
    /// Processors.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of the file system that holds the engine's data.
    pub disk: Option<u64>,
    /// Free bytes of it.
    pub disk_free: Option<u64>,
    /// Whether processes of containers can gain no privileges.
    pub no_new_privileges: Option<bool>,
    /// Whether the engine maps user ids.
    pub user_namespaces: bool,
    /// `1` or `2`.
    pub cgroup_version: Option<String>,
    /// The engine's storage driver.
    pub storage_driver: Option<String>,
    /// Where the engine keeps its data.
    pub data_root: Option<String>,
    /// Addresses at which the engine serves anybody, in its own words.
    pub open_tcp: Vec<String>,
    /// The cloud that its firmware names, in the words of `--cloud-provider`.
    pub cloud: Option<String>,
    /// Needed ports that something else holds, `tcp/443`.
    pub ports_in_use: BTreeSet<String>,
    /// Needed ports that could be opened there and not reached from here.
    pub ports_unreachable: BTreeSet<String>,
    /// Images that it will need and does not have.
    pub missing_images: BTreeSet<String>,
    /// By how many milliseconds its clock differs at least from that of this machine.
    pub clock_offset_ms: Option<i64>,
    /// Why the node could not be probed, if so.
    pub not_probed: Option<String>,
    /// Whether its swarm address is a fixed one, as far as that can be told.
    pub address: Option<String>,
}

/// Everything that checks look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Every node of the swarm, or the one that becomes the first.
    pub nodes: Vec<NodeFacts>,
    /// Networks by purpose.
    pub ranges: Vec<Range>,
    /// Whether Kubernetes stays out.
    pub swarm_only: bool,
    /// The cloud that the configuration names, empty for none; nothing when clouds are not to be looked at
    /// (`--skip-cloud-provider-check`).
    pub cloud_provider: Option<String>,
    /// For upgrades: days since the last backup that is known of; `None` when none is known. Not asked of installations.
    pub backup_age_days: Option<Option<u64>>,
    /// For upgrades: the generations of worker agents that have tasks.
    pub worker_generations: BTreeSet<String>,
    /// For upgrades: services and containers of earlier upgrades that never ended, each in words.
    pub stuck: Vec<String>,
}

/// The networks that the configuration and the swarm name. What the host has comes from [`NodeFacts`] and is added by the
/// caller.
pub fn ranges_of(config: &Config, swarm_pools: &[String]) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut add = |purpose: Purpose, text: &str, source: &str| {
        // What is no network was refused when the configuration was read.
        if let Ok(net) = text.parse::<IpNet>() {
            ranges.push(Range::new(purpose, net, source));
        }
    };
    let network = &config.cluster.network;
    if !config.cluster.swarm_only {
        add(Purpose::Pods, &network.pod_cidr, "cluster_config.pod_cidr");
        add(
            Purpose::Services,
            &network.service_cluster_ip_range,
            "cluster_config.service_cluster_ip_range",
        );
    }
    for pool in swarm_pools {
        add(Purpose::Overlay, pool, "default address pool of the swarm");
    }
    ranges
}
