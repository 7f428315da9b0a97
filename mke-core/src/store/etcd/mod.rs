//! The shared store: etcd, which several managers write at the same time.
//!
//! ```text
//!  txn ──► plan ──► lane ──► member ──► etcd        one attempt; when its answer is lost, the lane tells
//!  range ──► member ──► next member ──► …           asked again until one answers or time is over
//!  watch ◄── one stream of etcd, taken up again at the next member
//! ```
//!
//! Callers may poll with any runtime; the work is done on the tokio runtime on which the store was connected.
//!
//! | file | decides |
//! | --- | --- |
//! | `keys` | where keys lie in etcd, and how revisions count |
//! | `plan` | what of etcd a transaction is |
//! | `lanes`, `write` | whether a write whose answer was lost was made |
//! | `members` | which member is asked, for how long |
//! | `alive` | whether it lives, when nobody asks it |
//! | `leases`, `renewals` | how leases are made, and on which streams they are kept alive |
//! | `watch` | how a watch goes on without a gap |
//! | `error` | what etcd's errors mean, and whether a write may have been made |
//! | `admin` | members, sizes and alarms of the cluster itself |
//!
//! Etcd must be started with the limits in [`crate::render::STORE_LIMITS`], as `ucp-kv` is.

mod admin;
mod alive;
mod error;
mod keys;
mod lanes;
mod leases;
mod members;
mod plan;
mod read;
mod renewals;
mod watch;
mod write;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;

pub use self::admin::{AdminError, EtcdAdmin, MemberHealth, MemberInfo};
pub use self::members::{EtcdOptions, EtcdTls};

use self::error::Failure;
use self::keys::{Span, from_etcd, to_etcd};
use self::lanes::Lanes;
use self::members::Members;
use self::renewals::Renewals;
use super::{
    KeyRange, LeaseId, Page, Revision, Store, StoreError, StoreFuture, Txn, TxnOutcome, WatchStream,
};

/// What all work on a store shares.
#[derive(Debug)]
struct Core {
    members: Members,
    lanes: Lanes,
    lane_lease: Mutex<Option<i64>>,
    renewals: Renewals,
    closed: tokio::sync::watch::Sender<bool>,
}

/// A store in etcd. A write begins when its future is first polled; from then on it may happen even if the future is dropped.
/// Dropping the store ends every watch.
#[derive(Debug)]
pub struct EtcdStore {
    core: Arc<Core>,
    runtime: Handle,
}

impl EtcdStore {
    /// Connects, and reads once to see that etcd answers. Must be called on a tokio runtime, which does the store's work from
    /// then on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] when the options contradict themselves; [`StoreError::Unavailable`] when no member answers or the
    /// cluster has no leader.
    pub async fn connect(options: &EtcdOptions) -> Result<Self, StoreError> {
        let runtime = Handle::try_current()
            .map_err(|_| StoreError::Invalid("etcd must be connected on a tokio runtime".to_owned()))?;
        let core = Arc::new(Core {
            members: Members::new(options).await?,
            lanes: Lanes::new()?,
            lane_lease: Mutex::new(None),
            renewals: Renewals::default(),
            closed: tokio::sync::watch::channel(false).0,
        });
        core.revision().await?;
        runtime.spawn({
            let core = core.clone();
            async move { core.keep_lanes().await }
        });
        let looks = options.looks;
        runtime.spawn({
            let core = core.clone();
            async move { core.keep_looking(looks).await }
        });
        Ok(Self { core, runtime })
    }

    /// Takes other members, or a renewed certificate, from now on. Watches move over without a gap.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`]; the old ones stay then.
    pub async fn reconfigure(&self, options: &EtcdOptions) -> Result<(), StoreError> {
        self.core.members.replace(options).await
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            let closed = || StoreError::Unavailable("the store was closed".to_owned());
            self.runtime.spawn(work).await.map_err(|_| closed())?
        })
    }
}

impl Core {
    /// The revision of etcd now.
    async fn revision(&self) -> Result<Revision, StoreError> {
        let asked = self
            .members
            .ask(|client| async move { client.kv_client().get(Span::nothing().start, None).await });
        let got = asked.await.map_err(|failure| failure.give_up(false))?;
        Ok(from_etcd(got.header().map_or(0, |header| header.revision())))
    }

    async fn compact(&self, revision: Revision) -> Result<(), StoreError> {
        let now = self.revision().await?;
        if revision > now {
            return Err(StoreError::Invalid(format!(
                "revision {} is still to come, the newest is {}",
                revision.0, now.0
            )));
        }
        // Etcd drops deletions made at the revision itself too; one less keeps the whole of it.
        let last = to_etcd(revision) - 1;
        if last < 1 {
            return Ok(());
        }
        let asked = self
            .members
            .ask(|client| async move { client.kv_client().compact(last, None).await.map(drop) });
        match asked.await {
            Ok(()) | Err(Failure::Compacted) => Ok(()),
            Err(failure) => Err(failure.give_up(false)),
        }
    }
}

impl Drop for EtcdStore {
    fn drop(&mut self) {
        self.core.closed.send_replace(true);
    }
}

impl Store for EtcdStore {
    fn range(&self, range: KeyRange, limit: usize) -> StoreFuture<'_, Page> {
        let core = self.core.clone();
        self.run(async move { read::range(&core, range, limit).await })
    }

    fn txn(&self, txn: Txn) -> StoreFuture<'_, TxnOutcome> {
        let core = self.core.clone();
        self.run(async move { write::apply(&core, txn).await })
    }

    fn watch(&self, range: KeyRange, from: Revision) -> StoreFuture<'_, WatchStream> {
        let core = self.core.clone();
        self.run(async move { Ok(Box::pin(watch::begin(core, range, from).await?) as WatchStream) })
    }

    fn grant_lease(&self, ttl: Duration) -> StoreFuture<'_, LeaseId> {
        let core = self.core.clone();
        self.run(async move { core.grant(ttl).await })
    }

    fn keep_alive(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
        let core = self.core.clone();
        self.run(async move { core.keep_alive(lease).await })
    }

    fn revoke_lease(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
        let core = self.core.clone();
        self.run(async move { core.revoke(lease).await })
    }

    fn compact(&self, revision: Revision) -> StoreFuture<'_, ()> {
        let core = self.core.clone();
        self.run(async move { core.compact(revision).await })
    }
}
