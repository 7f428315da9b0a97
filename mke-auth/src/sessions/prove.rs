//! Who has proved to be which account, and how: the password kept here, or a directory's word.
//!
//! Every failure looks the same from outside, whether the account exists, is active, or is an organization
//! (authn-15): each costs one hash, also where a directory is asked meanwhile. Guesses are slowed down before anybody
//! is asked, so that nobody can lock accounts of a directory through here (ldap-18): questions about one name wait for
//! each other, and each looks at the counters when its turn comes.

use std::sync::Arc;

use mke_core::store::Revision;
use rand_core::CryptoRng;
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use super::backends::{Asked, Backends, DirectoryFailure, PasswordDirectory, fold};
use super::login::{LoginError, LoginRequest, Logins};
use super::pace::{LockPolicy, named};
use super::slot;
use crate::accounts::{AccountError, AdoptError, BatchChange, BatchStep, Person};
use crate::directory::Directory;
use crate::password::{PasswordHash, Verdict};
use crate::records::{Account, Source};

/// Lines in which questions to a directory wait; names share them by hash.
const LINES: usize = 256;
/// Questions to a directory at once. Judgement: a connection each, far below what directory servers take.
const QUESTIONS: usize = 64;

/// Who has proved to be which account, and how.
pub(super) struct Proven {
    pub(super) account: Arc<Account>,
    pub(super) how: Proof,
    /// When the account was written on the way.
    pub(super) revision: Option<Revision>,
    pub(super) via: Option<Via>,
}

/// The source that proved a login, and what that changed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via {
    /// The source.
    pub source: Source,
    /// Whether the account was made by this login.
    pub made: bool,
    /// Whether the account was made or changed by it.
    pub changed: bool,
}

/// What a login relies on. It must still be so when the session is written.
pub(super) enum Proof {
    /// The password kept here was right.
    Password { hash: PasswordHash, outdated: bool },
    /// Somebody else vouches for it, for the person whom the account's record named then.
    Elsewhere,
}

impl Proven {
    /// Whether an account's record, read just now, is still what was proven.
    pub(super) fn holds_for(&self, account: &Account) -> bool {
        let Some(user) = account.user() else {
            return false;
        };
        match &self.how {
            Proof::Password { hash, .. } => user.password.as_ref() == Some(hash),
            Proof::Elsewhere => {
                let id =
                    |account: &Account| account.origin().map(|origin| (origin.source, origin.id.clone()));
                id(account) == id(&self.account)
            }
        }
    }
}

/// Where questions to a directory wait.
#[derive(Debug)]
pub(super) struct Gate {
    lines: Vec<Mutex<()>>,
    questions: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            lines: (0..LINES).map(|_| Mutex::new(())).collect(),
            questions: Semaphore::new(QUESTIONS),
        }
    }
}

impl Gate {
    async fn line(&self, name: &str) -> Option<MutexGuard<'_, ()>> {
        Some(self.lines.get(slot(name, self.lines.len()))?.lock().await)
    }
}

