//! The shared store when members and connections fail: what was acknowledged stays, nothing is made twice, and who must wait or
//! is refused is told why.

#![cfg(test)]

mod etcd_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use etcd_support::proxy::Proxy;
use etcd_support::{connect, next, options, put, runtime, value};
use futures_util::future::join_all;
use mke_core::store::etcd::{EtcdAdmin, EtcdOptions, EtcdStore};
use mke_core::store::{
    Compare, KeyRange, MAX_TXN_BYTES, MAX_TXN_STEPS, Revision, Store, StoreError, Txn, TxnOutcome,
};
use mke_test_support::etcd::{Etcd, EtcdSetup};

/// Waits for a condition that must come.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what} did not come");
        tokio::task::yield_now().await;
    }
}

/// One writer of one key that only it writes: each write says what it found and what it leaves. Returns the writes that were
/// acknowledged.
async fn count_up(store: &EtcdStore, key: &str, writes: u64, acknowledged: &AtomicUsize) {
    let mut compare = Compare::Absent(key.to_owned());
    for count in 1..=writes {
        let txn = Txn::new().when(compare).put(key, count.to_string());
        match store.txn(txn).await {
            Ok(TxnOutcome::Committed(revision)) => {
                acknowledged.fetch_add(1, Ordering::SeqCst);
                compare = Compare::Modified(key.to_owned(), revision);
            }
            other => panic!("write {count} of {key}, which nobody else writes, ended with {other:?}"),
        }
    }
}

/// Every key holds its last count, written as often, and a watch from the start brings each count once.
async fn all_there_once(store: &EtcdStore, keys: &[String], writes: u64) {
    for key in keys {
        let page = store.range(KeyRange::key(key), 1).await.unwrap();
        let entry = &page.entries[0];
        assert_eq!(
            (entry.value.clone(), entry.version),
            (writes.to_string().into_bytes(), writes),
            "{key}"
        );
    }
    let mut watch = store.watch(KeyRange::prefix("w/"), Revision(0)).await.unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..keys.len() as u64 * writes {
        let batch = next(&mut watch).await.unwrap();
        let [event] = batch.events.as_slice() else {
            panic!("one write, one event: {batch:?}");
        };
        let count: u64 = value(event).parse().unwrap();
        assert_eq!(
            seen.insert(event.key().to_owned(), count),
            (count > 1).then(|| count - 1)
        );
    }
}

/// ARCH-013: the member that leads is killed under load, twice. No acknowledged write is lost and none is made twice.
#[test]
fn the_leader_is_killed_under_load() {
    const WRITERS: usize = 4;
    const WRITES: u64 = 80;
    runtime().block_on(async {
        let mut cluster = Etcd::start_tls(3);
        let store = Arc::new(connect(options(&cluster)).await);
        let mut live = store.watch(KeyRange::prefix("w/"), Revision(1)).await.unwrap();
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let keys: Vec<_> = (0..WRITERS).map(|writer| format!("w/{writer}")).collect();
        let writers: Vec<_> = keys
            .iter()
            .map(|key| {
                let (store, key, acknowledged) = (store.clone(), key.clone(), acknowledged.clone());
                tokio::spawn(async move { count_up(&store, &key, WRITES, &acknowledged).await })
            })
            .collect();
        for half in [60, 180] {
            until("writes", async || acknowledged.load(Ordering::SeqCst) >= half).await;
            let leader = cluster.leader();
            cluster.kill(leader);
            let before = acknowledged.load(Ordering::SeqCst);
            until("writes without the old leader", async || {
                acknowledged.load(Ordering::SeqCst) >= before + 10
            })
            .await;
            cluster.revive(leader);
            assert!(cluster.wait_until_healthy());
        }
        for writer in join_all(writers).await {
            writer.unwrap();
        }
        assert_eq!(
            acknowledged.load(Ordering::SeqCst) as u64,
            WRITERS as u64 * WRITES
        );
        all_there_once(&store, &keys, WRITES).await;
        // The watch that was there all the time saw the same.
        for _ in 0..WRITERS as u64 * WRITES {
            next(&mut live).await.unwrap();
        }
    });
}

