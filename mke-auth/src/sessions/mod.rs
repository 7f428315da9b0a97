//! Sessions: what a token opens and for how long, and how many one user may hold.
//!
//! Tokens are 256 random bits; the store keeps their hashes only. Requests are served from the directory, so a
//! session that ends on one manager ends on all, and no request writes to the store: when a session was last
//! used, and until when a request renewed it, is kept in memory and written now and then by
//! [`Sessions::flush_last_used`]. A crash loses at most what was not flushed: a session may then end earlier
//! than renewed, never later.
//!
//! Who looks at passwords is decided in `backends`, who somebody is in `prove`, and sessions begin in `login`.

mod backends;
#[cfg(feature = "ldap")]
mod ldap;
mod live;
mod login;
mod pace;
mod prove;
mod second_factor;
mod token;

pub use backends::{Answer, Backends, Belongs, DirectoryFailure, PasswordDirectory};
#[cfg(feature = "ldap")]
pub use ldap::LdapLogins;
pub use login::{Checked, LoggedIn, LoginError, LoginRequest, Logins};
pub use prove::Via;
pub use token::Token;

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use mke_core::config::SessionSettings;
use mke_core::ids::{AccountId, SessionId};
use mke_core::store::{Compare, KeyRange, Revision, Store, Txn, layout};
use mke_core::time::{Clock, Timestamp};

use self::live::Live;
use crate::directory::{Directory, StoredSession};
use crate::identity::{Credential, Identity, IdentityError};
use crate::records::Session;
use crate::storage::{self, StorageError};

/// Lines in which logins wait; accounts share them by hash. Only logins of one account must not overtake each
/// other, so this many may go on at once.
const LINES: usize = 64;

/// Sessions that one flush or pruning writes in one transaction.
const BATCH: usize = 500;

/// Why a token opens nothing. Callers answer all of them alike.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The text is no token.
    #[error("not a session token")]
    Malformed,
    /// It opens no session, or none any more.
    #[error("no session has this token")]
    Unknown,
    /// Its session is over.
    #[error("session {0} has expired")]
    Expired(SessionId),
    /// Its account may not log in.
    #[error("the session's account cannot be used")]
    Account(#[source] IdentityError),
    /// The session's account does not exist.
    #[error("account {0} does not exist")]
    UnknownAccount(AccountId),
}

