//! Transactions: conditions, all or nothing, and nothing lost between concurrent callers.

use futures_util::future::join_all;

use super::{Shared, Tested, commit, get, keys, revision};
use crate::store::{Compare, KeyRange, LeaseId, MAX_TXN_BYTES, Revision, Store, StoreError, Txn, TxnOutcome};

/// All of this module.
///
/// # Errors
///
/// Any unexpected error of the store.
pub async fn run(fresh: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    every_comparison(&*fresh().await?).await?;
    a_conflict_changes_nothing(&*fresh().await?).await?;
    increments_are_not_lost(&*fresh().await?).await?;
    invalid_ones_change_nothing(&*fresh().await?).await?;
    ranges_are_deleted_exactly(&*fresh().await?).await?;
    without_changes_no_revision(&*fresh().await?).await
}

/// Each comparison against a key that is there and one that is not.
async fn every_comparison(store: &dyn Store) -> Tested {
    let old = commit(store, Txn::new().put("here", "old")).await?;
    let now = commit(store, Txn::new().put("here", "now")).await?;
    commit(store, Txn::new().put("gone", "now")).await?;
    commit(store, Txn::new().delete("gone")).await?;
    let [here, gone, never] = ["here", "gone", "never"].map(str::to_owned);
    let table = [
        (Compare::Absent(here.clone()), false),
        (Compare::Absent(gone.clone()), true),
        (Compare::Absent(never.clone()), true),
        (Compare::Present(here.clone()), true),
        (Compare::Present(gone.clone()), false),
        (Compare::Present(never.clone()), false),
        (Compare::Modified(here.clone(), now), true),
        (Compare::Modified(here.clone(), old), false),
        (Compare::Modified(here.clone(), Revision(0)), false),
        (Compare::Modified(never.clone(), Revision(0)), false),
        (Compare::Value(here.clone(), b"now".to_vec()), true),
        (Compare::Value(here.clone(), b"old".to_vec()), false),
        (Compare::Value(here, b"now ".to_vec()), false),
        (Compare::Value(gone, b"now".to_vec()), false),
        (Compare::Value(never, Vec::new()), false),
    ];
    for (compare, holds) in table {
        let at = revision(store).await?;
        let outcome = store.txn(Txn::new().when(compare.clone())).await?;
        let expected = if holds {
            TxnOutcome::Committed(at)
        } else {
            TxnOutcome::Conflict(at)
        };
        assert_eq!(outcome, expected, "{compare:?}");
    }
    Ok(())
}

/// One comparison that fails is enough, and then no change happens and no revision is taken.
async fn a_conflict_changes_nothing(store: &dyn Store) -> Tested {
    let at = commit(store, Txn::new().put("a", "1").put("b", "1")).await?;
    let txn = Txn::new()
        .when(Compare::Present("a".to_owned()))
        .when(Compare::Absent("b".to_owned()))
        .put("a", "2")
        .put("new", "2")
        .delete("b");
    assert_eq!(store.txn(txn).await?, TxnOutcome::Conflict(at));
    assert_eq!(keys(store, KeyRange::prefix("")).await?, ["a", "b"]);
    assert_eq!(get(store, "a").await?.map(|entry| entry.modified), Some(at));
    assert_eq!(revision(store).await?, at);
    Ok(())
}

