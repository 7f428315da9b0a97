//! The agent of a node: managers' and workers' alike.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`spec`] | what a node is told, from what the swarm and the store say; pure |
//! | [`decide`] | what to do next; pure |
//! | [`world`] | what the loop needs from the world |
//! | [`run`] | the loop |
//! | [`hands`], [`access`], [`controllers`], [`sources`], [`turn`] | the world of an agent on a real node |
//! | [`lost_store`] | looking at a store that takes no writes |
//! | [`launch`] | running `ucp-reconcile` |
//! | [`kernel`] | letting kernel parameters be set, where the node's label asks for it |
//! | [`job`] | what is handed to `ucp-reconcile`, and what comes back |
//! | [`reconcile`], [`material`], [`member_data`] | what `ucp-reconcile` does |

pub mod access;
pub mod controllers;
pub mod decide;
pub mod engine_info;
pub mod hands;
pub mod job;
pub mod kernel;
pub mod launch;
pub mod lost_store;
pub mod material;
pub mod member_data;
pub mod reconcile;
pub mod run;
pub mod sources;
pub mod spec;
pub mod survey;
pub mod turn;
pub mod world;

pub use run::NodeAgent;
pub use spec::Sight;
pub use world::{Failure, Hands, Local, Specs, Stage};
