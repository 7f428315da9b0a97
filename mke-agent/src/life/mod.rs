//! The life of a node: who is in the cluster, how each of them does, and what may be done to it.
//!
//! | part | what it decides |
//! | --- | --- |
//! | [`swarm`] | what the swarm says of its nodes, read from the Engine API |
//! | [`report`] | what an agent says of its own node |
//! | [`state`], [`message`] | what the state of a node is, and in which words |
//! | [`board`] | what a controller knows at the moment |
//! | [`roll`], [`inventory`] | what the store knows of nodes, and how it is written |
//!
//! States are never stored: they follow from what is known at the moment.

pub mod board;
pub mod inventory;
pub mod message;
pub mod report;
pub mod roll;
pub mod state;
pub mod swarm;

pub use inventory::Inventory;
pub use message::{Level, Message};
pub use report::{Phase, Report, StoredReport};
pub use roll::{NodeRecord, Roll};
pub use state::{Contact, HEARTBEAT, Known, NodeState, state_of};
pub use swarm::{SwarmNode, TaskState};
