//! What the tests of the shared store have in common.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod proxy;

use futures_util::StreamExt as _;
use mke_core::secret::Secret;
use mke_core::store::etcd::{EtcdOptions, EtcdStore, EtcdTls};
use mke_core::store::{
    Event, Revision, Store as _, StoreError, Txn, TxnOutcome, WatchBatch, WatchStream, suite,
};
use mke_test_support::Certificates;
use mke_test_support::etcd::{CLIENT, Etcd};
use tokio::runtime::Runtime;

/// A runtime for the adapter's work.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// The options of a client of this cluster.
pub(crate) fn options(cluster: &Etcd) -> EtcdOptions {
    let endpoints = cluster.endpoints();
    let tls = endpoints[0]
        .starts_with("https")
        .then(|| tls(cluster.certificates()));
    EtcdOptions::new(endpoints, tls)
}

/// What the client shows.
pub(crate) fn tls(certificates: &Certificates) -> EtcdTls {
    EtcdTls {
        ca: certificates.authority(),
        cert: certificates.text(&format!("{CLIENT}.pem")),
        key: Secret::new(certificates.text(&format!("{CLIENT}.key"))),
    }
}

/// A store that must be there.
pub(crate) async fn connect(options: EtcdOptions) -> EtcdStore {
    EtcdStore::connect(&options).await.unwrap()
}

/// A write that must succeed.
pub(crate) async fn put(store: &EtcdStore, key: &str, value: &str) -> Revision {
    match store.txn(Txn::new().put(key, value)).await {
        Ok(TxnOutcome::Committed(revision)) => revision,
        other => panic!("{key} was not written: {other:?}"),
    }
}

/// The next batch of a watch, which must come.
pub(crate) async fn next(watch: &mut WatchStream) -> Result<WatchBatch, StoreError> {
    suite::soon("an event", watch.next())
        .await
        .unwrap()
        .expect("the watch goes on")
}

/// The text that was written.
pub(crate) fn value(event: &Event) -> String {
    match event {
        Event::Put(entry) => String::from_utf8(entry.value.clone()).unwrap(),
        Event::Delete { key, .. } => panic!("{key} was deleted"),
    }
}
