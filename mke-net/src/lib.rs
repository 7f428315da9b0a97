//! Networks and kernels: what a cluster needs of addresses, computed, checked and explained before anything starts.
//!
//! Plans and checks are pure functions of facts; a few thin functions named `observe` and `apply` bring the facts and carry
//! out the plans.

pub mod address;
pub mod azure;
pub mod balancer;
pub mod cni;
pub mod daemon;
pub mod doctor;
mod finding;
pub mod host;
pub mod ipvs;
pub mod kernel;
pub mod ports;
pub mod preflight;

pub use finding::{Finding, Severity};
