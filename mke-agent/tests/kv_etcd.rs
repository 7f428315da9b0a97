//! The members of a real etcd: managers come and go under load, disk use stays bounded, a lost majority is made good.

#![cfg(test)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mke_agent::ca::revocation::{self, Opener};
use mke_agent::kv::{
    Chore, KeepError, Keeper, Refusal, Step, StoreAccess, StoreCertificates, StoreStatus, WantedMember,
};
use mke_core::pki::{Authority, AuthorityKind, revoked_serials};
use mke_core::store::etcd::{EtcdOptions, EtcdStore};
use mke_core::store::{KeyRange, Revision, Store as _, StoreError, Txn, TxnOutcome};
use mke_core::time::{Clock as _, SystemClock};
use mke_test_support::etcd::{CLIENT, Etcd, EtcdSetup, authority};

const LIMIT: Duration = Duration::from_secs(60);

fn wanted(cluster: &Etcd, indices: &[usize]) -> Vec<WantedMember> {
    let member = |index: &usize| WantedMember {
        name: cluster.name(*index).to_owned(),
        peer_url: cluster.peer_url(*index),
        lost: None,
        away: false,
    };
    indices.iter().map(member).collect()
}

/// The options of a manager's program, with the certificate files that it has.
fn options(cluster: &Etcd, indices: &[usize]) -> EtcdOptions {
    let at = cluster.certificates().directory();
    let access = StoreAccess {
        endpoints: indices.iter().map(|index| cluster.endpoint(*index)).collect(),
        certificates: Some(StoreCertificates {
            ca: at.join("ca.pem"),
            cert: at.join(format!("{CLIENT}.pem")),
            key: at.join(format!("{CLIENT}.key")),
        }),
    };
    access.options().unwrap()
}

/// Starts a member that the cluster took as a learner.
async fn start_joining(cluster: &mut Etcd, keeper: &Keeper, index: usize) {
    let infos: Vec<_> = keeper
        .observe()
        .await
        .unwrap()
        .members
        .into_iter()
        .map(|member| member.info)
        .collect();
    let mut known: Vec<String> = infos
        .iter()
        .filter(|info| !info.name.is_empty())
        .map(|info| format!("{}={}", info.name, info.peer_urls[0]))
        .collect();
    known.push(format!("{}={}", cluster.name(index), cluster.peer_url(index)));
    cluster.join(index, &known.join(","));
}

