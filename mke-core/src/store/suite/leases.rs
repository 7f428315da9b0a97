//! Leases: keys that go away when nobody keeps them. Times are real and in whole seconds, the finest that every
//! adapter keeps; only "not before" is tested exactly.

use std::time::{Duration, Instant};

use futures_util::future::join;

use super::{Shared, Tested, commit, get, keys, next, revision};
use crate::store::{Event, KeyRange, LeaseId, Revision, Store, StoreError, Txn, WatchBatch};

const SHORT: Duration = Duration::from_secs(1);
/// Longer than a busy machine stands still between two steps of a test.
const STEADY: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_secs(600);

/// All of this module.
///
/// # Errors
///
/// Any unexpected error of the store.
pub async fn run(fresh: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    revoking(&*fresh().await?).await?;
    attaching_and_detaching(&*fresh().await?).await?;
    unknown_and_impossible(&*fresh().await?).await?;
    let [expires, kept] = [fresh().await?, fresh().await?];
    let (expires, kept) = join(expiring(&*expires), keeping_alive(&*kept)).await;
    expires.and(kept)
}

fn deleted(keys: &[&str], revision: Revision) -> WatchBatch {
    let delete = |key: &&str| Event::Delete {
        key: (*key).to_owned(),
        revision,
    };
    WatchBatch {
        revision,
        events: keys.iter().map(delete).collect(),
    }
}

fn is_gone(result: &Result<(), StoreError>, lease: LeaseId) -> bool {
    matches!(result, Err(StoreError::NoSuchLease(gone)) if *gone == lease)
}

/// Revoking deletes exactly the keys of the lease, in one transaction; after that it does not exist.
async fn revoking(store: &dyn Store) -> Tested {
    let lease = store.grant_lease(LONG).await?;
    let other = store.grant_lease(LONG).await?;
    assert_ne!(lease, other);
    commit(
        store,
        Txn::new()
            .put_leased("b", "", lease)
            .put_leased("a", "", lease)
            .put("c", ""),
    )
    .await?;
    let at = commit(store, Txn::new().put_leased("d", "", other)).await?;
    assert_eq!(get(store, "a").await?.and_then(|entry| entry.lease), Some(lease));
    let mut watch = store.watch(KeyRange::prefix(""), Revision(at.0 + 1)).await?;
    store.revoke_lease(lease).await?;
    assert_eq!(keys(store, KeyRange::prefix("")).await?, ["c", "d"]);
    assert_eq!(next(&mut watch).await?, deleted(&["a", "b"], Revision(at.0 + 1)));
    assert!(is_gone(&store.keep_alive(lease).await, lease));
    assert!(is_gone(&store.revoke_lease(lease).await, lease));
    let late = store.txn(Txn::new().put_leased("e", "", lease)).await;
    assert!(
        matches!(late, Err(StoreError::NoSuchLease(_))),
        "no key lives under an ended lease: {late:?}"
    );
    let fresh = store.grant_lease(LONG).await?;
    assert!(fresh != lease && fresh != other, "ids are not used again");
    Ok(())
}

/// A later write decides under which lease a key lives, if any. A lease without keys ends without a revision.
async fn attaching_and_detaching(store: &dyn Store) -> Tested {
    let [first, second] = [store.grant_lease(LONG).await?, store.grant_lease(LONG).await?];
    commit(
        store,
        Txn::new()
            .put_leased("moved", "", first)
            .put_leased("freed", "", first),
    )
    .await?;
    let at = commit(store, Txn::new().put_leased("moved", "", second).put("freed", "")).await?;
    store.revoke_lease(first).await?;
    assert_eq!(revision(store).await?, at);
    assert_eq!(keys(store, KeyRange::prefix("")).await?, ["freed", "moved"]);
    store.revoke_lease(second).await?;
    assert_eq!(keys(store, KeyRange::prefix("")).await?, ["freed"]);
    Ok(())
}

async fn unknown_and_impossible(store: &dyn Store) -> Tested {
    for lease in [0, 1, -1, i64::MAX].map(LeaseId) {
        assert!(is_gone(&store.keep_alive(lease).await, lease));
        assert!(is_gone(&store.revoke_lease(lease).await, lease));
    }
    for ttl in [Duration::ZERO, Duration::MAX] {
        let refused = store.grant_lease(ttl).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{ttl:?} must be refused, got {refused:?}"
        );
    }
    Ok(())
}

/// A lease ends by itself, not before its time, and its keys go in one transaction.
async fn expiring(store: &dyn Store) -> Tested {
    let start = Instant::now();
    let lease = store.grant_lease(SHORT).await?;
    let at = commit(
        store,
        Txn::new()
            .put_leased("b", "", lease)
            .put_leased("a", "", lease)
            .put("c", ""),
    )
    .await?;
    let mut watch = store.watch(KeyRange::prefix(""), Revision(at.0 + 1)).await?;
    assert_eq!(next(&mut watch).await?, deleted(&["a", "b"], Revision(at.0 + 1)));
    assert!(start.elapsed() >= SHORT, "it ended early");
    assert!(is_gone(&store.keep_alive(lease).await, lease));
    Ok(())
}

/// Keeping a lease alive starts its time anew. The end of a short lease serves as the clock.
async fn keeping_alive(store: &dyn Store) -> Tested {
    let clock = store.grant_lease(SHORT).await?;
    let kept = store.grant_lease(STEADY).await?;
    let at = commit(
        store,
        Txn::new()
            .put_leased("clock", "", clock)
            .put_leased("kept", "", kept),
    )
    .await?;
    let mut watch = store.watch(KeyRange::prefix(""), Revision(at.0 + 1)).await?;
    assert_eq!(next(&mut watch).await?, deleted(&["clock"], Revision(at.0 + 1)));
    let renewed = Instant::now();
    store.keep_alive(kept).await?;
    assert_eq!(next(&mut watch).await?, deleted(&["kept"], Revision(at.0 + 2)));
    assert!(
        renewed.elapsed() >= STEADY,
        "it ended early, after {:?}",
        renewed.elapsed()
    );
    Ok(())
}

/// Leases and their keys are there after a restart, with their whole time before them, and end like others.
pub(super) async fn survive(open: impl AsyncFn() -> Result<Shared, StoreError>) -> Tested {
    let store = open().await?;
    let [short, long] = [store.grant_lease(STEADY).await?, store.grant_lease(LONG).await?];
    let at = commit(
        &*store,
        Txn::new().put_leased("s", "", short).put_leased("l", "", long),
    )
    .await?;
    drop(store);

    let restarted = Instant::now();
    let store = open().await?;
    assert_eq!(
        get(&*store, "s").await?.and_then(|entry| entry.lease),
        Some(short)
    );
    store.keep_alive(long).await?;
    let mut watch = store.watch(KeyRange::prefix(""), Revision(at.0 + 1)).await?;
    assert_eq!(next(&mut watch).await?, deleted(&["s"], Revision(at.0 + 1)));
    assert!(restarted.elapsed() >= STEADY, "it ended early");
    store.revoke_lease(long).await?;
    assert_eq!(next(&mut watch).await?, deleted(&["l"], Revision(at.0 + 2)));
    Ok(())
}