/// A follower that answers nobody, and then the leader: the program goes to another member, and what the frozen one had taken in
/// is not made a second time when it goes on.
#[test]
fn a_frozen_member_is_left() {
    runtime().block_on(async {
        let cluster = Etcd::start(3);
        let leader = cluster.leader();
        for frozen in [(leader + 1) % 3, leader] {
            let mut options = options(&cluster);
            options.endpoints.rotate_left(frozen);
            options.attempt = Duration::from_secs(1);
            let store = Arc::new(connect(options).await);
            let acknowledged = Arc::new(AtomicUsize::new(0));
            let key = format!("w/{frozen}");
            let mut watch = store.watch(KeyRange::key(&key), Revision(1)).await.unwrap();
            let writer = tokio::spawn({
                let (store, key, acknowledged) = (store.clone(), key.clone(), acknowledged.clone());
                async move { count_up(&store, &key, 60, &acknowledged).await }
            });
            until("writes", async || acknowledged.load(Ordering::SeqCst) >= 20).await;
            cluster.freeze(frozen);
            until("writes without it", async || {
                acknowledged.load(Ordering::SeqCst) >= 40
            })
            .await;
            cluster.thaw(frozen);
            writer.await.unwrap();
            all_there_once_key(&store, &key, 60).await;
            for count in 1..=60u64 {
                let batch = next(&mut watch).await.unwrap();
                assert_eq!(
                    value(&batch.events[0]),
                    count.to_string(),
                    "the watch moved without a gap"
                );
            }
        }
    });
}

/// Who only watches leaves a member that answers nobody too, and misses nothing.
#[test]
fn a_frozen_member_is_left_by_those_who_ask_nothing() {
    runtime().block_on(async {
        let cluster = Etcd::start_tls(3);
        let frozen = (cluster.leader() + 1) % 3;
        let mut options = options(&cluster);
        options.attempt = Duration::from_millis(500);
        options.looks = || tokio::time::Instant::now() + Duration::from_millis(200);
        options.endpoints.rotate_left(frozen);
        let watching = connect(options.clone()).await;
        let mut watch = watching.watch(KeyRange::key("k"), Revision(1)).await.unwrap();
        options.endpoints.rotate_left(1);
        let writing = connect(options).await;
        put(&writing, "k", "before").await;
        assert_eq!(value(&next(&mut watch).await.unwrap().events[0]), "before");
        cluster.freeze(frozen);
        for count in 0..3 {
            put(&writing, "k", &count.to_string()).await;
            assert_eq!(
                value(&next(&mut watch).await.unwrap().events[0]),
                count.to_string()
            );
        }
        cluster.thaw(frozen);
    });
}

async fn all_there_once_key(store: &EtcdStore, key: &str, writes: u64) {
    let page = store.range(KeyRange::key(key), 1).await.unwrap();
    assert_eq!(page.entries[0].version, writes);
}

/// Without a majority nothing is written and nothing is read from what one member happens to know; both say why, and what was
/// said of the write is true. With the majority back, everything goes on by itself.
#[test]
fn a_minority_serves_nobody() {
    runtime().block_on(async {
        let cluster = Etcd::start(3);
        let mut options = options(&cluster);
        options.attempt = Duration::from_secs(1);
        options.patience = Duration::from_secs(3);
        let store = connect(options).await;
        put(&store, "before", "1").await;
        let mut watch = store.watch(KeyRange::prefix(""), Revision(1)).await.unwrap();
        next(&mut watch).await.unwrap();
        cluster.freeze(1);
        cluster.freeze(2);
        let refused = store.txn(Txn::new().put("during", "1")).await;
        let Err(error @ (StoreError::Unreached(_) | StoreError::Unsettled(_))) = &refused else {
            panic!("a minority took a write: {refused:?}");
        };
        let why = error.to_string();
        let read = store.range(KeyRange::key("before"), 1).await;
        assert!(
            matches!(read, Err(StoreError::Unreached(_))),
            "a minority was read: {read:?}"
        );
        let lease = store.grant_lease(Duration::from_secs(60)).await;
        assert!(
            matches!(lease, Err(StoreError::Unreached(_) | StoreError::Unsettled(_))),
            "{lease:?}"
        );
        cluster.thaw(1);
        cluster.thaw(2);
        until("the majority", async || {
            store.range(KeyRange::key("before"), 1).await.is_ok()
        })
        .await;
        put(&store, "after", "1").await;
        let page = store.range(KeyRange::key("during"), 1).await.unwrap();
        if why.contains("nothing was written") {
            assert!(page.entries.is_empty(), "{why}");
        } else {
            assert!(why.contains("not known whether the write was made"), "{why}");
        }
        let mut seen = Vec::new();
        while seen.last().map(String::as_str) != Some("after") {
            let batch = next(&mut watch).await.unwrap();
            seen.extend(batch.events.iter().map(|event| event.key().to_owned()));
        }
        assert_eq!(seen.contains(&"during".to_owned()), !page.entries.is_empty());
    });
}

