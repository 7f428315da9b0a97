//! How fast logins may be tried, and which accounts failed logins have locked (`auth.account_lock`).
//!
//! A locked account answers like a wrong password, after the same work, so nobody learns from it whether the account
//! exists (authn-15). Locks hold off passwords only: sessions and client certificates go on, so an administrator with a
//! bundle, another administrator, or whoever has a shell on a manager opens them again (`ucp auth unlock`,
//! `ucp passwd`). Locks are written with the counters, so that the failure that closes one takes no longer than others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mke_core::config::AccountLock;
use mke_core::ids::AccountId;
use mke_core::store::{Compare, Revision, Store, Txn, layout};
use tokio::sync::Notify;

use super::backends::{Backends, fold};
use super::login::{LoginError, LoginRequest, Logins};
use crate::directory::Directory;
use crate::records::{Account, LoginLock};
use crate::storage::{self, StorageError};
use crate::throttle::{SharedThrottle, forgotten};

/// When failed logins lock an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LockPolicy {
    /// How many failures in a row.
    trigger: u32,
    /// How long; without a time until an administrator opens it.
    duration: Option<Duration>,
}

impl LockPolicy {
    /// What a configuration asks for; nothing while it is off. A trigger that is missing or below one is refused where
    /// configurations are checked; here the first failure would lock.
    pub(super) fn of(settings: &AccountLock) -> Option<Self> {
        let duration = settings
            .duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0);
        settings.enabled.then(|| Self {
            trigger: settings
                .failure_trigger
                .map_or(1, |trigger| u32::try_from(trigger.max(1)).unwrap_or(u32::MAX)),
            duration: duration.map(Duration::from_secs),
        })
    }
}

/// Counters and locks of one manager.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) throttle: SharedThrottle,
    /// Locks that the store does not have yet.
    closing: Mutex<HashMap<AccountId, LoginLock>>,
    /// Told when there may be something that the store does not have yet.
    counted: Notify,
}

impl Pace {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            throttle: SharedThrottle::new(store),
            closing: Mutex::default(),
            counted: Notify::new(),
        }
    }

    fn closing(&self) -> MutexGuard<'_, HashMap<AccountId, LoginLock>> {
        // The map is whole after every statement.
        self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account that a name means where logins are counted.
pub(super) fn named<'a>(directory: &'a Directory, name: &str) -> Option<&'a Arc<Account>> {
    directory
        .account_by_name(name)
        .or_else(|| directory.account_by_name(&fold(name)))
}

impl Logins {
    /// Whether an attempt may be made, with what the other managers know.
    pub(super) async fn may_try(&self, request: &LoginRequest<'_>) -> Result<(), LoginError> {
        let name = fold(request.username);
        self.pace
            .throttle
            .refresh(self.sessions.clock.now(), &name, request.source)
            .await?;
        self.check_pace(request)
    }

    /// Whether an attempt may be made, as far as is known here.
    pub(super) fn check_pace(&self, request: &LoginRequest<'_>) -> Result<(), LoginError> {
        self.pace
            .throttle
            .local
            .check(self.sessions.clock.now(), &fold(request.username), request.source)
            .map_err(|retry_after| LoginError::TooManyAttempts { retry_after })
    }

    /// Whether a code may be tried.
    pub(super) async fn may_try_code(&self, name: &str, source: IpAddr) -> Result<(), LoginError> {
        let (throttle, now, name) = (&self.pace.throttle, self.sessions.clock.now(), fold(name));
        throttle.refresh_code(now, &name, source).await?;
        throttle
            .local
            .check_code(now, &name, source)
            .map_err(|retry_after| LoginError::TooManyAttempts { retry_after })
    }

    /// The whole login was right: nothing of what came before counts any more.
    pub(super) fn succeeded(&self, name: &str, source: IpAddr) {
        let now = self.sessions.clock.now();
        self.pace.throttle.local.succeeded(now, &fold(name), source);
        self.pace.counted.notify_one();
    }

    /// A code was right.
    pub(super) fn succeeded_code(&self, name: &str, source: IpAddr) {
        self.pace.throttle.local.succeeded_code(&fold(name), source);
        self.pace.counted.notify_one();
    }

