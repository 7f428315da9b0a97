//! Logging in: a name and a password, or somebody else's word, become a session.
//!
//! What is proved and by whom is decided in `prove`; here a proof becomes a session, when it still holds at that
//! moment. A login that fails writes nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_core::config::SessionSettings;
use mke_core::ids::SessionId;
use mke_core::secret::Secret;
use mke_core::store::{Compare, Revision, Txn, layout};
use rand_core::CryptoRng;

use super::backends::Backends;
use super::pace::Pace;
use super::prove::{Gate, Proof, Proven, Via};
use super::second_factor::Asked;
use super::{Sessions, Token};
use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::identity::{Credential, Identity, PasswordVersion};
use crate::password::{PasswordError, PasswordHash, PasswordHasher};
use crate::records::{Account, AccountKind, Login, MAX_USER_AGENT_CHARS, Session};
use crate::second_factor::{SecondFactorError, SecondFactors};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// What a client asks with.
#[derive(Debug, Clone, Copy)]
pub struct LoginRequest<'a> {
    /// The account's name.
    pub username: &'a str,
    /// Its password.
    pub password: &'a Secret,
    /// Where the request comes from.
    pub source: IpAddr,
    /// What the client calls itself.
    pub user_agent: &'a str,
    /// The code of the second factor, or a recovery code; without meaning for accounts that have none.
    pub code: Option<&'a str>,
}

/// A session that has begun.
#[derive(Debug)]
pub struct LoggedIn {
    /// Whose it is.
    pub identity: Identity,
    /// Its record.
    pub session: Session,
    /// Its token, to be handed out once.
    pub token: Token,
    /// Whether the account logs in for the first time: its private collection is due (R14, AUTH-011).
    pub first_login: bool,
    /// When the session was written.
    pub revision: Revision,
    /// The directory that proved it; none for passwords kept here.
    pub via: Option<Via>,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The name, the password or the account's state does not allow it; which one is not said.
    #[error("invalid user name or password")]
    InvalidCredentials,
    /// Too many failures came before.
    #[error("too many failed logins, try again in {} seconds", retry_after.as_secs().max(1))]
    TooManyAttempts {
        /// When the next attempt will be looked at.
        retry_after: Duration,
    },
    /// The password is right and the account has a second factor, but no code came.
    #[error("a code of the second factor is needed: send it as `code`")]
    SecondFactorNeeded,
    /// The second factor.
    #[error(transparent)]
    SecondFactor(SecondFactorError),
    /// Too many passwords are being checked.
    #[error("too many logins at once, try again")]
    Busy,
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Password(#[source] PasswordError),
    /// The session could not be written.
    #[error("the session could not be stored")]
    Storage(#[from] StorageError),
}

impl From<PasswordError> for LoginError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            other => Self::Password(other),
        }
    }
}

impl From<SecondFactorError> for LoginError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Needed => Self::SecondFactorNeeded,
            SecondFactorError::Storage(error) => Self::Storage(error),
            other => Self::SecondFactor(other),
        }
    }
}

/// A password that was right, with a request that carries it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Whose it is.
    pub identity: Identity,
    /// When its account was made or changed by this: decide on it only on a view that has this revision.
    pub revision: Option<Revision>,
    /// The directory that proved it; none for passwords kept here.
    pub via: Option<Via>,
}

/// Checks passwords and begins sessions.
#[derive(Debug)]
pub struct Logins {
    pub(super) sessions: Arc<Sessions>,
    pub(super) hasher: Arc<PasswordHasher>,
    pub(super) accounts: Accounts,
    pub(super) second_factors: Option<Arc<SecondFactors>>,
    pub(super) pace: Pace,
    pub(super) gate: Gate,
}

impl Logins {
    /// Logins that begin these sessions.
    pub fn new(sessions: Arc<Sessions>, hasher: Arc<PasswordHasher>) -> Self {
        let (store, clock) = (Arc::clone(&sessions.store), Arc::clone(&sessions.clock));
        Self {
            pace: Pace::new(Arc::clone(&store)),
            accounts: Accounts::new(store, clock, Arc::clone(&hasher)),
            sessions,
            hasher,
            second_factors: None,
            gate: Gate::default(),
        }
    }

