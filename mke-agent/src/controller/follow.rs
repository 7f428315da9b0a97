//! Keeps the snapshot current: reads everything once, then follows one watch of the store.
//!
//! Batches that are ready at the same moment are taken together, so a burst of writes makes one snapshot.
//! A watch that is lost is no gap: everything is read anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::{FutureExt, StreamExt};
use mke_core::store::{Event, KeyRange, Revision, Store, StoreError, WatchBatch, WatchStream, layout};
use tokio::sync::watch;

use super::live::{Live, Logs};
use super::metrics::Metrics;
use super::snapshot::{Effect, Snapshot, Tables};
use super::streams::Streams;
use super::touched::Touched;

/// Entries read at once while everything is read.
const PAGE: usize = 1000;
/// Batches that are taken together at most, so that a steady stream of writes cannot hold a snapshot back.
const BURST: usize = 256;
/// Rest before the next attempt when the store fails.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The writing end of a snapshot, held by the one task that follows the store.
pub(super) struct Follower {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    current: Arc<ArcSwap<Snapshot>>,
    revision: watch::Sender<Revision>,
    streams: Arc<Streams>,
    live: Arc<Live>,
    tables: Tables,
    watch: WatchStream,
}

/// The reading ends.
pub(super) struct Followed {
    /// The newest snapshot.
    pub(super) current: Arc<ArcSwap<Snapshot>>,
    /// Its revision, to wait on.
    pub(super) revision: watch::Receiver<Revision>,
    /// What is told when the configuration changes.
    pub(super) live: Arc<Live>,
}

impl Follower {
    /// Reads everything once.
    pub(super) async fn start(
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
        streams: Arc<Streams>,
        logs: Logs,
    ) -> Result<(Self, Followed), StoreError> {
        let (tables, watch, at) = read_everything(&*store).await?;
        let snapshot = tables.snapshot(at, None);
        let live = Arc::new(Live::new(logs, snapshot.config.clone()));
        let current = Arc::new(ArcSwap::from_pointee(snapshot));
        let (revision, revision_seen) = watch::channel(at);
        let followed = Followed {
            current: current.clone(),
            revision: revision_seen,
            live: live.clone(),
        };
        let follower = Self {
            store,
            metrics,
            current,
            revision,
            streams,
            live,
            tables,
            watch,
        };
        Ok((follower, followed))
    }

    /// Follows the store until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let first = self.watch.next().await;
            match self.take_burst(first) {
                Ok((effect, at)) => self.publish(&effect, at),
                Err(error) => {
                    tracing::warn!(%error, "the watch of the store was lost, everything is read anew");
                    self.recover().await;
                }
            }
        }
    }

    /// Applies the first batch and all that are ready behind it.
    fn take_burst(
        &mut self,
        first: Option<Result<WatchBatch, StoreError>>,
    ) -> Result<(Effect, Revision), StoreError> {
        let mut effect = Effect::default();
        let mut item = first;
        let mut taken = 0;
        loop {
            let batch = item.ok_or_else(closed)??;
            for event in &batch.events {
                effect.merge(self.tables.apply(event));
            }
            taken += 1;
            if taken == BURST {
                return Ok((effect, batch.revision));
            }
            match self.watch.next().now_or_never() {
                Some(next) => item = next,
                None => return Ok((effect, batch.revision)),
            }
        }
    }

    fn publish(&self, effect: &Effect, at: Revision) {
        let begun = Instant::now();
        let before = self.current.load_full();
        let changed = !effect.policy.is_empty();
        let snapshot = self.tables.snapshot(at, Some((&before.policy, &effect.policy)));
        let config = snapshot.config.clone();
        self.current.store(Arc::new(snapshot));
        // Before the writer of the change is answered.
        if !Arc::ptr_eq(&before.config, &config) {
            self.live.apply(&before.config, &config);
        }
        if changed {
            self.metrics.snapshot_built(begun.elapsed());
        }
        // The receivers live as long as the controller's state; without them nobody waits.
        let _ = self.revision.send(at);
        if changed {
            self.streams.cut_refused(&self.current.load().policy);
        }
        if effect.revocation {
            self.streams.cut_dead(&self.current.load().directory);
        }
    }

    async fn recover(&mut self) {
        loop {
            match read_everything(&*self.store).await {
                Ok((tables, watch, at)) => {
                    self.tables = tables;
                    self.watch = watch;
                    let everything = Effect {
                        policy: Touched::everything(),
                        revocation: true,
                    };
                    return self.publish(&everything, at);
                }
                Err(error) => {
                    tracing::error!(%error, "the store cannot be read");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store was closed".to_owned())
}

/// Reads all pages and begins a watch where they end.
///
/// When somebody wrote while they were read, they are of several moments, and everything is read at one moment instead. Catching
/// up on the watch would not do: a store that is shared with others counts their writes too, which no watch of ours brings.
async fn read_everything(store: &dyn Store) -> Result<(Tables, WatchStream, Revision), StoreError> {
    let all = KeyRange::prefix(layout::ROOT);
    let mut tables = Tables::default();
    let mut range = all.clone();
    let mut first = None;
    let mut at = loop {
        let page = store.range(range.clone(), PAGE).await?;
        first.get_or_insert(page.revision);
        let last = page.entries.last().map(|entry| entry.key.clone());
        for entry in page.entries {
            tables.apply(&Event::Put(entry));
        }
        match last {
            Some(last) if page.more => range = range.after(last),
            _ => break page.revision,
        }
    };
    if first != Some(at) {
        let page = store.range(all.clone(), usize::MAX).await?;
        tables = Tables::default();
        for entry in page.entries {
            tables.apply(&Event::Put(entry));
        }
        at = page.revision;
    }
    let watch = store.watch(all, Revision(at.0 + 1)).await?;
    Ok((tables, watch, at))
}
