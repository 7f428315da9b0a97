//! Leases in the shared store are renewed on a stream that stays open, and go on being renewed when it breaks.

#![cfg(test)]

mod etcd_support;

use std::time::Duration;

use etcd_support::proxy::Proxy;
use etcd_support::{connect, options, runtime};
use mke_core::store::etcd::EtcdOptions;
use mke_core::store::{LeaseId, Store, StoreError};
use mke_test_support::etcd::Etcd;

const LONG: Duration = Duration::from_secs(60);

/// Streams for renewals that were opened at a member, and questions on them.
fn streams(cluster: &Etcd, member: usize) -> (f64, f64) {
    let of = |what: &str| {
        let beginning = format!("grpc_server_{what}_total{{grpc_method=\"LeaseKeepAlive\"");
        cluster.metric(member, &beginning)
    };
    (of("started"), of("msg_received"))
}

async fn is_gone(store: &dyn Store, lease: LeaseId) -> bool {
    matches!(store.keep_alive(lease).await, Err(StoreError::NoSuchLease(gone)) if gone == lease)
}

/// Each lease has a stream of its own for as long as the members are the same, and learns on it that it has ended.
#[test]
fn one_stream_is_enough() {
    runtime().block_on(async {
        let cluster = Etcd::start(1);
        let store = connect(options(&cluster)).await;
        let leases = [
            store.grant_lease(LONG).await.unwrap(),
            store.grant_lease(LONG).await.unwrap(),
        ];
        for _ in 0..10 {
            for lease in leases {
                store.keep_alive(lease).await.unwrap();
            }
        }
        assert_eq!(streams(&cluster, 0), (2.0, 20.0));
        store.reconfigure(&options(&cluster)).await.unwrap();
        for _ in 0..10 {
            store.keep_alive(leases[0]).await.unwrap();
        }
        assert_eq!(streams(&cluster, 0), (3.0, 30.0));
        store.revoke_lease(leases[0]).await.unwrap();
        assert!(is_gone(&store, leases[0]).await, "told on the stream");
        assert_eq!(streams(&cluster, 0), (3.0, 31.0));
        assert!(is_gone(&store, leases[0]).await, "told on a new one");
        store.keep_alive(leases[1]).await.unwrap();
    });
}

/// Many leases, as a controller renews them for its workers: each is renewed, whether its stream is kept or not.
#[test]
fn more_leases_than_streams() {
    runtime().block_on(async {
        let cluster = Etcd::start(1);
        let store = connect(options(&cluster)).await;
        let mut leases = Vec::new();
        for _ in 0..40 {
            leases.push(store.grant_lease(LONG).await.unwrap());
        }
        for _ in 0..3 {
            for lease in &leases {
                store.keep_alive(*lease).await.unwrap();
            }
        }
        let (opened, asked) = streams(&cluster, 0);
        assert_eq!(asked, 120.0);
        // Those that are used last are kept.
        for _ in 0..3 {
            for lease in leases.iter().rev().take(8) {
                store.keep_alive(*lease).await.unwrap();
            }
        }
        assert_eq!(streams(&cluster, 0), (opened, asked + 24.0));
    });
}

/// A stream to a member that falls silent, dies or comes back does not keep a lease from being renewed by another one.
#[test]
fn members_come_and_go() {
    runtime().block_on(async {
        let mut cluster = Etcd::start_tls(3);
        // Followers first, so that nobody has to be elected in between.
        let leader = cluster.leader();
        let [first, second] = [(leader + 1) % 3, (leader + 2) % 3];
        let mut options = options(&cluster);
        options.endpoints.rotate_left(first);
        options.attempt = Duration::from_secs(1);
        let store = connect(options).await;
        let lease = store.grant_lease(LONG).await.unwrap();
        store.keep_alive(lease).await.unwrap();
        cluster.freeze(first);
        store.keep_alive(lease).await.unwrap();
        store.keep_alive(lease).await.unwrap();
        cluster.thaw(first);
        cluster.kill(second);
        store.keep_alive(lease).await.unwrap();
        cluster.revive(second);
        assert!(cluster.wait_until_healthy());
        store.keep_alive(lease).await.unwrap();
    });
}

/// Connections that are cut while a lease is renewed: it is renewed anew.
#[test]
fn answers_are_lost() {
    runtime().block_on(async {
        let cluster = Etcd::start(1);
        let proxy = Proxy::start(&cluster.endpoint(0)).await;
        let mut options = EtcdOptions::new(vec![proxy.url()], None);
        options.patience = Duration::from_secs(60);
        let store = connect(options).await;
        let lease = store.grant_lease(LONG).await.unwrap();
        proxy.cut_every(7);
        for _ in 0..40 {
            store.keep_alive(lease).await.unwrap();
        }
        assert!(proxy.cuts() > 3, "the proxy cut only {} times", proxy.cuts());
    });
}
