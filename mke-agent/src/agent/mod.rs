//! The agents: they bring a node, or the cluster, to what is wanted and keep it there.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`cluster`] | what there is one of: inventory, labels, config objects, services of agents, members of the store |
//! | [`node`] | what each node has: components, volumes, certificates |
//!
//! Agents react to events; they decide with pure functions, and doing the same twice changes nothing.

pub mod cluster;
mod events;
pub mod node;
pub mod store;

pub use events::Events;
