//! A certificate with its private key and the authorities that the other end is checked against.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use mke_core::pki::{Holder, parse_certificates};
use mke_core::secret::Secret;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::{CA_FILE, CERT_FILE, KEY_FILE, MtlsError};

/// PEM texts, read and ready for TLS. `Debug` prints no key.
pub struct Material {
    place: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Vec<Vec<u8>>,
    holder: Holder,
}

impl Material {
    /// Reads PEM texts; `place` says in errors where they came from. The key must be readable; whether it belongs to the
    /// certificate is found out by TLS.
    ///
    /// # Errors
    /// [`MtlsError`] naming the place.
    pub fn from_pem(place: &str, ca: &str, chain: &str, key: &Secret) -> Result<Self, MtlsError> {
        let wrong = |source| MtlsError::Certificate {
            place: place.to_owned(),
            source,
        };
        let roots = parse_certificates(ca).map_err(wrong)?;
        let chain = parse_certificates(chain).map_err(wrong)?;
        let holder = Holder::of(chain.first().map_or(&[][..], Vec::as_slice)).map_err(wrong)?;
        Ok(Self {
            place: place.to_owned(),
            chain: chain.into_iter().map(CertificateDer::from).collect(),
            key: private_key(place, key)?,
            roots,
            holder,
        })
    }

    /// Reads `ca.pem`, `cert.pem` and `key.pem` of a directory.
    ///
    /// # Errors
    /// As [`Self::from_pem`], and for files that cannot be read.
    pub fn from_dir(dir: &Path) -> Result<Self, MtlsError> {
        let text = |name: &str| read(&dir.join(name));
        Self::from_pem(
            &format!("`{}`", dir.display()),
            &text(CA_FILE)?,
            &text(CERT_FILE)?,
            &Secret::new(text(KEY_FILE)?),
        )
    }

    /// The certificate that the swarm gave to the node of an engine, with `ca` as what servers are checked against.
    /// `certificates` is `swarm/certificates` in the engine's root directory.
    ///
    /// # Errors
    /// As [`Self::from_dir`]; [`MtlsError::Encrypted`] when the swarm is locked.
    pub fn of_swarm_node(certificates: &Path, ca: &str) -> Result<Self, MtlsError> {
        Self::from_pem(
            &format!("`{}`", certificates.display()),
            ca,
            &read(&certificates.join("swarm-node.crt"))?,
            &Secret::new(read(&certificates.join("swarm-node.key"))?),
        )
    }

    /// What the certificate says.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The authorities, DER.
    pub fn roots(&self) -> &[Vec<u8>] {
        &self.roots
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }

    /// How to call others with it: they are checked against the authorities, and are shown the certificate.
    ///
    /// # Errors
    /// [`MtlsError::Tls`], for instance when the key belongs to another certificate.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, MtlsError> {
        let wrong = |source| MtlsError::Tls {
            place: self.place.clone(),
            source,
        };
        let mut store = RootCertStore::empty();
        for root in &self.roots {
            store.add(CertificateDer::from(root.clone())).map_err(wrong)?;
        }
        let provider = provider();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
            .build()
            .map_err(|error| wrong(rustls::Error::General(error.to_string())))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(wrong)?
            .with_webpki_verifier(verifier)
            .with_client_auth_cert(self.chain(), self.key())
            .map_err(wrong)?;
        // A resumed session would skip the check of a certificate that was replaced since.
        config.resumption = rustls::client::Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material")
            .field("place", &self.place)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// The one cryptography provider of this project.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn read(path: &Path) -> Result<String, MtlsError> {
    std::fs::read_to_string(path).map_err(|source| MtlsError::File {
        path: path.to_owned(),
        source,
    })
}

/// Engines write headers (RFC 1421 section 4.6) into the key of a manager, such as the key of the raft log; they are no
/// part of the key and parsers of today refuse them.
fn private_key(place: &str, pem: &Secret) -> Result<PrivateKeyDer<'static>, MtlsError> {
    let text = pem.expose();
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(MtlsError::Encrypted {
            place: place.to_owned(),
        });
    }
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for line in text
        .lines()
        .filter(|line| !line.contains(':') && !line.trim().is_empty())
    {
        plain.push_str(line);
        plain.push('\n');
    }
    PrivateKeyDer::from_pem_slice(plain.as_bytes()).map_err(|_| MtlsError::Certificate {
        place: place.to_owned(),
        source: mke_core::pki::PkiError::Pem {
            what: "the private key",
            fault: "there is no private key block in it, or it is broken".to_owned(),
        },
    })
}