/// Many tasks that each read, add one and write back when nothing came between.
async fn increments_are_not_lost(store: &dyn Store) -> Tested {
    const TASKS: u64 = 16;
    const EACH: u64 = 15;
    let increment = async || {
        for _ in 0..EACH {
            loop {
                let entry = get(store, "counter").await?;
                let (compare, count) = match entry {
                    None => (Compare::Absent("counter".to_owned()), 0),
                    Some(entry) => {
                        let text = String::from_utf8_lossy(&entry.value).into_owned();
                        (
                            Compare::Modified(entry.key, entry.modified),
                            text.parse::<u64>().unwrap_or(0),
                        )
                    }
                };
                let txn = Txn::new().when(compare).put("counter", (count + 1).to_string());
                if let TxnOutcome::Committed(_) = store.txn(txn).await? {
                    break;
                }
            }
        }
        Ok::<_, StoreError>(())
    };
    for done in join_all((0..TASKS).map(|_| increment())).await {
        done?;
    }
    let counter = get(store, "counter")
        .await?
        .map(|entry| (entry.value, entry.version));
    assert_eq!(
        counter,
        Some(((TASKS * EACH).to_string().into_bytes(), TASKS * EACH))
    );
    assert_eq!(
        revision(store).await?,
        Revision(TASKS * EACH),
        "conflicts take no revision"
    );
    Ok(())
}

/// What contradicts itself, is too large, or names a lease that does not exist.
async fn invalid_ones_change_nothing(store: &dyn Store) -> Tested {
    let at = commit(store, Txn::new().put("a", "1")).await?;
    let invalid = [
        Txn::new().put("a", "2").put("a", "3"),
        Txn::new().put("a", "2").delete("a"),
        Txn::new().put("b/c", "2").delete_range(KeyRange::prefix("b/")),
        Txn::new().put("b", "2").put("", "2"),
        Txn::new().put("b", "2").put("c", vec![0; MAX_TXN_BYTES]),
    ];
    for txn in invalid {
        let refused = store.txn(txn).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "must be refused: {refused:?}"
        );
    }
    let leaseless = Txn::new()
        .put("b", "2")
        .delete("a")
        .put_leased("c", "2", LeaseId(i64::MAX));
    assert!(matches!(
        store.txn(leaseless).await,
        Err(StoreError::NoSuchLease(LeaseId(i64::MAX)))
    ));
    assert_eq!(keys(store, KeyRange::prefix("")).await?, ["a"]);
    assert_eq!(revision(store).await?, at);
    Ok(())
}

/// Every kind of bound.
async fn ranges_are_deleted_exactly(store: &dyn Store) -> Tested {
    use std::ops::Bound::{self, Excluded, Included, Unbounded};
    let all = ["a", "b", "b/1", "b/2", "b0", "c"];
    let range = |start: Bound<&str>, end: Bound<&str>| KeyRange {
        start: start.map(str::to_owned),
        end: end.map(str::to_owned),
    };
    let ranges = [
        KeyRange::prefix("b/"),
        KeyRange::prefix(""),
        KeyRange::key("b"),
        KeyRange::prefix("b").after("b/1"),
        range(Included("b"), Excluded("b/2")),
        range(Excluded("b"), Included("b0")),
        range(Unbounded, Included("b")),
        range(Excluded("b/2"), Unbounded),
        range(Included("c"), Excluded("a")),
    ];
    for range in ranges {
        commit(store, all.iter().fold(Txn::new(), |txn, key| txn.put(*key, ""))).await?;
        commit(store, Txn::new().delete_range(range.clone())).await?;
        let left: Vec<_> = all.into_iter().filter(|key| !range.contains(key)).collect();
        assert_eq!(keys(store, KeyRange::prefix("")).await?, left, "{range:?}");
    }
    Ok(())
}

/// Nothing to do, or nothing to delete: the current revision, and no new one.
async fn without_changes_no_revision(store: &dyn Store) -> Tested {
    assert_eq!(store.txn(Txn::new()).await?, TxnOutcome::Committed(Revision(0)));
    let at = commit(store, Txn::new().put("a", "")).await?;
    let nothing = Txn::new().delete("b").delete_range(KeyRange::prefix("c/"));
    assert_eq!(store.txn(nothing).await?, TxnOutcome::Committed(at));
    assert_eq!(revision(store).await?, at);
    assert_eq!(commit(store, Txn::new().put("b", "")).await?, Revision(at.0 + 1));
    Ok(())
}
