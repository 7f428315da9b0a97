//! The policy from outside: tables with denials, golden roles, and a comparison with a slow evaluator.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

mod administration;
mod builtin_roles;
mod changes;
mod collections;
mod differential;
mod requests;
mod slow;
mod world;
