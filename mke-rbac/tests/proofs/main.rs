//! Proofs from outside: the engine writes them, the checker reads them, and slow evaluators know the truth.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

mod checker;
mod forged;
#[path = "../common/kubernetes_shape.rs"]
#[expect(dead_code, reason = "some sizes are for other tests")]
mod kubernetes_shape;
#[path = "../kubernetes/slow.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod kubernetes_slow;
mod many;
mod remedy;
#[path = "../common/shape.rs"]
#[expect(dead_code, reason = "some sizes are for the benchmark")]
mod shape;
#[path = "../policy/slow.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod slow;
mod truth;
mod worlds;
