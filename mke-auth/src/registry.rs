//! Tokens for registries: JSON Web Tokens (RFC 7519) with ES256, signed here and verified by registries.
//!
//! What a token allows is decided in `mke_rbac::registry`; this module writes it down and signs it. It reads no tokens, so
//! nothing that a client sends can choose an algorithm or a key (authn-05).
//!
//! ```
//! # use getrandom::{SysRng, rand_core::UnwrapErr};
//! use mke_auth::registry::{Access, Claims, SigningKey};
//! use mke_core::pki::KeyPair;
//! use mke_core::time::Timestamp;
//!
//! # let mut rng = UnwrapErr(SysRng);
//! let pair = KeyPair::generate(&mut rng)?;
//! # let certificate = Vec::new();
//! let key = SigningKey::new(pair, certificate).ok_or("no key for ES256")?;
//! let claims = Claims {
//!     issuer: "mke",
//!     subject: "jane",
//!     audience: "registry.example.com",
//!     id: "7f1b",
//!     issued: Timestamp::from_secs(1_800_000_000),
//!     access: &[Access { kind: "repository", name: "jane/app", actions: &["pull".to_owned()] }],
//! };
//! assert_eq!(key.sign(&claims)?.expose().split('.').count(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mke_core::pki::{KeyPair, PkiError, PublicKey};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How long a token is valid. Clients fetch one for each pull or push, and registries tolerate a minute of difference
/// between clocks; what was granted ends this long after the right to it.
pub const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Bytes of the digest in a key's id.
const KEY_ID_BYTES: usize = 30;
/// RFC 4648 section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What is granted on one resource.
#[derive(Debug, Clone, Serialize)]
pub struct Access<'a> {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The resource.
    pub name: &'a str,
    /// What may be done with it.
    pub actions: &'a [String],
}

/// What a token says.
#[derive(Debug, Clone)]
pub struct Claims<'a> {
    /// Who says it, as registries know it.
    pub issuer: &'a str,
    /// The account's name.
    pub subject: &'a str,
    /// The one registry that it is for.
    pub audience: &'a str,
    /// An id that no other token has.
    pub id: &'a str,
    /// Since when it is valid; for [`LIFETIME`] from then on.
    pub issued: Timestamp,
    /// What it allows.
    pub access: &'a [Access<'a>],
}

/// A key pair that signs tokens, with its certificate.
#[derive(Debug)]
pub struct SigningKey {
    pair: KeyPair,
    public: VerifyingKey,
}

impl SigningKey {
    /// A pair with the certificate of its public half, in DER. Nothing for a key that is not on P-256.
    pub fn new(pair: KeyPair, certificate: Vec<u8>) -> Option<Self> {
        let public = VerifyingKey::new(pair.public_key().clone(), certificate)?;
        Some(Self { pair, public })
    }

    /// What others verify with.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The token in the compact form (RFC 7515 section 3.1).
    ///
    /// # Errors
    ///
    /// [`PkiError`] when the key does not sign.
    pub fn sign(&self, claims: &Claims<'_>) -> Result<Secret, PkiError> {
        let header = json!({
            "typ": "JWT",
            "alg": "ES256",
            "kid": self.public.id(),
            // Registries that know only the cluster's authority find the key in here, so keys may change without them.
            "x5c": [STANDARD.encode(&self.public.certificate)],
        });
        let payload = json!({
            "iss": claims.issuer,
            "sub": claims.subject,
            "aud": claims.audience,
            "exp": claims.issued.plus(LIFETIME).as_secs(),
            "nbf": claims.issued.as_secs(),
            "iat": claims.issued.as_secs(),
            "jti": claims.id,
            "access": claims.access,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", part(&header), part(&payload));
        let signature = self.pair.sign_es256(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(Secret::new(token))
    }
}

/// The public half of a key that signs tokens.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    key: PublicKey,
    x: String,
    y: String,
    certificate: Vec<u8>,
}

impl VerifyingKey {
    /// A key with its certificate in DER. Nothing for a key that is not on P-256.
    pub fn new(key: PublicKey, certificate: Vec<u8>) -> Option<Self> {
        let (x, y) = key.p256_coordinates()?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Some(Self {
            x,
            y,
            key,
            certificate,
        })
    }

    /// Its id, in the form that registries compute themselves from certificates that they trust: the first 240 bits of the
    /// SHA-256 of its DER form, in base32, in groups of four.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.key.der());
        let mut id = String::with_capacity(59);
        for five in digest.get(..KEY_ID_BYTES).unwrap_or_default().chunks(5) {
            let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for letter in (0..8_u32).rev() {
                let index = usize::try_from(bits >> (5 * letter) & 31).unwrap_or_default();
                if letter % 4 == 3 && !id.is_empty() {
                    id.push(':');
                }
                id.extend(BASE32.get(index).copied().map(char::from));
            }
        }
        id
    }

    /// It as a JSON Web Key (RFC 7517).
    pub fn to_jwk(&self) -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": self.id(),
            "x": self.x,
            "y": self.y,
            "x5c": [STANDARD.encode(&self.certificate)],
        })
    }
}
