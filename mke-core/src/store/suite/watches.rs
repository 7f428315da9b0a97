//! Watches: what was, then what is, each transaction whole and once; and what compaction takes away.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all};

use super::{Shared, Tested, commit, keys, next, revision};
use crate::store::{Entry, Event, KeyRange, Revision, Store, StoreError, Txn, WatchBatch};

/// All of this module.
///
/// # Errors
///
/// Any unexpected error of the store.
pub async fn run(fresh: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    the_past_then_the_present(&*fresh().await?).await?;
    only_the_range(&*fresh().await?).await?;
    whole_and_once_under_load(&*fresh().await?).await?;
    compaction(&*fresh().await?).await
}

fn put(key: &str, value: &str, created: Revision, modified: Revision, version: u64) -> Event {
    Event::Put(Entry {
        key: key.to_owned(),
        value: value.into(),
        created,
        modified,
        version,
        lease: None,
    })
}

/// From the first revision, from one in the middle (inclusive), from the next, and from one still to come.
async fn the_past_then_the_present(store: &dyn Store) -> Tested {
    let first = commit(store, Txn::new().put("b", "1").put("a", "1")).await?;
    let second = commit(store, Txn::new().put("a", "2").delete("b")).await?;
    let [third, fourth] = [Revision(second.0 + 1), Revision(second.0 + 2)];
    let all = [
        WatchBatch {
            revision: first,
            events: vec![put("b", "1", first, first, 1), put("a", "1", first, first, 1)],
        },
        WatchBatch {
            revision: second,
            events: vec![
                put("a", "2", first, second, 2),
                Event::Delete {
                    key: "b".to_owned(),
                    revision: second,
                },
            ],
        },
        WatchBatch {
            revision: third,
            events: vec![put("b", "3", third, third, 1)],
        },
        WatchBatch {
            revision: fourth,
            events: vec![put("c", "4", fourth, fourth, 1)],
        },
    ];
    let mut watches = Vec::new();
    for from in [Revision(0), first, second, third, fourth] {
        watches.push((from, store.watch(KeyRange::prefix(""), from).await?));
    }
    assert_eq!(commit(store, Txn::new().put("b", "3")).await?, third);
    assert_eq!(commit(store, Txn::new().put("c", "4")).await?, fourth);
    for (from, mut watch) in watches {
        for batch in all.iter().filter(|batch| batch.revision >= from) {
            assert_eq!(next(&mut watch).await?, *batch, "watched from {from:?}");
        }
    }
    Ok(())
}

/// Of a transaction a watch sees what touches its range, and nothing of one that does not.
async fn only_the_range(store: &dyn Store) -> Tested {
    let mut watch = store.watch(KeyRange::prefix("in/"), Revision(0)).await?;
    commit(store, Txn::new().put("out", "")).await?;
    commit(store, Txn::new().put("in/a", "").put("in0", "").put("in/b", "")).await?;
    commit(store, Txn::new().delete("out")).await?;
    let last = commit(store, Txn::new().delete_range(KeyRange::prefix(""))).await?;
    let mut late = store.watch(KeyRange::prefix("in/"), Revision(0)).await?;
    for watch in [&mut watch, &mut late] {
        let both = next(watch).await?;
        assert_eq!(
            both.events.iter().map(Event::key).collect::<Vec<_>>(),
            ["in/a", "in/b"]
        );
        let deleted = next(watch).await?;
        assert_eq!(deleted.revision, last);
        let expected = ["in/a", "in/b"].map(|key| Event::Delete {
            key: key.to_owned(),
            revision: last,
        });
        assert_eq!(deleted.events, expected);
    }
    Ok(())
}

const WRITERS: usize = 8;
const TXNS_EACH: usize = 60;
const TXNS: usize = WRITERS * TXNS_EACH;

