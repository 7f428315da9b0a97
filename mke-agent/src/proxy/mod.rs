//! The Engine API under access control.
//!
//! [`handle`] takes a routed request of an identified caller to the engine and its answer back:
//!
//! ```text
//! own object → classify → look-ups → judge → Permit → forward → filter or stream the answer
//! ```
//!
//! What a request needs and what of an answer may be seen is decided in `mke_rbac`; here is the input and output
//! around it. Nothing reaches the engine without a [`mke_rbac::Permit`].

mod answer;
mod caller;
mod containers;
mod cut;
mod error_text;
mod events;
mod handle;
pub(crate) mod headers;
mod homes;
mod linger;
pub mod nodes;
mod ports;
mod prune;
mod send;
mod system;
pub(crate) mod tunnel;

pub(crate) use handle::handle;
