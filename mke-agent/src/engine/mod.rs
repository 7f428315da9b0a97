//! The Docker Engine on this machine, as the controller uses it.
//!
//! [`client`] talks HTTP over the engine's socket, [`lookup`] finds out where named objects lie. Neither knows
//! who asks nor what is allowed: that is decided in `mke-rbac` and carried out in [`crate::proxy`].

pub mod client;
pub mod error;
pub mod inspect;
pub mod lookup;
mod mounted;
mod pool;

pub use client::{EngineClient, Upgrade};
pub use error::EngineError;
