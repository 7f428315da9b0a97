//! The writer: one thread that owns all writing. It takes everything that waits, applies it in one SQLite
//! transaction, syncs once, and only then answers every caller. That is group commit: under load the cost of a
//! sync is shared by all who wait for it.
//!
//! When SQLite fails in a batch of several operations, each is tried again alone, so that one that cannot be
//! done (too large for the space left) does not fail its neighbours.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::batch::{Batch, Head, LeaseChange, unsigned};
use super::error::Place;
use super::file::Locked;
use super::hub::Hub;
use super::job::{End, Job, call};
use super::leases::Deadlines;
use super::queue::{Queue, Taken};
use crate::store::{LeaseId, WatchBatch};

/// Most operations in one SQLite transaction. Beyond a few hundred the shared sync costs each next to nothing,
/// while the first of them waits for the last.
const MAX_BATCH: usize = 512;

/// Everything that the writer thread owns. Fields drop in this order: the lock goes last.
pub(super) struct Writer {
    pub(super) connection: Arc<Mutex<Connection>>,
    pub(super) queue: Arc<Queue<Box<dyn Job>>>,
    pub(super) hub: Arc<Hub>,
    pub(super) place: Place,
    pub(super) keep_revisions: u64,
    pub(super) deadlines: Deadlines,
    /// Whether the last batch failed, so that a lasting trouble is logged once.
    pub(super) failing: bool,
    pub(super) _locked: Option<Locked>,
}

/// What a committed batch leaves to be told.
struct Committed {
    head: Head,
    written: Vec<WatchBatch>,
    leases: Vec<LeaseChange>,
}

/// Leases survive a restart; their time starts anew, since nobody could keep them alive meanwhile.
pub(super) fn load_leases(connection: &Connection) -> rusqlite::Result<Deadlines> {
    let now = Instant::now();
    let mut deadlines = Deadlines::default();
    let mut statement = connection.prepare("SELECT id, ttl_millis FROM leases")?;
    let leases = statement.query_map([], |row| {
        Ok((LeaseId(row.get(0)?), Duration::from_millis(unsigned(row, 1)?)))
    })?;
    for lease in leases {
        let (lease, ttl) = lease?;
        deadlines.apply(
            LeaseChange::Granted(lease, ttl.min(crate::store::MAX_LEASE_TTL)),
            now,
        );
    }
    Ok(deadlines)
}

impl Writer {
    /// Serves until the queue is closed and empty. Without leases it sleeps until a caller comes.
    pub(super) fn run(mut self) {
        loop {
            let asked = match self.queue.take(MAX_BATCH, self.deadlines.next()) {
                Taken::Items(jobs) => jobs,
                Taken::Deadline => Vec::new(),
                Taken::Closed => break,
            };
            // First what is due: a caller that comes too late must find its lease ended.
            let due = self.deadlines.take_due(Instant::now());
            let mut jobs: Vec<Box<dyn Job>> = due.into_iter().map(|lease| call(End(lease)).0).collect();
            jobs.extend(asked);
            self.serve(jobs);
        }
        self.hub.close();
    }

    fn serve(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.commit(&mut jobs) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(store = %self.place.0, "the store can be written again");
                }
                jobs.into_iter().for_each(|job| job.answer(Ok(())));
            }
            Err(_) if jobs.len() > 1 => jobs.into_iter().for_each(|job| self.serve(vec![job])),
            Err(error) => {
                let error = self.place.explain(&error);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, "the store cannot be written");
                }
                jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
            }
        }
    }

    /// All or nothing. On success watchers have been told, and the answers may go out.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        let committed = {
            let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            // Dropped on any error, which rolls it back.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut batch = Batch::begin(&transaction)?;
            for job in jobs {
                job.run(&mut batch)?;
            }
            batch.finish(self.keep_revisions)?;
            let Batch {
                head,
                written,
                leases,
                ..
            } = batch;
            transaction.commit()?;
            Committed {
                head,
                written,
                leases,
            }
        };
        let now = Instant::now();
        for change in committed.leases {
            self.deadlines.apply(change, now);
        }
        self.hub.publish(committed.written, committed.head);
        Ok(())
    }
}
