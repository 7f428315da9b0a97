//! No room left: writes fail as a whole and say so, reads go on, and writing works again once there is room.

#![cfg(test)]

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite::block_on;
use mke_core::store::{KeyRange, Revision, Store, StoreError, Txn, TxnOutcome};

const MAX_BYTES: u64 = 1 << 20;

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    let options = SqliteOptions {
        max_bytes: Some(MAX_BYTES),
        ..SqliteOptions::default()
    };
    SqliteStore::open(directory.path().join("mke.db"), options).unwrap()
}

/// Writes the same few keys until there is no room for history; returns the last revision.
fn fill(store: &SqliteStore) -> Revision {
    let mut last = Revision(0);
    for i in 0..1000 {
        let txn = Txn::new()
            .put("a", vec![b'x'; 8000])
            .put(format!("b{}", i % 7), vec![b'y'; 8000]);
        match block_on(store.txn(txn)) {
            Ok(TxnOutcome::Committed(revision)) => last = revision,
            Err(StoreError::Full(message)) => {
                assert!(
                    message.contains("mke.db"),
                    "the message names the file: {message}"
                );
                return last;
            }
            other => panic!("neither written nor full: {other:?}"),
        }
    }
    panic!("the limit of {MAX_BYTES} bytes was not enforced");
}

/// Full, freed by compaction, full again: nothing is half there and nothing is lost.
#[test]
fn full_then_freed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    for _ in 0..3 {
        let last = fill(&store);
        let before = block_on(store.range(KeyRange::prefix(""), 100)).unwrap();
        assert_eq!(before.revision, last, "the failed transaction took no revision");

        let txn = Txn::new()
            .put("new", "")
            .delete("a")
            .put("large", vec![0; 200_000]);
        let failed = block_on(store.txn(txn));
        assert!(matches!(failed, Err(StoreError::Full(_))), "{failed:?}");
        let after = block_on(store.range(KeyRange::prefix(""), 100)).unwrap();
        assert_eq!(after, before, "nothing of it is there, and reads go on");

        let mut watch = block_on(store.watch(KeyRange::prefix(""), last)).unwrap();
        assert_eq!(
            block_on(watch.next()).unwrap().unwrap().revision,
            last,
            "watches go on"
        );

        block_on(store.compact(last)).unwrap();
        let written = block_on(store.txn(Txn::new().put("again", ""))).unwrap();
        assert_eq!(written, TxnOutcome::Committed(Revision(last.0 + 1)));
        assert_eq!(
            block_on(watch.next()).unwrap().unwrap().revision,
            Revision(last.0 + 1)
        );
    }
    drop(store);

    // Opening a full store works, since that is how one gets at its data.
    let store = open(&directory);
    let last = fill(&store);
    drop(store);
    let store = open(&directory);
    assert_eq!(
        block_on(store.range(KeyRange::prefix(""), 1)).unwrap().revision,
        last
    );
}

/// Transactions that are committed together do not fail together.
#[test]
fn one_too_large_fails_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let txn = |i: usize| match i % 8 {
        0 => Txn::new().put(format!("large/{i}"), vec![0; 900_000]),
        _ => Txn::new().put(format!("small/{i:02}"), "x"),
    };
    let outcomes = block_on(join_all((0..64).map(|i| store.txn(txn(i)))));
    for (i, outcome) in outcomes.iter().enumerate() {
        let expected = match outcome {
            Err(StoreError::Full(_)) => i % 8 == 0,
            Ok(TxnOutcome::Committed(_)) => i % 8 != 0,
            _ => false,
        };
        assert!(expected, "transaction {i}: {outcome:?}");
    }
    let page = block_on(store.range(KeyRange::prefix(""), 100)).unwrap();
    assert_eq!(page.entries.len(), 56);
    assert_eq!(page.revision, Revision(56), "those that failed took no revision");
}
