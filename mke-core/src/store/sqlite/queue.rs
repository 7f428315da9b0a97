//! A bounded queue between callers, which must never wait, and worker threads, which may.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::store::StoreError;

/// Items that wait for a thread. Closing it lets the threads finish what is queued and then stop.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// What a worker got.
pub(super) enum Taken<T> {
    /// At least one item, in the order in which they were pushed.
    Items(Vec<T>),
    /// Nothing came until the deadline.
    Deadline,
    /// The queue is closed and empty.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Every change of the state is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item, without waiting.
    pub(super) fn push(&self, item: T) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        if state.items.len() >= self.capacity {
            return Err(StoreError::Unavailable(format!(
                "{} requests are waiting already; try again later",
                self.capacity
            )));
        }
        state.items.push_back(item);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for items and takes up to `max` of them; without a deadline it sleeps until something happens.
    pub(super) fn take(&self, max: usize, deadline: Option<Instant>) -> Taken<T> {
        let mut state = self.lock();
        loop {
            if !state.items.is_empty() {
                let count = state.items.len().min(max);
                return Taken::Items(state.items.drain(..count).collect());
            }
            if state.closed {
                return Taken::Closed;
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Taken::Deadline;
                    }
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Refuses new items and wakes every worker.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// What a caller hears when the store has stopped.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it has been closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bounded_ordered_and_closable() {
        let queue = Queue::new(3);
        for i in 0..3 {
            assert!(queue.push(i).is_ok());
        }
        assert!(queue.push(3).is_err(), "a full queue refuses");
        assert!(matches!(queue.take(2, None), Taken::Items(items) if items == [0, 1]));
        queue.close();
        assert!(queue.push(4).is_err(), "a closed queue refuses");
        assert!(
            matches!(queue.take(9, None), Taken::Items(items) if items == [2]),
            "what is queued is served"
        );
        assert!(matches!(queue.take(9, None), Taken::Closed));
    }

    #[test]
    fn waits_no_longer_than_the_deadline() {
        let queue = Queue::<u8>::new(1);
        let deadline = Instant::now() + Duration::from_millis(20);
        assert!(matches!(queue.take(1, Some(deadline)), Taken::Deadline));
        assert!(Instant::now() >= deadline);
    }
}
