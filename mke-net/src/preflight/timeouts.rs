//! How long the parts of a cluster wait for each other (NET-014).

use serde::Serialize;

/// One time-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Timeout {
    /// Who waits.
    pub part: &'static str,
    /// How long, in milliseconds.
    pub milliseconds: u32,
    /// The key of the configuration that changes it.
    pub setting: Option<&'static str>,
}

const fn timeout(part: &'static str, milliseconds: u32, setting: Option<&'static str>) -> Timeout {
    Timeout {
        part,
        milliseconds,
        setting,
    }
}

/// The table of the documents.
pub const BUDGET: [Timeout; 5] = [
    timeout("Raft between managers", 3000, None),
    timeout("gossip of overlay networks", 5000, None),
    timeout("etcd", 500, Some("cluster_config.kv_timeout")),
    timeout("RethinkDB", 10_000, None),
    timeout("stand-alone cluster", 90_000, None),
];

/// Longer than this, managers elect new leaders without need.
pub const MAX_LAG_MS: u64 = 2000;
