//! Sessions and public keys: what a request can show instead of a password.

use std::fmt;

use mke_core::ids::{AccountId, KeyId, SessionId};
use mke_core::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Record;

/// Longest label of a public key, in characters.
pub const MAX_LABEL_CHARS: usize = 300;

/// How much of a client's `User-Agent` a session remembers, in characters.
pub const MAX_USER_AGENT_CHARS: usize = 256;

/// The SHA-256 of a session token. The token itself is never kept.
///
/// A plain hash is enough, because a token is 256 random bits and cannot be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes the bytes of a token.
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(&text, &mut hash).map_err(serde::de::Error::custom)?;
        Ok(Self(hash))
    }
}

/// A login that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// Its id, which opens nothing.
    pub id: SessionId,
    /// Who logged in.
    pub account: AccountId,
    /// The hash of the token that opens it.
    pub token: TokenHash,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, as far as the store knows. Managers keep fresher values in memory.
    pub last_used: Timestamp,
    /// When it ends unless it is renewed, as far as the store knows.
    pub expires: Timestamp,
    /// What the client called itself.
    pub user_agent: String,
}

impl Record for Session {
    const WHAT: &'static str = "session";
}

/// When an account logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// The first time. Its private collection exists from then on (R14).
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
}

impl Record for Login {
    const WHAT: &'static str = "login";
}

/// A public key that stands for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicKey {
    /// The SHA-256 of the key's DER form.
    pub id: KeyId,
    /// The account that it stands for; never changes.
    pub account: AccountId,
    /// The key, PEM.
    pub public_key: String,
    /// What its owner calls it, at most [`MAX_LABEL_CHARS`] characters.
    pub label: String,
    /// When it was registered.
    pub created: Timestamp,
}

impl Record for PublicKey {
    const WHAT: &'static str = "public key";
}
