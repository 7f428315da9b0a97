//! Public keys: what a registered credential is, and what a certificate certifies.

use std::fmt;

use der::pem::LineEnding;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

use super::error::{KeyFault, PkiError};
use super::pem::decode_certificate;
use super::rsa;
use crate::ids::KeyId;

/// What errors call it.
const WHAT: &str = "public key";

/// Longest PEM text of a key; RSA with 8192 bits needs 1.5 kB.
const MAX_PEM_BYTES: usize = 8 * 1024;

/// The label of a public key (RFC 7468 section 13).
const LABEL: &str = "PUBLIC KEY";

/// RFC 8017 appendix A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480 section 2.1.1.
const ECDSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// RFC 5480 section 2.1.1.1.
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key that passed the checks of pki-12: ECDSA on P-256 or P-384, Ed25519, or RSA with 2048 to 8192 bits.
/// P-521 is left out because the TLS stack (`ring`) cannot verify it: it could be registered but never used.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
    der: Vec<u8>,
}

impl PublicKey {
    /// Reads exactly one `PUBLIC KEY` block, and says what is wrong when something else was pasted.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        let refused = |fault| PkiError::Key { what: WHAT, fault };
        if pem.contains("PRIVATE KEY") {
            return Err(refused(KeyFault::Private));
        }
        if pem.len() > MAX_PEM_BYTES {
            return Err(refused(KeyFault::Pem));
        }
        if pem.contains("BEGIN CERTIFICATE") {
            return Err(refused(KeyFault::Certificate));
        }
        let text = pem.trim();
        if text.contains("BEGIN RSA PUBLIC KEY")
            || text.contains("SSH2 PUBLIC KEY")
            || text.starts_with("ssh-")
        {
            return Err(refused(KeyFault::Form));
        }
        match der::pem::decode_vec(text.as_bytes()) {
            Ok((LABEL, der)) => Self::from_der(&der),
            _ => Err(refused(KeyFault::Pem)),
        }
    }

    /// Reads a `SubjectPublicKeyInfo` in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let key = SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|_| KeyFault::Der)
            .and_then(|key| check(&key))
            .map(|()| Self { der: der.to_vec() });
        key.map_err(|fault| PkiError::Key { what: WHAT, fault })
    }

    /// The key inside a certificate.
    pub fn of_certificate(certificate: &[u8]) -> Result<Self, PkiError> {
        let certificate = decode_certificate(certificate)?;
        let der = certificate
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|error| PkiError::Certificate {
                fault: error.to_string(),
            })?;
        Self::from_der(&der)
    }

    /// A key that was made here and needs no check.
    pub(super) fn own(der: Vec<u8>) -> Self {
        Self { der }
    }

    /// `SubjectPublicKeyInfo` in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `SubjectPublicKeyInfo` in PEM.
    pub fn pem(&self) -> String {
        // Encoding fails for a bad label only, and this one is good.
        der::pem::encode_string(LABEL, LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// The identity of the key: SHA-256 of its DER form, in hexadecimal. The same key has the same id, whichever
    /// certificate it stands in.
    pub fn id(&self) -> KeyId {
        KeyId::new(hex::encode(Sha256::digest(&self.der)))
    }

    /// The coordinates x and y of a point on P-256, 32 bytes each (RFC 7518 section 6.2.1); nothing for other keys.
    pub fn p256_coordinates(&self) -> Option<(&[u8], &[u8])> {
        let key = SubjectPublicKeyInfoRef::from_der(&self.der).ok()?;
        let curve = key.algorithm.parameters?.decode_as::<ObjectIdentifier>().ok()?;
        if key.algorithm.oid != ECDSA || curve != P256 {
            return None;
        }
        // The form of the point was checked, so it ends the encoding.
        let point = self.der.get(self.der.len().checked_sub(64)?..)?;
        point.split_at_checked(32)
    }

    pub(super) fn to_spki(&self) -> Result<SubjectPublicKeyInfoOwned, PkiError> {
        SubjectPublicKeyInfoOwned::from_der(&self.der).map_err(|error| PkiError::Encode {
            fault: error.to_string(),
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

fn check(key: &SubjectPublicKeyInfoRef<'_>) -> Result<(), KeyFault> {
    let bits = key.subject_public_key.as_bytes().ok_or(KeyFault::Der)?;
    let parameters = key.algorithm.parameters;
    match key.algorithm.oid {
        RSA if parameters.is_some_and(|value| value.is_null()) => rsa::check(bits),
        ECDSA => match parameters.map(|value| value.decode_as::<ObjectIdentifier>()) {
            Some(Ok(P256)) => check_point(bits, 32).and_then(|()| {
                p256::PublicKey::from_sec1_bytes(bits)
                    .map(|_| ())
                    .map_err(|_| KeyFault::Point)
            }),
            // The handshake verifies a signature with it, and that checks the point: a bad one opens nothing.
            Some(Ok(P384)) => check_point(bits, 48),
            _ => Err(KeyFault::Algorithm),
        },
        ED25519 if parameters.is_none() => {
            if bits.len() == 32 {
                Ok(())
            } else {
                Err(KeyFault::Point)
            }
        }
        _ => Err(KeyFault::Algorithm),
    }
}

/// Only the uncompressed form (RFC 5480 section 2.2): the TLS stack reads no other.
fn check_point(bits: &[u8], field_bytes: usize) -> Result<(), KeyFault> {
    if bits.len() == 1 + 2 * field_bytes && bits[0] == 4 {
        Ok(())
    } else {
        Err(KeyFault::Point)
    }
}
