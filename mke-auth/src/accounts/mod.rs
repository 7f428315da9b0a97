//! The one service that every source of accounts writes through: the API, the command line, LDAP, SAML, SCIM.
//!
//! It keeps the rules of accounts (R1, R2, R7, R8) in transactions, so they hold on several managers at once.
//! It does not decide who may call it; that is the policy's and its caller's matter. Every method that writes
//! returns the revision of the write, so that a caller can wait until its own view has it.
//!
//! INVARIANT(owned): whatever comes to belong to an account without lying below its id (a membership, a public
//! key, a team's grants) is written in one transaction with the account's stamp ([`touch`]). Deleting an account
//! compares that stamp ([`untouched`]), so nothing can come to belong to it between the search for what belongs to
//! it and the deletion. Stamps do not stand in each other's way: many keys can be made for one account at once.

mod adopt;
mod batch;
mod bulk;
mod error;
mod links;
mod members;
mod new;
mod organizations;
mod provisioned;
mod recovery;
mod teams;
mod users;

pub use adopt::{AdoptError, Adopted, Person};
pub use batch::{BatchChange, BatchCreate, BatchOutcome, BatchStep, Join, Place};
pub use bulk::{BulkChange, BulkOutcome, MAX_BULK};
pub use error::{AccountError, Problem, Problems};
pub use links::TeamLink;
pub use new::{NewOrganization, NewTeam, NewUser, TeamChange, UserChange};
pub use provisioned::{
    MAX_MEMBER_CHANGES, Provisioned, ProvisionedGroup, TEAM_SUFFIX, is_linkable, is_provisioned,
};
pub use recovery::{Recovered, Recovery};
pub use users::PasswordChange;

use std::sync::Arc;

use mke_core::ids::{AccountId, TeamId};
use mke_core::names::DEFAULT_ORGANIZATION;
use mke_core::store::{Compare, KeyRange, Revision, Store, Txn, layout};
use mke_core::time::Clock;
use rand_core::CryptoRng;

