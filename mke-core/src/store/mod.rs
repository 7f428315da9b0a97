//! The store: ordered keys with revisions, compare-and-swap transactions, watches and leases.
//!
//! Everything that the control plane remembers goes through the [`Store`] trait. There are two
//! adapters: SQLite (embedded, feature `sqlite`) and etcd (several managers, feature `etcd`). Both pass the same suite.
//! The semantics are those of etcd's version 3 API, reduced to what is used.
//!
//! The trait starts no runtime: its futures and streams can be polled by any.

mod check;
#[cfg(feature = "etcd")]
pub mod etcd;
pub mod layout;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(test, feature = "test-util"))]
pub mod suite;

pub use check::{MAX_KEY_BYTES, MAX_LEASE_TTL, MAX_TXN_BYTES, MAX_TXN_STEPS, check_ttl};

use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use serde::{Deserialize, Serialize};

/// A future that a store returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A running watch. It ends with an error or when the store is closed, never silently with a gap.
pub type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchBatch, StoreError>> + Send>>;

/// The number of a committed transaction: each one that changes something takes the next number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// Identifies a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub i64);

/// A stored value with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value, JSON with a schema version for everything that the project stores.
    pub value: Vec<u8>,
    /// When the key was made.
    pub created: Revision,
    /// When the value was last written.
    pub modified: Revision,
    /// How often it was written since it was made, from 1.
    pub version: u64,
    /// The lease that it lives under.
    pub lease: Option<LeaseId>,
}

/// A range of keys in byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// First key, or the one before it.
    pub start: Bound<String>,
    /// Last key, or the one after it.
    pub end: Bound<String>,
}

impl KeyRange {
    /// Exactly one key.
    pub fn key(key: impl Into<String>) -> Self {
        let key = key.into();
        Self {
            start: Bound::Included(key.clone()),
            end: Bound::Included(key),
        }
    }

    /// Every key that starts with `prefix`; with an empty prefix, every key.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        // The end is the prefix with its last character that can be raised raised by one.
        let mut end = prefix.clone();
        let end = loop {
            match end.pop() {
                None => break Bound::Unbounded,
                Some(last) => {
                    if let Some(next) = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32) {
                        end.push(next);
                        break Bound::Excluded(end);
                    }
                }
            }
        };
        Self {
            start: Bound::Included(prefix),
            end,
        }
    }

    /// The same range, but only keys after `key`: how a reader asks for the next page.
    pub fn after(self, key: impl Into<String>) -> Self {
        Self {
            start: Bound::Excluded(key.into()),
            end: self.end,
        }
    }

    /// Whether `key` lies inside.
    pub fn contains(&self, key: &str) -> bool {
        let after_start = match &self.start {
            Bound::Included(start) => key >= start.as_str(),
            Bound::Excluded(start) => key > start.as_str(),
            Bound::Unbounded => true,
        };
        let before_end = match &self.end {
            Bound::Included(end) => key <= end.as_str(),
            Bound::Excluded(end) => key < end.as_str(),
            Bound::Unbounded => true,
        };
        after_start && before_end
    }
}

/// The answer to a range read: one consistent moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries in byte order of their keys.
    pub entries: Vec<Entry>,
    /// Whether keys of the range were left out because of the limit.
    pub more: bool,
    /// The store's revision at the moment of the read. Who watches from the next one on misses nothing.
    pub revision: Revision,
}

/// A condition on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compare {
    /// The key does not exist.
    Absent(String),
    /// The key exists.
    Present(String),
    /// The key exists and was last written at this revision.
    Modified(String, Revision),
    /// The key exists and holds exactly this value.
    Value(String, Vec<u8>),
}

/// A change of one key or a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes a value.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// The lease to attach; `None` detaches the key from any lease.
        lease: Option<LeaseId>,
    },
    /// Deletes every key in a range. Deleting nothing is no error.
    Delete(KeyRange),
}

/// All changes happen, or none: they do when every comparison holds at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Txn {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// Applied in order. A key may be touched only once.
    pub changes: Vec<Change>,
}

impl Txn {
    /// A transaction without conditions or changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    #[must_use]
    pub fn when(mut self, compare: Compare) -> Self {
        self.compares.push(compare);
        self
    }

