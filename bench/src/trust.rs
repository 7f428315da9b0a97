//! Certificates of a run: what the peers serve, and whom our client trusts.
//!
//! The peers' certificate comes from an authority of the same kind as the one that `ucp serve` makes for itself:
//! ECDSA on P-256, one certificate below the root.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile};
use mke_core::time::Timestamp;
use rand_core::CryptoRng;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::error::BenchError;

/// File of the peers' certificate chain.
pub(crate) const CERT: &str = "cert.pem";
/// File of its private key.
pub(crate) const KEY: &str = "key.pem";
/// File of both, in the order that haproxy wants.
pub(crate) const CERT_AND_KEY: &str = "both.pem";

/// Randomness of the system.
pub(crate) fn rng() -> impl CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// A new authority, as `ucp serve` makes them.
pub(crate) fn authority(kind: AuthorityKind) -> Result<Authority, BenchError> {
    Authority::create(kind, "bench", SystemTime::now().into(), &mut rng()).map_err(BenchError::certificate)
}

/// Writes the peers' certificate and key into the directory; returns the root to trust.
pub(crate) fn write_peer_certificate(directory: &Path) -> Result<String, BenchError> {
    let authority = authority(AuthorityKind::Cluster)?;
    let key = KeyPair::generate(&mut rng()).map_err(BenchError::certificate)?;
    let request = CertificateRequest {
        profile: Profile::Server,
        common_name: "peer".to_owned(),
        organization: None,
        organizational_unit: None,
        names: vec!["127.0.0.1".parse().map_err(BenchError::certificate)?],
        public_key: key.public_key().clone(),
        validity: Duration::from_secs(24 * 60 * 60),
    };
    let now = Timestamp::from(SystemTime::now());
    let certificate = authority
        .issue(&request, now, &mut rng())
        .map_err(BenchError::certificate)?
        .pem();
    let key = key.private_key_pem();
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(BenchError::file("write", path.display()))
    };
    write(CERT, &certificate)?;
    write(KEY, key.expose())?;
    write(CERT_AND_KEY, &format!("{certificate}{}", key.expose()))?;
    Ok(authority.certificate_pem())
}

/// A client that trusts these roots.
pub(crate) fn connector<'p>(roots: impl IntoIterator<Item = &'p str>) -> Result<TlsConnector, BenchError> {
    let mut store = RootCertStore::empty();
    for pem in roots {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(BenchError::certificate)?;
            store.add(certificate).map_err(BenchError::certificate)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(BenchError::certificate)?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
