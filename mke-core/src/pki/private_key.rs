//! Private keys that were made elsewhere, in any of the three forms that tools write.

use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair};
use ring::signature::{Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{PemObject, SectionKind};
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::error::KeyFault;
use crate::secret::Secret;

/// Longest PEM text of a private key; RSA with 8192 bits needs 6.5 kB.
const MAX_PEM_BYTES: usize = 16 * 1024;

/// A private key of which only the form is known.
pub(super) struct ForeignKey(pub(super) PrivateKeyDer<'static>);

/// Reads the one private key in the text. Blocks of curve parameters, which OpenSSL writes in front, are skipped.
pub(super) fn parse(pem: &Secret) -> Result<ForeignKey, KeyFault> {
    let text = pem.expose();
    if text.len() > MAX_PEM_BYTES {
        return Err(KeyFault::Pem);
    }
    // `ENCRYPTED PRIVATE KEY` of PKCS#8, `Proc-Type: 4,ENCRYPTED` of the older form.
    if text.contains("ENCRYPTED") {
        return Err(KeyFault::Encrypted);
    }
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        let (kind, der) = section.map_err(|_| KeyFault::Pem)?;
        let key = match kind {
            SectionKind::PrivateKey => PrivateKeyDer::Pkcs8(der.into()),
            SectionKind::RsaPrivateKey => PrivateKeyDer::Pkcs1(der.into()),
            SectionKind::EcPrivateKey => PrivateKeyDer::Sec1(der.into()),
            SectionKind::Certificate => return Err(KeyFault::Certificate),
            _ => return Err(KeyFault::Pem),
        };
        if found.replace(key).is_some() {
            return Err(KeyFault::Pem);
        }
    }
    found.map(ForeignKey).ok_or(KeyFault::Pem)
}

impl ForeignKey {
    /// The key as PKCS#8 when it belongs to this `SubjectPublicKeyInfo`, nothing when it does not.
    pub(super) fn pkcs8_if_of(&self, spki: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFault> {
        let spki = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| KeyFault::Der)?;
        let pkcs8 = match &self.0 {
            PrivateKeyDer::Pkcs8(key) => Zeroizing::new(key.secret_pkcs8_der().to_vec()),
            // The older forms do not say their algorithm in full; if the key belongs to the certificate, it is the
            // certificate's. If it does not, the next step finds out.
            PrivateKeyDer::Pkcs1(key) => wrap(&spki, key.secret_pkcs1_der())?,
            PrivateKeyDer::Sec1(key) => wrap(&spki, key.secret_sec1_der())?,
            _ => return Err(KeyFault::Algorithm),
        };
        let Some(public) = public_half(&pkcs8) else {
            // With an own statement of its algorithm a key that nobody can read is broken; without, it is another's.
            return match &self.0 {
                PrivateKeyDer::Pkcs8(_) => Err(KeyFault::Algorithm),
                _ => Ok(None),
            };
        };
        let matches = spki.subject_public_key.as_bytes() == Some(public.as_slice());
        Ok(matches.then_some(pkcs8))
    }
}

fn wrap(spki: &SubjectPublicKeyInfoRef<'_>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let key = OctetStringRef::new(key).map_err(|_| KeyFault::Der)?;
    pkcs8::PrivateKeyInfoRef::new(spki.algorithm, key)
        .to_der()
        .map(Zeroizing::new)
        .map_err(|_| KeyFault::Der)
}

/// The public key as it stands in the bit string of a certificate, from the algorithms that TLS here can sign with.
fn public_half(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let rng = ring::rand::SystemRandom::new();
    if let Ok(key) = RsaKeyPair::from_pkcs8(pkcs8) {
        return Some(key.public_key().as_ref().to_vec());
    }
    for algorithm in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING] {
        // The random source only blinds the check of the pair.
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &rng) {
            return Some(key.public_key().as_ref().to_vec());
        }
    }
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
        .ok()
        .map(|key| key.public_key().as_ref().to_vec())
}
