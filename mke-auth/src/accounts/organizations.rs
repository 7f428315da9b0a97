//! Organizations: making and deleting them. [`Accounts::update_account`] changes them.

use mke_core::ids::AccountId;
use mke_core::store::{KeyRange, Revision, Txn, layout};
use rand_core::CryptoRng;

use super::users::delete_account;
use super::{AccountError, Accounts, NewOrganization, grants_of_subject, put_new_account};
use crate::records::{Account, AccountKind};
use crate::storage::{self, ATTEMPTS, StorageError};

/// Most teams of an organization that can be deleted with it. Each takes one step of the transaction, and so
/// may each of its public keys.
const MAX_TEAMS: usize = mke_core::store::MAX_TXN_STEPS / 4;

impl Accounts {
    /// Makes an organization.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::NameInUse`], [`AccountError::Storage`].
    pub async fn create_organization(
        &self,
        new: NewOrganization,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Account, Revision), AccountError> {
        let account = Account {
            id: AccountId::random(rng),
            name: new.check()?,
            full_name: new.full_name,
            created: self.clock.now(),
            kind: AccountKind::Organization,
            admin_sync: None,
        };
        let txn = put_new_account(Txn::new(), &account)?;
        match storage::commit(&*self.store, txn).await? {
            Some(revision) => Ok((account, revision)),
            None => Err(AccountError::NameInUse {
                name: account.name.to_string(),
            }),
        }
    }

    /// Deletes an organization with its teams, memberships, public keys, name, its own grants and those of its
    /// teams (R7), in one transaction.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchAccount`], [`AccountError::NotAnOrganization`], [`AccountError::BuiltIn`],
    /// [`AccountError::TooMuch`], [`AccountError::Storage`].
    pub async fn delete_organization(&self, id: &AccountId) -> Result<Revision, AccountError> {
        for _ in 0..ATTEMPTS {
            let found = self.organization(id).await?;
            if found.record.is_default_organization() {
                return Err(AccountError::BuiltIn {
                    name: found.record.name,
                });
            }
            let untouched = super::untouched(&*self.store, id).await?;
            let below = |family| layout::below(family, [id.as_str()]);
            let teams = storage::scan(&*self.store, &below(layout::TEAMS)).await?;
            if teams.len() > MAX_TEAMS {
                return Err(AccountError::TooMuch {
                    what: "teams",
                    count: teams.len(),
                    max: MAX_TEAMS,
                });
            }
            let mut txn = delete_account(&found, self.keys_of(id).await?)?.when(untouched);
            for family in [
                layout::TEAMS,
                layout::TEAM_NAMES,
                layout::MEMBERS,
                layout::TEAM_MEMBERS,
            ] {
                txn = txn.delete_range(KeyRange::prefix(below(family)));
            }
            for team in &teams {
                if let Some([_, team]) = layout::parts(layout::TEAMS, &team.key).as_deref() {
                    txn = txn.delete_range(grants_of_subject(team));
                }
            }
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }
}
