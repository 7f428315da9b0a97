//! The SCIM service over accounts in memory: what a client sends and gets, and what it cannot do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

#[path = "../support/mod.rs"]
mod support;

mod client;
mod discovery;
mod groups;
mod patches;
mod security;
mod tokens;
mod users;
