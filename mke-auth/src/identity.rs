//! Who a request comes from, once it has proved it, and whether that still holds.
//!
//! An [`Identity`] is made in this crate only, from a session, a registered public key or a password. It says
//! who, never what they may do.

use mke_core::ids::{AccountId, KeyId, SessionId};
use mke_core::names::AccountName;

use crate::directory::Directory;
use crate::records::{Account, User};

/// What a request showed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    /// The token of a session.
    Session(SessionId),
    /// A client certificate over a registered public key.
    PublicKey(KeyId),
    /// Name and password, with the request itself.
    Password(PasswordVersion),
}

/// Which of an account's passwords, one after the other, was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasswordVersion(pub(crate) u64);

/// An active user that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    account: AccountId,
    name: AccountName,
    admin: bool,
    credential: Credential,
}

/// Why a key stands for nobody. Callers answer all of them alike.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The key is not registered, or no more.
    #[error("public key {0} is not registered")]
    UnknownKey(KeyId),
    /// It stands for an account that does not exist.
    #[error("account {0} does not exist")]
    UnknownAccount(AccountId),
    /// It stands for an account that may not log in.
    #[error("account `{0}` is not active")]
    Inactive(AccountName),
    /// It stands for an organization, which cannot ask for anything.
    #[error("account `{0}` is an organization")]
    Organization(AccountName),
}

impl Identity {
    /// Whose it is.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The account's name.
    pub fn name(&self) -> &AccountName {
        &self.name
    }

    /// Whether it is an administrator.
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// What was shown.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The identity of an account that has shown a credential, if it may log in at all (R6).
    pub(crate) fn of(account: &Account, credential: Credential) -> Result<Self, IdentityError> {
        match account.user() {
            Some(User {
                is_active: true,
                is_admin,
                ..
            }) => Ok(Self {
                account: account.id.clone(),
                name: account.name.clone(),
                admin: *is_admin,
                credential,
            }),
            Some(_) => Err(IdentityError::Inactive(account.name.clone())),
            None => Err(IdentityError::Organization(account.name.clone())),
        }
    }

    /// Whether the credential still opens what it opened. To be asked for every open stream whenever the
    /// directory changes (authn-04, pki-04): it is no more when the session ended, the key was removed, the
    /// password changed, or the account was deleted, deactivated or is no administrator any more. Costs two
    /// look-ups.
    pub fn is_live(&self, directory: &Directory) -> bool {
        let Some(user) = directory
            .account(&self.account)
            .and_then(|account| account.user())
        else {
            return false;
        };
        let shown = match &self.credential {
            Credential::Session(id) => directory
                .session(id)
                .is_some_and(|stored| stored.session.account == self.account),
            Credential::PublicKey(id) => directory.key(id).is_some_and(|key| key.account == self.account),
            Credential::Password(PasswordVersion(version)) => user.password_version == *version,
        };
        shown && user.is_active && (user.is_admin || !self.admin)
    }
}

/// The identity behind a client certificate's public key. Nothing else of a certificate counts: not its
/// subject, its names or its issuer (pki-02).
///
/// # Errors
///
/// [`IdentityError`] when the key is not registered, or stands for an account that may not log in.
pub fn identify_by_key(directory: &Directory, id: &KeyId) -> Result<Identity, IdentityError> {
    let key = directory
        .key(id)
        .ok_or_else(|| IdentityError::UnknownKey(id.clone()))?;
    let account = directory
        .account(&key.account)
        .ok_or_else(|| IdentityError::UnknownAccount(key.account.clone()))?;
    Identity::of(account, Credential::PublicKey(key.id.clone()))
}
