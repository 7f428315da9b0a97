//! What a certificate says.

use std::path::PathBuf;
use std::time::SystemTime;

use mke_core::pki;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sha2::{Digest as _, Sha256};

use super::input::{datetime, moment, read_text};
use super::key::PublicKey;
use crate::convert::table;
use crate::errors::{OrRaise as _, invalid};

/// A certificate: what it says, in words. It says nothing of whether it is to be trusted; `verify_client` and `verify_server` do.
///
///     >>> authority = mke.pki.Authority.create("client", "test")
///     >>> key = mke.pki.PrivateKey.generate()
///     >>> certificate = authority.issue(key.public_key, profile="client", common_name="ada", days=30)
///     >>> certificate.common_name, certificate.may_call, certificate.may_serve
///     ('ada', True, False)
///     >>> mke.pki.Certificate(certificate.pem) == certificate
///     True
#[pyclass(module = "mke.pki", frozen, eq, hash)]
pub(crate) struct Certificate {
    pub(super) der: Vec<u8>,
    holder: pki::Holder,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl Certificate {
    pub(super) fn of(der: Vec<u8>) -> PyResult<Self> {
        let holder = pki::Holder::of(&der).or_raise()?;
        Ok(Self { der, holder })
    }

    /// Every certificate of a text, in its order.
    pub(super) fn all(pem: &str) -> PyResult<Vec<Self>> {
        let found = pki::parse_certificates(pem).or_raise()?;
        found.into_iter().map(Self::of).collect()
    }
}

#[pymethods]
impl Certificate {
    #[new]
    fn new(pem: &str) -> PyResult<Self> {
        let mut found = Self::all(pem)?;
        match (found.pop(), found.len()) {
            (Some(only), 0) => Ok(only),
            (_, more) => Err(invalid(
                "pem",
                &format!(
                    "there are {} certificates in it, read them with mke.pki.certificates",
                    more + 1
                ),
            )),
        }
    }

    /// Reads the one certificate of a PEM file.
    ///
    /// Raises:
    ///     OSError: the file cannot be read.
    ///     mke.errors.PkiError: it holds no certificate.
    ///     mke.errors.InvalidValueError: it holds several.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::new(&read_text(py, &path)?)
    }

    /// The certificate in PEM.
    #[getter]
    fn pem(&self) -> String {
        pki::certificate_to_pem(&self.der)
    }

    /// The certificate in DER.
    #[getter]
    fn der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.der)
    }

    /// The SHA-256 of the DER, in hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.der);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The common name of the subject. A control plane takes nobody's identity from it.
    #[getter]
    fn common_name(&self) -> &str {
        &self.holder.common_name
    }

    /// The organization of the subject, or None.
    #[getter]
    fn organization(&self) -> Option<&str> {
        self.holder.organization.as_deref()
    }

    /// The organizational unit of the subject, or None.
    #[getter]
    fn organizational_unit(&self) -> Option<&str> {
        self.holder.organizational_unit.as_deref()
    }

    /// The names and addresses that it is for.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.holder.names.iter().map(ToString::to_string).collect()
    }

    /// Whether a server may show it.
    #[getter]
    fn may_serve(&self) -> bool {
        self.holder.may_serve
    }

    /// Whether a client may show it.
    #[getter]
    fn may_call(&self) -> bool {
        self.holder.may_call
    }

    /// Since when it is valid: a `datetime` in UTC.
    #[getter]
    fn not_before(&self) -> SystemTime {
        datetime(self.holder.not_before)
    }

    /// Until when it is valid: a `datetime` in UTC.
    #[getter]
    fn not_after(&self) -> SystemTime {
        datetime(self.holder.not_after)
    }

    /// Its serial number, in hexadecimal digits.
    #[getter]
    fn serial(&self) -> &str {
        &self.holder.serial
    }

    /// Its public key.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.holder.public_key.clone())
    }

    /// Whether the moment is between its start and its end: now, or `at` (a `datetime` with a time zone).
    #[pyo3(signature = (at = None))]
    fn valid_at(&self, at: Option<SystemTime>) -> bool {
        let at = moment(at);
        self.holder.not_before <= at && at <= self.holder.not_after
    }

    fn __repr__(&self) -> String {
        let until = self.holder.not_after;
        format!("<Certificate of {:?} until {until}>", self.holder.common_name)
    }
}

/// Every certificate of a PEM text, such as a chain or a list of authorities, as a table.
///
///     >>> authority = mke.pki.Authority.create("cluster", "test")
///     >>> mke.pki.certificates(authority.certificate.pem * 2).column("may_serve")
///     [False, False]
#[pyfunction]
pub(super) fn certificates<'py>(py: Python<'py>, pem: &str) -> PyResult<Bound<'py, PyAny>> {
    let found = py.detach(|| Certificate::all(pem))?;
    listed(py, found)
}

/// Certificates as a table.
pub(super) fn listed(py: Python<'_>, found: Vec<Certificate>) -> PyResult<Bound<'_, PyAny>> {
    let columns = [
        "common_name",
        "names",
        "may_serve",
        "may_call",
        "not_before",
        "not_after",
        "serial",
    ];
    table(py, found, &columns)
}
