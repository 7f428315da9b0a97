//! Key pairs that are made here: ECDSA on P-256.

use std::fmt;

use der::pem::LineEnding;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rand_core::CryptoRng;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::error::{KeyFault, PkiError};
use super::private_key;
use super::public_key::PublicKey;
use crate::secret::Secret;

/// The label of a PKCS#8 key (RFC 7468 section 10).
const LABEL: &str = "PRIVATE KEY";

/// What stands before the 32 bytes of the scalar: PKCS#8 (RFC 5958) with the algorithm P-256 around `ECPrivateKey`
/// (RFC 5915). All lengths are fixed for one curve. Encoders of libraries compute the public point again, which
/// costs as much as a signature; here it is already known.
const PKCS8_HEAD: [u8; 36] = [
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01,
    0x04, 0x20,
];

/// What stands between the scalar and the 65 bytes of the uncompressed point.
const PKCS8_MIDDLE: [u8; 5] = [0xa1, 0x44, 0x03, 0x42, 0x00];

/// Length of the whole.
const PKCS8_BYTES: usize = 36 + 32 + 5 + 65;

/// What errors call it.
const WHAT: &str = "private key";

/// A private key with its public half. `Debug` shows only the public part.
///
/// Keys come from the random source in the argument, which `ring` would not allow: its generators take only its
/// own. The pure implementation is quick enough: `benches/pki.rs` makes about 11,000 bundles a second on one core,
/// where 2,000 are wanted.
pub struct KeyPair {
    pub(super) signer: SigningKey,
    public: PublicKey,
}

impl KeyPair {
    /// A fresh pair.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Result<Self, PkiError> {
        Self::new(SigningKey::generate_from_rng(rng))
    }

    /// Reads an unencrypted P-256 key, PKCS#8 (`PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
    pub fn from_pem(pem: &Secret) -> Result<Self, PkiError> {
        let secret = private_key::parse(pem)
            .and_then(|key| {
                match &key.0 {
                    PrivateKeyDer::Pkcs8(der) => p256::SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).ok(),
                    PrivateKeyDer::Sec1(der) => p256::SecretKey::from_sec1_der(der.secret_sec1_der()).ok(),
                    _ => None,
                }
                .ok_or(KeyFault::NotP256)
            })
            .map_err(|fault| PkiError::Key { what: WHAT, fault })?;
        Self::new(SigningKey::from(secret))
    }

    fn new(signer: SigningKey) -> Result<Self, PkiError> {
        let spki = signer
            .verifying_key()
            .to_public_key_der()
            .map_err(|error| PkiError::Encode {
                fault: error.to_string(),
            })?;
        Ok(Self {
            public: PublicKey::own(spki.into_vec()),
            signer,
        })
    }

    /// The private key as PKCS#8 PEM, which docker, kubectl and OpenSSL read.
    pub fn private_key_pem(&self) -> Secret {
        let scalar = Zeroizing::new(self.signer.to_bytes());
        let point = self.signer.verifying_key().to_sec1_point(false);
        let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_BYTES));
        der.extend_from_slice(&PKCS8_HEAD);
        der.extend_from_slice(&scalar);
        der.extend_from_slice(&PKCS8_MIDDLE);
        der.extend_from_slice(point.as_bytes());
        // Encoding fails for a bad label only, and this one is good.
        Secret::new(der::pem::encode_string(LABEL, LineEnding::LF, &der).unwrap_or_default())
    }

    /// A signature over a message in the form of ES256 (RFC 7518 section 3.4): 32 bytes of r, then 32 of s. The same
    /// message gives the same signature (RFC 6979).
    pub fn sign_es256(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        let signature: Signature = self.signer.try_sign(message).map_err(|error| PkiError::Encode {
            fault: error.to_string(),
        })?;
        Ok(signature.to_bytes().to_vec())
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}