/// Answers that are lost on the way, again and again: each transaction is made once or not at all, and the writer learns which.
#[test]
fn lost_answers_are_found_out() {
    runtime().block_on(async {
        let cluster = Etcd::start(1);
        let proxy = Proxy::start(&cluster.endpoint(0)).await;
        let mut options = EtcdOptions::new(vec![proxy.url()], None);
        options.patience = Duration::from_secs(60);
        let store = connect(options).await;
        proxy.cut_every(7);
        let acknowledged = AtomicUsize::new(0);
        let keys: Vec<_> = (0..3).map(|writer| format!("w/{writer}")).collect();
        join_all(keys.iter().map(|key| count_up(&store, key, 50, &acknowledged))).await;
        // Deletions alone: the second finds nothing, whatever became of the answer to the first.
        for round in 0..10 {
            put(&store, "gone", &round.to_string()).await;
            let deleted = store
                .txn(
                    Txn::new()
                        .when(Compare::Present("gone".to_owned()))
                        .delete("gone"),
                )
                .await;
            assert!(matches!(deleted, Ok(TxnOutcome::Committed(_))), "{deleted:?}");
        }
        // A lease is made once, and its end is told once.
        for _ in 0..10 {
            let lease = store.grant_lease(Duration::from_secs(60)).await.unwrap();
            store.revoke_lease(lease).await.unwrap();
        }
        assert!(proxy.cuts() > 20, "the proxy cut only {} times", proxy.cuts());
        proxy.cut_every(0);
        all_there_once(&store, &keys, 50).await;
    });
}

