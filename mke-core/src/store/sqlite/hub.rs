//! Where watches meet new revisions: the most recent ones, kept in memory once for all watches.
//!
//! A watch has a cursor of its own and nothing else, so a slow one holds up neither the writer nor memory. One
//! that falls behind what is kept here catches up from the history table and comes back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use super::batch::Head;
use crate::store::{Event, KeyRange, Revision, StoreError, WatchBatch};

/// Revisions kept in memory: a watch that is less than this behind needs no disk.
const RECENT_REVISIONS: usize = 1024;

/// Bytes of keys and values kept in memory: 4 MiB, a tenth of what an idle server may use.
const RECENT_BYTES: usize = 4 << 20;

/// The newest revisions and the watches that wait for more.
pub(super) struct Hub(Mutex<State>);

struct State {
    head: Head,
    /// INVARIANT(dense): its last batch has the head's revision, and each one the number after the one before.
    recent: VecDeque<WatchBatch>,
    recent_bytes: usize,
    waiting: BTreeMap<WatchId, Waker>,
    last_id: WatchId,
    closed: bool,
}

/// Tells watches of one store apart.
pub(super) type WatchId = u64;

/// What a watch does next.
pub(super) enum Next {
    /// It has these events.
    Batch(WatchBatch),
    /// It is up to date and will be woken.
    Wait,
    /// It is behind what is kept here and must read the history from its cursor on.
    Behind,
    /// The store has stopped and everything has been told.
    Closed,
}

fn size(batch: &WatchBatch) -> usize {
    let size = |event: &Event| match event {
        Event::Put(entry) => entry.key.len() + entry.value.len(),
        Event::Delete { key, .. } => key.len(),
    };
    batch.events.iter().map(size).sum()
}

impl Hub {
    pub(super) fn new(head: Head) -> Self {
        Self(Mutex::new(State {
            head,
            recent: VecDeque::new(),
            recent_bytes: 0,
            waiting: BTreeMap::new(),
            last_id: 0,
            closed: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a watch, unless what it asks for is gone.
    pub(super) fn join(&self, from: Revision) -> Result<WatchId, StoreError> {
        let mut state = self.lock();
        let oldest = state.head.oldest;
        if from < oldest {
            return Err(StoreError::Compacted { asked: from, oldest });
        }
        state.last_id += 1;
        Ok(state.last_id)
    }

    /// Forgets a watch.
    pub(super) fn leave(&self, id: WatchId) {
        self.lock().waiting.remove(&id);
    }

    /// Takes in what was committed and wakes every watch.
    pub(super) fn publish(&self, written: Vec<WatchBatch>, head: Head) {
        let mut state = self.lock();
        state.head = head;
        if written.is_empty() {
            return;
        }
        for batch in written {
            state.recent_bytes += size(&batch);
            state.recent.push_back(batch);
        }
        while state.recent.len() > RECENT_REVISIONS || state.recent_bytes > RECENT_BYTES {
            let Some(oldest) = state.recent.pop_front() else {
                break;
            };
            state.recent_bytes -= size(&oldest);
        }
        Self::wake_all(state);
    }

    /// Ends every watch once it has seen the last revision.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        Self::wake_all(state);
    }

    fn wake_all(mut state: MutexGuard<'_, State>) {
        let waiting = std::mem::take(&mut state.waiting);
        // Not under the lock: a waker may run anything.
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }

    /// Moves a cursor to the next revision that touches the range, as far as that is known here.
    pub(super) fn next(
        &self,
        id: WatchId,
        range: &KeyRange,
        cursor: &mut Revision,
        cx: &mut Context<'_>,
    ) -> Next {
        let mut state = self.lock();
        let newest = state.head.revision.0;
        while cursor.0 <= newest {
            let back = usize::try_from(newest - cursor.0).unwrap_or(usize::MAX);
            // Dense, so the distance to the newest is the place counted from the end.
            let Some(batch) = state.recent.iter().nth_back(back) else {
                return Next::Behind;
            };
            cursor.0 += 1;
            let events: Vec<_> = batch
                .events
                .iter()
                .filter(|event| range.contains(event.key()))
                .cloned()
                .collect();
            if !events.is_empty() {
                return Next::Batch(WatchBatch {
                    revision: batch.revision,
                    events,
                });
            }
        }
        if state.closed {
            return Next::Closed;
        }
        state.waiting.insert(id, cx.waker().clone());
        Next::Wait
    }
}