/// Writers at full speed; watches that start before, between and after, and one that reads only at the end. All
/// see each transaction whole, once, in order.
async fn whole_and_once_under_load(store: &dyn Store) -> Tested {
    let write = async |writer: usize| {
        for i in 0..TXNS_EACH {
            let key = |part| format!("{part}/{writer}");
            let value = i.to_string();
            let txn = Txn::new()
                .put(key("a"), value.clone())
                .put(key("unseen"), "")
                .put(key("b"), value);
            commit(store, txn).await?;
        }
        Ok::<_, StoreError>(())
    };
    let range = KeyRange {
        end: KeyRange::prefix("b/").end,
        ..KeyRange::prefix("a/")
    };
    let watch = async |from: u64| {
        let mut watch = store.watch(range.clone(), Revision(from)).await?;
        let mut seen = Vec::new();
        for _ in from..=TXNS as u64 {
            seen.push(next(&mut watch).await?);
        }
        Ok::<_, StoreError>(seen)
    };
    // Each round of a writer's loop yields, so these start while others write.
    let late = async || {
        while revision(store).await?.0 < TXNS as u64 / 3 {}
        watch(1).await
    };
    let mut idle = store.watch(range.clone(), Revision(1)).await?;
    let (written, (watched, late)) = join(
        join_all((0..WRITERS).map(write)),
        join(join_all([1, TXNS as u64 / 2].map(watch)), late()),
    )
    .await;
    for writer in written {
        writer?;
    }
    let mut all = watched.into_iter().collect::<Result<Vec<_>, _>>()?;
    all.push(late?);
    all.push(watch(1).await?);
    let mut batches = Vec::new();
    for _ in 0..TXNS {
        batches.push(next(&mut idle).await?);
    }
    for (i, batch) in batches.iter().enumerate() {
        assert_eq!(
            batch.revision,
            Revision(i as u64 + 1),
            "none is missing and none comes twice"
        );
        let [Event::Put(a), Event::Put(b)] = batch.events.as_slice() else {
            return Err(StoreError::Invalid(format!(
                "not one whole transaction: {batch:?}"
            )));
        };
        assert_eq!((&a.key[..2], &b.key[..2]), ("a/", "b/"));
        assert_eq!((&a.key[2..], &a.value), (&b.key[2..], &b.value));
    }
    for seen in all {
        assert_eq!(seen, batches[TXNS - seen.len()..], "every watch sees the same");
    }
    Ok(())
}

/// Compaction takes history and no values; a watch that needs what is gone is told so.
async fn compaction(store: &dyn Store) -> Tested {
    let mut running = store.watch(KeyRange::prefix(""), Revision(1)).await?;
    for i in 0..10 {
        commit(store, Txn::new().put("k", i.to_string()).put(format!("k{i}"), "")).await?;
        next(&mut running).await?;
    }
    store.compact(Revision(6)).await?;
    store.compact(Revision(3)).await?;
    for from in [0, 1, 5] {
        let refused = store.watch(KeyRange::prefix(""), Revision(from)).await.err();
        let asked = Revision(from);
        assert!(
            matches!(refused, Some(StoreError::Compacted { asked: a, oldest: Revision(6) }) if a == asked),
            "watching from {from} must be refused, got {refused:?}"
        );
    }
    let mut watch = store.watch(KeyRange::prefix(""), Revision(6)).await?;
    assert_eq!(next(&mut watch).await?.revision, Revision(6));
    assert_eq!(keys(store, KeyRange::prefix("k")).await?.len(), 11, "values stay");
    let beyond = store.compact(Revision(11)).await;
    assert!(
        matches!(beyond, Err(StoreError::Invalid(_))),
        "there is no revision 11 yet: {beyond:?}"
    );
    store.compact(Revision(10)).await?;
    let last = commit(store, Txn::new().put("k", "")).await?;
    assert_eq!(
        next(&mut running).await?.revision,
        last,
        "a watch that kept up goes on"
    );
    Ok(())
}

/// Entries, revisions and history are the same after a restart, and revisions go on from there.
pub(super) async fn history_survives(open: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    let store = open().await?;
    for i in 0..5 {
        commit(
            &*store,
            Txn::new().put("a", i.to_string()).put(format!("b{i}"), ""),
        )
        .await?;
    }
    let at = commit(&*store, Txn::new().delete("b0")).await?;
    store.compact(Revision(2)).await?;
    let before = store.range(KeyRange::prefix(""), usize::MAX).await?;
    drop(store);

    let store = open().await?;
    assert_eq!(store.range(KeyRange::prefix(""), usize::MAX).await?, before);
    let refused = store.watch(KeyRange::prefix(""), Revision(1)).await.err();
    assert!(
        matches!(
            refused,
            Some(StoreError::Compacted {
                oldest: Revision(2),
                ..
            })
        ),
        "got {refused:?}"
    );
    let mut watch = store.watch(KeyRange::prefix(""), Revision(2)).await?;
    let next_revision = commit(&*store, Txn::new().put("c", "")).await?;
    assert_eq!(next_revision, Revision(at.0 + 1));
    let mut replayed = BTreeMap::new();
    for revision in 2..=next_revision.0 {
        let batch = next(&mut watch).await?;
        assert_eq!(batch.revision, Revision(revision));
        for event in batch.events {
            match event {
                Event::Put(entry) => replayed.insert(entry.key.clone(), Some(entry)),
                Event::Delete { key, .. } => replayed.insert(key, None),
            };
        }
    }
    for entry in before
        .entries
        .iter()
        .filter(|entry| entry.modified >= Revision(2))
    {
        assert_eq!(replayed.get(&entry.key), Some(&Some(entry.clone())));
    }
    assert_eq!(replayed.get("b0"), Some(&None));
    Ok(())
}
