//! Settings act while controllers run: on the one that is told and on every other on the same store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

mod support;

#[path = "live/settings.rs"]
mod settings;
#[path = "live/syslog.rs"]
mod syslog;
