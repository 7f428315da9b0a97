//! The shared store passes the suite that every adapter must pass, on real etcd.

#![cfg(test)]

mod etcd_support;

use std::cell::RefCell;
use std::sync::Arc;

use etcd_support::{connect, options, runtime};
use mke_core::store::suite;
use mke_test_support::Certificates;
use mke_test_support::etcd::{Etcd, EtcdSetup, authority};

/// A new cluster for each store, kept until the suite is over.
fn run(members: usize, certificates: Option<Arc<Certificates>>) {
    let runtime = runtime();
    let setup = EtcdSetup {
        members,
        certificates,
        ..EtcdSetup::default()
    };
    let clusters = RefCell::new(Vec::new());
    let fresh = async || {
        let cluster = Etcd::start_with(&setup);
        let store = runtime.spawn(connect(options(&cluster)));
        clusters.borrow_mut().push(cluster);
        Ok(Arc::new(store.await.unwrap()) as _)
    };
    suite::block_on(suite::run(fresh)).unwrap();
}

#[test]
fn one_member() {
    run(1, None);
}

/// ARCH-013: the store of several managers, with certificates on every connection.
#[test]
fn three_members_with_certificates() {
    run(3, Some(authority(3)));
}

#[test]
fn across_restarts() {
    let runtime = runtime();
    let cluster = RefCell::new(None::<Etcd>);
    let open = async || {
        let options = {
            let mut cluster = cluster.borrow_mut();
            if let Some(cluster) = cluster.as_mut() {
                cluster.restart();
            }
            options(cluster.get_or_insert_with(|| Etcd::start(1)))
        };
        Ok(Arc::new(runtime.spawn(connect(options)).await.unwrap()) as _)
    };
    suite::block_on(suite::run_durable(open)).unwrap();
}
