//! A controller in front of several real engines that form a swarm: lists, placement and calls of every kind through the
//! real `docker` client with bundles.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the harness is a failure of the test"
)]
#![allow(dead_code, reason = "the harness is shared with the tests of one engine")]

#[path = "../docker/cluster.rs"]
mod cluster;
mod containers;
#[path = "../docker/engine.rs"]
mod engine;
mod objects;
mod proxies;
mod silent;
mod world;
