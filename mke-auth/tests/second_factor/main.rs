//! The second factor: switching it on and off, logging in with it, and every way around it that must not be one.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod codes;
mod enrolment;
mod guarded;

#[path = "../support/mod.rs"]
mod support;
