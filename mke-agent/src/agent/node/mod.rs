//! The agent of a node: managers' and workers' alike.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`spec`] | what a node is told, from what the swarm and the store say; pure |
//! | [`decide`] | what to do next; pure |
//! | [`world`] | what the loop needs from the world |
//! | [`run`] | the loop |

pub mod decide;
pub mod run;
pub mod spec;
pub mod world;

pub use run::NodeAgent;
pub use spec::Sight;
pub use world::{Failure, Hands, Local, Specs, Stage};
