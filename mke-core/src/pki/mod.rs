//! Certificates: two [authorities](Authority), the certificates that they issue, the public keys that people
//! register, and the checks on chains that somebody else made.
//!
//! This module decides whether a name may stand in a certificate, how long a certificate lives, and whether a
//! chain is to be trusted. It never decides who a person is: a client certificate only proves that its holder
//! has a key, and the account is looked up by the [`PublicKey::id`] that was registered, never by the subject.
//! It reads no file, opens no socket and asks no clock: callers pass the time and the random source.
//!
//! | part | what it owns |
//! | --- | --- |
//! | [`Authority`] | the roots, their lifetimes, issuing |
//! | [`SubjectAltName`] | which access names a certificate can carry |
//! | [`KeyPair`], [`PublicKey`] | keys that are made here, keys that are uploaded |
//! | [`SigningRequest`], [`Holder`] | what is asked of an authority, what a certificate says |
//! | [`chain`] | client and server chains, also foreign ones |
//! | [`TrustSet`] | several roots trusted at once while one replaces the other |
//!
//! Keys and signatures are ECDSA on P-256 with SHA-256 (RFC 5480, RFC 5758): every TLS client in the field reads
//! them, and a bundle stays small.

mod authority;
mod error;
mod holder;
mod inspect;
mod key;
mod name;
mod pem;
mod private_key;
mod public_key;
mod revocation;
mod rsa;
mod signing_request;
mod subject;
mod trust;

pub mod chain;

pub use authority::{
    Authority, AuthorityKind, BACKDATE, CLIENT_ROOT_VALIDITY, CLUSTER_ROOT_VALIDITY, CertificateRequest,
    IssuedCertificate, MAX_NAMES, Profile,
};
pub use error::{Distrust, KeyFault, NameFault, PkiError};
pub use holder::Holder;
pub use key::KeyPair;
pub use name::SubjectAltName;
pub use pem::{MAX_CERTIFICATES, MAX_PEM_BYTES, certificate_to_pem, parse_certificates};
pub use public_key::PublicKey;
pub use revocation::revoked_serials;
pub use signing_request::SigningRequest;
pub use trust::{MAX_ROOTS, TrustSet, TrustedRoot};
