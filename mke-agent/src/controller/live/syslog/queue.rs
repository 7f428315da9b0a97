//! Messages that wait for the remote syslog. Putting one in takes a moment and never waits for the network; what finds
//! no room is dropped and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mke_core::time::Timestamp;
use tokio::sync::Notify;

use super::message::Origin;

/// How many messages wait at most.
const MAX_MESSAGES: usize = 10_000;
/// How many bytes wait at most: large audit records must not take all memory.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The waiting messages, the oldest first.
#[derive(Debug, Default)]
pub(in super::super) struct Queue {
    /// Whether there is somewhere to send to. Off, nothing is kept.
    on: AtomicBool,
    waiting: Mutex<Waiting>,
    /// Something was put in.
    filled: Notify,
    /// Something was taken out.
    emptied: Notify,
    pub(super) sent: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) cut: AtomicU64,
    pub(super) failures: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Arc<[u8]>>,
    bytes: usize,
}

/// What became of messages for the remote syslog since the program started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyslogCounts {
    /// Handed to the network.
    pub sent: u64,
    /// Thrown away: no room, or nobody to send them to any more.
    pub dropped: u64,
    /// Datagrams that the other machine refused.
    pub refused: u64,
    /// Sent without their end, because one datagram does not hold them.
    pub cut: u64,
    /// Attempts to connect, and connections, that failed.
    pub failures: u64,
    /// Waiting now.
    pub waiting: u64,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether messages are wanted.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Messages are kept from now on.
    pub(in super::super) fn turn_on(&self) {
        self.on.store(true, Relaxed);
    }

    /// Nothing is kept from now on; what waits is dropped.
    pub(in super::super) fn turn_off(&self) {
        self.on.store(false, Relaxed);
        let mut waiting = self.waiting();
        let gone = waiting.messages.len();
        *waiting = Waiting::default();
        drop(waiting);
        self.dropped.fetch_add(as_count(gone), Relaxed);
        self.emptied.notify_waiters();
    }

    /// Adds a message, or drops it when there is no room.
    pub(super) fn put(&self, message: Vec<u8>) {
        if !self.is_on() {
            return;
        }
        let mut waiting = self.waiting();
        let fits = waiting.messages.len() < MAX_MESSAGES && waiting.bytes + message.len() <= MAX_BYTES;
        if fits {
            waiting.bytes += message.len();
            waiting.messages.push_back(message.into());
        }
        drop(waiting);
        if fits {
            self.filled.notify_one();
        } else {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Adds an audit record, where messages are wanted.
    pub(in super::super) fn put_audit(&self, origin: &Origin, at: Timestamp, record: &str) {
        if self.is_on() {
            self.put(origin.audit(at, record));
        }
    }

    /// The oldest message, once there is one. It stays until [`Queue::remove`], so that a connection that ends takes
    /// nothing with it.
    pub(super) async fn front(&self) -> Arc<[u8]> {
        loop {
            let filled = self.filled.notified();
            if let Some(message) = self.waiting().messages.front() {
                return message.clone();
            }
            filled.await;
        }
    }

    /// Takes the oldest message out, if it still is this one.
    pub(super) fn remove(&self, sent: &Arc<[u8]>) {
        let mut waiting = self.waiting();
        if waiting
            .messages
            .front()
            .is_some_and(|front| Arc::ptr_eq(front, sent))
        {
            waiting.messages.pop_front();
            waiting.bytes = waiting.bytes.saturating_sub(sent.len());
        }
        drop(waiting);
        self.emptied.notify_waiters();
    }

    /// Waits until nothing waits.
    pub(in super::super) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.waiting().messages.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// What was counted.
    pub(in super::super) fn counts(&self) -> SyslogCounts {
        SyslogCounts {
            sent: self.sent.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            refused: self.refused.load(Relaxed),
            cut: self.cut.load(Relaxed),
            failures: self.failures.load(Relaxed),
            waiting: as_count(self.waiting().messages.len()),
        }
    }
}

fn as_count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CFG-007: a full queue drops what comes, counts it, and keeps what waits; off, nothing is kept.
    #[tokio::test]
    async fn bounded() {
        let queue = Queue::default();
        queue.put(b"nobody asked".to_vec());
        assert_eq!(queue.counts(), SyslogCounts::default());
        queue.turn_on();
        for number in 0..MAX_MESSAGES + 5 {
            queue.put(number.to_string().into_bytes());
        }
        let counts = queue.counts();
        assert_eq!((counts.waiting, counts.dropped), (as_count(MAX_MESSAGES), 5));
        let first = queue.front().await;
        assert_eq!(&*first, b"0");
        queue.remove(&first);
        queue.remove(&first);
        assert_eq!(&*queue.front().await, b"1");
        queue.turn_off();
        let counts = queue.counts();
        assert_eq!(
            (counts.waiting, counts.dropped),
            (0, as_count(MAX_MESSAGES) - 1 + 5)
        );
        queue.empty().await;
    }

    #[test]
    fn bounded_in_bytes() {
        let queue = Queue::default();
        queue.turn_on();
        for _ in 0..9 {
            queue.put(vec![b'x'; MAX_BYTES / 8]);
        }
        assert_eq!((queue.counts().waiting, queue.counts().dropped), (8, 1));
    }
}
