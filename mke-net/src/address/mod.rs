//! Address plans: which networks the Engine, the swarm and Kubernetes take, and whether they get in each other's way.
//!
//! [`EngineAllocator`] computes what the Engine would take; [`AddressPlan`] puts those networks beside the
//! ones of the swarm, of Kubernetes and of the host and names every overlap; [`propose`](propose::propose) finds a
//! plan without any.
//!
//! ```
//! use mke_net::address::{AddressPlan, Purpose, Range};
//!
//! let plan = AddressPlan::new(vec![
//!     Range::new(Purpose::Pods, "192.168.0.0/16".parse()?, "cluster_config.pod_cidr"),
//!     Range::new(Purpose::Host, "192.168.7.0/24".parse()?, "route of eth0"),
//! ]);
//! let conflicts = plan.conflicts();
//! assert_eq!(conflicts.len(), 1);
//! assert!(conflicts[0].to_string().starts_with("pods 192.168.0.0/16 (cluster_config.pod_cidr) overlap"));
//! # Ok::<(), ipnet::AddrParseError>(())
//! ```

mod allocator;
mod capacity;
mod machine;
mod pool;
pub mod propose;
mod range;

pub use allocator::{AllocateError, Bridges, EngineAllocator};
pub use capacity::{Capacity, CapacityProblem};
pub use ipnet::{IpNet, Ipv4Net};
pub use machine::{Machine, Proposal};
pub use pool::{AddressPool, PoolProblem, default_bridge_pools, default_overlay_pool};
pub use range::{AddressPlan, Conflict, Purpose, Range};
