//! Public keys that stand for accounts: registering, labelling and removing them.
//!
//! A client certificate is worth what its registered key is worth: removing the key ends the certificate at
//! once. A key belongs to one account for as long as it is registered; it never moves to another (pki-03).

use std::sync::Arc;

use mke_core::ids::{AccountId, KeyId};
use mke_core::pki::{self, PkiError};
use mke_core::store::{Compare, Revision, Store, Txn, layout};
use mke_core::time::Clock;

use crate::accounts::touch;
use crate::directory::Directory;
use crate::records::{Account, MAX_LABEL_CHARS, PublicKey};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// Most keys of one account. Judgement: every downloaded bundle is one, and scripts download one a day. It is
/// counted in the directory, so keys registered at the same moment may exceed it by a few.
pub const MAX_KEYS_PER_ACCOUNT: usize = 1000;

/// Why a key was not registered, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no public key, or none that is accepted (pki-12).
    #[error("the public key is not acceptable")]
    Refused(#[source] PkiError),
    /// The label is too long or holds control characters.
    #[error("the label must have at most {MAX_LABEL_CHARS} characters and no control characters")]
    Label,
    /// The key is registered, for whichever account.
    #[error("public key {id} is registered already")]
    InUse {
        /// Its id.
        id: KeyId,
    },
    /// The account has no such key.
    #[error("no such public key: {id}")]
    NoSuchKey {
        /// The id that was asked for.
        id: KeyId,
    },
    /// There is no such account.
    #[error("no such account: {id}")]
    NoSuchAccount {
        /// The id that was asked for.
        id: AccountId,
    },
    /// The account has [`MAX_KEYS_PER_ACCOUNT`] keys.
    #[error("the account has {MAX_KEYS_PER_ACCOUNT} public keys, delete some first")]
    TooMany,
    /// The store refused or failed.
    #[error("public keys could not be read or written")]
    Storage(#[from] StorageError),
}

/// Registers and removes public keys. [`Directory::keys_of`] lists them.
#[derive(Clone)]
pub struct PublicKeys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKeys").finish_non_exhaustive()
    }
}

impl PublicKeys {
    /// Keys kept in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Registers an uploaded key, PEM.
    ///
    /// # Errors
    ///
    /// [`KeyError::Refused`], and those of [`Self::register`].
    pub async fn upload(
        &self,
        directory: &Directory,
        account: &AccountId,
        pem: &str,
        label: &str,
    ) -> Result<(PublicKey, Revision), KeyError> {
        let key = pki::PublicKey::from_pem(pem).map_err(KeyError::Refused)?;
        self.register(directory, account, &key, label).await
    }

    /// Registers a key for an account.
    ///
    /// # Errors
    ///
    /// [`KeyError::InUse`], [`KeyError::Label`], [`KeyError::TooMany`], [`KeyError::NoSuchAccount`],
    /// [`KeyError::Storage`].
    pub async fn register(
        &self,
        directory: &Directory,
        account: &AccountId,
        key: &pki::PublicKey,
        label: &str,
    ) -> Result<(PublicKey, Revision), KeyError> {
        check_label(label)?;
        if directory.keys_of(account).count() >= MAX_KEYS_PER_ACCOUNT {
            return Err(KeyError::TooMany);
        }
        let record = PublicKey {
            id: key.id(),
            account: account.clone(),
            public_key: key.pem(),
            label: label.to_owned(),
            created: self.clock.now(),
        };
        let place = layout::public_key(&record.id);
        for _ in 0..ATTEMPTS {
            let owner: Option<Found<Account>> = storage::read(&*self.store, layout::account(account)).await?;
            if owner.is_none() {
                return Err(KeyError::NoSuchAccount { id: account.clone() });
            }
            if storage::read_entry(&*self.store, place.clone()).await?.is_some() {
                return Err(KeyError::InUse { id: record.id });
            }
            // INVARIANT(owned) of the accounts module.
            let txn = touch(Txn::new(), account)
                .when(Compare::Absent(place.clone()))
                .put(place.clone(), storage::encode(&record)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((record, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Gives a key another label.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoSuchKey`], [`KeyError::Label`], [`KeyError::Storage`].
    pub async fn relabel(
        &self,
        account: &AccountId,
        id: &KeyId,
        label: &str,
    ) -> Result<(PublicKey, Revision), KeyError> {
        check_label(label)?;
        for _ in 0..ATTEMPTS {
            let found = self.owned(account, id).await?;
            let key = layout::public_key(id);
            let record = PublicKey {
                label: label.to_owned(),
                ..found.record
            };
            let txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .put(key, storage::encode(&record)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((record, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Removes a key: certificates over it open nothing any more.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoSuchKey`], [`KeyError::Storage`].
    pub async fn remove(&self, account: &AccountId, id: &KeyId) -> Result<Revision, KeyError> {
        for _ in 0..ATTEMPTS {
            let found = self.owned(account, id).await?;
            let key = layout::public_key(id);
            let txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .delete(key);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    async fn owned(&self, account: &AccountId, id: &KeyId) -> Result<Found<PublicKey>, KeyError> {
        storage::read::<PublicKey>(&*self.store, layout::public_key(id))
            .await?
            .filter(|found| found.record.account == *account)
            .ok_or_else(|| KeyError::NoSuchKey { id: id.clone() })
    }
}

fn check_label(label: &str) -> Result<(), KeyError> {
    let bad = label.chars().count() > MAX_LABEL_CHARS || label.chars().any(char::is_control);
    if bad { Err(KeyError::Label) } else { Ok(()) }
}
