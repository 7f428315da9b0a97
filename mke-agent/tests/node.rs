//! What a node shall run, what it runs, and the way between them: tables, properties, the suite of runtimes on the node in
//! memory, and simulated clusters with faults.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

#[path = "node/addons.rs"]
mod addons;
#[path = "node/addons_plan.rs"]
mod addons_plan;
#[path = "node/check.rs"]
mod check;
#[path = "node/cluster.rs"]
mod cluster;
#[path = "node/desired.rs"]
mod desired;
#[path = "node/plan.rs"]
mod plan;
#[path = "node/properties.rs"]
mod properties;
#[path = "node/simulation.rs"]
mod simulation;
#[path = "node/store.rs"]
mod store;
#[path = "node/suite.rs"]
mod suite;
#[path = "node/world.rs"]
mod world;
