//! Counters that managers share through the store and that survive a restart.
//!
//! Before an attempt the records of its keys are read; afterwards what was counted is written by
//! [`SharedThrottle::share`], which somebody calls every second. So an attacker causes at most one transaction a second
//! for each manager, of at most [`MAX_BATCH`] records, whatever the number of attempts; the highest counts go first.
//! Records live under leases, and hold the hash of what they count by: a name that somebody typed may be a password.

use std::sync::Arc;
use std::time::Duration;

use mke_core::store::{Compare, LeaseId, Store, StoreError, Txn, layout};
use mke_core::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{FORGET_AFTER, Key, Throttle, account_keys, bounded, network};
use crate::records::FailureCount;
use crate::storage::{self, ATTEMPTS, StorageError};

/// Most records that one transaction writes.
const MAX_BATCH: usize = 64;
/// How long a new lease is used for further records. A record lives at least [`FORGET_AFTER`].
const LEASE_USED: Duration = Duration::from_secs(60);
/// How long it is remembered that an account has logged in from a source.
const KNOWN_TIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a lease for that is used for further records.
const KNOWN_LEASE_USED: Duration = Duration::from_secs(24 * 60 * 60);

/// A lease that records share, and since when.
type Shared = Option<(LeaseId, Timestamp)>;

#[derive(Debug, Default)]
struct Leases {
    failures: Shared,
    known: Shared,
}

/// Counters in memory, with those of other managers.
pub(crate) struct SharedThrottle {
    pub(crate) local: Throttle,
    store: Arc<dyn Store>,
    leases: tokio::sync::Mutex<Leases>,
    /// Held by who reads records until they are learned, and alone by who writes them until that is noted. A record read
    /// before a commit and learned after it would look as if somebody had removed it, and the failures were forgotten.
    in_step: tokio::sync::RwLock<()>,
}

impl std::fmt::Debug for SharedThrottle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedThrottle").finish_non_exhaustive()
    }
}

impl SharedThrottle {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            local: Throttle::default(),
            store,
            leases: tokio::sync::Mutex::default(),
            in_step: tokio::sync::RwLock::default(),
        }
    }

    /// Reads what the others know of an attempt.
    pub(crate) async fn refresh(
        &self,
        now: Timestamp,
        account: &str,
        source: std::net::IpAddr,
    ) -> Result<(), StorageError> {
        let (account, source) = (bounded(account), network(source));
        self.read(
            now,
            &[
                Key::Account(account.clone()),
                Key::Known(account.clone(), source),
                Key::Source(source),
                Key::Lock(account),
            ],
        )
        .await
    }

    /// The same for a code.
    pub(crate) async fn refresh_code(
        &self,
        now: Timestamp,
        account: &str,
        source: std::net::IpAddr,
    ) -> Result<(), StorageError> {
        let (account, source) = (bounded(account), network(source));
        self.read(
            now,
            &[Key::Code(account.clone()), Key::KnownCode(account, source)],
        )
        .await
    }

    async fn read(&self, now: Timestamp, keys: &[Key]) -> Result<(), StorageError> {
        let _in_step = self.in_step.read().await;
        for key in keys {
            let stored = self.stored(key).await?.map(|found| found.record);
            self.local.learn(key, stored, now);
        }
        Ok(())
    }

    /// A record; one that cannot be read counts as none, and is written over.
    async fn stored(&self, key: &Key) -> Result<Option<storage::Found<FailureCount>>, StorageError> {
        let Some(entry) = storage::read_entry(&*self.store, store_key(key)).await? else {
            return Ok(None);
        };
        let modified = entry.modified;
        let record = storage::decode(entry).map_or_else(
            |error| {
                tracing::warn!(%error, "a count of failed logins begins anew");
                FailureCount::default()
            },
            |found: storage::Found<FailureCount>| found.record,
        );
        Ok(Some(storage::Found { record, modified }))
    }

    /// Writes what the store does not know yet, in one transaction. Returns how many records.
    pub(crate) async fn share(&self, now: Timestamp) -> Result<usize, StorageError> {
        // Only one at a time, or the same failures would be written twice.
        let mut leases = self.leases.lock().await;
        let batch = self.local.counters().unsaved(MAX_BATCH);
        if batch.is_empty() {
            return Ok(0);
        }
        for _ in 0..ATTEMPTS {
            let mut txn = Txn::new();
            let mut written = Vec::with_capacity(batch.len());
            for (key, counter) in &batch {
                let stored = self.stored(key).await?;
                let name = store_key(key);
                txn = txn.when(match &stored {
                    Some(found) => Compare::Modified(name.clone(), found.modified),
                    None => Compare::Absent(name.clone()),
                });
                let count = counter.to_store(stored.as_ref().map(|found| found.record), now);
                let known = matches!(key, Key::Known(..));
                if count.failures == 0 && !known {
                    written.push((key, *counter, false));
                    if stored.is_some() {
                        txn = txn.delete(name);
                    }
                    continue;
                }
                let lease = self.lease(&mut leases, known, now).await?;
                txn = txn.put_leased(name, storage::encode(&count)?, lease);
                written.push((key, *counter, true));
            }
            let in_step = self.in_step.write().await;
            match storage::commit(&*self.store, txn).await {
                Ok(Some(_)) => {
                    let mut counters = self.local.counters();
                    for (key, counter, kept) in written {
                        counters.saved(key, counter, kept);
                    }
                    return Ok(batch.len());
                }
                Ok(None) => {}
                // It ended while the store was away.
                Err(StorageError::Store(StoreError::NoSuchLease(_))) => *leases = Leases::default(),
                Err(error) => return Err(error),
            }
            drop(in_step);
        }
        Err(StorageError::Contended)
    }

    async fn lease(&self, leases: &mut Leases, known: bool, now: Timestamp) -> Result<LeaseId, StorageError> {
        let (shared, used, life) = if known {
            (&mut leases.known, KNOWN_LEASE_USED, KNOWN_TIME)
        } else {
            (&mut leases.failures, LEASE_USED, FORGET_AFTER)
        };
        match *shared {
            Some((lease, since)) if now.since(since) < used => Ok(lease),
            _ => {
                let lease = self.store.grant_lease(life + used).await?;
                *shared = Some((lease, now));
                Ok(lease)
            }
        }
    }
}