/// Steps until nothing is left, and starts the members that were added.
async fn follow(cluster: &mut Etcd, keeper: &Keeper, managers: &[WantedMember]) -> Vec<String> {
    let deadline = Instant::now() + LIMIT;
    let mut steps = Vec::new();
    loop {
        match keeper.step(managers).await {
            Ok(plan) => {
                if plan.is_done() {
                    return steps;
                }
                if let Some(step) = &plan.step {
                    steps.push(step.to_string());
                }
                if let Some(Step::AddLearner(member)) = &plan.step {
                    let index = (0..).find(|index| cluster.name(*index) == member.name).unwrap();
                    start_joining(cluster, keeper, index).await;
                }
            }
            // Just after a change a member may not follow its leader yet.
            Err(KeepError::Refused(Refusal::NoMajority { .. }) | KeepError::Admin(_)) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(
            Instant::now() < deadline,
            "the members are not as wanted: {steps:?}"
        );
        tokio::task::yield_now().await;
    }
}

/// HA-003, DBS-004: one member becomes three and then two others, while somebody writes. No write fails, none is lost, and
/// every member is well in the end. Each step is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn managers_come_and_go_under_load() {
    let mut cluster = Etcd::start_with(&EtcdSetup {
        members: 1,
        certificates: Some(authority(4)),
        ..EtcdSetup::default()
    });
    for _ in 0..3 {
        cluster.reserve();
    }
    let store = Arc::new(EtcdStore::connect(&options(&cluster, &[0])).await.unwrap());
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = tokio::spawn({
        let (store, stop, written) = (store.clone(), stop.clone(), written.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                let number = written.load(Ordering::SeqCst);
                let outcome = store.txn(Txn::new().put(format!("w/{number:06}"), "x")).await;
                assert!(
                    matches!(outcome, Ok(TxnOutcome::Committed(_))),
                    "write {number}: {outcome:?}"
                );
                written.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let keeper = Keeper::new(&options(&cluster, &[0, 1, 2, 3])).await.unwrap();
    let managers = wanted(&cluster, &[0, 1, 2]);
    let steps = follow(&mut cluster, &keeper, &managers).await;
    let expected = ["add n2", "give n2 its vote", "add n3", "give n3 its vote"];
    assert!(
        steps.len() == 4
            && steps
                .iter()
                .zip(expected)
                .all(|(step, expected)| step.starts_with(expected)),
        "{steps:?}"
    );
    // A promoted member is in the writer's list as soon as its manager is.
    store.reconfigure(&options(&cluster, &[0, 1, 2])).await.unwrap();
    // The third gives way to a fourth.
    let managers = wanted(&cluster, &[0, 1, 3]);
    let steps = follow(&mut cluster, &keeper, &managers).await;
    assert_eq!(steps.last().map(String::as_str), Some("remove n3"), "{steps:?}");
    stop.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    cluster.kill(2);
    assert!(cluster.wait_until_healthy());
    let status = StoreStatus::of(&keeper.observe().await.unwrap());
    assert_eq!(
        (status.well, status.needed, status.writable),
        (3, 2, true),
        "{status}"
    );
    let page = store.range(KeyRange::prefix("w/"), usize::MAX).await.unwrap();
    assert_eq!(page.entries.len() as u64, written.load(Ordering::SeqCst));
    // Nothing is left to do, and doing it is no harm.
    keeper
        .reconfigure(&managers, LIMIT, |step| panic!("{step}"))
        .await
        .unwrap();
}

/// DBS-002, DBS-003: with a member down the report says so, and another one is not taken out; etcd's own client agrees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_majority_is_kept() {
    let mut cluster = Etcd::start_tls(3);
    let keeper = Keeper::new(&options(&cluster, &[0, 1, 2])).await.unwrap();
    let health = cluster.etcdctl(&["endpoint", "health", "--cluster"]);
    assert_eq!(health.matches("is healthy").count(), 3, "{health}");
    cluster.kill(2);
    let deadline = Instant::now() + LIMIT;
    let refused = loop {
        match keeper.step(&wanted(&cluster, &[0, 2])).await {
            Err(KeepError::Refused(refused @ Refusal::WouldLoseMajority { .. })) => break refused,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
    };
    assert!(refused.to_string().contains("remove n2"), "{refused}");
    let status = StoreStatus::of(&keeper.observe().await.unwrap());
    let text = status.to_string();
    assert!(
        text.contains("n3") && text.contains("unhealthy") && status.writable,
        "{text}"
    );
    assert_eq!(
        status
            .servers
            .iter()
            .filter(|server| server.role == "leader")
            .count(),
        1
    );
    // Nobody wanted is the same as nothing known.
    assert!(keeper.step(&[]).await.unwrap().step.is_none());
    assert_eq!(keeper.observe().await.unwrap().voters(), 3);
}

/// SWO-007: values that are overwritten again and again leave a file that upkeep keeps small; a quota that was reached is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disk_use_is_bounded() {
    let cluster = Etcd::start_with(&EtcdSetup {
        members: 1,
        certificates: Some(authority(1)),
        flags: vec!["--quota-backend-bytes=33554432".to_owned()],
    });
    let store = EtcdStore::connect(&options(&cluster, &[0])).await.unwrap();
    let keeper = Keeper::new(&options(&cluster, &[0])).await.unwrap();
    let value = "x".repeat(256 << 10);
    for _ in 0..2 {
        // Four times the quota, were it kept.
        for _ in 0..512 {
            match store.txn(Txn::new().put("k", value.clone())).await {
                Ok(_) => {}
                Err(StoreError::Full(_)) => break,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(keeper.observe().await.unwrap().out_of_space.len(), 1);
        let done = keeper.upkeep().await.unwrap();
        assert!(
            matches!(
                done.as_slice(),
                [Chore::Compact(_), Chore::Defragment { .. }, Chore::Disarm(_)]
            ),
            "{done:?}"
        );
        assert!(
            cluster.data_size(0) < 4 << 20,
            "{} bytes are left",
            cluster.data_size(0)
        );
        assert!(store.txn(Txn::new().put("small", "x")).await.is_ok());
    }
    assert_eq!(keeper.upkeep().await.unwrap().len(), 0, "nothing is left to do");
}

/// DBS-004: two of three members are lost for good. The one that is left starts alone with everything that was acknowledged, and
/// becomes a cluster of three again with new members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_majority_is_made_good() {
    let mut cluster = Etcd::start_with(&EtcdSetup {
        members: 3,
        certificates: Some(authority(5)),
        ..EtcdSetup::default()
    });
    let store = EtcdStore::connect(&options(&cluster, &[0, 1, 2])).await.unwrap();
    for number in 0..50 {
        let outcome = store.txn(Txn::new().put(format!("w/{number}"), "x")).await;
        assert!(matches!(outcome, Ok(TxnOutcome::Committed(_))), "{outcome:?}");
    }
    let before = store.range(KeyRange::prefix("w/"), usize::MAX).await.unwrap();
    cluster.kill(1);
    cluster.kill(2);
    let keeper = Keeper::new(&options(&cluster, &[0])).await.unwrap();
    let deadline = Instant::now() + LIMIT;
    let managers = wanted(&cluster, &[0]);
    loop {
        match keeper.step(&managers).await {
            Err(KeepError::Refused(refused @ Refusal::NoMajority { .. })) => {
                assert!(refused.to_string().contains("no majority"));
                break;
            }
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
    }
    cluster.kill(0);
    cluster.revive_alone(0);
    assert!(cluster.wait_until_healthy());
    cluster.kill(0);
    cluster.revive(0);
    assert!(cluster.wait_until_healthy());
    let alone = EtcdStore::connect(&options(&cluster, &[0])).await.unwrap();
    let after = alone.range(KeyRange::prefix("w/"), usize::MAX).await.unwrap();
    assert_eq!(after.entries, before.entries);
    assert!(after.revision >= Revision(50));
    let (fourth, fifth) = (cluster.reserve(), cluster.reserve());
    let managers = wanted(&cluster, &[0, fourth, fifth]);
    follow(&mut cluster, &keeper, &managers).await;
    let status = StoreStatus::of(&keeper.observe().await.unwrap());
    assert_eq!((status.well, status.servers.len()), (3, 3), "{status}");
    assert!(matches!(
        alone.txn(Txn::new().put("again", "")).await,
        Ok(TxnOutcome::Committed(_))
    ));
}

/// Whose certificate is on the list is refused at the next connection, and let in again when it is off it; others go on, and nothing
/// starts anew.
#[tokio::test(flavor = "multi_thread")]
async fn former_managers_are_refused() {
    let (dir, now) = (tempfile::tempdir().unwrap(), SystemClock.now());
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let issuer = Authority::create(AuthorityKind::Cluster, "c", now, &mut rng).unwrap();
    let path = dir.path().join(revocation::FILE);
    let write = |serials: &BTreeSet<String>| {
        let pem = issuer.revocation_list(serials, SystemClock.now()).unwrap();
        assert_eq!(revoked_serials(&pem).unwrap(), *serials);
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, pem).unwrap();
        std::fs::rename(&fresh, &path).unwrap();
    };
    write(&BTreeSet::new());
    let flag = |flag: &str| format!("--{flag}-crl-file={}", path.display());
    let cluster = Etcd::start_with(&EtcdSetup {
        members: 1,
        certificates: Some(authority(1)),
        flags: vec![flag("client"), flag("peer")],
    });
    let certificate = cluster.certificates().directory().join(format!("{CLIENT}.pem"));
    let certificate = std::fs::read_to_string(certificate).unwrap();
    let opener = Opener::of("n9", &certificate).unwrap();
    let reads = || async {
        let store = EtcdStore::connect(&options(&cluster, &[0])).await?;
        store.range(KeyRange::prefix("/mke/"), 1).await.map(drop)
    };
    let kept = EtcdStore::connect(&options(&cluster, &[0])).await.unwrap();
    kept.range(KeyRange::prefix("/mke/"), 1).await.unwrap();
    let known = [opener];
    let refused = |trusted: &[&str]| {
        let trusted = trusted.iter().copied().collect();
        revocation::refused(&known, &trusted, SystemClock.now())
    };
    write(&refused(&["n1"]));
    assert!(reads().await.is_err());
    write(&refused(&["n1", "n9"]));
    reads().await.unwrap();
}
