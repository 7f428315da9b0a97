//! Which taints of the product nodes bear in Kubernetes. Pure.
//!
//! Managers and nodes with MSR keep users' pods away (SCH-003), and so do nodes that Swarm alone may use (ORC-007). Kubelets bring
//! the taints of their role and orchestrator along when they register; what changes later, and MSR, which is known only when it
//! runs, is put right here (decision 0033). What is not known about a node changes nothing there. Whether a node is
//! closed for scheduling (`kubectl cordon`) is somebody else's and says nothing (SCH-006).

use std::collections::BTreeMap;
use std::fmt;

use mke_core::product::{Orchestrator, Role, labels};
use mke_core::render;
use serde::{Deserialize, Serialize};

use crate::life::SwarmNode;
use crate::node::NodeFacts;

/// A node of the cluster, as far as Kubernetes has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeNode {
    /// The name under which Kubernetes knows it: its host name in small letters.
    pub name: String,
    /// Its part in the cluster.
    pub role: Role,
    /// Whose workloads it takes, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<Orchestrator>,
    /// Whether containers of a trusted registry run there, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msr: Option<bool>,
}

impl KubeNode {
    /// A node of the swarm. `msr` is what its agent says.
    pub fn of(node: &SwarmNode, msr: Option<bool>) -> Self {
        Self {
            name: kubernetes_name(&node.hostname),
            role: node.role,
            orchestrator: Some(Orchestrator::of_labels(&node.labels)),
            msr,
        }
    }

    /// A node of which only this is known.
    pub fn of_facts(node: &NodeFacts) -> Self {
        Self {
            name: kubernetes_name(&node.hostname),
            role: node.role,
            orchestrator: Some(node.orchestrator()),
            msr: None,
        }
    }
}

/// The name under which Kubernetes knows a machine.
fn kubernetes_name(hostname: &str) -> String {
    hostname.to_ascii_lowercase()
}

/// A taint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// What it does to pods that do not tolerate it: `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Taint {
    /// The taint of managers and nodes with MSR.
    pub fn manager() -> Self {
        Self {
            key: labels::MANAGER_TAINT.to_owned(),
            effect: "NoSchedule".to_owned(),
        }
    }

    /// The taint of nodes that Swarm alone may use.
    pub fn swarm() -> Self {
        Self {
            key: labels::ORCHESTRATOR_KUBERNETES.to_owned(),
            effect: "NoExecute".to_owned(),
        }
    }

    /// Whether it is one of the product's.
    pub fn is_ours(&self) -> bool {
        *self == Self::manager() || *self == Self::swarm()
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, self.effect)
    }
}

/// Which taints a node bears, with the reason. What is not known has no entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeTaints {
    /// The node.
    pub node: String,
    /// Each taint of ours that is known to be wanted or not.
    pub taints: BTreeMap<Taint, Verdict>,
}

/// Whether a taint is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is.
    pub wanted: bool,
    /// Why.
    pub why: &'static str,
}

impl NodeTaints {
    /// What a node bears.
    pub(super) fn of(node: &KubeNode) -> Self {
        let mut taints = BTreeMap::new();
        let manager = match (node.role, node.msr) {
            (Role::Manager, _) => Some((true, "it is a manager")),
            (Role::Worker, Some(true)) => Some((true, "it carries MSR")),
            (Role::Worker, Some(false)) => Some((false, "it is a worker without MSR")),
            (Role::Worker, None) => None,
        };
        let swarm = node
            .orchestrator
            .map(|orchestrator| match orchestrator.rendered() {
                render::Orchestrator::Swarm => (true, "only Swarm may use it"),
                render::Orchestrator::Kubernetes | render::Orchestrator::Mixed => {
                    (false, "Kubernetes may use it")
                }
            });
        for (taint, said) in [(Taint::manager(), manager), (Taint::swarm(), swarm)] {
            if let Some((wanted, why)) = said {
                taints.insert(taint, Verdict { wanted, why });
            }
        }
        Self {
            node: node.name.clone(),
            taints,
        }
    }

    /// The taints that its kubelet brings along when it registers.
    pub(super) fn brought(node: &KubeNode) -> Vec<Taint> {
        let known = Self::of(&KubeNode {
            msr: Some(false),
            ..node.clone()
        });
        let wanted = known.taints.into_iter().filter(|(_, said)| said.wanted);
        wanted.map(|(taint, _)| taint).collect()
    }
}
