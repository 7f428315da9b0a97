//! The counters that one manager holds, bounded in number, with what the other managers know.

use std::collections::{HashMap, HashSet};

use mke_core::time::Timestamp;

use super::{FIRST_DELAY, FORGET_AFTER, Key, MAX_DELAY};
use crate::records::FailureCount;

/// Counters in one generation; two are kept.
pub(super) const MAX_COUNTERS: usize = 32_768;

/// What is counted for one key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counter {
    /// All failures in a row that are known of, here and elsewhere.
    pub(super) failures: u32,
    /// When the last one happened.
    pub(super) last: Timestamp,
    /// How many of them the store does not know yet.
    pub(super) unsaved: u32,
    /// Whether the store has a record of it.
    pub(super) saved: bool,
    /// Whether a success came that the store does not know yet: what it says is out of date.
    pub(super) cleared: bool,
}

impl Counter {
    pub(super) fn blocked_until(&self, free: u32) -> Timestamp {
        match self.failures.checked_sub(free) {
            None | Some(0) => Timestamp::default(),
            Some(over) => {
                let delay = FIRST_DELAY.saturating_mul(1 << (over - 1).min(16));
                self.last.plus(delay.min(MAX_DELAY))
            }
        }
    }

    /// What the store should say, when it says this now. `None` when it should say nothing.
    pub(super) fn to_store(self, stored: Option<FailureCount>, now: Timestamp) -> FailureCount {
        let before = stored
            .filter(|count| !self.cleared && is_fresh(count.last, now))
            .unwrap_or_default();
        FailureCount {
            failures: before.failures.saturating_add(self.unsaved),
            last: self.last.max(before.last),
        }
    }
}

pub(super) fn is_fresh(last: Timestamp, now: Timestamp) -> bool {
    now.since(last) < FORGET_AFTER
}

/// A map that forgets its older half when it is full, and what of it the store does not know.
#[derive(Debug)]
pub(super) struct Generations {
    young: HashMap<Key, Counter>,
    old: HashMap<Key, Counter>,
    dirty: HashSet<Key>,
    max: usize,
}

impl Generations {
    pub(super) fn new(max: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            dirty: HashSet::new(),
            max,
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Counter> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// What is known of a key, without failures that are too old to count.
    pub(super) fn current(&self, key: &Key, now: Timestamp) -> Counter {
        let counter = self.get(key).unwrap_or_default();
        if is_fresh(counter.last, now) {
            counter
        } else {
            Counter {
                saved: counter.saved,
                cleared: counter.cleared,
                ..Counter::default()
            }
        }
    }

    pub(super) fn put(&mut self, key: Key, counter: Counter) {
        if self.young.len() >= self.max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
            let known = &self.old;
            self.dirty.retain(|key| known.contains_key(key));
        }
        self.young.insert(key, counter);
    }

    /// Puts a counter that the store does not know in this form.
    pub(super) fn put_dirty(&mut self, key: Key, counter: Counter) {
        self.put(key.clone(), counter);
        self.dirty.insert(key);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.young.remove(key);
        self.old.remove(key);
        self.dirty.remove(key);
    }

    /// Takes in what the store says.
    pub(super) fn learn(&mut self, key: &Key, stored: Option<FailureCount>, now: Timestamp) {
        let known = self.get(key);
        if known.is_some_and(|counter| counter.cleared) {
            return;
        }
        let counter = known.unwrap_or_default();
        match stored {
            Some(stored) => {
                let before = if is_fresh(stored.last, now) {
                    stored.failures
                } else {
                    0
                };
                let last = if counter.unsaved > 0 {
                    counter.last.max(stored.last)
                } else {
                    stored.last
                };
                let learned = Counter {
                    failures: before.saturating_add(counter.unsaved),
                    last,
                    saved: true,
                    ..counter
                };
                self.put(key.clone(), learned);
            }
            // Somebody else's success, or time, has taken the record away.
            None if counter.saved && counter.unsaved == 0 => self.remove(key),
            None if counter.saved => {
                let learned = Counter {
                    failures: counter.unsaved,
                    saved: false,
                    ..counter
                };
                self.put(key.clone(), learned);
            }
            None => {}
        }
    }

    /// What the store does not know, the highest counts first, at most `max`.
    pub(super) fn unsaved(&self, max: usize) -> Vec<(Key, Counter)> {
        let mut unsaved: Vec<(Key, Counter)> = self
            .dirty
            .iter()
            .filter_map(|key| Some((key.clone(), self.get(key)?)))
            .collect();
        unsaved.sort_by_key(|(_, counter)| std::cmp::Reverse((counter.cleared, counter.failures)));
        unsaved.truncate(max);
        unsaved
    }

    /// Notes that the store knows a counter as it was when it was taken.
    pub(super) fn saved(&mut self, key: &Key, written: Counter, kept: bool) {
        let Some(now) = self.get(key) else {
            self.dirty.remove(key);
            return;
        };
        let left = now.unsaved.saturating_sub(written.unsaved);
        // A success after it was taken is not written yet.
        let cleared = now.cleared && !written.cleared;
        if left == 0 && !cleared {
            self.dirty.remove(key);
            if !kept {
                self.remove(key);
                return;
            }
        }
        let counter = Counter {
            unsaved: left,
            saved: kept,
            cleared,
            ..now
        };
        self.put(key.clone(), counter);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    #[cfg(test)]
    pub(super) fn dirty(&self) -> usize {
        self.dirty.len()
    }
}
