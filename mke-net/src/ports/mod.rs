//! Ports: what a node needs, what listens now, what a firewall must let through.

mod firewall;
mod listening;
mod needed;
mod reserved;

pub use firewall::{aws_security_group, firewalld, nftables};
pub use listening::{Listening, Owner};
pub use mke_core::product::{Protocol, Role, Scope};
pub use needed::{ClusterPorts, Conflict, NeededPort, PortProblem, conflicts, needed};
pub use reserved::{PortRanges, RangeError, reserve_node_ports};