impl Logins {
    /// Finds out who a name and a password are.
    pub(super) async fn prove(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Proven, LoginError> {
        self.may_try(&request).await?;
        let meant = named(directory, request.username);
        if self.is_locked(meant, backends).await? {
            // The work and the answer are those of a wrong password.
            self.hasher.verify(request.password, None).await?;
            self.check_pace(&request)?;
            return Err(self.refused(None, &request, None));
        }
        let lock = backends.lock();
        match backends.asked(directory, request.username) {
            Asked::Here(account) => self.prove_here(account, meant, &request, lock).await,
            // An empty password is no password; some directories would call it an anonymous success (ldap-01).
            Asked::There(_) if request.password.expose().is_empty() => {
                self.prove_here(None, meant, &request, lock).await
            }
            Asked::There(there) => self.prove_there(there, directory, &request, backends, rng).await,
        }
    }

    fn refused(
        &self,
        account: Option<&Arc<Account>>,
        request: &LoginRequest<'_>,
        lock: Option<LockPolicy>,
    ) -> LoginError {
        self.failed(account.map(|account| &**account), request, lock);
        LoginError::InvalidCredentials
    }

    /// The password kept here; without an account none is right.
    async fn prove_here(
        &self,
        account: Option<&Arc<Account>>,
        meant: Option<&Arc<Account>>,
        request: &LoginRequest<'_>,
        lock: Option<LockPolicy>,
    ) -> Result<Proven, LoginError> {
        let user = account.and_then(|account| account.user());
        let password = user.and_then(|user| user.password.as_ref());
        let verdict = self.hasher.verify(request.password, password).await?;
        // Of many guesses at once, those beyond the limit are not honoured, right or wrong.
        self.check_pace(request)?;
        match (account, user, password, verdict) {
            (Some(account), Some(user), Some(password), Verdict::Right { outdated }) if user.is_active => {
                Ok(Proven {
                    account: Arc::clone(account),
                    how: Proof::Password {
                        hash: password.clone(),
                        outdated,
                    },
                    revision: None,
                    via: None,
                })
            }
            _ => Err(self.refused(meant, request, lock)),
        }
    }

    /// The directory's word, and the account of the person whom it names.
    async fn prove_there(
        &self,
        there: &dyn PasswordDirectory,
        directory: &Directory,
        request: &LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Proven, LoginError> {
        let folded = fold(request.username);
        let _line = self.gate.line(&folded).await;
        let Ok(_question) = self.gate.questions.acquire().await else {
            return Err(LoginError::Busy);
        };
        self.check_pace(request)?;
        // The hash makes this last as long as for accounts kept here. A full queue refuses without asking.
        let (_, answer) = tokio::try_join!(
            async { Ok::<_, LoginError>(self.hasher.verify(request.password, None).await?) },
            async { Ok(there.check(request.username, request.password).await) },
        )?;
        match answer {
            Ok(person) => {
                self.accept(there, directory, person, request, backends, rng)
                    .await
            }
            Err(DirectoryFailure::Refused(why)) => {
                tracing::info!(name = folded, source = %there.source(), why, "a login was refused");
                let meant = named(directory, request.username);
                Err(self.refused(meant, request, backends.lock()))
            }
            // Not the fault of who asks, so it is not counted; the accounts kept here still log in.
            Err(DirectoryFailure::Unavailable(why)) => {
                tracing::warn!(name = folded, source = %there.source(), why, "a login could not be checked");
                Err(LoginError::InvalidCredentials)
            }
        }
    }

    async fn accept(
        &self,
        there: &dyn PasswordDirectory,
        directory: &Directory,
        person: Person,
        request: &LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Proven, LoginError> {
        let source = person.origin.source;
        match self.accounts.adopt(&person, backends.on_demand(), rng).await {
            Ok(adopted) => {
                let name = adopted.account.name.as_str();
                let mut revision = adopted.revision;
                if adopted.made {
                    tracing::info!(name, %source, "an account was made at its first login");
                    revision = self
                        .join(there, directory, &person, &adopted.account)
                        .await
                        .or(revision);
                }
                if adopted.kept_admin {
                    tracing::warn!(name, %source, "the last administrator stays one, against what the source says");
                }
                Ok(Proven {
                    account: Arc::new(adopted.account),
                    how: Proof::Elsewhere,
                    revision,
                    via: Some(Via {
                        source,
                        made: adopted.made,
                        changed: revision.is_some(),
                    }),
                })
            }
            Err(AdoptError::Account(AccountError::Storage(error))) => Err(error.into()),
            Err(why) => {
                tracing::warn!(name = person.name.as_str(), %source, %why, "a login was refused");
                Err(self.refused(None, request, None))
            }
        }
    }

    /// Makes a new account a member where the directory says. What cannot be found out now comes with the next
    /// synchronisation.
    async fn join(
        &self,
        there: &dyn PasswordDirectory,
        directory: &Directory,
        person: &Person,
        account: &Account,
    ) -> Option<Revision> {
        let name = account.name.as_str();
        let join = match there.belongs(person, directory).await {
            Ok(join) if join.is_empty() => return None,
            Ok(join) => join,
            Err(why) => {
                tracing::warn!(name, %why, "the teams of a new account are not known yet");
                return None;
            }
        };
        let change = BatchChange {
            join,
            ..BatchChange::of(account.id.clone())
        };
        match self
            .accounts
            .apply_batch(&[BatchStep::Change(Box::new(change))], None)
            .await
        {
            Ok(outcome) => {
                for (_, why) in &outcome.refused {
                    tracing::warn!(name, %why, "the teams of a new account are not known yet");
                }
                outcome.revision
            }
            Err(why) => {
                tracing::warn!(name, %why, "the teams of a new account could not be stored");
                None
            }
        }
    }
}
