//! The properties that every [`Store`] must have, as tests for any adapter (feature `test-util`).
//!
//! [`run`] needs new stores, [`run_durable`] one that is opened several times. A property that does not hold
//! panics with the broken assertion; an unexpected error comes back.
//!
//! ```
//! # #[cfg(feature = "sqlite")] {
//! use mke_core::store::{sqlite::SqliteStore, suite};
//! use std::sync::Arc;
//!
//! suite::block_on(suite::reads::run(async || Ok(Arc::new(SqliteStore::in_memory()?) as _))).unwrap();
//! # }
//! ```

pub mod leases;
pub mod reads;
pub mod txns;
pub mod watches;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};

use super::{Entry, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome, WatchBatch, WatchStream};

/// A store under test.
pub type Shared = Arc<dyn Store>;

/// What a property ends with.
pub type Tested = Result<(), StoreError>;

/// How long anything that must happen may take. Generous: it only matters when a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Every property of a store in use. `fresh` gives a new, empty store each time.
///
/// # Errors
///
/// Any error of the store that the property does not ask for.
pub async fn run(fresh: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    reads::run(&fresh).await?;
    txns::run(&fresh).await?;
    watches::run(&fresh).await?;
    leases::run(&fresh).await
}

/// Properties across restarts. `open` opens the same, at first empty store each time; the one before has been
/// dropped by then.
///
/// # Errors
///
/// Any error of the store that the property does not ask for.
pub async fn run_durable(open: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    watches::history_survives(&open).await?;
    leases::survive(&open).await
}

/// Runs a future on this thread: all that the suite needs of a runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Awaits something that must happen soon.
///
/// # Errors
///
/// [`StoreError::Unavailable`] names what did not happen within [`PATIENCE`].
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, StoreError> {
    let (too_late, alarm) = oneshot::channel::<()>();
    let (_cancel, cancelled) = mpsc::channel::<()>();
    // Ends at once when `_cancel` is dropped.
    thread::spawn(move || {
        if cancelled.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _sent = too_late.send(());
        }
    });
    match select(pin!(future), alarm).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(_) => Err(StoreError::Unavailable(format!(
            "{what} did not happen within {PATIENCE:?}"
        ))),
    }
}

/// The next batch of a watch that must have one.
async fn next(watch: &mut WatchStream) -> Result<WatchBatch, StoreError> {
    let ended = || Err(StoreError::Unavailable("the watch has ended".to_owned()));
    soon("an event", watch.next()).await?.unwrap_or_else(ended)
}

/// Applies a transaction that must succeed.
async fn commit(store: &dyn Store, txn: Txn) -> Result<Revision, StoreError> {
    match store.txn(txn.clone()).await? {
        TxnOutcome::Committed(revision) => Ok(revision),
        TxnOutcome::Conflict(_) => Err(StoreError::Invalid(format!("unexpected conflict: {txn:?}"))),
    }
}

/// The entry of a key, if there is one.
async fn get(store: &dyn Store, key: &str) -> Result<Option<Entry>, StoreError> {
    Ok(store.range(KeyRange::key(key), 1).await?.entries.pop())
}

/// The keys of a range.
async fn keys(store: &dyn Store, range: KeyRange) -> Result<Vec<String>, StoreError> {
    let page = store.range(range, usize::MAX).await?;
    Ok(page.entries.into_iter().map(|entry| entry.key).collect())
}

/// The store's last revision.
async fn revision(store: &dyn Store) -> Result<Revision, StoreError> {
    Ok(store.range(KeyRange::key("none"), 1).await?.revision)
}