    /// Counts a failure, and locks the account when that is wanted.
    pub(super) fn failed(
        &self,
        account: Option<&Account>,
        request: &LoginRequest<'_>,
        lock: Option<LockPolicy>,
    ) {
        let now = self.sessions.clock.now();
        let name = fold(request.username);
        let throttle = &self.pace.throttle.local;
        throttle.failed(now, &name, request.source);
        self.pace.counted.notify_one();
        let Some(policy) = lock else {
            return;
        };
        let failures = throttle.count_for_lock(now, &name);
        let Some(account) = account.filter(|account| !account.is_organization()) else {
            return;
        };
        if failures >= policy.trigger {
            let closed = LoginLock {
                since: now,
                until: policy.duration.map(|duration| now.plus(duration)),
            };
            let name = account.name.as_str();
            tracing::warn!(
                name,
                failures,
                "failed logins have locked an account; `ucp auth unlock {name}` opens it"
            );
            self.pace.closing().insert(account.id.clone(), closed);
            self.pace.counted.notify_one();
        }
    }

    /// Counts a wrong code, as a failure and for itself.
    pub(super) fn failed_code(
        &self,
        account: &Account,
        request: &LoginRequest<'_>,
        lock: Option<LockPolicy>,
    ) {
        let now = self.sessions.clock.now();
        self.failed(Some(account), request, lock);
        self.pace
            .throttle
            .local
            .failed_code(now, &fold(request.username), request.source);
        self.pace.counted.notify_one();
    }

    /// Whether an account is locked. Reads as much for names that nobody has.
    pub(super) async fn is_locked(
        &self,
        account: Option<&Arc<Account>>,
        backends: &Backends,
    ) -> Result<bool, StorageError> {
        if backends.lock().is_none() {
            return Ok(false);
        }
        let nobody = AccountId::from("");
        let id = account.map_or(&nobody, |account| &account.id);
        let lock = self.login_lock(id).await?;
        Ok(account.is_some() && lock.is_some())
    }

    /// The lock of an account, while it holds.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn login_lock(&self, account: &AccountId) -> Result<Option<LoginLock>, StorageError> {
        let now = self.sessions.clock.now();
        let stored = storage::read::<LoginLock>(&*self.sessions.store, layout::login_lock(account)).await?;
        let closing = self.pace.closing().get(account).copied();
        let holds = |lock: &LoginLock| lock.holds_at(now);
        Ok(closing
            .filter(holds)
            .or(stored.map(|found| found.record).filter(holds)))
    }

    /// Opens the lock of an account and forgets its failed logins, on every manager (`ucp auth unlock`). Returns whether
    /// it was locked.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub async fn unlock(&self, account: &Account) -> Result<(bool, Revision), StorageError> {
        let locked = self.login_lock(&account.id).await?.is_some();
        self.pace.closing().remove(&account.id);
        let name = fold(account.name.as_str());
        self.pace.throttle.local.forgive(&name);
        let txn = forgotten(&name, Txn::new()).delete(layout::login_lock(&account.id));
        let revision = storage::commit(&*self.sessions.store, txn).await?;
        Ok((locked, revision.ok_or(StorageError::Contended)?))
    }

    /// Waits until there may be something for [`Self::share_failures`] to write, so that nobody wakes up for nothing while
    /// nobody logs in.
    pub async fn unshared(&self) {
        self.pace.counted.notified().await;
    }

    /// Writes what the other managers do not know yet of failed logins, in a bounded number of transactions. To be called a
    /// second after [`Self::unshared`] and when the program ends; a crash loses what happened since.
    ///
    /// # Errors
    ///
    /// [`StorageError`]; what was not written is tried again next time, which [`Self::unshared`] tells.
    pub async fn share_failures(&self) -> Result<usize, StorageError> {
        let shared = self.share_some().await;
        // A full batch may have left something.
        if !matches!(shared, Ok(0)) {
            self.pace.counted.notify_one();
        }
        shared
    }

    async fn share_some(&self) -> Result<usize, StorageError> {
        let now = self.sessions.clock.now();
        let closing: Vec<(AccountId, LoginLock)> = self
            .pace
            .closing()
            .iter()
            .take(MAX_LOCKS)
            .map(|(id, lock)| (id.clone(), *lock))
            .collect();
        for (account, lock) in &closing {
            let txn = Txn::new()
                .when(Compare::Present(layout::account(account)))
                .put(layout::login_lock(account), storage::encode(lock)?);
            // Without the account there is nothing to lock any more.
            storage::commit(&*self.sessions.store, txn).await?;
            let mut waiting = self.pace.closing();
            if waiting.get(account) == Some(lock) {
                waiting.remove(account);
            }
        }
        Ok(closing.len() + self.pace.throttle.share(now).await?)
    }
}

/// Most locks that are written at once. Each takes as many failed logins as the configuration says.
const MAX_LOCKS: usize = 64;
