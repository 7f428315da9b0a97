//! Whether a chain of certificates is to be trusted.
//!
//! Two questions are answered here: may this client certificate open a connection, and may this bundle, which an
//! administrator made elsewhere, serve (PKI-004, PKI-006). Signatures and paths are `rustls-webpki`'s work. This
//! module never decides who a client is.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyUsage, anchor_from_trusted_cert,
};

use super::error::{Distrust, PkiError};
use super::inspect::Facts;
use crate::time::Timestamp;

mod server;

pub use server::{ChainPart, ChainProblem, ServerIdentity, verify_server_bundle};

/// Most certificates between a leaf and its root. Real chains have one or two.
pub const MAX_INTERMEDIATES: usize = 8;

/// `id-kp-clientAuth` (RFC 5280 section 4.2.1.12), encoded.
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Checks a client certificate for a TLS handshake: it is no authority's, states `clientAuth`, is valid now, and a
/// chain of signatures leads to one of `roots` that is valid now itself. All in DER.
///
/// A certificate without any stated purpose is refused, although RFC 5280 would let it do anything: an absent
/// statement is no permission.
pub fn verify_client(
    leaf: &[u8],
    intermediates: &[Vec<u8>],
    roots: &[Vec<u8>],
    now: Timestamp,
) -> Result<(), PkiError> {
    let untrusted = |reason| PkiError::Untrusted { reason };
    if intermediates.len() > MAX_INTERMEDIATES {
        return Err(untrusted(Distrust::TooManyIntermediates {
            max: MAX_INTERMEDIATES,
        }));
    }
    // The verifier takes roots as bare keys, so their own lifetime is looked at here. The expired ones are left out,
    // which after a rotation is the usual state.
    let mut valid_roots = Vec::with_capacity(roots.len());
    for root in roots {
        if Facts::read(root)?.valid_at(now) {
            valid_roots.push(root.clone());
        }
    }
    if valid_roots.is_empty() {
        return Err(PkiError::NoRoots);
    }
    verify_path(
        leaf,
        intermediates,
        &valid_roots,
        now,
        KeyUsage::required(CLIENT_AUTH),
    )
    .map_err(|error| untrusted(distrust(error)))
}

/// Builds and checks a path from the leaf to one of the roots.
fn verify_path(
    leaf: &[u8],
    intermediates: &[Vec<u8>],
    roots: &[Vec<u8>],
    time: Timestamp,
    purpose: impl ExtendedKeyUsageValidator,
) -> Result<(), webpki::Error> {
    let leaf = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&leaf)?;
    let roots: Vec<CertificateDer<'_>> = roots
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let anchors: Vec<TrustAnchor<'_>> = roots
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<_, _>>()?;
    let intermediates: Vec<CertificateDer<'_>> = intermediates
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let secs = u64::try_from(time.as_secs()).unwrap_or(0);
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &intermediates,
        time,
        purpose,
        None,
        None,
    )
    .map(|_| ())
}

fn distrust(error: webpki::Error) -> Distrust {
    match error {
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => Distrust::UnknownIssuer,
        webpki::Error::CertExpired { .. } => Distrust::Expired,
        webpki::Error::CertNotValidYet { .. } => Distrust::NotYetValid,
        webpki::Error::RequiredEkuNotFoundContext(_) => Distrust::WrongPurpose,
        webpki::Error::CaUsedAsEndEntity => Distrust::IsAuthority,
        other => Distrust::Other(other.to_string()),
    }
}
