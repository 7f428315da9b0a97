//! Mutual TLS between the parts of a cluster: both ends show a certificate, and both are checked.
//!
//! It decides who is on the other end of a connection, never what that one may do: every server takes that decision on a
//! [`Verified`] peer. Files are read again when they were replaced, so nothing restarts for a new certificate.
//!
//! | part | what it owns |
//! | --- | --- |
//! | [`Material`] | a certificate with its key and what it trusts, from PEM texts |
//! | [`Credentials`] | the same from a directory, current at every connection |
//! | [`Verified`], [`Trust`] | what a finished handshake proves |
//! | [`serve`], [`accept`] | listening, with limits |
//! | [`Caller`], [`Line`] | calling, and asking for JSON |
//!
//! Servers are found by name, not by address: a certificate of a manager also names [`MANAGER`], every node's certificate
//! its node id. So a connection to a moved address reaches the right node or fails.

mod caller;
mod credentials;
mod error;
mod material;
mod server;
mod verified;

pub(crate) use caller::EXCHANGE_TIME;
pub use caller::{Answer, Caller, Line};
pub use credentials::{Credentials, Loaded};
pub use error::MtlsError;
pub use material::Material;
pub(crate) use server::each_connection;
pub use server::{Handler, accept, serve};
pub use verified::{Trust, Verified};

/// OU of a manager's certificate, and a DNS name that only managers' certificates carry.
pub const MANAGER: &str = "ucp-manager";
/// OU of a worker's certificate.
pub const WORKER: &str = "ucp-worker";
/// OU of the certificate with which a controller calls other components.
pub const CONTROLLER: &str = "ucp-controller";

/// Certificate with its intermediates.
pub const CERT_FILE: &str = "cert.pem";
/// Private key.
pub const KEY_FILE: &str = "key.pem";
/// What the other end is checked against.
pub const CA_FILE: &str = "ca.pem";
