//! How the services of this crate read and write the store: typed reads, whole scans, transactions that are
//! tried again when somebody else was faster.

use mke_core::store::{Entry, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome};

use crate::records::{self, Record, RecordError};

/// How often an operation starts anew because somebody else changed what it had read. Each round means that
/// another writer got ahead, so sixteen in a row is no chance but a fault or an attack.
pub(crate) const ATTEMPTS: usize = 16;

/// Entries per read of a scan: bounds memory and how long one read holds up others.
const SCAN_PAGE: usize = 1000;

/// Why what is stored could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store refused or failed.
    #[error("the store did not do what was asked")]
    Store(#[from] StoreError),
    /// A record is damaged or newer than this program.
    #[error("the record at `{key}` cannot be used")]
    Record {
        /// Where it lies.
        key: String,
        /// What is wrong with it.
        source: RecordError,
    },
    /// A record could not be written.
    #[error("a record cannot be written")]
    Encode(#[source] RecordError),
    /// Others kept changing the same records.
    #[error("too many changes at once to the same object, try again")]
    Contended,
}

/// A record as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Found<T> {
    pub(crate) record: T,
    pub(crate) modified: Revision,
}

pub(crate) async fn read_entry(store: &dyn Store, key: String) -> Result<Option<Entry>, StorageError> {
    let page = store.range(KeyRange::key(key), 1).await?;
    Ok(page.entries.into_iter().next())
}

pub(crate) async fn read<T: Record>(
    store: &dyn Store,
    key: String,
) -> Result<Option<Found<T>>, StorageError> {
    read_entry(store, key).await?.map(decode).transpose()
}

pub(crate) fn decode<T: Record>(entry: Entry) -> Result<Found<T>, StorageError> {
    match records::decode(&entry.value) {
        Ok(record) => Ok(Found {
            record,
            modified: entry.modified,
        }),
        Err(source) => Err(StorageError::Record {
            key: entry.key,
            source,
        }),
    }
}

pub(crate) fn encode<T: Record>(record: &T) -> Result<Vec<u8>, StorageError> {
    records::encode(record).map_err(StorageError::Encode)
}

/// Everything below a prefix. Pages may be of different moments: whoever acts upon the whole must compare a
/// record that every writer of the range writes too.
pub(crate) async fn scan(store: &dyn Store, prefix: &str) -> Result<Vec<Entry>, StorageError> {
    let mut found: Vec<Entry> = Vec::new();
    loop {
        let mut range = KeyRange::prefix(prefix);
        if let Some(last) = found.last() {
            range = range.after(last.key.clone());
        }
        let page = store.range(range, SCAN_PAGE).await?;
        let more = page.more && !page.entries.is_empty();
        found.extend(page.entries);
        if !more {
            return Ok(found);
        }
    }
}

/// Applies a transaction: the revision when it was done, `None` when something it compared had changed.
pub(crate) async fn commit(store: &dyn Store, txn: Txn) -> Result<Option<Revision>, StorageError> {
    Ok(match store.txn(txn).await? {
        TxnOutcome::Committed(revision) => Some(revision),
        TxnOutcome::Conflict(_) => None,
    })
}
