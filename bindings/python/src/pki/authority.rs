//! Authorities: their root, and what they sign.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mke_core::pki::{self, AuthorityKind, CertificateRequest, Profile};
use pyo3::prelude::*;

use super::certificate::Certificate;
use super::input::{Hidden, moment, read_text, rng, write_private};
use super::key::PublicKey;
use crate::config::Secret;
use crate::errors::{OrRaise as _, invalid};

/// A root certificate with its key: it signs what nodes and users show. `repr` shows no key.
///
/// A cluster has two, `"cluster"` for nodes and components and `"client"` for users, so that neither passes for the other.
///
///     >>> authority = mke.pki.Authority.create("cluster", "test")
///     >>> key = mke.pki.PrivateKey.generate()
///     >>> server = authority.issue(
///     ...     key.public_key, profile="server", common_name="ucp", names=["ucp.example.com", "10.0.0.5"], days=90
///     ... )
///     >>> server.names
///     ['ucp.example.com', '10.0.0.5']
#[pyclass(module = "mke.pki", frozen)]
pub(crate) struct Authority(pub(super) pki::Authority);

#[pymethods]
impl Authority {
    #[new]
    fn new(certificate: &str, key: Hidden<'_>) -> PyResult<Self> {
        pki::Authority::from_pem(certificate, &key.secret())
            .or_raise()
            .map(Self)
    }

    /// A new authority, valid for twenty years.
    ///
    /// Args:
    ///     kind: `"cluster"` or `"client"`.
    ///     cluster_id: the id of the cluster, which stands in its subject.
    ///     at: from when it is valid, a `datetime` with a time zone; now by default.
    ///
    /// Raises:
    ///     mke.errors.PkiError: the id cannot stand in a subject.
    #[staticmethod]
    #[pyo3(signature = (kind, cluster_id, *, at = None))]
    fn create(py: Python<'_>, kind: &str, cluster_id: &str, at: Option<SystemTime>) -> PyResult<Self> {
        let kind = match kind {
            "cluster" => AuthorityKind::Cluster,
            "client" => AuthorityKind::Client,
            other => {
                return Err(invalid(
                    "kind",
                    &format!("`{other}` is neither cluster nor client"),
                ));
            }
        };
        let made = py.detach(|| pki::Authority::create(kind, cluster_id, moment(at), &mut rng()));
        made.or_raise().map(Self)
    }

    /// Reads an authority from its certificate and its key, both PEM files.
    ///
    /// Raises:
    ///     OSError: a file cannot be read.
    ///     mke.errors.PkiError: they do not belong together, or may not sign.
    #[staticmethod]
    fn from_files(py: Python<'_>, certificate: PathBuf, key: PathBuf) -> PyResult<Self> {
        Self::new(&read_text(py, &certificate)?, Hidden::Text(read_text(py, &key)?))
    }

    /// Its own certificate: what others trust.
    #[getter]
    fn certificate(&self) -> PyResult<Certificate> {
        Certificate::of(self.0.certificate_der().to_vec())
    }

    /// Its private key in PEM. It is a `mke.config.Secret`: `expose()` gives the text.
    fn key(&self) -> Secret {
        Secret(self.0.key_pem())
    }

    /// Writes certificate and key to new files with mode 0600.
    ///
    /// Raises:
    ///     FileExistsError: one of the files is there already.
    fn save(&self, py: Python<'_>, certificate: PathBuf, key: PathBuf) -> PyResult<()> {
        // The key first: a certificate without its key would look like an authority.
        write_private(py, &key, self.0.key_pem().expose())?;
        write_private(py, &certificate, &self.0.certificate_pem())
    }

    /// Issues a certificate.
    ///
    /// Args:
    ///     public_key: the key of the holder, such as that of a `SigningRequest`.
    ///     profile: what it may be used for: `"server"`, `"client"`, `"node"` (both) or `"token-signer"`.
    ///     common_name: the subject. Nobody's rights depend on it.
    ///     names: names and addresses under which a server is reached; a server needs at least one.
    ///     days: how long it is valid, at most until the authority's own end.
    ///     organization: a part of the subject.
    ///     organizational_unit: a part of the subject.
    ///     at: from when it is valid (a `datetime` with a time zone); now by default. Clocks may differ by five minutes.
    ///
    /// Raises:
    ///     mke.errors.PkiError: a field cannot stand in a certificate, or the authority has expired.
    #[pyo3(signature = (
        public_key, *, profile, common_name, days, names = Vec::new(), organization = None,
        organizational_unit = None, at = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword in Python")]
    fn issue(
        &self,
        py: Python<'_>,
        public_key: &PublicKey,
        profile: &str,
        common_name: String,
        days: u32,
        names: Vec<String>,
        organization: Option<String>,
        organizational_unit: Option<String>,
        at: Option<SystemTime>,
    ) -> PyResult<Certificate> {
        let profile = match profile {
            "server" => Profile::Server,
            "client" => Profile::Client,
            "node" => Profile::Node,
            "token-signer" => Profile::TokenSigner,
            other => {
                let why = format!("`{other}` is none of server, client, node, token-signer");
                return Err(invalid("profile", &why));
            }
        };
        let names: Result<_, _> = names.iter().map(|name| name.parse()).collect();
        let request = CertificateRequest {
            profile,
            common_name,
            organization,
            organizational_unit,
            names: names.or_raise()?,
            public_key: public_key.0.clone(),
            validity: Duration::from_secs(u64::from(days) * 24 * 60 * 60),
        };
        let issued = py
            .detach(|| self.0.issue(&request, moment(at), &mut rng()))
            .or_raise()?;
        Certificate::of(issued.der().to_vec())
    }

    fn __repr__(&self) -> String {
        format!(
            "<Authority {} until {}>",
            self.0.public_key().id(),
            self.0.not_after()
        )
    }
}
