//! The key with which this cluster signs its requests, and the certificate that providers know it by.
//!
//! RSA with SHA-256, because every provider verifies it and some verify nothing else (SAML-009). The certificate is
//! signed by its own key and says nothing: providers compare the key. Signing is `ring`'s; the `rsa` crate only finds
//! the primes, which `ring` does not.

use mke_core::time::Timestamp;
use rand_core::CryptoRng;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use zeroize::Zeroizing;

/// NIST SP 800-131A allows 2048 until 2030; 3072 costs three times as much at each login and is refused by no one.
/// Requests live for minutes, so the shorter one does.
const BITS: usize = 2048;

/// How long the certificate says that it is valid. Providers that look at it would otherwise stop logins one day.
const YEARS: i64 = 20;

/// Common name of the certificate.
const COMMON_NAME: &str = "ucp-saml";

/// Why there is no key to sign with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnKeyError {
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Generate(String),
    /// The kept key cannot be used.
    #[error("the key that signs SAML requests cannot be used; delete its record, and another one is made")]
    Unusable,
}

/// A key pair with its certificate.
pub struct OwnKey {
    pair: RsaKeyPair,
    certificate: Vec<u8>,
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnKey").finish_non_exhaustive()
    }
}

/// A new private key as PKCS#8 in DER: to be sealed and kept. Takes some tenths of a second.
///
/// # Errors
///
/// [`OwnKeyError::Generate`].
pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Result<Zeroizing<Vec<u8>>, OwnKeyError> {
    let key = RsaPrivateKey::new(rng, BITS).map_err(|error| OwnKeyError::Generate(error.to_string()))?;
    let document = key
        .to_pkcs8_der()
        .map_err(|error| OwnKeyError::Generate(error.to_string()))?;
    Ok(Zeroizing::new(document.as_bytes().to_vec()))
}

impl OwnKey {
    /// The pair of a kept private key, with a new certificate that begins at `now`.
    ///
    /// # Errors
    ///
    /// [`OwnKeyError::Unusable`].
    pub fn certified(pkcs8: &[u8], now: Timestamp) -> Result<Self, OwnKeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| OwnKeyError::Unusable)?;
        let certificate = certify(&pair, now)?;
        Ok(Self { pair, certificate })
    }

    /// The pair of a kept private key and its kept certificate.
    ///
    /// # Errors
    ///
    /// [`OwnKeyError::Unusable`].
    pub fn from_parts(pkcs8: &[u8], certificate: Vec<u8>) -> Result<Self, OwnKeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| OwnKeyError::Unusable)?;
        Ok(Self { pair, certificate })
    }

    /// The certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// A signature with RSA and SHA-256.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, OwnKeyError> {
        sign(&self.pair, message)
    }
}

fn sign(pair: &RsaKeyPair, message: &[u8]) -> Result<Vec<u8>, OwnKeyError> {
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| OwnKeyError::Unusable)?;
    Ok(signature)
}

/// A self-signed X.509 certificate without extensions (RFC 5280 section 4.1).
fn certify(pair: &RsaKeyPair, now: Timestamp) -> Result<Vec<u8>, OwnKeyError> {
    /// `sha256WithRSAEncryption`, and the absent parameters.
    const SHA256_WITH_RSA: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
    ];
    /// `rsaEncryption`, and the absent parameters.
    const RSA_ENCRYPTION: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    /// `id-at-commonName`.
    const COMMON_NAME_OID: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
    let public = pair.public_key().as_ref();
    let digest = ring::digest::digest(&ring::digest::SHA256, public);
    // A serial number is positive and at most 20 bytes; that of the key is as unique as the key.
    let mut serial = digest.as_ref().get(..16).unwrap_or_default().to_vec();
    serial.insert(0, 1);
    let name = der(
        0x30,
        &[der(
            0x31,
            &[der(
                0x30,
                &[
                    COMMON_NAME_OID.to_vec(),
                    der(0x0c, &[COMMON_NAME.as_bytes().to_vec()]),
                ],
            )],
        )],
    );
    let later = Timestamp::from_secs(now.as_secs() + YEARS * 31_556_952);
    let mut bits = vec![0];
    bits.extend_from_slice(public);
    let tbs = der(
        0x30,
        &[
            der(0xa0, &[vec![0x02, 0x01, 0x02]]),
            der(0x02, &[serial]),
            SHA256_WITH_RSA.to_vec(),
            name.clone(),
            der(0x30, &[moment(now), moment(later)]),
            name,
            der(0x30, &[RSA_ENCRYPTION.to_vec(), der(0x03, &[bits])]),
        ],
    );
    let mut signature = vec![0];
    signature.extend(sign(pair, &tbs)?);
    Ok(der(
        0x30,
        &[tbs, SHA256_WITH_RSA.to_vec(), der(0x03, &[signature])],
    ))
}

/// `UTCTime` until 2049, `GeneralizedTime` from 2050 (RFC 5280 section 4.1.2.5).
fn moment(at: Timestamp) -> Vec<u8> {
    let digits: Vec<u8> = at
        .to_string()
        .bytes()
        .filter(u8::is_ascii_digit)
        .take(14)
        .collect();
    let mut text = digits.clone();
    text.push(b'Z');
    if digits.as_slice() < b"2050".as_slice() {
        der(0x17, &[text.get(2..).unwrap_or_default().to_vec()])
    } else {
        der(0x18, &[text])
    }
}

/// One element of DER.
fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let length: usize = parts.iter().map(Vec::len).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
            out.extend(significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}
