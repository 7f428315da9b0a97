//! The two authorities of a cluster as services, and everything that gets its certificates from them.
//!
//! The cluster authority (port 12381) signs for nodes and components, the client authority (12382) for users
//! (PKI-002, PKI-003). Who may get what is one pure function, [`may_sign`]; names in a certificate come from the inventory
//! of the swarm, never from the request. No secret is shared for joining: a node proves itself with the certificate
//! that the swarm gave it (decision 0025).
//!
//! | part | decides |
//! | --- | --- |
//! | `peer` | who asks |
//! | `rules` | who may get which certificate |
//! | `names` | which names stand in it |
//! | `inventory` | which nodes there are, as the swarm says |
//! | `pace` | how many certificates one peer gets |
//! | `server`, `wire` | the API |
//! | `client` | asking for a certificate |
//! | [`bootstrap`] | the authorities of a new cluster |
//! | [`keys`] | how a new manager gets them |
//! | [`revocation`] | which certificates etcd refuses although they are valid |
//! | [`certificates`] | which files of a node must be issued, and issuing them |

pub mod bootstrap;
pub mod certificates;
mod client;
mod inventory;
pub mod keys;
mod names;
mod pace;
mod peer;
pub mod revocation;
mod rules;
mod server;
mod wire;

pub use client::{CaClient, CaError, Issued};
pub use inventory::{
    Cluster, ClusterFuture, ClusterNode, EngineInventory, Inventory, InventoryError, ProxyInventory,
};
pub use names::{controller_names, is_reserved, label_names, node_names};
pub use pace::Pace;
pub use peer::{Peer, PeerError};
pub use rules::{
    Asked, COMPONENT_VALIDITY, Component, Decision, Granted, NODE_VALIDITY, Refusal, Wanted, may_sign,
};
pub use server::CaServer;

/// Port of the cluster authority.
pub const CLUSTER_PORT: u16 = 12381;
/// Port of the client authority.
pub const CLIENT_PORT: u16 = 12382;