/// Adds to a transaction that what is counted for an account is forgotten, whatever the source.
pub(crate) fn forgotten(account: &str, txn: Txn) -> Txn {
    account_keys(account)
        .iter()
        .fold(txn, |txn, key| txn.delete(store_key(key)))
}

fn store_key(key: &Key) -> String {
    let text = match key {
        Key::Account(account) => format!("account\0{account}"),
        Key::Source(source) => format!("source\0{source}"),
        Key::Known(account, source) => format!("known\0{account}\0{source}"),
        Key::Code(account) => format!("code\0{account}"),
        Key::KnownCode(account, source) => format!("known-code\0{account}\0{source}"),
        Key::Lock(account) => format!("lock\0{account}"),
    };
    let digest = Sha256::digest(text.as_bytes());
    layout::login_failures(&hex::encode(digest.get(..16).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mke_core::store::sqlite::SqliteStore;
    use mke_core::store::{KeyRange, Page, Revision, StoreFuture, TxnOutcome, WatchStream};
    use tokio::sync::Semaphore;

    use super::super::FREE_ACCOUNT_FAILURES;
    use super::*;

    /// A store whose answer to the first read stays on its way.
    struct SlowAnswer {
        inner: SqliteStore,
        reads: AtomicUsize,
        on_its_way: Semaphore,
        arrives: Semaphore,
    }

    impl Store for SlowAnswer {
        fn range(&self, range: KeyRange, limit: usize) -> StoreFuture<'_, Page> {
            Box::pin(async move {
                let first = self.reads.fetch_add(1, Ordering::Relaxed) == 0;
                let page = self.inner.range(range, limit).await?;
                if first {
                    self.on_its_way.add_permits(1);
                    self.arrives.acquire().await.unwrap().forget();
                }
                Ok(page)
            })
        }

        fn txn(&self, txn: Txn) -> StoreFuture<'_, TxnOutcome> {
            self.inner.txn(txn)
        }

        fn watch(&self, range: KeyRange, from: Revision) -> StoreFuture<'_, WatchStream> {
            self.inner.watch(range, from)
        }

        fn grant_lease(&self, ttl: Duration) -> StoreFuture<'_, LeaseId> {
            self.inner.grant_lease(ttl)
        }

        fn keep_alive(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
            self.inner.keep_alive(lease)
        }

        fn revoke_lease(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
            self.inner.revoke_lease(lease)
        }

        fn compact(&self, revision: Revision) -> StoreFuture<'_, ()> {
            self.inner.compact(revision)
        }
    }

    /// An attempt that began to read before the failures were written does not make them forgotten.
    #[tokio::test]
    async fn a_read_that_a_write_overtakes_forgets_nothing() {
        let store = Arc::new(SlowAnswer {
            inner: SqliteStore::in_memory().unwrap(),
            reads: AtomicUsize::new(0),
            on_its_way: Semaphore::new(0),
            arrives: Semaphore::new(0),
        });
        let throttle = Arc::new(SharedThrottle::new(Arc::clone(&store) as Arc<dyn Store>));
        let (now, source) = (Timestamp::from_secs(1_800_000_000), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..=FREE_ACCOUNT_FAILURES {
            throttle.local.failed(now, "jane", source);
        }
        let (reading, writing) = (Arc::clone(&throttle), Arc::clone(&throttle));
        let reader = tokio::spawn(async move { reading.refresh(now, "jane", source).await });
        store.on_its_way.acquire().await.unwrap().forget();
        let writer = tokio::spawn(async move { writing.share(now).await });
        // Until it has written, or waits for the reader.
        while !writer.is_finished() && throttle.in_step.try_read().is_ok() {
            tokio::task::yield_now().await;
        }
        store.arrives.add_permits(1);
        reader.await.unwrap().unwrap();
        assert_eq!(writer.await.unwrap().unwrap(), 2);
        assert!(throttle.local.check(now, "jane", source).is_err());
    }
}