    /// Who a name and a password are, without beginning a session: for requests that carry both. They have no place for a
    /// code, so accounts with a second factor are refused (authn-10).
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn check_password(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Checked, LoginError> {
        let proven = self.prove(directory, request, backends, rng).await?;
        self.must_have_no_second_factor(&proven.account).await?;
        self.succeeded(request.username, request.source);
        Self::checked(&proven)
    }

    /// Whether a password is that of an account whose owner has logged in already, and is asked again.
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn confirm_password(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Checked, LoginError> {
        let proven = self.prove(directory, request, backends, rng).await?;
        Self::checked(&proven)
    }

    fn checked(proven: &Proven) -> Result<Checked, LoginError> {
        let version = proven.account.user().map_or(0, |user| user.password_version);
        let credential = Credential::Password(PasswordVersion(version));
        let identity =
            Identity::of(&proven.account, credential).map_err(|_| LoginError::InvalidCredentials)?;
        Ok(Checked {
            identity,
            revision: proven.revision,
            via: proven.via,
        })
    }

    /// Logs in: checks the password, then the code of the second factor where there is one, and begins a session. When that makes more sessions than
    /// [`SessionSettings::per_user_limit`], those with the oldest last use end (SESS-003).
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn login(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        settings: &SessionSettings,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<LoggedIn, LoginError> {
        let proven = self.prove(directory, request, backends, rng).await?;
        let rehashed = match proven.how {
            Proof::Password { outdated: true, .. } => Some(self.hasher.hash(request.password, rng).await?),
            Proof::Password { .. } | Proof::Elsewhere => None,
        };
        let asked = Asked::Code {
            request: &request,
            lock: backends.lock(),
        };
        let logged_in = self
            .begin(
                &proven,
                rehashed.as_ref(),
                asked,
                request.user_agent,
                settings,
                rng,
            )
            .await?;
        self.succeeded(request.username, request.source);
        Ok(logged_in)
    }

    /// Begins a session for an account whose owner has proved elsewhere who it is, such as to a SAML identity
    /// provider. The caller has checked that; here only an account that may not log in is refused.
    ///
    /// # Errors
    ///
    /// [`LoginError::InvalidCredentials`] when the account does not exist, is an organization or inactive, or is
    /// somebody else by now; [`LoginError::Storage`].
    pub async fn begin_trusted(
        &self,
        account: &Arc<Account>,
        user_agent: &str,
        settings: &SessionSettings,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<LoggedIn, LoginError> {
        let proven = Proven {
            account: Arc::clone(account),
            how: Proof::Elsewhere,
            revision: None,
            via: None,
        };
        self.begin(&proven, None, Asked::Nothing, user_agent, settings, rng)
            .await
    }

    async fn begin(
        &self,
        proven: &Proven,
        rehashed: Option<&PasswordHash>,
        asked: Asked<'_>,
        user_agent: &str,
        settings: &SessionSettings,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<LoggedIn, LoginError> {
        let token = Token::random(rng);
        let id = SessionId::random(rng);
        let _line = self.sessions.line(&proven.account.id).await;
        for _ in 0..ATTEMPTS {
            let now = self.sessions.clock.now();
            let session = Session {
                id: id.clone(),
                account: proven.account.id.clone(),
                token: token.hash(),
                created: now,
                last_used: now,
                expires: now.plus(settings.lifetime()),
                user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect(),
            };
            if let Some((identity, first_login, revision)) =
                self.write(proven, &session, rehashed, asked, settings).await?
            {
                return Ok(LoggedIn {
                    identity,
                    session,
                    token,
                    first_login,
                    revision,
                    via: proven.via,
                });
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Writes a session, once. `None` when something it depends on has changed meanwhile.
    async fn write(
        &self,
        proven: &Proven,
        session: &Session,
        rehashed: Option<&PasswordHash>,
        asked: Asked<'_>,
        settings: &SessionSettings,
    ) -> Result<Option<(Identity, bool, Revision)>, LoginError> {
        let store = &*self.sessions.store;
        let account_key = layout::account(&session.account);
        let found: Found<Account> = storage::read(store, account_key.clone())
            .await?
            .ok_or(LoginError::InvalidCredentials)?;
        // What was proven may have changed since, or the directory may lag behind.
        if !proven.holds_for(&found.record) {
            return Err(LoginError::InvalidCredentials);
        }
        let identity = Identity::of(&found.record, Credential::Session(session.id.clone()))
            .map_err(|_| LoginError::InvalidCredentials)?;
        let txn = Txn::new().when(Compare::Modified(account_key.clone(), found.modified));
        let (mut txn, coded) = self.ask_second_factor(&found.record, asked, txn).await?;
        if let (Some(hash), AccountKind::User(user)) = (rehashed, &found.record.kind) {
            let mut account = found.record.clone();
            let mut user = user.clone();
            user.password = Some(hash.clone());
            account.kind = AccountKind::User(user);
            txn = txn.put(account_key, storage::encode(&account)?);
        }
        // Every login writes the login record that it read, so no two can count the same sessions.
        let login_key = layout::login(&session.account);
        let before: Option<Found<Login>> = storage::read(store, login_key.clone()).await?;
        txn = match &before {
            None => txn.when(Compare::Absent(login_key.clone())),
            Some(found) => txn.when(Compare::Modified(login_key.clone(), found.modified)),
        };
        let login = Login {
            first: before
                .as_ref()
                .map_or(session.created, |found| found.record.first),
            last: session.created,
        };
        txn = txn.put(login_key, storage::encode(&login)?);
        for surplus in self.surplus(session, settings).await? {
            txn = txn.delete(surplus);
        }
        let txn = txn.put(
            layout::session(&session.account, &session.id),
            storage::encode(session)?,
        );
        let committed = storage::commit(store, txn).await?;
        if let (Some(_), true, Asked::Code { request, .. }) = (committed, coded, asked) {
            self.succeeded_code(request.username, request.source);
        }
        Ok(committed.map(|revision| (identity, before.is_none(), revision)))
    }

    /// Keys of the sessions that must end so that one more keeps the limit: those that are over, then those with
    /// the oldest last use, not the oldest ones.
    async fn surplus(&self, new: &Session, settings: &SessionSettings) -> Result<Vec<String>, StorageError> {
        let limit = usize::try_from(settings.per_user_limit).unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let sessions = &self.sessions;
        let prefix = layout::below(layout::SESSIONS, [new.account.as_str()]);
        let mut held = Vec::new();
        for entry in storage::scan(&*sessions.store, &prefix).await? {
            let (key, begun) = (entry.key.clone(), entry.created);
            // One that cannot be read opens nothing here; a newer manager may need it.
            let Ok(Found { record: session, .. }) = storage::decode::<Session>(entry) else {
                continue;
            };
            let (last_used, expires) = sessions.times(&session);
            let over = expires <= new.created;
            // Of sessions that were last used in the same millisecond, the one that began first goes.
            held.push((!over, last_used, begun, key));
        }
        held.sort();
        let surplus = (held.len() + 1).saturating_sub(limit);
        Ok(held
            .into_iter()
            .enumerate()
            .filter(|(i, (running, ..))| *i < surplus || !running)
            .map(|(_, (.., key))| key)
            .collect())
    }
}