    /// Adds a write.
    #[must_use]
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.changes.push(Change::Put {
            key: key.into(),
            value: value.into(),
            lease: None,
        });
        self
    }

    /// Adds a write of a key that lives no longer than a lease.
    #[must_use]
    pub fn put_leased(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>, lease: LeaseId) -> Self {
        self.changes.push(Change::Put {
            key: key.into(),
            value: value.into(),
            lease: Some(lease),
        });
        self
    }

    /// Adds the deletion of one key.
    #[must_use]
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.changes.push(Change::Delete(KeyRange::key(key)));
        self
    }

    /// Adds the deletion of a range.
    #[must_use]
    pub fn delete_range(mut self, range: KeyRange) -> Self {
        self.changes.push(Change::Delete(range));
        self
    }
}

/// What became of a transaction. When it is returned, the outcome is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TxnOutcome {
    /// Every comparison held and every change was made, at this revision (the current one when nothing
    /// changed).
    Committed(Revision),
    /// Some comparison did not hold; nothing was changed.
    Conflict(Revision),
}

/// What happened to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was written.
    Put(Entry),
    /// It was deleted, by a transaction or because its lease ended.
    Delete {
        /// The key.
        key: String,
        /// When.
        revision: Revision,
    },
}

impl Event {
    /// The key that the event is about.
    pub fn key(&self) -> &str {
        match self {
            Self::Put(entry) => &entry.key,
            Self::Delete { key, .. } => key,
        }
    }
}

/// Every event of one transaction that touches the watched range: never split, never merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchBatch {
    /// The transaction's revision. Batches of one watch have rising revisions.
    pub revision: Revision,
    /// In the order of the transaction's changes.
    pub events: Vec<Event>,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A watch asked for revisions that compaction has removed; read the range anew and watch from there.
    #[error("revision {asked} was compacted away, the oldest available is {oldest}", asked = asked.0, oldest = oldest.0)]
    Compacted {
        /// The revision that was asked for.
        asked: Revision,
        /// The oldest that can be watched from.
        oldest: Revision,
    },
    /// The lease does not exist or has ended.
    #[error("lease {} does not exist or has expired", .0.0)]
    NoSuchLease(LeaseId),
    /// The request itself is wrong.
    #[error("invalid store request: {0}")]
    Invalid(String),
    /// There is no room left; reads go on.
    #[error("the store is full: {0}")]
    Full(String),
    /// The store cannot be used now; nothing can be said about an unfinished write.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// No member of a shared store serves now, as when most of them are not reached and the rest has no leader. Nothing was written.
    #[error("no member of the store serves now: {0}; nothing was written")]
    Unreached(String),
    /// The answer to a write was lost: it may have been made, or may still be.
    #[error("{0}; it is not known whether the write was made: read again before you repeat it")]
    Unsettled(String),
    /// What is stored cannot be read.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
}

/// An ordered key-value store. See the module documentation; `suite` tests any implementation.
pub trait Store: Send + Sync + 'static {
    /// Reads up to `limit` entries of a range in byte order, all as of one moment.
    fn range(&self, range: KeyRange, limit: usize) -> StoreFuture<'_, Page>;

    /// Applies a transaction. Once it has returned, its outcome survives a crash. Fails with
    /// [`StoreError::Invalid`] when [`Txn::check`] refuses it, with [`StoreError::NoSuchLease`] when it writes
    /// under a lease that has ended, and in both cases changes nothing.
    fn txn(&self, txn: Txn) -> StoreFuture<'_, TxnOutcome>;

    /// Watches a range from a revision on (inclusive). Past events come first, then live ones, without gap
    /// or repeat. The first revision is 1; to watch from 0 is to watch from the start. Fails with
    /// [`StoreError::Compacted`] when `from` is older than the last compaction, and so does a running watch
    /// that falls behind it.
    fn watch(&self, range: KeyRange, from: Revision) -> StoreFuture<'_, WatchStream>;

    /// Makes a lease that ends `ttl` from now unless it is kept alive.
    fn grant_lease(&self, ttl: Duration) -> StoreFuture<'_, LeaseId>;

    /// Starts the lease's time anew.
    fn keep_alive(&self, lease: LeaseId) -> StoreFuture<'_, ()>;

    /// Ends a lease at once and deletes its keys.
    fn revoke_lease(&self, lease: LeaseId) -> StoreFuture<'_, ()>;

    /// Forgets the history before `revision`; current values stay. To forget again what is forgotten is no
    /// error; a revision that is still to come is [`StoreError::Invalid`].
    fn compact(&self, revision: Revision) -> StoreFuture<'_, ()>;
}
