//! Who asks an authority, as the certificate of the connection says.

use mke_core::pki::Holder;
use mke_core::render::NodeRole;

use crate::mtls::{CONTROLLER, MANAGER, Trust, WORKER};

/// OU that the swarm writes into the certificate of a manager.
const SWARM_MANAGER: &str = "swarm-manager";
/// OU that the swarm writes into the certificate of a worker.
const SWARM_WORKER: &str = "swarm-worker";

/// A part of the cluster that may ask for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A node, with the certificate that the swarm gave it.
    SwarmNode {
        /// Node id.
        node: String,
        /// What the swarm's certificate says that it is.
        role: NodeRole,
    },
    /// A node, with its certificate of the cluster authority.
    Node {
        /// Node id.
        node: String,
        /// What that certificate says that it is.
        role: NodeRole,
    },
    /// The controller of a manager.
    Controller {
        /// Node id of the manager.
        node: String,
    },
}

/// Why a certificate of the cluster stands for nobody who may ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Of another swarm, or without saying of which.
    #[error("the certificate is of cluster `{found}`, this is `{expected}`")]
    OtherCluster {
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// Some other component.
    #[error("a certificate of `{unit}` may not do this")]
    OtherUnit {
        /// Its OU.
        unit: String,
    },
}

impl Peer {
    /// Reads a verified certificate. Swarm certificates carry the id of the swarm as O, ours too.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn of(trust: Trust, holder: &Holder, cluster_id: &str) -> Result<Self, PeerError> {
        let organization = holder.organization.as_deref().unwrap_or_default();
        if organization != cluster_id || cluster_id.is_empty() {
            return Err(PeerError::OtherCluster {
                found: organization.to_owned(),
                expected: cluster_id.to_owned(),
            });
        }
        let unit = holder.organizational_unit.as_deref().unwrap_or_default();
        let node = holder.common_name.clone();
        let (manager, worker) = (NodeRole::Manager, NodeRole::Worker);
        Ok(match (trust, unit) {
            (Trust::Swarm, SWARM_MANAGER) => Self::SwarmNode { node, role: manager },
            (Trust::Swarm, SWARM_WORKER) => Self::SwarmNode { node, role: worker },
            (Trust::Cluster, MANAGER) => Self::Node { node, role: manager },
            (Trust::Cluster, WORKER) => Self::Node { node, role: worker },
            (Trust::Cluster, CONTROLLER) => Self::Controller { node },
            _ => {
                return Err(PeerError::OtherUnit {
                    unit: unit.to_owned(),
                });
            }
        })
    }

    /// The node that it runs on.
    pub fn node(&self) -> &str {
        match self {
            Self::SwarmNode { node, .. } | Self::Node { node, .. } | Self::Controller { node } => node,
        }
    }

    /// What its certificate says that its node is.
    pub fn role(&self) -> NodeRole {
        match self {
            Self::SwarmNode { role, .. } | Self::Node { role, .. } => *role,
            Self::Controller { .. } => NodeRole::Manager,
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self {
            Self::SwarmNode { .. } => "swarm certificate",
            Self::Node { .. } => "node certificate",
            Self::Controller { .. } => "controller",
        };
        write!(f, "{} ({what}, {})", self.node(), role_word(self.role()))
    }
}

/// The word for a role in messages.
pub(super) fn role_word(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Manager => "manager",
        NodeRole::Worker => "worker",
    }
}