/// A reader that is slower than compaction is told so, and can begin again from what is there.
#[test]
fn compaction_under_a_watch() {
    runtime().block_on(async {
        let cluster = Etcd::start(1);
        let store = connect(options(&cluster)).await;
        let mut watch = store.watch(KeyRange::prefix("k"), Revision(1)).await.unwrap();
        let large = "x".repeat(64 << 10);
        let mut last = Revision(0);
        for _ in 0..800 {
            last = put(&store, "k", &large).await;
        }
        store.compact(last).await.unwrap();
        let oldest = loop {
            match next(&mut watch).await {
                Ok(_) => {}
                Err(StoreError::Compacted { oldest, .. }) => break oldest,
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(oldest, last);
        let page = store.range(KeyRange::key("k"), 1).await.unwrap();
        let mut again = store.watch(KeyRange::prefix("k"), page.revision).await.unwrap();
        assert_eq!(next(&mut again).await.unwrap().revision, last);
    });
}

/// When the quota is reached, writes say so and reads go on; compaction, defragmentation and disarming make room again.
#[test]
fn a_full_quota_and_the_way_out() {
    runtime().block_on(async {
        let cluster = Etcd::start_with(&EtcdSetup {
            members: 1,
            flags: vec!["--quota-backend-bytes=16777216".to_owned()],
            ..EtcdSetup::default()
        });
        let store = connect(options(&cluster)).await;
        let large = "x".repeat(512 << 10);
        let mut last = Revision(0);
        let why = loop {
            match store.txn(Txn::new().put("k", large.clone())).await {
                Ok(TxnOutcome::Committed(revision)) => last = revision,
                Err(StoreError::Full(why)) => break why,
                other => panic!("{other:?}"),
            }
            assert!(last.0 < 200, "the quota is never reached");
        };
        assert!(
            why.contains("quota") && why.contains("etcd_storage_quota"),
            "{why}"
        );
        assert!(matches!(
            store.txn(Txn::new().put("small", "")).await,
            Err(StoreError::Full(_))
        ));
        assert_eq!(store.range(KeyRange::key("k"), 1).await.unwrap().entries.len(), 1);

        let admin = EtcdAdmin::new(&options(&cluster)).await.unwrap();
        let alarmed = admin.out_of_space().await.unwrap();
        assert_eq!(alarmed.len(), 1);
        let before = admin.health(&cluster.endpoint(0)).await.unwrap();
        admin.compact(last).await.unwrap();
        admin.defragment(&cluster.endpoint(0)).await.unwrap();
        let after = admin.health(&cluster.endpoint(0)).await.unwrap();
        assert!(
            after.size < before.size / 4,
            "{} of {} bytes are left",
            after.size,
            before.size
        );
        for id in alarmed {
            admin.disarm(id).await.unwrap();
        }
        assert!(admin.out_of_space().await.unwrap().is_empty());
        put(&store, "small", "again").await;
    });
}

/// ARCH-013: only the authority of the cluster opens the store, in both directions, and nothing goes over the net in the clear.
#[test]
fn strangers_are_refused() {
    runtime().block_on(async {
        let (cluster, stranger) = (Etcd::start_tls(1), Etcd::start_tls(1));
        let mut good = options(&cluster);
        good.attempt = Duration::from_secs(1);
        good.patience = Duration::from_secs(1);
        let ours = good.tls.clone().unwrap();
        let theirs = options(&stranger).tls.unwrap();
        let refused = async |options: EtcdOptions, why: &str| {
            let error = EtcdStore::connect(&options).await.err();
            let text = error.as_ref().map_or_else(String::new, ToString::to_string);
            assert!(text.contains(why), "`{why}` is not in {error:?}");
        };
        let with = |change: &dyn Fn(&mut EtcdOptions)| {
            let mut options = good.clone();
            change(&mut options);
            options
        };
        // The server is not of the trusted authority.
        let wrong_ca = with(&|options| options.tls.as_mut().unwrap().ca = theirs.ca.clone());
        refused(wrong_ca, "certificate").await;
        // The client is of another authority.
        let mut other = theirs.clone();
        other.ca = ours.ca.clone();
        refused(
            with(&|options| options.tls = Some(other.clone())),
            "etcd at https://",
        )
        .await;
        // No certificate, no encryption, no endpoint.
        refused(
            with(&|options| options.tls = None),
            "needs the cluster's authority",
        )
        .await;
        let plain = cluster.endpoint(0).replace("https", "http");
        let clear = with(&|options| (options.endpoints, options.tls) = (vec![plain.clone()], None));
        refused(clear, "etcd at http://").await;
        let away = with(&|options| {
            (options.endpoints, options.tls) = (vec!["http://192.0.2.1:2379".to_owned()], None)
        });
        refused(away, "not encrypted").await;
        refused(with(&|options| options.endpoints.clear()), "no endpoint").await;
        EtcdStore::connect(&good).await.unwrap();
    });
}

/// The largest transactions that the store admits fit, and pages larger than one message are read.
#[test]
fn the_largest_requests() {
    runtime().block_on(async {
        let cluster = Etcd::start(1);
        let store = connect(options(&cluster)).await;
        let size = MAX_TXN_BYTES / MAX_TXN_STEPS;
        let key = |i: usize| format!("many/{i:06}");
        let filler = "x".repeat(size - key(0).len());
        let many = (0..MAX_TXN_STEPS).fold(Txn::new(), |txn, i| txn.put(key(i), filler.clone()));
        many.check().unwrap();
        assert!(matches!(store.txn(many).await, Ok(TxnOutcome::Committed(_))));
        let gone = (0..MAX_TXN_STEPS).fold(Txn::new(), |txn, i| txn.delete(key(i)));
        assert!(matches!(store.txn(gone).await, Ok(TxnOutcome::Committed(_))));
        for i in 0..12 {
            let key = format!("large/{i:02}");
            let value = vec![b'x'; MAX_TXN_BYTES - key.len()];
            assert!(matches!(
                store.txn(Txn::new().put(key, value)).await,
                Ok(TxnOutcome::Committed(_))
            ));
        }
        let page = store.range(KeyRange::prefix("large/"), usize::MAX).await.unwrap();
        assert_eq!((page.entries.len(), page.more), (12, false));
        let page = store.range(KeyRange::prefix("large/"), 7).await.unwrap();
        assert_eq!((page.entries.len(), page.more), (7, true));
        let mut watch = store
            .watch(KeyRange::prefix("large/"), Revision(1))
            .await
            .unwrap();
        for i in 0..12 {
            assert_eq!(
                next(&mut watch).await.unwrap().events[0].key(),
                format!("large/{i:02}")
            );
        }
    });
}
