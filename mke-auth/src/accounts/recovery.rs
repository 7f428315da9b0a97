//! A way back in for somebody who has lost it and has a shell on a manager (AUTH-009): a new password, in one
//! transaction with everything else that keeps the account out.

use mke_core::ids::AccountId;
use mke_core::secret::Secret;
use mke_core::store::{Revision, layout};
use rand_core::CryptoRng;

use super::users::sessions_of;
use super::{AccountError, Accounts, Problems, put_account};
use crate::records::AccountKind;
use crate::storage::{self, ATTEMPTS, StorageError};
use crate::throttle::forgotten;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// The new password.
    pub password: Secret,
    /// Whether to make the account an administrator.
    pub admin: bool,
    /// Whether to switch its second factor off.
    pub disable_second_factor: bool,
}

/// What was done besides the new password. All sessions of the account have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Whose.
    pub account: AccountId,
    /// Whether it was inactive and is active now.
    pub reactivated: bool,
    /// Whether it was made an administrator.
    pub promoted: bool,
    /// Whether it is an administrator now.
    pub is_admin: bool,
    /// Whether a second factor was switched off.
    pub second_factor_removed: bool,
    /// Whether a second factor is still asked for at its logins.
    pub second_factor_left: bool,
    /// Whether failed logins had locked it.
    pub unlocked: bool,
    /// When.
    pub revision: Revision,
}

impl Accounts {
    /// Gives an account a new password, activates it, opens its lock and ends its sessions; makes it an administrator and
    /// switches its second factor off where that is asked. Who may do that is the caller's matter: whoever reads the
    /// files of the control plane as their owner does.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchAccount`] with the name as id, [`AccountError::NotAUser`], [`AccountError::Imported`],
    /// [`AccountError::Invalid`] for a password that is not acceptable, [`AccountError::Password`],
    /// [`AccountError::Storage`].
    pub async fn recover(
        &self,
        name: &str,
        recovery: &Recovery,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Recovered, AccountError> {
        let mut problems = Problems::default();
        problems.take("password", crate::password::check(&recovery.password));
        problems.into_result()?;
        let name_key = layout::account_name(name);
        let id = storage::read_entry(&*self.store, name_key)
            .await?
            .map(|entry| AccountId::from(String::from_utf8_lossy(&entry.value).into_owned()))
            .ok_or_else(|| AccountError::NoSuchAccount {
                id: AccountId::from(name),
            })?;
        let mut hashed = None;
        for _ in 0..ATTEMPTS {
            let found = self.user(&id).await?;
            let mut account = found.record.clone();
            let AccountKind::User(user) = &mut account.kind else {
                return Err(AccountError::NotAUser { name: account.name });
            };
            if user.is_imported {
                return Err(AccountError::Imported { name: account.name });
            }
            let hash = match hashed.take() {
                Some(hash) => hash,
                None => self
                    .hasher
                    .hash(&recovery.password, rng)
                    .await
                    .map_err(AccountError::Password)?,
            };
            hashed = Some(hash.clone());
            let (was_active, was_admin) = (user.is_active, user.is_admin);
            user.password = Some(hash);
            user.password_version += 1;
            user.is_active = true;
            user.is_admin |= recovery.admin;
            let is_admin = user.is_admin;
            let factor_key = layout::second_factor(&id);
            let lock_key = layout::login_lock(&id);
            let factor = storage::read_entry(&*self.store, factor_key.clone()).await?;
            let lock = storage::read_entry(&*self.store, lock_key.clone()).await?;
            let mut txn = put_account(forgotten(name, mke_core::store::Txn::new()), &found, &account)?
                .delete_range(sessions_of(&id))
                .delete(lock_key);
            if recovery.disable_second_factor {
                txn = txn.delete(factor_key);
            }
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(Recovered {
                    account: id,
                    reactivated: !was_active,
                    promoted: is_admin && !was_admin,
                    is_admin,
                    second_factor_removed: factor.is_some() && recovery.disable_second_factor,
                    second_factor_left: factor.is_some() && !recovery.disable_second_factor,
                    unlocked: lock.is_some(),
                    revision,
                });
            }
        }
        Err(StorageError::Contended.into())
    }
}
