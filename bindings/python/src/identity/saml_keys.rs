//! Who takes part in SAML: this cluster, its key, the identity provider.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::saml::{self, OwnKey};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::moment::{Moment, or_now};
use crate::convert::to_python;
use crate::errors::{OrRaise as _, invalid};

/// A cluster as a service provider: the addresses by which providers and browsers know it. `host` is a host name or address, with its
/// port if that is not 443.
///
///     >>> mke.identity.ServiceProvider("mke.example.com").acs
///     'https://mke.example.com/enzi/v0/saml/acs'
#[pyclass(module = "mke.identity", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct ServiceProvider(pub(super) saml::ServiceProvider);

#[pymethods]
impl ServiceProvider {
    #[new]
    fn new(host: &str) -> PyResult<Self> {
        saml::ServiceProvider::at(host).or_raise().map(Self)
    }

    /// Scheme, host and port.
    #[getter]
    fn origin(&self) -> &str {
        self.0.origin()
    }

    /// The entity id, which is the address of the metadata.
    #[getter]
    fn entity_id(&self) -> &str {
        self.0.entity_id()
    }

    /// Where responses are sent (assertion consumer service).
    #[getter]
    fn acs(&self) -> &str {
        self.0.acs()
    }

    /// Where single logout is.
    #[getter]
    fn logout(&self) -> &str {
        self.0.logout()
    }

    /// The document that introduces this cluster to a provider.
    fn metadata(&self, key: &Bound<'_, SamlKey>) -> String {
        saml::request::metadata(&self.0, &key.get().key)
    }

    fn __repr__(&self) -> String {
        format!("<ServiceProvider {}>", self.0.origin())
    }
}

/// The key with which a cluster signs its requests, with its certificate. `SamlKey.generate()` makes one; `SamlKey(pkcs8, certificate)`
/// takes one that was kept (both in DER).
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct SamlKey {
    pub(super) key: OwnKey,
    pkcs8: zeroize::Zeroizing<Vec<u8>>,
}

#[pymethods]
impl SamlKey {
    #[new]
    #[pyo3(signature = (pkcs8, certificate=None))]
    fn new(pkcs8: Vec<u8>, certificate: Option<Vec<u8>>) -> PyResult<Self> {
        let pkcs8 = zeroize::Zeroizing::new(pkcs8);
        let key = match certificate {
            Some(certificate) => OwnKey::from_parts(&pkcs8, certificate),
            None => OwnKey::certified(&pkcs8, or_now(None)),
        };
        Ok(Self {
            key: key.or_raise()?,
            pkcs8,
        })
    }

    /// A new key of RSA with 2048 bits and its certificate. Takes some tenths of a second.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        let made = py.detach(|| {
            let pkcs8 = saml::generate_key(&mut UnwrapErr(SysRng))?;
            let key = OwnKey::certified(&pkcs8, or_now(None))?;
            Ok::<_, saml::OwnKeyError>(Self { key, pkcs8 })
        });
        made.or_raise()
    }

    /// The certificate in DER.
    #[getter]
    fn certificate<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.key.certificate())
    }

    /// The private key as PKCS#8 in DER: to be sealed and kept.
    fn to_pkcs8<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.pkcs8)
    }

    fn __repr__(&self) -> &'static str {
        "SamlKey(********)"
    }
}

/// An identity provider, as its metadata describes it. `url` is where the metadata came from; it is believed because of that.
///
/// Raises `SamlRefusedError` for a document that is no metadata of one provider, or names no usable key.
#[pyclass(module = "mke.identity", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct IdentityProvider(pub(super) saml::IdentityProvider);

#[pymethods]
impl IdentityProvider {
    #[new]
    #[pyo3(signature = (metadata, url, *, at=None))]
    fn new(metadata: &Bound<'_, PyAny>, url: &str, at: Option<Moment>) -> PyResult<Self> {
        let bytes = if let Ok(bytes) = metadata.cast::<PyBytes>() {
            bytes.as_bytes().to_vec()
        } else if let Ok(text) = metadata.cast::<PyString>() {
            text.to_cow()?.into_owned().into_bytes()
        } else {
            return Err(invalid("metadata", "text or bytes are needed"));
        };
        let provider = saml::IdentityProvider::from_metadata(&bytes, url, or_now(at));
        provider.or_raise().map(Self)
    }

    /// Its entity id.
    #[getter]
    fn entity_id(&self) -> &str {
        self.0.entity_id()
    }

    /// Where login requests go.
    #[getter]
    fn sign_on(&self) -> &str {
        &self.0.record().sign_on
    }

    /// What an administrator should know about it.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.record().warnings.clone()
    }

    /// How many keys it may sign with; never 0.
    #[getter]
    fn keys(&self) -> usize {
        self.0.keys().len()
    }

    /// Whether its metadata says that it is valid no more.
    #[pyo3(signature = (*, at=None))]
    fn is_expired(&self, at: Option<Moment>) -> bool {
        self.0.is_expired(or_now(at))
    }

    /// What is kept of it, as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.0.record())
    }

    fn __repr__(&self) -> String {
        format!("<IdentityProvider {}>", self.0.entity_id())
    }
}
