//! Users: making, changing and deleting them, and their passwords.

use mke_core::ids::AccountId;
use mke_core::secret::Secret;
use mke_core::store::{Compare, KeyRange, Revision, Txn, layout};
use rand_core::CryptoRng;

use super::{AccountError, Accounts, NewUser, UserChange, grants_of_subject, put_account, put_new_account};
use crate::password::{PasswordError, Verdict};
use crate::records::{Account, AccountKind, PublicKey, User};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// Most single keys that the deletion of one account deletes: half of what a transaction may hold, for the
/// rest of it.
pub(super) const MAX_OWNED: usize = mke_core::store::MAX_TXN_STEPS / 2;

/// How a password is changed.
#[derive(Debug, Clone)]
pub enum PasswordChange {
    /// By the user itself, who knows the old one.
    Own {
        /// The old password.
        old: Secret,
    },
    /// By an administrator.
    Reset,
}

impl Accounts {
    /// Makes a user. It is a member of the default organization without further ado (AUTH-006).
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`] with everything that is wrong, [`AccountError::NameInUse`],
    /// [`AccountError::Password`], [`AccountError::Storage`].
    pub async fn create_user(
        &self,
        new: NewUser,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Account, Revision), AccountError> {
        let account = self.prepare_user(new, rng).await?;
        let txn = put_new_account(Txn::new(), &account)?;
        match storage::commit(&*self.store, txn).await? {
            Some(revision) => Ok((account, revision)),
            None => Err(self.taken(&account).await?),
        }
    }

    /// Why a new account could not be written.
    pub(super) async fn taken(&self, account: &Account) -> Result<AccountError, AccountError> {
        Ok(match self.origin_taken(account).await? {
            Some(error) => error,
            None => AccountError::NameInUse {
                name: account.name.to_string(),
            },
        })
    }

    /// The error when another account has this one's origin.
    async fn origin_taken(&self, account: &Account) -> Result<Option<AccountError>, StorageError> {
        let Some(origin) = account.origin() else {
            return Ok(None);
        };
        let key = layout::account_origin(origin.source.as_str(), &origin.id);
        let holder = storage::read_entry(&*self.store, key)
            .await?
            .map(|entry| AccountId::from(String::from_utf8_lossy(&entry.value).into_owned()));
        Ok(holder
            .filter(|holder| *holder != account.id)
            .map(|id| AccountError::OriginInUse {
                source_name: origin.source,
                id,
            }))
    }

    pub(super) async fn prepare_user(
        &self,
        new: NewUser,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Account, AccountError> {
        let name = new.check()?;
        let name_key = layout::account_name(name.as_str());
        // Only saves the work of hashing; the transaction decides.
        if storage::read_entry(&*self.store, name_key).await?.is_some() {
            return Err(AccountError::NameInUse { name: new.name });
        }
        let password = match &new.password {
            Some(password) => Some(
                self.hasher
                    .hash(password, rng)
                    .await
                    .map_err(AccountError::Password)?,
            ),
            None => None,
        };
        Ok(Account {
            id: AccountId::random(rng),
            name,
            full_name: new.full_name,
            created: self.clock.now(),
            kind: AccountKind::User(User {
                is_admin: new.is_admin,
                is_active: new.is_active,
                is_imported: new.origin.is_some(),
                password,
                password_version: 1,
                origin: new.origin,
                on_demand: new.on_demand,
            }),
            admin_sync: None,
        })
    }

    /// Changes a user or an organization. Deactivating a user ends its sessions in the same transaction.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchAccount`], [`AccountError::Invalid`], [`AccountError::LastAdministrator`],
    /// [`AccountError::NotAUser`] for flags of an organization, [`AccountError::NotImported`] and
    /// [`AccountError::OriginInUse`] for an origin, [`AccountError::Storage`].
    pub async fn update_account(
        &self,
        id: &AccountId,
        change: &UserChange,
    ) -> Result<(Account, Revision), AccountError> {
        change.check()?;
        for _ in 0..ATTEMPTS {
            let found = self.account(id).await?;
            let account = changed(&found.record, change)?;
            let mut txn = put_account(Txn::new(), &found, &account)?;
            txn = move_origin(txn, &found.record, &account);
            if found.record.is_active_admin() && !account.is_active_admin() {
                txn = txn.when(self.another_administrator(&found.record).await?);
            }
            if found.record.is_active_user() && !account.is_active_user() {
                txn = txn.delete_range(sessions_of(id));
            }
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((account, revision));
            }
            if account.origin() != found.record.origin()
                && let Some(error) = self.origin_taken(&account).await?
            {
                return Err(error);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Sets a new password. Every session of the user ends in the same transaction, and so does whatever else
    /// its old password opened (authn-04).
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`] for a password that is not acceptable, [`AccountError::WrongPassword`],
    /// [`AccountError::Imported`], [`AccountError::NoSuchAccount`], [`AccountError::NotAUser`],
    /// [`AccountError::Password`], [`AccountError::Storage`].
    pub async fn change_password(
        &self,
        id: &AccountId,
        change: &PasswordChange,
        new: &Secret,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Account, Revision), AccountError> {
        let mut problems = super::Problems::default();
        problems.take("newPassword", crate::password::check(new));
        problems.into_result()?;
        let mut hashed = None;
        for _ in 0..ATTEMPTS {
            let found = self.user(id).await?;
            let mut account = found.record.clone();
            let AccountKind::User(user) = &mut account.kind else {
                return Err(AccountError::NotAUser { name: account.name });
            };
            if user.is_imported {
                return Err(AccountError::Imported { name: account.name });
            }
            if let PasswordChange::Own { old } = change {
                match self.hasher.verify(old, user.password.as_ref()).await {
                    Ok(Verdict::Right { .. }) => {}
                    Ok(Verdict::Wrong) => return Err(AccountError::WrongPassword),
                    Err(error) => return Err(AccountError::Password(error)),
                }
            }
            let hash = match hashed.take() {
                Some(hash) => hash,
                None => self
                    .hasher
                    .hash(new, rng)
                    .await
                    .map_err(|error: PasswordError| AccountError::Password(error))?,
            };
            user.password = Some(hash.clone());
            user.password_version += 1;
            hashed = Some(hash);
            let txn = put_account(Txn::new(), &found, &account)?.delete_range(sessions_of(id));
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((account, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Deletes a user with everything that belongs to it: grants, sessions, public keys, memberships, its default
    /// collection and its name (R7, rbac-04), in one transaction.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchAccount`], [`AccountError::NotAUser`], [`AccountError::LastAdministrator`],
    /// [`AccountError::TooMuch`], [`AccountError::Storage`].
    pub async fn delete_user(&self, id: &AccountId) -> Result<Revision, AccountError> {
        for _ in 0..ATTEMPTS {
            let found = self.user(id).await?;
            if let Some(revision) = self.try_delete_user(&found).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Deletes a user as it was read; nothing when it was changed meanwhile.
    pub(super) async fn try_delete_user(
        &self,
        found: &Found<Account>,
    ) -> Result<Option<Revision>, AccountError> {
        let id = &found.record.id;
        let untouched = super::untouched(&*self.store, id).await?;
        let mut owned = self.keys_of(id).await?;
        for (family, position) in [(layout::MEMBERS, 1), (layout::TEAM_MEMBERS, 2)] {
            owned.extend(
                storage::scan(&*self.store, family)
                    .await?
                    .into_iter()
                    .map(|entry| entry.key)
                    .filter(|key| part_is(family, key, position, id.as_str())),
            );
        }
        let mut txn = delete_account(found, owned)?
            .when(untouched)
            .delete(layout::default_collection(id));
        if found.record.is_active_admin() {
            txn = txn.when(self.another_administrator(&found.record).await?);
        }
        Ok(storage::commit(&*self.store, txn).await?)
    }

    /// Keys of the records of an account's public keys.
    pub(super) async fn keys_of(&self, id: &AccountId) -> Result<Vec<String>, StorageError> {
        let mut keys = Vec::new();
        for entry in storage::scan(&*self.store, layout::PUBLIC_KEYS).await? {
            let key = entry.key.clone();
            // A key that cannot be read stands for nobody.
            if storage::decode::<PublicKey>(entry).is_ok_and(|found| found.record.account == *id) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// A condition that holds as long as another active administrator stays one. Two administrators who remove
    /// each other at once thus cannot both succeed.
    pub(super) async fn another_administrator(&self, but: &Account) -> Result<Compare, AccountError> {
        for entry in storage::scan(&*self.store, layout::ACCOUNTS).await? {
            let key = entry.key.clone();
            // An account that cannot be read cannot log in, so it is no administrator to rely on.
            let Ok(other) = storage::decode::<Account>(entry) else {
                continue;
            };
            if other.record.id != but.id && other.record.is_active_admin() {
                return Ok(Compare::Modified(key, other.modified));
            }
        }
        Err(AccountError::LastAdministrator {
            name: but.name.clone(),
        })
    }
}

fn changed(account: &Account, change: &UserChange) -> Result<Account, AccountError> {
    let mut account = account.clone();
    if let Some(full_name) = &change.full_name {
        account.full_name.clone_from(full_name);
    }
    if change.is_admin.is_some() || change.is_active.is_some() || change.origin.is_some() {
        let AccountKind::User(user) = &mut account.kind else {
            return Err(AccountError::NotAUser { name: account.name });
        };
        user.is_admin = change.is_admin.unwrap_or(user.is_admin);
        user.is_active = change.is_active.unwrap_or(user.is_active);
        if let Some(origin) = &change.origin {
            // An account that was made here is never taken over by a source (ldap-14).
            if !user.is_imported {
                return Err(AccountError::NotImported { name: account.name });
            }
            user.origin = Some(origin.clone());
        } else if let (Some(_), Some(origin)) = (change.is_active, &mut user.origin) {
            // From now on it is an administrator's decision.
            origin.gone = false;
        }
    }
    Ok(account)
}

/// Keeps the list of origins as the account's record says.
pub(super) fn move_origin(txn: Txn, before: &Account, after: &Account) -> Txn {
    let key = |account: &Account| {
        let origin = account.origin()?;
        Some(layout::account_origin(origin.source.as_str(), &origin.id))
    };
    let (old, new) = (key(before), key(after));
    if old == new {
        return txn;
    }
    let txn = old.into_iter().fold(txn, Txn::delete);
    match new {
        Some(new) => txn.when(Compare::Absent(new.clone())).put(new, after.id.as_str()),
        None => txn,
    }
}

/// A transaction that deletes an account, what lies below its id, and these single keys.
pub(super) fn delete_account(found: &Found<Account>, owned: Vec<String>) -> Result<Txn, AccountError> {
    if owned.len() > MAX_OWNED {
        return Err(AccountError::TooMuch {
            what: "records",
            count: owned.len(),
            max: MAX_OWNED,
        });
    }
    let account = &found.record;
    let key = layout::account(&account.id);
    let txn = Txn::new()
        .when(Compare::Modified(key.clone(), found.modified))
        .delete(key)
        .delete(layout::account_name(account.name.as_str()))
        .delete(layout::login(&account.id))
        .delete(layout::second_factor(&account.id))
        .delete(layout::login_lock(&account.id))
        .delete(layout::owned(&account.id))
        .delete_range(sessions_of(&account.id))
        .delete_range(grants_of_subject(account.id.as_str()));
    let txn = match account.origin() {
        Some(origin) => txn.delete(layout::account_origin(origin.source.as_str(), &origin.id)),
        None => txn,
    };
    Ok(owned.into_iter().fold(txn, Txn::delete))
}

pub(super) fn sessions_of(id: &AccountId) -> KeyRange {
    KeyRange::prefix(layout::below(layout::SESSIONS, [id.as_str()]))
}

/// Whether a part of a key, counted from 0, is this.
pub(super) fn part_is(family: &str, key: &str, position: usize, value: &str) -> bool {
    layout::parts(family, key).is_some_and(|parts| parts.get(position).is_some_and(|part| part == value))
}