use crate::password::PasswordHasher;
use crate::records::{Account, AccountKind, Team};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// Makes, changes and deletes accounts, teams and memberships.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: Arc<PasswordHasher>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Accounts {
    /// A service that writes to this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, hasher: Arc<PasswordHasher>) -> Self {
        Self { store, clock, hasher }
    }

    /// The time, for sources that write through this service.
    #[cfg(feature = "ldap")]
    pub(crate) fn now(&self) -> mke_core::time::Timestamp {
        self.clock.now()
    }

    /// Makes the organization that holds every user (R2) unless it exists. Returns its id and, when it was made,
    /// the revision.
    ///
    /// # Errors
    ///
    /// [`AccountError::NameInUse`] when a user has its name, [`AccountError::Storage`].
    pub async fn ensure_default_organization(
        &self,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(AccountId, Option<Revision>), AccountError> {
        let fresh = AccountId::random(rng);
        for _ in 0..ATTEMPTS {
            let name_key = layout::account_name(DEFAULT_ORGANIZATION);
            if let Some(entry) = storage::read_entry(&*self.store, name_key.clone()).await? {
                let id = AccountId::from(String::from_utf8_lossy(&entry.value).into_owned());
                return match self.account(&id).await?.record.kind {
                    AccountKind::Organization => Ok((id, None)),
                    AccountKind::User(_) => Err(AccountError::NameInUse {
                        name: DEFAULT_ORGANIZATION.to_owned(),
                    }),
                };
            }
            let account = Account {
                id: fresh.clone(),
                name: new::default_organization_name()?,
                full_name: String::new(),
                created: self.clock.now(),
                kind: AccountKind::Organization,
                admin_sync: None,
            };
            let txn = put_new_account(Txn::new(), &account)?;
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((fresh, Some(revision)));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Whether the first administrator was made.
    ///
    /// # Errors
    ///
    /// [`AccountError::Storage`].
    pub async fn is_initialized(&self) -> Result<bool, AccountError> {
        let entry = storage::read_entry(&*self.store, layout::FIRST_ADMINISTRATOR.to_owned()).await?;
        Ok(entry.is_some())
    }

    /// Makes the first administrator. Only one caller ever succeeds, whatever the names (authn-14). `new` is
    /// made an active administrator whatever it says.
    ///
    /// # Errors
    ///
    /// [`AccountError::AlreadyInitialized`], and those of [`Self::create_user`].
    pub async fn create_first_administrator(
        &self,
        new: NewUser,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Account, Revision), AccountError> {
        if self.is_initialized().await? {
            return Err(AccountError::AlreadyInitialized);
        }
        let new = NewUser {
            is_admin: true,
            is_active: true,
            origin: None,
            ..new
        };
        let account = self.prepare_user(new, rng).await?;
        let marker = layout::FIRST_ADMINISTRATOR.to_owned();
        let txn = Txn::new()
            .when(Compare::Absent(marker.clone()))
            .put(marker, account.id.as_str());
        let txn = put_new_account(txn, &account)?;
        match storage::commit(&*self.store, txn).await? {
            Some(revision) => Ok((account, revision)),
            None if self.is_initialized().await? => Err(AccountError::AlreadyInitialized),
            None => Err(AccountError::NameInUse {
                name: account.name.to_string(),
            }),
        }
    }

    async fn account(&self, id: &AccountId) -> Result<Found<Account>, AccountError> {
        storage::read(&*self.store, layout::account(id))
            .await?
            .ok_or_else(|| AccountError::NoSuchAccount { id: id.clone() })
    }

    async fn user(&self, id: &AccountId) -> Result<Found<Account>, AccountError> {
        let found = self.account(id).await?;
        if found.record.is_organization() {
            return Err(AccountError::NotAUser {
                name: found.record.name,
            });
        }
        Ok(found)
    }

    async fn organization(&self, id: &AccountId) -> Result<Found<Account>, AccountError> {
        let found = self.account(id).await?;
        if !found.record.is_organization() {
            return Err(AccountError::NotAnOrganization {
                name: found.record.name,
            });
        }
        Ok(found)
    }

    async fn team(&self, organization: &AccountId, id: &TeamId) -> Result<Found<Team>, AccountError> {
        storage::read(&*self.store, layout::team(organization, id))
            .await?
            .ok_or_else(|| AccountError::NoSuchTeam { id: id.clone() })
    }
}

/// Adds a new account to a transaction, with its name and its origin, which nobody may have yet.
fn put_new_account(txn: Txn, account: &Account) -> Result<Txn, StorageError> {
    let name_key = layout::account_name(account.name.as_str());
    let txn = match account.origin() {
        Some(origin) => {
            let key = layout::account_origin(origin.source.as_str(), &origin.id);
            txn.when(Compare::Absent(key.clone()))
                .put(key, account.id.as_str())
        }
        None => txn,
    };
    Ok(txn
        .when(Compare::Absent(name_key.clone()))
        .put(name_key, account.id.as_str())
        .put(layout::account(&account.id), storage::encode(account)?))
}

/// Adds an account's record to a transaction, which fails when the record is not the one that was read.
fn put_account(txn: Txn, found: &Found<Account>, account: &Account) -> Result<Txn, StorageError> {
    let key = layout::account(&account.id);
    Ok(txn
        .when(Compare::Modified(key.clone(), found.modified))
        .put(key, storage::encode(account)?))
}

/// Renews the stamp of an account, which must exist, for INVARIANT(owned).
pub(crate) fn touch(txn: Txn, owner: &AccountId) -> Txn {
    // Only the revision of the stamp counts.
    txn.when(Compare::Present(layout::account(owner)))
        .put(layout::owned(owner), r#"{"v":1}"#)
}

/// The condition that nothing comes to belong to an account from now on. Taken before looking at what it owns.
async fn untouched(store: &dyn Store, owner: &AccountId) -> Result<Compare, StorageError> {
    let key = layout::owned(owner);
    Ok(match storage::read_entry(store, key.clone()).await? {
        Some(stamp) => Compare::Modified(key, stamp.modified),
        None => Compare::Absent(key),
    })
}

/// The grants of a subject. In keys of grants, and in the API, the subject is the id of an account or team.
pub fn grants_of_subject(id: &str) -> KeyRange {
    KeyRange::prefix(layout::below(layout::GRANTS, [id]))
}
