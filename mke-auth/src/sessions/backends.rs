//! Which back ends look at a password: the accounts kept here, and a directory elsewhere.
//!
//! Decided here is only who is asked. The name of an account that is kept here is never shown to a directory, with
//! whatever password (ldap-14, AUTH-010).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mke_core::config::Auth;
use mke_core::names::AccountName;
use mke_core::secret::Secret;
use unicode_normalization::UnicodeNormalization as _;

use super::pace::LockPolicy;
use crate::accounts::{Join, Person};
use crate::directory::Directory;
use crate::records::{Account, Source};

/// The answer of a [`PasswordDirectory`], as a future.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Person, DirectoryFailure>> + Send + 'a>>;

/// Where somebody is a member according to a directory, as a future.
pub type Belongs<'a> = Pin<Box<dyn Future<Output = Result<Vec<Join>, DirectoryFailure>> + Send + 'a>>;

/// Why a directory did not confirm a password. The texts are for the log; who asks is told nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryFailure {
    /// It says no: it has no such person, or the password is wrong.
    #[error("the directory refused: {0}")]
    Refused(String),
    /// It could not be asked, or did not answer as it must.
    #[error("the directory could not be asked: {0}")]
    Unavailable(String),
}

/// A directory that checks passwords, such as an LDAP server.
pub trait PasswordDirectory: Send + Sync {
    /// What its people come from.
    fn source(&self) -> Source;

    /// Who this name and password are. The name is as it was typed; the password is not empty.
    fn check<'a>(&'a self, name: &'a str, password: &'a Secret) -> Answer<'a>;

    /// Where somebody who has just got an account belongs, so that the first request already has the right teams. A
    /// directory that knows of no teams says nowhere.
    fn belongs<'a>(&'a self, person: &'a Person, known: &'a Directory) -> Belongs<'a> {
        let _ = (person, known);
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Which back ends look at passwords.
#[derive(Clone, Default)]
pub struct Backends {
    managed_off: bool,
    fallback: String,
    directory: Option<Arc<dyn PasswordDirectory>>,
    on_demand: bool,
    lock: Option<LockPolicy>,
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backends")
            .field("managed_off", &self.managed_off)
            .field("fallback", &self.fallback)
            .field(
                "directory",
                &self.directory.as_ref().map(|directory| directory.source()),
            )
            .field("on_demand", &self.on_demand)
            .finish()
    }
}

/// Who is to be asked about one login.
pub(super) enum Asked<'a> {
    /// The accounts kept here; `None` when no password can be right.
    Here(Option<&'a Arc<Account>>),
    /// The directory.
    There(&'a dyn PasswordDirectory),
}

impl Backends {
    /// The accounts kept here and nothing else: what a cluster starts with.
    pub fn managed() -> Self {
        Self::default()
    }

    /// What a configuration says. A directory is added with [`Self::with_directory`].
    pub fn of(auth: &Auth) -> Self {
        Self {
            managed_off: auth.managed_password_disabled,
            fallback: auth.managed_password_fallback_user.clone(),
            directory: None,
            on_demand: false,
            lock: LockPolicy::of(&auth.account_lock),
        }
    }

    /// Asks a directory too, for names that no account kept here has. `on_demand` makes an account at the first
    /// login of somebody who has none (LDAP-017).
    #[must_use]
    pub fn with_directory(self, directory: Arc<dyn PasswordDirectory>, on_demand: bool) -> Self {
        Self {
            directory: Some(directory),
            on_demand,
            ..self
        }
    }

    /// The accounts kept here, at the pace of a configuration: for owners who are asked for their password again.
    pub fn managed_at_pace_of(auth: &Auth) -> Self {
        Self {
            lock: LockPolicy::of(&auth.account_lock),
            ..Self::default()
        }
    }

    /// When failed logins lock an account.
    pub(super) fn lock(&self) -> Option<LockPolicy> {
        self.lock
    }

    /// Whether a first login makes an account.
    pub(super) fn on_demand(&self) -> bool {
        self.on_demand
    }

    /// Who looks at this name.
    pub(super) fn asked<'a>(&'a self, known: &'a Directory, name: &str) -> Asked<'a> {
        let folded = fold(name);
        let exact = known.account_by_name(name);
        let Some(directory) = self.directory.as_deref() else {
            return Asked::Here(exact.filter(|account| self.is_open(account)));
        };
        // A directory takes capitals for small letters; accounts here have none (AUTH-002).
        match exact.or_else(|| known.account_by_name(&folded)) {
            Some(account)
                if account
                    .origin()
                    .is_some_and(|origin| origin.source == directory.source()) =>
            {
                Asked::There(directory)
            }
            Some(_) => Asked::Here(exact.filter(|account| self.is_open(account))),
            // What cannot become the name of an account is not worth asking for.
            None if folded.parse::<AccountName>().is_ok() => Asked::There(directory),
            None => Asked::Here(None),
        }
    }

    /// Whether an account kept here may log in with its password.
    fn is_open(&self, account: &Account) -> bool {
        !self.managed_off || account.name.as_str() == self.fallback
    }
}

/// The form of a name under which logins are counted, and accounts looked for: directories tell neither capitals nor
/// compatibility forms apart (ldap-13), so nobody gets more guesses by another spelling.
pub(super) fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Small letters first may leave characters that NFKC turns into others with capitals.
    name.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}
