//! What must hold on the nodes of a cluster: facts in, findings out, all of them at once. Installation, upgrade and doctor
//! ask this one checker.
//!
//! [`NodeFacts::observe`] brings the facts of this machine; those of other nodes come from their agents or the Engine. A
//! fact that is not known is no proof that all is well: where it matters, the finding says that it is not known.

mod cluster;
mod facts;
mod node;
mod observe;
mod system;
mod timeouts;

pub use cluster::cluster_findings;
pub use facts::{Cgroup, Facts, FileSystem, NodeFacts, Preparation, Selinux};
pub use node::node_findings;
pub use timeouts::{BUDGET, MAX_LAG_MS, Timeout};

use crate::finding::Finding;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A cluster is about to be installed, or a node to join it.
    Install,
    /// A cluster is about to be upgraded.
    Upgrade,
    /// Somebody wants to know how things are.
    Doctor,
}

/// Every finding about every node and about the cluster. The evidence of a finding about a node begins with its name when
/// there are several.
pub fn findings(facts: &Facts, scope: Scope) -> Vec<Finding> {
    let mut all = Vec::new();
    for node in &facts.nodes {
        let name = if facts.nodes.len() > 1 {
            node.name.as_str()
        } else {
            ""
        };
        all.extend(
            node_findings(node, facts.swarm_only, scope)
                .into_iter()
                .map(|mut finding| {
                    if !name.is_empty() {
                        finding.evidence = format!("{name}: {}", finding.evidence);
                    }
                    finding
                }),
        );
    }
    all.extend(cluster_findings(facts, scope));
    all
}

/// The switch of `install` and `upgrade` that lets a finding through, by its id. Others cannot be let through.
pub fn switch_of(id: &str) -> Option<&'static str> {
    match id {
        "node-memory" | "node-cpus" | "node-disk" => Some("--force-minimums"),
        "daemon-open-port" => Some("--force-insecure-tcp"),
        _ => None,
    }
}
