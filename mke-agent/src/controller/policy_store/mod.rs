//! Writes roles, collections, grants and default collections.
//!
//! Each write is one transaction whose comparisons close the races: a grant cannot appear for a role, a
//! collection or a subject that is being deleted at the same moment, and a name is taken once. Whether the
//! caller may write at all was decided before.
//!
//! How a race is closed: whoever refers to a record writes that record again, unchanged. Whoever deletes it
//! compares its revision with the one seen *before* looking for references, and starts over when it moved.

mod collections;
mod grants;
mod roles;

pub(super) use collections::NewCollection;
pub(super) use grants::{ALL_NAMESPACES, object_word, subject_word};

use std::sync::Arc;

use mke_core::store::{Compare, Entry, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome, layout};
use mke_core::time::Clock;
use mke_rbac::admin::{CollectionRefusal, DefaultCollectionRefusal, GrantRefusal, RoleRefusal};
use mke_rbac::model::Grant;
use serde::de::DeserializeOwned;

use super::records::{GrantRecord, decode};

/// How often a write is tried again when others changed what it depends on.
const ATTEMPTS: usize = 16;
/// Entries that are read at once while a whole family is searched.
const SCAN_PAGE: usize = 1000;

/// Why a role, collection, grant or default collection was not written. What is possible at all is decided in
/// [`mke_rbac::admin`]; the store only adds that others were faster.
#[derive(Debug, thiserror::Error)]
pub enum PolicyStoreError {
    /// A role cannot be made or deleted (R27).
    #[error(transparent)]
    Role(#[from] RoleRefusal),
    /// A collection cannot be made or deleted (R17).
    #[error(transparent)]
    Collection(#[from] CollectionRefusal),
    /// A grant names something that does not exist (R28).
    #[error(transparent)]
    Grant(#[from] GrantRefusal),
    /// A collection cannot be somebody's default (R13).
    #[error(transparent)]
    DefaultCollection(#[from] DefaultCollectionRefusal),
    /// Others changed the same records again and again.
    #[error("others are changing the same objects, try again")]
    Busy,
    /// The store did not do it.
    #[error("the store did not take the change")]
    Store(#[from] StoreError),
}

/// The writer. Reads go to the snapshot instead.
#[derive(Clone)]
pub struct PolicyStore {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl PolicyStore {
    /// Writes to this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    async fn read<T: DeserializeOwned>(&self, key: String) -> Result<Option<(T, Entry)>, StoreError> {
        let page = self.store.range(KeyRange::key(key), 1).await?;
        page.entries
            .into_iter()
            .next()
            .map(|entry| Ok((decode(&entry)?, entry)))
            .transpose()
    }

    /// The stored grants that fit, with their keys.
    async fn grants_where(&self, fits: impl Fn(&Grant) -> bool) -> Result<Vec<(String, Grant)>, StoreError> {
        let found: Vec<(String, GrantRecord)> = self
            .records_where(layout::GRANTS, |record: &GrantRecord| fits(&record.grant))
            .await?;
        Ok(found
            .into_iter()
            .map(|(key, record)| (key, record.grant))
            .collect())
    }

    /// The records below `prefix` that fit, with their keys.
    async fn records_where<T: DeserializeOwned>(
        &self,
        prefix: &str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let mut found = Vec::new();
        let mut range = KeyRange::prefix(prefix);
        loop {
            let page = self.store.range(range.clone(), SCAN_PAGE).await?;
            let last = page.entries.last().map(|entry| entry.key.clone());
            for entry in page.entries {
                let record = decode::<T>(&entry)?;
                if fits(&record) {
                    found.push((entry.key, record));
                }
            }
            match last {
                Some(last) if page.more => range = range.after(last),
                _ => return Ok(found),
            }
        }
    }

    /// The revision if the transaction was made, nothing if some comparison did not hold.
    async fn try_commit(&self, txn: Txn) -> Result<Option<Revision>, StoreError> {
        Ok(match self.store.txn(txn).await? {
            TxnOutcome::Committed(revision) => Some(revision),
            TxnOutcome::Conflict(_) => None,
        })
    }
}

/// Writes a record again as it is, so that whoever deletes it at this moment notices.
fn touch(txn: Txn, entry: &Entry) -> Txn {
    txn.when(Compare::Value(entry.key.clone(), entry.value.clone()))
        .put(entry.key.clone(), entry.value.clone())
}

/// The record was not written since it was read.
fn unmoved(entry: &Entry) -> Compare {
    Compare::Modified(entry.key.clone(), entry.modified)
}
