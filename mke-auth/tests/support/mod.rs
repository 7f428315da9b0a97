//! One cluster's accounts in memory, with a clock that stands still.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::accounts::{Accounts, NewUser};
use mke_auth::directory::Directory;
use mke_auth::keys::PublicKeys;
use mke_auth::password::{HashLimits, PasswordHasher};
use mke_auth::records::Account;
use mke_auth::sessions::{Backends, LoggedIn, LoginError, LoginRequest, Logins, Sessions};
use mke_core::config::SessionSettings;
use mke_core::ids::AccountId;
use mke_core::secret::Secret;
use mke_core::store::sqlite::SqliteStore;
use mke_core::store::{KeyRange, Store, Txn, layout};
use mke_core::time::{ManualClock, Timestamp};

pub const PASSWORD: &str = "correct horse";

pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

pub fn password() -> Secret {
    Secret::new(PASSWORD)
}

pub static SOURCE: LazyLock<IpAddr> = LazyLock::new(|| "192.0.2.1".parse().unwrap());

pub struct World {
    pub store: Arc<SqliteStore>,
    pub clock: Arc<ManualClock>,
    pub hasher: Arc<PasswordHasher>,
    pub accounts: Accounts,
    pub sessions: Arc<Sessions>,
    pub logins: Logins,
    pub keys: PublicKeys,
    pub settings: SessionSettings,
    pub backends: Backends,
    pub admin: AccountId,
    pub everyone: AccountId,
}

impl World {
    /// A cluster with the administrator `admin`.
    pub async fn new() -> Self {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let limits = HashLimits::for_processors(NonZeroUsize::new(2).unwrap());
        let hasher = Arc::new(PasswordHasher::new(limits).unwrap());
        let accounts = Accounts::new(store.clone(), clock.clone(), Arc::clone(&hasher));
        let sessions = Arc::new(Sessions::new(store.clone(), clock.clone()));
        let (everyone, _) = accounts.ensure_default_organization(&mut rng()).await.unwrap();
        let (admin, _) = accounts
            .create_first_administrator(NewUser::local("admin", password()), &mut rng())
            .await
            .unwrap();
        Self {
            logins: Logins::new(Arc::clone(&sessions), Arc::clone(&hasher)),
            keys: PublicKeys::new(store.clone(), clock.clone()),
            store,
            clock,
            hasher,
            accounts,
            sessions,
            settings: SessionSettings::default(),
            backends: Backends::managed(),
            admin: admin.id,
            everyone,
        }
    }

    /// What a manager would know now.
    pub async fn directory(&self) -> Directory {
        let all = self
            .store
            .range(KeyRange::prefix(layout::ROOT), 100_000)
            .await
            .unwrap();
        Directory::load(all.entries)
    }

    /// Makes a user with [`PASSWORD`].
    pub async fn user(&self, name: &str) -> Account {
        let new = NewUser::local(name, password());
        self.accounts.create_user(new, &mut rng()).await.unwrap().0
    }

    pub async fn try_login(&self, name: &str, password: &str) -> Result<LoggedIn, LoginError> {
        self.try_login_from(name, password, *SOURCE).await
    }

    pub async fn try_login_from(
        &self,
        name: &str,
        password: &str,
        source: IpAddr,
    ) -> Result<LoggedIn, LoginError> {
        let request = LoginRequest {
            username: name,
            password: &Secret::new(password),
            source,
            user_agent: "test",
            code: None,
        };
        let directory = self.directory().await;
        self.logins
            .login(&directory, request, &self.backends, &self.settings, &mut rng())
            .await
    }

    pub async fn login(&self, name: &str) -> LoggedIn {
        self.try_login(name, PASSWORD).await.unwrap()
    }

    /// Keys of the store below a prefix.
    pub async fn keys_below(&self, prefix: &str) -> Vec<String> {
        let page = self.store.range(KeyRange::prefix(prefix), 100_000).await.unwrap();
        page.entries.into_iter().map(|entry| entry.key).collect()
    }

    pub async fn put(&self, key: String) {
        self.store.txn(Txn::new().put(key, "{}")).await.unwrap();
    }

    pub async fn forget(&self, key: &str) {
        self.store.txn(Txn::new().delete(key)).await.unwrap();
    }
}
