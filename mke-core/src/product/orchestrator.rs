//! Whose workloads a node takes: read from the node's two labels (ORC rows).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels;
use crate::render;

/// Whose workloads a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Orchestrator {
    /// Those of Swarm.
    Swarm,
    /// Those of Kubernetes.
    Kubernetes,
    /// Those of both.
    Mixed,
    /// No label says anything yet: the node takes what Swarm schedules, and no pods.
    None,
}

impl Orchestrator {
    /// Reads the labels of a swarm node. A label counts when its value is `true`.
    pub fn of_labels(labels: &BTreeMap<String, String>) -> Self {
        let has = |label: &str| labels.get(label).is_some_and(|value| value == "true");
        match (
            has(labels::ORCHESTRATOR_SWARM),
            has(labels::ORCHESTRATOR_KUBERNETES),
        ) {
            (true, true) => Self::Mixed,
            (true, false) => Self::Swarm,
            (false, true) => Self::Kubernetes,
            (false, false) => Self::None,
        }
    }

    /// Whether pods may run on the node.
    pub const fn takes_pods(self) -> bool {
        matches!(self, Self::Kubernetes | Self::Mixed)
    }

    /// Whether tasks of swarm services may run on the node.
    pub const fn takes_tasks(self) -> bool {
        !matches!(self, Self::Kubernetes)
    }

    /// The same for [rendering](crate::render), which knows no node without an orchestrator.
    pub const fn rendered(self) -> render::Orchestrator {
        match self {
            Self::Swarm | Self::None => render::Orchestrator::Swarm,
            Self::Kubernetes => render::Orchestrator::Kubernetes,
            Self::Mixed => render::Orchestrator::Mixed,
        }
    }
}

impl fmt::Display for Orchestrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Swarm => "swarm",
            Self::Kubernetes => "kubernetes",
            Self::Mixed => "mixed",
            Self::None => "none",
        })
    }
}
