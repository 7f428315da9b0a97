//! Docker Engines, as the controller uses them: that of this machine, and those of other nodes.
//!
//! [`client`] talks HTTP to one engine, [`way`] knows how it is reached, [`lookup`] finds out where named objects lie. Neither knows
//! who asks nor what is allowed: that is decided in `mke-rbac` and carried out in [`crate::proxy`].

pub mod client;
mod containers;
pub mod error;
pub mod inspect;
pub mod lookup;
mod mounted;
mod pool;
mod sight;
pub mod way;

pub use client::{EngineClient, Upgrade};
pub use error::EngineError;
pub use sight::Sight;
pub use way::NodeWay;
