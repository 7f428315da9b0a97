//! Reading: pages of entries and pieces of history, each as of one moment. Readers have connections and threads
//! of their own, so that no read waits for a write's sync.

use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;
use rusqlite::{Connection, Row, TransactionBehavior};

use super::batch::{in_range, read_head, to_sql, unsigned};
use super::error::Place;
use super::history;
use super::queue::{Queue, Taken};
use crate::store::{Entry, Event, KeyRange, LeaseId, Page, Revision, StoreError, WatchBatch};

/// A piece of history ends after this many events, at the end of their transaction: it bounds what a watch that
/// catches up holds in memory.
const HISTORY_EVENTS: usize = 512;

/// It also ends after this many bytes of values: 1 MiB, what a single transaction may hold anyway.
const HISTORY_BYTES: usize = 1 << 20;

/// And after looking at this many bytes, whether or not they were of the range: it bounds how long one watch holds up
/// other readers.
const HISTORY_LOOKED_AT: usize = 16 << 20;

/// A question and where to answer it.
pub(super) enum Read {
    Range {
        range: KeyRange,
        limit: usize,
        caller: oneshot::Sender<Result<Page, StoreError>>,
    },
    History {
        range: KeyRange,
        from: Revision,
        caller: oneshot::Sender<Result<History, StoreError>>,
    },
}

/// What happened in a range from some revision on.
pub(super) struct History {
    /// Whole transactions, in order.
    pub(super) batches: Vec<WatchBatch>,
    /// Where to go on: everything before it has been looked at.
    pub(super) next: Revision,
}

/// Why a read failed.
enum Failure {
    Refused(StoreError),
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

/// One reading thread.
pub(super) struct Reader {
    /// Its own, except in memory, where there is only one for everybody.
    pub(super) connection: Arc<Mutex<Connection>>,
    pub(super) queue: Arc<Queue<Read>>,
    pub(super) place: Place,
}

impl Reader {
    /// Serves until the queue is closed and empty.
    pub(super) fn run(self) {
        while let Taken::Items(reads) = self.queue.take(1, None) {
            for read in reads {
                self.serve(read);
            }
        }
    }

    fn serve(&self, read: Read) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let explain = |failure| match failure {
            Failure::Refused(error) => error,
            Failure::Storage(error) => self.place.explain(&error),
        };
        // A caller that has gone away wants no answer.
        match read {
            Read::Range { range, limit, caller } => {
                let page = page(&mut connection, &range, limit);
                drop(connection);
                drop(caller.send(page.map_err(|error| self.place.explain(&error))));
            }
            Read::History { range, from, caller } => {
                let history = history(&mut connection, &range, from);
                drop(connection);
                drop(caller.send(history.map_err(explain)));
            }
        }
    }
}

fn page(connection: &mut Connection, range: &KeyRange, limit: usize) -> rusqlite::Result<Page> {
    // Both statements see the same moment because they share a transaction.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let revision = read_head(&transaction)?.revision;
    let (condition, values) = in_range(range);
    // One more than asked for, to know whether there are more.
    let rows = to_sql(u64::try_from(limit).unwrap_or(u64::MAX)).saturating_add(1);
    let sql = format!(
        "SELECT key, value, created, modified, version, lease FROM entries WHERE {condition}
         ORDER BY key LIMIT ?{}",
        values.len() + 1
    );
    let mut entries = {
        let mut statement = transaction.prepare_cached(&sql)?;
        let mut parameters = values;
        parameters.push(&rows);
        statement
            .query_map(parameters.as_slice(), entry)?
            .collect::<rusqlite::Result<Vec<_>>>()?
    };
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok(Page {
        entries,
        more,
        revision,
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: row.get(0)?,
        value: row.get(1)?,
        created: Revision(unsigned(row, 2)?),
        modified: Revision(unsigned(row, 3)?),
        version: unsigned(row, 4)?,
        lease: row.get::<_, Option<i64>>(5)?.map(LeaseId),
    })
}

fn history(connection: &mut Connection, range: &KeyRange, from: Revision) -> Result<History, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let head = read_head(&transaction)?;
    if from < head.oldest {
        return Err(Failure::Refused(StoreError::Compacted {
            asked: from,
            oldest: head.oldest,
        }));
    }
    let mut statement = transaction
        .prepare_cached("SELECT revision, events FROM history WHERE revision >= ?1 ORDER BY revision")?;
    let mut rows = statement.query([to_sql(from.0)])?;

    let mut batches: Vec<WatchBatch> = Vec::new();
    let (mut events, mut bytes, mut looked_at) = (0, 0, 0);
    while let Some(row) = rows.next()? {
        let revision = Revision(unsigned(row, 0)?);
        if events >= HISTORY_EVENTS || bytes >= HISTORY_BYTES || looked_at >= HISTORY_LOOKED_AT {
            return Ok(History {
                batches,
                next: revision,
            });
        }
        let stored = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        looked_at += stored.len();
        let found = history::decode(stored, revision, range).ok_or_else(|| {
            Failure::Refused(StoreError::Corrupt(format!(
                "the history of revision {}",
                revision.0
            )))
        })?;
        if found.is_empty() {
            continue;
        }
        events += found.len();
        bytes += found
            .iter()
            .map(|event| match event {
                Event::Put(entry) => entry.value.len(),
                Event::Delete { .. } => 0,
            })
            .sum::<usize>();
        batches.push(WatchBatch {
            revision,
            events: found,
        });
    }
    Ok(History {
        batches,
        next: Revision(head.revision.0.saturating_add(1)).max(from),
    })
}
