//! The account of somebody whom a source has just vouched for: found by who it is there, brought up to date, or made.
//!
//! An account follows the person, not the name (ldap-12), and an account that was made here is never taken over
//! (ldap-14).

use mke_core::ids::AccountId;
use mke_core::names::AccountName;
use mke_core::store::{Revision, layout};
use rand_core::CryptoRng;

use super::{AccountError, Accounts, NewUser, UserChange};
use crate::records::{Account, Origin};
use crate::storage::{self, ATTEMPTS, StorageError};

/// Somebody as a source describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name that its account has or gets.
    pub name: AccountName,
    /// The name for people; `None` when the source does not say.
    pub full_name: Option<String>,
    /// Who it is at the source.
    pub origin: Origin,
    /// Whether it is an administrator; `None` when the source does not say.
    pub is_admin: Option<bool>,
}

/// An account that was found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// The account as it is now.
    pub account: Account,
    /// When something was written for it.
    pub revision: Option<Revision>,
    /// Whether it was made just now.
    pub made: bool,
    /// Whether it stayed an administrator, against what the source says, because there is no other.
    pub kept_admin: bool,
}

/// Why somebody whom a source vouches for has no account to use.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The account may not log in.
    #[error("account `{name}` is not active")]
    Inactive {
        /// Its name.
        name: AccountName,
    },
    /// There is no account, and none is made at logins.
    #[error("`{name}` has no account yet, and accounts are not made at the first login")]
    NotProvisioned {
        /// The name it would get.
        name: AccountName,
    },
    /// Somebody else has the name: an account that was made here, or another person of a source.
    #[error("the name `{name}` belongs to another account; rename one of them at its source")]
    NameTaken {
        /// The name.
        name: AccountName,
    },
    /// The account could not be read or written.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<StorageError> for AdoptError {
    fn from(error: StorageError) -> Self {
        Self::Account(error.into())
    }
}

impl Accounts {
    /// Finds the account of somebody, or makes it when `may_make` says so. Full name, origin and, when the source
    /// says so, administration follow the source; the name stays until a synchronisation changes it. The last
    /// active administrator stays one.
    ///
    /// # Errors
    ///
    /// [`AdoptError`].
    pub async fn adopt(
        &self,
        person: &Person,
        may_make: bool,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Adopted, AdoptError> {
        let key = layout::account_origin(person.origin.source.as_str(), &person.origin.id);
        for _ in 0..ATTEMPTS {
            if let Some(entry) = storage::read_entry(&*self.store, key.clone()).await? {
                let id = AccountId::from(String::from_utf8_lossy(&entry.value).into_owned());
                return self.refresh(&id, person).await;
            }
            if !may_make {
                return Err(AdoptError::NotProvisioned {
                    name: person.name.clone(),
                });
            }
            let new = NewUser {
                full_name: person.full_name.clone().unwrap_or_default(),
                is_admin: person.is_admin.unwrap_or(false),
                on_demand: true,
                ..NewUser::imported(person.name.as_str(), person.origin.clone())
            };
            match self.create_user(new, rng).await {
                Ok((account, revision)) => {
                    return Ok(Adopted {
                        account,
                        revision: Some(revision),
                        made: true,
                        kept_admin: false,
                    });
                }
                // Another login of the same person was faster.
                Err(AccountError::OriginInUse { .. }) => {}
                Err(AccountError::NameInUse { .. }) => {
                    if storage::read_entry(&*self.store, key.clone()).await?.is_none() {
                        return Err(AdoptError::NameTaken {
                            name: person.name.clone(),
                        });
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StorageError::Contended.into())
    }

    async fn refresh(&self, id: &AccountId, person: &Person) -> Result<Adopted, AdoptError> {
        let account = self.account(id).await?.record;
        // Whom a synchronisation switched off because the directory did not list them, the directory brings back.
        let returns = !account.is_active_user() && account.origin().is_some_and(|origin| origin.gone);
        if !account.is_active_user() && !returns {
            return Err(AdoptError::Inactive { name: account.name });
        }
        let differs = |is_admin: bool| account.user().is_some_and(|user| user.is_admin != is_admin);
        let mut change = UserChange {
            full_name: person.full_name.clone().filter(|name| *name != account.full_name),
            is_admin: person.is_admin.filter(|is_admin| differs(*is_admin)),
            is_active: returns.then_some(true),
            origin: (account.origin() != Some(&person.origin)).then(|| person.origin.clone()),
        };
        let mut kept_admin = false;
        loop {
            if change == UserChange::default() {
                return Ok(Adopted {
                    account,
                    revision: None,
                    made: false,
                    kept_admin,
                });
            }
            match self.update_account(id, &change).await {
                Ok((account, revision)) => {
                    return Ok(Adopted {
                        account,
                        revision: Some(revision),
                        made: false,
                        kept_admin,
                    });
                }
                Err(AccountError::LastAdministrator { .. }) if !kept_admin => {
                    kept_admin = true;
                    change.is_admin = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
