//! Inquiries about what would be, what changed, what may happen and what happened: tables over the OrcaBank states,
//! and comparisons with asking for every decision.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

mod assertions;
mod bank;
mod dice;
mod diff;
mod log;
mod paths;
mod simulate;
