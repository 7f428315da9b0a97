//! History in the embedded store: bounded, and enough for watches that are slow.

#![cfg(test)]

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite::block_on;
use mke_core::store::{KeyRange, Revision, Store, StoreError, Txn};

async fn write(store: &SqliteStore, txns: u64) {
    for outcome in
        join_all((0..txns).map(|i| store.txn(Txn::new().put(format!("k{i}"), vec![b'x'; 100])))).await
    {
        outcome.unwrap();
    }
}

/// A watch that nobody reads holds up no writer. When it is read at last, after far more revisions than are
/// kept in memory, it has them all; and it goes on with live ones.
#[test]
fn a_slow_watch_catches_up() {
    let store = SqliteStore::in_memory().unwrap();
    block_on(async {
        let mut slow = store.watch(KeyRange::prefix(""), Revision(1)).await.unwrap();
        write(&store, 5000).await;
        for revision in 1..=5000 {
            assert_eq!(slow.next().await.unwrap().unwrap().revision, Revision(revision));
        }
        write(&store, 1).await;
        assert_eq!(slow.next().await.unwrap().unwrap().revision, Revision(5001));
    });
}

/// One whose next revision is gone from memory and from the history ends with an error, never with a gap.
#[test]
fn a_watch_overtaken_by_compaction_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        keep_revisions: 100,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(directory.path().join("mke.db"), options).unwrap();
    block_on(async {
        let mut slow = store.watch(KeyRange::prefix(""), Revision(1)).await.unwrap();
        write(&store, 3000).await;
        let told = slow.next().await.unwrap();
        let Err(StoreError::Compacted {
            asked: Revision(1),
            oldest,
        }) = told
        else {
            panic!("must be told: {told:?}");
        };
        assert!(slow.next().await.is_none(), "and then it ends");
        assert!(
            (2890..=2900).contains(&oldest.0),
            "the last hundred revisions are kept: {oldest:?}"
        );
        let mut rest = store.watch(KeyRange::prefix(""), oldest).await.unwrap();
        for revision in oldest.0..=3000 {
            assert_eq!(rest.next().await.unwrap().unwrap().revision, Revision(revision));
        }
    });
}

/// Past transactions that are larger than a piece of history is meant to be come whole.
#[test]
fn large_transactions_in_the_past() {
    let store = SqliteStore::in_memory().unwrap();
    block_on(async {
        for round in 0..12 {
            let keys = (0..700).map(|i| format!("{i:03}"));
            let txn = keys.fold(Txn::new(), |txn, key| txn.put(key, vec![round; 1000]));
            store.txn(txn).await.unwrap();
        }
        // Beyond what is kept in memory, so it is read from the history.
        let mut watch = store.watch(KeyRange::prefix(""), Revision(1)).await.unwrap();
        for revision in 1..=12 {
            let batch = watch.next().await.unwrap().unwrap();
            assert_eq!((batch.revision, batch.events.len()), (Revision(revision), 700));
        }
    });
}
