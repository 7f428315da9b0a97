//! Whether a chain is to be trusted.

use std::time::SystemTime;

use mke_core::pki::chain;
use mke_core::pki::{self, SubjectAltName};
use pyo3::prelude::*;

use super::certificate::Certificate;
use super::input::{Hidden, moment};
use crate::errors::{OrRaise as _, raise_all};

/// Checks what a client shows: it is for clients, valid now, and signatures lead from it to one of the roots.
///
/// Args:
///     chain: the certificate of the client and those between it and the root, PEM.
///     roots: the certificates that are trusted, PEM.
///     at: the moment to check for, a `datetime` with a time zone; now by default.
///
/// Returns:
///     The certificate of the client.
///
/// Raises:
///     mke.errors.PkiError: it is not trusted; `reason` says why.
///
///     >>> authority = mke.pki.Authority.create("client", "test")
///     >>> key = mke.pki.PrivateKey.generate()
///     >>> certificate = authority.issue(key.public_key, profile="client", common_name="ada", days=1)
///     >>> mke.pki.verify_client(certificate.pem, authority.certificate.pem).common_name
///     'ada'
///     >>> stranger = mke.pki.Authority.create("client", "other")
///     >>> mke.pki.verify_client(certificate.pem, stranger.certificate.pem)
///     Traceback (most recent call last):
///     mke.errors.PkiError: the certificate is not trusted: no trusted authority signed it
#[pyfunction]
#[pyo3(signature = (chain, roots, *, at = None))]
pub(super) fn verify_client(
    py: Python<'_>,
    chain: &str,
    roots: &str,
    at: Option<SystemTime>,
) -> PyResult<Certificate> {
    let mut between = pki::parse_certificates(chain).or_raise()?;
    let roots = pki::parse_certificates(roots).or_raise()?;
    let leaf = if between.is_empty() {
        Vec::new()
    } else {
        between.remove(0)
    };
    py.detach(|| chain::verify_client(&leaf, &between, &roots, moment(at)))
        .or_raise()?;
    Certificate::of(leaf)
}

/// Checks what a server is to be given before it gets it: the key belongs to the certificate, the chain is complete, everything is valid
/// now, and every address is named.
///
/// Args:
///     ca: the root certificates, PEM.
///     chain: the certificate of the server and those between it and the root, PEM.
///     key: the private key, PEM.
///     addresses: the names and addresses under which clients come.
///     at: the moment to check for, a `datetime` with a time zone; now by default.
///
/// Returns:
///     The certificate of the server.
///
/// Raises:
///     mke.errors.CertificateChainError: all mistakes at once, in `problems`.
#[pyfunction]
#[pyo3(signature = (ca, chain, key, addresses, *, at = None))]
pub(super) fn verify_server(
    py: Python<'_>,
    ca: &str,
    chain: &str,
    key: Hidden<'_>,
    addresses: Vec<String>,
    at: Option<SystemTime>,
) -> PyResult<Certificate> {
    let addresses: Result<Vec<SubjectAltName>, _> = addresses.iter().map(|name| name.parse()).collect();
    let (addresses, key) = (addresses.or_raise()?, key.secret());
    let checked = py.detach(|| chain::verify_server_bundle(ca, chain, &key, &addresses, moment(at)));
    let identity = checked.map_err(|problems| raise_all(&problems))?;
    let leaf = identity.chain().first().cloned().unwrap_or_default();
    Certificate::of(leaf)
}
