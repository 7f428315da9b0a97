//! Who is on the other end, as a finished handshake proves it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use mke_core::pki::{Holder, chain};
use mke_core::time::Clock;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Whose signature a certificate was checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The cluster authority.
    Cluster,
    /// The authority of the swarm itself, which gave every node its identity when it joined (decision 0025).
    Swarm,
}

/// The other end of a connection. It proved that it has the key of a certificate that is valid now, states
/// `clientAuth`, and was signed by an authority that is trusted here.
#[derive(Debug, Clone)]
pub struct Verified {
    /// From where it called.
    pub address: SocketAddr,
    /// Whose certificate it showed.
    pub trust: Trust,
    /// What the certificate says.
    pub holder: Holder,
}

/// The authorities of callers.
#[derive(Clone, Default)]
pub(super) struct CallerRoots {
    pub(super) cluster: Vec<Vec<u8>>,
    pub(super) swarm: Vec<Vec<u8>>,
}

impl CallerRoots {
    /// Whose certificate this is, if it may call at all.
    pub(super) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        clock: &dyn Clock,
    ) -> Option<(Trust, Holder)> {
        let holder = Holder::of(leaf).ok()?;
        let intermediates: Vec<Vec<u8>> = intermediates.iter().map(|der| der.to_vec()).collect();
        [(Trust::Cluster, &self.cluster), (Trust::Swarm, &self.swarm)]
            .into_iter()
            .find(|(_, roots)| {
                !roots.is_empty() && chain::verify_client(leaf, &intermediates, roots, clock.now()).is_ok()
            })
            .map(|(trust, _)| (trust, holder))
    }
}

/// Asks every caller for a certificate and checks it in the handshake.
pub(super) struct CallerVerifier {
    pub(super) roots: CallerRoots,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for CallerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerVerifier").finish_non_exhaustive()
    }
}

impl ClientCertVerifier for CallerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.roots.check(leaf, intermediates, &*self.clock) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
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
