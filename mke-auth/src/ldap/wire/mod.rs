//! The protocol (RFC 4511): octets, messages and connections. What entries mean is not known here.

pub(crate) mod ber;
mod connection;
mod message;
mod tls;

pub(crate) use connection::{Connection, WhoAmI};
pub(crate) use message::{Entry, Scope, Search, Values};
pub use tls::TlsError;
pub(crate) use tls::client_config;
