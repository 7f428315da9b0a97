//! The Engine API through a controller, with real engines, real swarms and the real `docker` client.
//!
//! Every test starts what it needs and leaves nothing behind. Needs root and the packages docker.io, busybox-static,
//! iproute2 and util-linux; a missing one fails the test and is named.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a fault of the harness is a failure of the test"
)]

mod builds;
mod cluster;
mod config_objects;
mod containers;
mod directory;
#[path = "../support/directory.rs"]
mod directory_servers;
mod engine;
mod lab;
mod lists;
mod node;
mod roles;
mod swarm;
mod tutorials;
