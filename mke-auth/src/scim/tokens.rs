//! The token of the SCIM client: made once, shown once, kept as a hash (SCIM-001). It opens the SCIM endpoints and
//! nothing else, and nothing else opens them (SCIM-002, scim-02).
//!
//! There is one token at a time; making another ends the one before. Wrong tokens are counted for each source, so
//! that guessing is slow, and a stranger who guesses cannot keep the right client out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_core::secret::Secret;
use mke_core::store::{Revision, Store, Txn, layout};
use mke_core::time::Clock;
use rand_core::CryptoRng;

use crate::directory::Directory;
use crate::records::{ScimToken, TokenHash};
use crate::storage::{self, StorageError};
use crate::throttle::Throttle;

/// Shortest token that an administrator may choose, in bytes. Judgement: what nobody guesses at one try a minute;
/// generated ones have 122 random bits.
pub const MIN_TOKEN_BYTES: usize = 16;
/// Longest token.
pub const MAX_TOKEN_BYTES: usize = 512;

/// Why a token was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be one.
    #[error(
        "a SCIM token must have {MIN_TOKEN_BYTES} to {MAX_TOKEN_BYTES} letters, digits or signs of `-._~+/`, with `=` only at its end"
    )]
    Unusable,
    /// It is missing or wrong. Callers answer both alike.
    #[error("the SCIM token is missing or wrong")]
    Wrong,
    /// Too many wrong ones came from this source.
    #[error("too many wrong SCIM tokens from this address, wait {} s", retry_after.as_secs().max(1))]
    TooManyAttempts {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store refused or failed.
    #[error("the SCIM token could not be read or written")]
    Storage(#[from] StorageError),
}

/// Makes, checks and removes the token.
pub struct ScimTokens {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    throttle: Throttle,
}

impl std::fmt::Debug for ScimTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScimTokens").finish_non_exhaustive()
    }
}

impl ScimTokens {
    /// The token kept in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            throttle: Throttle::default(),
        }
    }

    /// Makes the token, or takes the one that an administrator chose. The one before opens nothing any more.
    ///
    /// # Errors
    ///
    /// [`TokenError::Unusable`], [`TokenError::Storage`].
    pub async fn set(
        &self,
        chosen: Option<Secret>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Secret, ScimToken, Revision), TokenError> {
        let token = match chosen {
            Some(token) if is_usable(token.expose()) => token,
            Some(_) => return Err(TokenError::Unusable),
            None => Secret::new(mke_core::ids::random_uuid(rng)),
        };
        let record = ScimToken {
            id: mke_core::ids::random_uuid(rng),
            hash: TokenHash::of(token.expose().as_bytes()),
            created: self.clock.now(),
        };
        let txn = Txn::new().put(layout::SCIM_TOKEN.to_owned(), storage::encode(&record)?);
        match storage::commit(&*self.store, txn).await? {
            Some(revision) => Ok((token, record, revision)),
            None => Err(StorageError::Contended.into()),
        }
    }

    /// Ends the token without another.
    ///
    /// # Errors
    ///
    /// [`TokenError::Storage`].
    pub async fn remove(&self) -> Result<Revision, TokenError> {
        let txn = Txn::new().delete(layout::SCIM_TOKEN.to_owned());
        match storage::commit(&*self.store, txn).await? {
            Some(revision) => Ok(revision),
            None => Err(StorageError::Contended.into()),
        }
    }

    /// Whether a text that came as a bearer token is the token; then its record. The comparison takes a time that
    /// does not depend on where they differ (scim-01, G-05).
    ///
    /// # Errors
    ///
    /// [`TokenError::Wrong`], also when none came or none was made; [`TokenError::TooManyAttempts`].
    pub fn check(
        &self,
        directory: &Directory,
        shown: Option<&str>,
        source: IpAddr,
    ) -> Result<Arc<ScimToken>, TokenError> {
        // Counted for each source alone: the name of the counter is the source too.
        let counter = source.to_string();
        let now = self.clock.now();
        self.throttle
            .check(now, &counter, source)
            .map_err(|retry_after| TokenError::TooManyAttempts { retry_after })?;
        // A request without a token tries nothing.
        let shown = shown.ok_or(TokenError::Wrong)?;
        let found = directory
            .scim_token()
            .filter(|record| is_usable(shown) && record.hash.matches(&TokenHash::of(shown.as_bytes())));
        match found {
            Some(record) => {
                self.throttle.succeeded(now, &counter, source);
                Ok(Arc::clone(record))
            }
            None => {
                self.throttle.failed(now, &counter, source);
                Err(TokenError::Wrong)
            }
        }
    }
}

/// What may stand behind `Bearer` (RFC 6750, section 2.1).
fn is_usable(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    (MIN_TOKEN_BYTES..=MAX_TOKEN_BYTES).contains(&token.len())
        && !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
