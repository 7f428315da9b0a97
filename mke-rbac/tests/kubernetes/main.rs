//! Kubernetes access from outside: tables with denials, the default roles, and comparisons with a slow evaluator.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

#[path = "../common/kubernetes_shape.rs"]
#[expect(dead_code, reason = "some sizes are for benchmarks")]
mod kubernetes_shape;
#[path = "../common/shape.rs"]
#[expect(dead_code, reason = "only its dice are used here")]
mod shape;

mod bootstrap;
mod cases;
mod changes;
mod differential;
mod escalation;
mod identity;
mod manifests;
mod slow;
