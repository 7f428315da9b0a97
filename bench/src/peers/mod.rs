//! What is measured, and what it is measured beside: each starts with a configuration of its own in the run's
//! directory and ends when its value is dropped.

pub(crate) mod canned;
pub(crate) mod engine;
pub(crate) mod front;
pub(crate) mod ucp;
