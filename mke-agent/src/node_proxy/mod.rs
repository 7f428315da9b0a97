//! Mutual TLS in front of the engine of this node (port 12376, ARCH-010): other parts of the cluster reach the engine
//! through it, and nobody else.
//!
//! It takes one decision, [`may_use_engine`], asks the engine whether the caller is still a manager ([`managers`]), and passes
//! everything on as it is: what a user may do was decided by the controller that calls. Streams and switched protocols pass through, so `exec`, `attach`, `logs` and builds work as on
//! the socket.

mod gate;
mod held;
pub mod managers;
mod rule;
mod server;

pub use gate::Gate;
pub use managers::OwnProxy;
pub use rule::{Refused, may_use_engine};
pub use server::NodeProxy;

/// The port.
pub const PORT: u16 = 12376;