/// The sessions of all accounts.
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    live: Live,
    lines: Vec<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Sessions kept in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            live: Live::default(),
            lines: (0..LINES).map(|_| tokio::sync::Mutex::new(())).collect(),
        }
    }

    /// Whose request this is, by the text of its token. Stamps the session as used (SESS-005), and renews it
    /// when it is used within the threshold of its end (SESS-002). Waits for nothing and writes nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError`].
    pub fn validate(
        &self,
        directory: &Directory,
        token: &str,
        settings: &SessionSettings,
    ) -> Result<Identity, SessionError> {
        let hash = Token::parse(token).ok_or(SessionError::Malformed)?.hash();
        let stored = directory.session_by_token(&hash).ok_or(SessionError::Unknown)?;
        let session = &stored.session;
        let account = directory
            .account(&session.account)
            .ok_or_else(|| SessionError::UnknownAccount(session.account.clone()))?;
        let credential = Credential::Session(session.id.clone());
        let identity = Identity::of(account, credential).map_err(SessionError::Account)?;
        if self.live.use_at(session, self.clock.now(), settings) {
            Ok(identity)
        } else {
            Err(SessionError::Expired(session.id.clone()))
        }
    }

    /// When a session was last used and when it ends, as this manager knows it.
    pub fn times(&self, session: &Session) -> (Timestamp, Timestamp) {
        self.live.times(session)
    }

    /// Ends a session. Ending one that is over is no error.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn logout(&self, account: &AccountId, id: &SessionId) -> Result<Revision, StorageError> {
        let txn = Txn::new().delete(layout::session(account, id));
        let revision = storage::commit(&*self.store, txn).await?;
        revision.ok_or(StorageError::Contended)
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn end_all_for(&self, account: &AccountId) -> Result<Revision, StorageError> {
        let range = KeyRange::prefix(layout::below(layout::SESSIONS, [account.as_str()]));
        let revision = storage::commit(&*self.store, Txn::new().delete_range(range)).await?;
        revision.ok_or(StorageError::Contended)
    }

    /// Writes when sessions were last used, and how long they were renewed, where that changed. To be called
    /// every few seconds and when the program ends. A session that has ended meanwhile stays ended. Returns how
    /// many sessions were written.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; what was not written is tried again next time.
    pub async fn flush_last_used(&self, directory: &Directory) -> Result<usize, StorageError> {
        self.live.retain(|id| directory.session(id).is_some());
        let used: Vec<Arc<StoredSession>> = self
            .live
            .unsaved()
            .into_iter()
            .filter_map(|id| directory.session(&id).map(Arc::clone))
            .collect();
        let mut written = 0;
        for batch in used.chunks(BATCH) {
            let fresh: Vec<_> = batch
                .iter()
                .map(|stored| (Arc::clone(stored), self.fresh(&stored.session)))
                .collect();
            let done = self
                .write_batch(&fresh, |txn, session| {
                    let key = layout::session(&session.account, &session.id);
                    Ok(txn.put(key, storage::encode(session)?))
                })
                .await?;
            for session in &done {
                self.live.saved(session);
            }
            written += done.len();
        }
        Ok(written)
    }

    /// Deletes sessions that are over. Returns how many.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn prune(&self, directory: &Directory) -> Result<usize, StorageError> {
        let now = self.clock.now();
        let over: Vec<(Arc<StoredSession>, Session)> = directory
            .sessions()
            .filter(|stored| self.live.times(&stored.session).1 <= now)
            .map(|stored| (Arc::clone(stored), stored.session.clone()))
            .collect();
        let mut deleted = 0;
        for batch in over.chunks(BATCH) {
            let done = self
                .write_batch(batch, |txn, session| {
                    Ok(txn.delete(layout::session(&session.account, &session.id)))
                })
                .await?;
            deleted += done.len();
        }
        Ok(deleted)
    }

    /// Makes one change to each session, all at once, or one by one where some have changed meanwhile. Those
    /// are left alone: their newer state counts. Returns the sessions that were changed.
    async fn write_batch<'a>(
        &self,
        batch: &'a [(Arc<StoredSession>, Session)],
        change: impl Fn(Txn, &Session) -> Result<Txn, StorageError>,
    ) -> Result<Vec<&'a Session>, StorageError> {
        let step = |txn: Txn, (stored, session): &(Arc<StoredSession>, Session)| {
            let key = layout::session(&session.account, &session.id);
            change(txn.when(Compare::Modified(key, stored.modified)), session)
        };
        let all = batch.iter().try_fold(Txn::new(), step)?;
        if storage::commit(&*self.store, all).await?.is_some() {
            return Ok(batch.iter().map(|(_, session)| session).collect());
        }
        let mut done = Vec::new();
        for one in batch {
            let txn = step(Txn::new(), one)?;
            if storage::commit(&*self.store, txn).await?.is_some() {
                done.push(&one.1);
            }
        }
        Ok(done)
    }

    fn fresh(&self, session: &Session) -> Session {
        let (last_used, expires) = self.live.times(session);
        Session {
            last_used,
            expires,
            ..session.clone()
        }
    }

    /// The line in which logins of an account wait.
    async fn line(&self, account: &AccountId) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        Some(self.lines.get(slot(account, self.lines.len()))?.lock().await)
    }
}

/// Which of `count` lines something waits in.
fn slot(of: impl std::hash::Hash, count: usize) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(of);
    usize::try_from(hash % count.max(1) as u64).unwrap_or(0)
}
