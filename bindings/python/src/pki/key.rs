//! Keys, and what is asked of an authority for them.

use std::path::PathBuf;

use mke_core::pki;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::input::{Hidden, read_text, rng, write_private};
use crate::config::Secret;
use crate::errors::OrRaise as _;

/// A private key (ECDSA on P-256) with its public half. `repr` and `str` show only the public key's id.
///
///     >>> key = mke.pki.PrivateKey.generate()
///     >>> mke.pki.PrivateKey(key.pem()).public_key == key.public_key
///     True
#[pyclass(module = "mke.pki", frozen)]
pub(crate) struct PrivateKey(pub(super) pki::KeyPair);

#[pymethods]
impl PrivateKey {
    #[new]
    fn new(pem: Hidden<'_>) -> PyResult<Self> {
        pki::KeyPair::from_pem(&pem.secret()).or_raise().map(Self)
    }

    /// A new key, from the random source of the operating system.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        py.detach(|| pki::KeyPair::generate(&mut rng()))
            .or_raise()
            .map(Self)
    }

    /// Reads a key from a PEM file.
    ///
    /// Raises:
    ///     OSError: the file cannot be read.
    ///     mke.errors.PkiError: it holds no key that can be used.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::new(Hidden::Text(read_text(py, &path)?))
    }

    /// The public half.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    /// The key as PKCS #8 in PEM. It is a `mke.config.Secret`: `expose()` gives the text.
    fn pem(&self) -> Secret {
        Secret(self.0.private_key_pem())
    }

    /// Writes the key to a new file with mode 0600.
    ///
    /// Raises:
    ///     FileExistsError: the file is there already. Keys are not replaced by accident.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        write_private(py, &path, self.0.private_key_pem().expose())
    }

    /// Signs a message with ECDSA and SHA-256 (ES256): 64 bytes, `r` and `s`.
    fn sign<'py>(&self, py: Python<'py>, message: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let signature = self.0.sign_es256(message).or_raise()?;
        Ok(PyBytes::new(py, &signature))
    }

    fn __repr__(&self) -> String {
        format!("<PrivateKey of {}>", self.0.public_key().id())
    }
}

/// A public key. Two are equal when they are the same key.
#[pyclass(module = "mke.pki", frozen, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct PublicKey(pub(super) pki::PublicKey);

#[pymethods]
impl PublicKey {
    #[new]
    fn new(pem: &str) -> PyResult<Self> {
        pki::PublicKey::from_pem(pem).or_raise().map(Self)
    }

    /// The key in PEM.
    #[getter]
    fn pem(&self) -> String {
        self.0.pem()
    }

    /// The key in DER (SubjectPublicKeyInfo).
    #[getter]
    fn der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.der())
    }

    /// Its fingerprint, by which a control plane knows it: the SHA-256 of the DER, in hexadecimal digits.
    #[getter]
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    fn __repr__(&self) -> String {
        format!("<PublicKey {}>", self.0.id())
    }
}

/// A request for a certificate (PKCS #10), signed with the key that it is for.
///
///     >>> key = mke.pki.PrivateKey.generate()
///     >>> request = mke.pki.SigningRequest.create(key, "node-1")
///     >>> mke.pki.SigningRequest(request.pem).public_key == key.public_key
///     True
#[pyclass(module = "mke.pki", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct SigningRequest(pki::SigningRequest);

#[pymethods]
impl SigningRequest {
    #[new]
    fn new(pem: &str) -> PyResult<Self> {
        pki::SigningRequest::from_pem(pem).or_raise().map(Self)
    }

    /// Makes a request for a key.
    #[staticmethod]
    fn create(key: &PrivateKey, common_name: &str) -> PyResult<Self> {
        pki::SigningRequest::create(&key.0, common_name)
            .or_raise()
            .map(Self)
    }

    /// The request in PEM.
    #[getter]
    fn pem(&self) -> String {
        self.0.pem()
    }

    /// The key that it proves to have. Names in a request are wishes: `Authority.issue` is told what to put in a certificate.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    fn __repr__(&self) -> String {
        format!("<SigningRequest for {}>", self.0.public_key().id())
    }
}
