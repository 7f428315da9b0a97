//! The embedded store beside a model that is too simple to be wrong: a sorted map and a list of events.

#![cfg(test)]

use std::collections::BTreeMap;
use std::ops::Bound;

use futures_util::StreamExt as _;
use mke_core::store::sqlite::SqliteStore;
use mke_core::store::suite::block_on;
use mke_core::store::{
    Change, Compare, Entry, Event, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome, WatchBatch,
};
use proptest::prelude::*;

#[derive(Default)]
struct Model {
    entries: BTreeMap<String, Entry>,
    history: Vec<WatchBatch>,
}

impl Model {
    fn revision(&self) -> Revision {
        Revision(self.history.len() as u64)
    }

    fn holds(&self, compare: &Compare) -> bool {
        match compare {
            Compare::Absent(key) => !self.entries.contains_key(key),
            Compare::Present(key) => self.entries.contains_key(key),
            Compare::Modified(key, at) => self.entries.get(key).is_some_and(|entry| entry.modified == *at),
            Compare::Value(key, value) => self.entries.get(key).is_some_and(|entry| entry.value == *value),
        }
    }

    fn txn(&mut self, txn: &Txn) -> TxnOutcome {
        if !txn.compares.iter().all(|compare| self.holds(compare)) {
            return TxnOutcome::Conflict(self.revision());
        }
        let revision = Revision(self.revision().0 + 1);
        let mut events = Vec::new();
        for change in &txn.changes {
            match change {
                Change::Put { key, value, lease } => {
                    let old = self.entries.get(key);
                    let entry = Entry {
                        key: key.clone(),
                        value: value.clone(),
                        created: old.map_or(revision, |old| old.created),
                        modified: revision,
                        version: old.map_or(1, |old| old.version + 1),
                        lease: *lease,
                    };
                    self.entries.insert(key.clone(), entry.clone());
                    events.push(Event::Put(entry));
                }
                Change::Delete(range) => {
                    let (gone, kept) = std::mem::take(&mut self.entries)
                        .into_iter()
                        .partition(|(key, _)| range.contains(key));
                    self.entries = kept;
                    let gone: BTreeMap<String, Entry> = gone;
                    events.extend(gone.into_keys().map(|key| Event::Delete { key, revision }));
                }
            }
        }
        if !events.is_empty() {
            self.history.push(WatchBatch { revision, events });
        }
        TxnOutcome::Committed(self.revision())
    }
}

fn key() -> impl Strategy<Value = String> {
    // Few keys, so that transactions meet; with neighbours of the separator and the end of the alphabet.
    "[ab][./0]?[xé\u{10ffff}]?"
}

fn range() -> impl Strategy<Value = KeyRange> {
    let bound = || {
        prop_oneof![
            key().prop_map(Bound::Included),
            key().prop_map(Bound::Excluded),
            Just(Bound::Unbounded),
        ]
    };
    prop_oneof![
        key().prop_map(KeyRange::prefix),
        key().prop_map(KeyRange::key),
        (bound(), bound()).prop_map(|(start, end)| KeyRange { start, end }),
    ]
}

fn compare() -> impl Strategy<Value = Compare> {
    prop_oneof![
        3 => key().prop_map(Compare::Absent),
        3 => key().prop_map(Compare::Present),
        1 => (key(), 0..20u64).prop_map(|(key, at)| Compare::Modified(key, Revision(at))),
        1 => (key(), 0..3u8).prop_map(|(key, value)| Compare::Value(key, vec![value])),
    ]
}

fn txn() -> impl Strategy<Value = Txn> {
    let change = prop_oneof![
        4 => (key(), prop::collection::vec(0..3u8, 0..2))
            .prop_map(|(key, value)| Change::Put { key, value, lease: None }),
        1 => range().prop_map(Change::Delete),
    ];
    (
        prop::collection::vec(compare(), 0..2),
        prop::collection::vec(change, 0..5),
    )
        .prop_map(|(compares, changes)| Txn { compares, changes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_map_with_a_log(
        txns in prop::collection::vec(txn(), 1..25),
        (reads, from) in (prop::collection::vec((range(), 0..6usize), 1..6), 0..25u64),
    ) {
        let store = SqliteStore::in_memory().unwrap();
        let mut model = Model::default();
        for txn in txns {
            let outcome = block_on(store.txn(txn.clone()));
            match txn.check() {
                Ok(()) => prop_assert_eq!(outcome.unwrap(), model.txn(&txn)),
                Err(_) => prop_assert!(matches!(outcome, Err(StoreError::Invalid(_)))),
            }
        }
        for (range, limit) in reads {
            let page = block_on(store.range(range.clone(), limit)).unwrap();
            let mut expected = model.entries.values().filter(|entry| range.contains(&entry.key));
            prop_assert_eq!(page.entries, expected.by_ref().take(limit).cloned().collect::<Vec<_>>());
            prop_assert_eq!(page.more, expected.next().is_some());
            prop_assert_eq!(page.revision, model.revision());

            let watch = block_on(store.watch(range.clone(), Revision(from))).unwrap();
            let expected: Vec<_> = model.history.iter().filter(|batch| batch.revision.0 >= from)
                .map(|batch| WatchBatch {
                    revision: batch.revision,
                    events: batch.events.iter().filter(|event| range.contains(event.key())).cloned().collect(),
                })
                .filter(|batch| !batch.events.is_empty())
                .collect();
            let seen = block_on(watch.take(expected.len()).collect::<Vec<_>>());
            prop_assert_eq!(seen.into_iter().map(Result::unwrap).collect::<Vec<_>>(), expected);
        }
    }
}
