//! Admission from outside: tables with allowances and denials for every plugin, and arbitrary objects.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that meets something unexpected must stop the test"
)]

mod defaults;
mod lifecycle;
mod odd_objects;
mod placement;
mod plugins;
mod policies;
mod policy_fields;
mod privileged;
mod protected;
mod restriction;
mod selective;
mod signing;
mod world;
