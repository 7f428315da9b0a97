//! What the tests of the shared store have in common.

use mke_core::secret::Secret;
use mke_core::store::etcd::{EtcdOptions, EtcdStore, EtcdTls};
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
