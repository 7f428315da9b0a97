//! What a node shall run.

mod kubernetes;
mod of;
mod own;
mod places;
mod spec;
mod store;

use mke_core::product::Role;
use serde::{Deserialize, Serialize};

use super::container::ContainerSpec;

pub(crate) use of::is_switched_on;
pub use places::{NODE_CERTS, volume_path};
pub use spec::{FileContent, FileSpec, NetworkSpec, Source, VolumeSpec};
pub(in crate::node) use store::{is_alone, reads_list};

/// What a node shall run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desired {
    /// The installation that everything belongs to.
    pub cluster_id: String,
    /// The swarm's id of the node.
    pub node_id: String,
    /// The node's part in the cluster.
    pub role: Role,
    /// Whether nothing may be changed there.
    pub paused: bool,
    /// Networks, by name.
    pub networks: Vec<NetworkSpec>,
    /// Volumes, by name.
    pub volumes: Vec<VolumeSpec>,
    /// Files in the volumes.
    pub files: Vec<FileSpec>,
    /// Containers, each after those that it needs.
    pub containers: Vec<ContainerSpec>,
    /// Services of the swarm that may have a task here. The swarm starts them; they are named so that the list is whole.
    pub services: Vec<String>,
    /// Containers of pods that may run here. Kubernetes starts them.
    pub pods: Vec<String>,
    /// Components that belong here and are not wanted yet, or cannot be described, with the reason. What there is of
    /// them is left alone.
    pub waiting: Vec<Wanting>,
}

/// A component that is not wanted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanting {
    /// The component.
    pub component: String,
    /// Why, and what to do.
    pub why: String,
}
