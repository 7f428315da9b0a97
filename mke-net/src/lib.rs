//! Networks and kernels: what a cluster needs of addresses, computed, checked and explained before anything starts.
//!
//! Everything here is a pure function of facts that the caller brings.

pub mod address;
pub mod daemon;
mod finding;

pub use finding::{Finding, Severity};
