//! TLS of the API port: 1.2 or newer, HTTP/1.1, an optional client certificate.
//!
//! A client certificate that is presented must verify, or the handshake fails. It proves a key and nothing more:
//! which account the key stands for is looked up per request in [`super::identify`]. Names of authorities are
//! not sent (pki-10), sessions are not resumed (a resumed one would skip the check, pki-04), and early data is
//! off.

use std::sync::Arc;

use arc_swap::ArcSwap;
use mke_core::ids::KeyId;
use mke_core::pki::{PublicKey, chain};
use mke_core::time::Clock;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// The certificates of the port, which can be replaced while it serves.
pub(super) struct ServerTls(ArcSwap<ServerConfig>);

impl ServerTls {
    /// Serves with this certificate, and takes client certificates of these authorities (DER).
    pub(super) fn new(
        identity: &chain::ServerIdentity,
        client_roots: Vec<Vec<u8>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self(ArcSwap::new(config(identity, client_roots, clock)?)))
    }

    /// Connections from now on use these instead.
    pub(super) fn replace(
        &self,
        identity: &chain::ServerIdentity,
        client_roots: Vec<Vec<u8>>,
        clock: Arc<dyn Clock>,
    ) -> Result<(), Error> {
        self.0.store(config(identity, client_roots, clock)?);
        Ok(())
    }

    /// What the next connection uses.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

fn config(
    identity: &chain::ServerIdentity,
    client_roots: Vec<Vec<u8>>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = ClientVerifier {
        algorithms: provider.signature_verification_algorithms,
        roots: client_roots,
        clock,
    };
    let chain = identity
        .chain()
        .iter()
        .map(|der| CertificateDer::from(der.clone()))
        .collect();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, identity.key())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// A client certificate that a handshake has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VerifiedCertificate {
    key: KeyId,
}

impl VerifiedCertificate {
    /// Reads the chain of a finished handshake; nothing without one.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let leaf = chain.first()?;
        let key = PublicKey::of_certificate(leaf).ok()?.id();
        Some(Self { key })
    }

    /// The public key, which is all that counts (pki-02).
    pub(super) fn key(&self) -> &KeyId {
        &self.key
    }
}

struct ClientVerifier {
    roots: Vec<Vec<u8>>,
    algorithms: WebPkiSupportedAlgorithms,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientVerifier")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let refused = |error: &dyn std::error::Error| {
            tracing::debug!(%error, "a client certificate is refused");
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        };
        // A key that cannot be read would leave nobody to look up, and nobody is not the same as anonymous.
        PublicKey::of_certificate(end_entity).map_err(|error| refused(&error))?;
        let intermediates: Vec<Vec<u8>> = intermediates.iter().map(|der| der.to_vec()).collect();
        chain::verify_client(end_entity, &intermediates, &self.roots, self.clock.now())
            .map_err(|error| refused(&error))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Makes the one cryptography provider known to every TLS user of the process, such as HTTP clients in it.
pub(super) fn install_provider() {
    // A second call finds it there.
    let _ = CryptoProvider::install_default(rustls::crypto::ring::default_provider());
}
