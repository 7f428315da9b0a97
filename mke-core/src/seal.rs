//! Secrets at rest. What the store keeps of passwords to other systems, authority keys and the like is sealed with
//! a key that lies beside the store, never in it, so that a copy of the store alone gives nothing away.
//!
//! AES-256-GCM with a random nonce. The context, usually the store key of the record, is authenticated: a sealed
//! value that is moved to another record does not open. This module never decides where the key is kept.

use std::fmt;

use rand_core::CryptoRng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Length of a sealing key.
pub const KEY_BYTES: usize = 32;

/// First byte of everything sealed, so that a later form can be told apart. It is authenticated as well.
const VERSION: u8 = 1;

/// Bytes that sealing adds: version, nonce and tag.
const OVERHEAD: usize = 1 + NONCE_LEN + MAX_TAG_LEN;

/// Why something was not sealed or opened. It says nothing about the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key file of another length.
    #[error("a sealing key has {KEY_BYTES} bytes, this one has {found}: restore the key file from a backup")]
    KeyLength {
        /// Its length in bytes.
        found: usize,
    },
    /// Made by a later version, or not sealed at all.
    #[error("the sealed value has an unknown form")]
    UnknownForm,
    /// Changed, cut, moved to another record, or sealed with another key. These cannot be told apart.
    #[error("the sealed value was changed, moved, or sealed with another key")]
    NotAuthentic,
    /// More than AES-GCM can seal in one piece, 64 GiB.
    #[error("the value is too large to be sealed")]
    TooLarge,
}

/// The key of one node. `Debug` prints nothing of it, and its memory is cleared on drop.
///
/// Random nonces of 96 bits are safe for 2^32 values under one key (NIST SP 800-38D section 8.3); a control plane
/// seals a few thousand.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; KEY_BYTES]>);

impl SealingKey {
    /// A fresh key.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rng.fill_bytes(key.as_mut());
        Self(key)
    }

    /// Reads a key, as [`to_bytes`](Self::to_bytes) gave it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(SealError::KeyLength { found: bytes.len() });
        }
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }

    /// The key itself, for the one file that keeps it.
    pub fn to_bytes(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        self.0.clone()
    }

    /// Seals a value for this context.
    pub fn seal(
        &self,
        context: &str,
        plaintext: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        let start = sealed.len();
        sealed.extend_from_slice(plaintext);
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(context),
                &mut sealed[start..],
            )
            .map_err(|_| SealError::TooLarge)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a value that was sealed for the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let [VERSION, rest @ ..] = sealed else {
            return Err(SealError::UnknownForm);
        };
        let Some((nonce, body)) = rest.split_first_chunk::<NONCE_LEN>() else {
            return Err(SealError::NotAuthentic);
        };
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                associated(context),
                body.as_mut_slice(),
            )
            .map_err(|_| SealError::NotAuthentic)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        // Only the length can be wrong, and the type fixes it.
        UnboundKey::new(&AES_256_GCM, self.0.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| SealError::KeyLength { found: self.0.len() })
    }
}

/// The version belongs to what is authenticated, so that a later form can never be read as this one.
fn associated(context: &str) -> Aad<Vec<u8>> {
    let mut data = Vec::with_capacity(1 + context.len());
    data.push(VERSION);
    data.extend_from_slice(context.as_bytes());
    Aad::from(data)
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealingKey {
        SealingKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng))
    }

    fn seal(key: &SealingKey, context: &str, plaintext: &[u8]) -> Vec<u8> {
        key.seal(context, plaintext, &mut rand_core::UnwrapErr(getrandom::SysRng))
            .unwrap()
    }

    #[test]
    fn opens_what_was_sealed() {
        let key = SealingKey::from_bytes(key().to_bytes().as_slice()).unwrap();
        for plaintext in [&b""[..], b"x", &[7; 100_000]] {
            let sealed = seal(&key, "/mke/config", plaintext);
            assert_eq!(key.open("/mke/config", &sealed).unwrap().as_slice(), plaintext);
            assert_eq!(sealed.len(), plaintext.len() + OVERHEAD);
        }
        assert_ne!(
            seal(&key, "c", b"same"),
            seal(&key, "c", b"same"),
            "nonces differ"
        );
    }

    /// Every changed bit, every cut, another context and another key are refused.
    #[test]
    fn refuses_what_was_tampered_with() {
        let key = key();
        let sealed = seal(&key, "/mke/a", b"ldap password");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("/mke/a", &changed).is_err(), "bit in byte {at}");
            assert!(key.open("/mke/a", &sealed[..at]).is_err(), "cut at {at}");
        }
        for context in ["/mke/b", "", "/mke/a/"] {
            assert_eq!(
                key.open(context, &sealed),
                Err(SealError::NotAuthentic),
                "{context}"
            );
        }
        assert_eq!(self::key().open("/mke/a", &sealed), Err(SealError::NotAuthentic));
        assert_eq!(key.open("/mke/a", &[2; 60]), Err(SealError::UnknownForm));
        assert_eq!(
            SealingKey::from_bytes(&[0; 31]).unwrap_err(),
            SealError::KeyLength { found: 31 }
        );
    }

    #[test]
    fn debug_prints_nothing_of_it() {
        assert_eq!(
            format!("{:?}", SealingKey::from_bytes(&[0x41; 32]).unwrap()),
            "SealingKey(..)"
        );
    }
}
