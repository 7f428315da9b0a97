//! What the shared store costs beside etcd's plain client, on the same etcd of one member in the same run: what finding out about
//! lost answers adds to a write, and what pages add to a read.
//!
//! `cargo bench -p mke-core --bench store_etcd`.

#![expect(clippy::expect_used, reason = "a benchmark that fails has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use etcd_client::{Client, GetOptions};
use futures_util::future::join_all;
use mke_core::store::etcd::{EtcdOptions, EtcdStore};
use mke_core::store::{KeyRange, Store as _, Txn};
use mke_test_support::etcd::Etcd;
use tokio::runtime::Runtime;

/// Writes under way at once, as a busy controller has them.
const AT_ONCE: usize = 32;

/// Entries of a page.
const PAGE: usize = 1000;

fn bench(c: &mut Criterion) {
    let runtime = Runtime::new().expect("etcd answers");
    let etcd = Etcd::start(1);
    let options = EtcdOptions::new(etcd.endpoints(), None);
    let store = runtime
        .block_on(EtcdStore::connect(&options))
        .expect("etcd answers");
    let client = runtime
        .block_on(Client::connect(etcd.endpoints(), None))
        .expect("etcd answers");
    let value = "x".repeat(512);
    runtime.block_on(async {
        for i in 0..PAGE {
            store
                .txn(Txn::new().put(format!("page/{i:04}"), value.clone()))
                .await
                .expect("etcd answers");
            let mut kv = client.kv_client();
            kv.put(format!("plain/{i:04}"), value.clone(), None)
                .await
                .expect("etcd answers");
        }
    });

    let mut group = c.benchmark_group("32 writes at once");
    group.bench_function("store", |b| {
        b.iter(|| {
            let writes = (0..AT_ONCE).map(|i| store.txn(Txn::new().put(format!("w/{i}"), value.clone())));
            for outcome in runtime.block_on(join_all(writes)) {
                outcome.expect("etcd answers");
            }
        });
    });
    group.bench_function("plain client", |b| {
        b.iter(|| {
            let write = |i: usize| {
                let (mut kv, value) = (client.kv_client(), value.clone());
                async move { kv.put(format!("v/{i}"), value, None).await }
            };
            for outcome in runtime.block_on(join_all((0..AT_ONCE).map(write))) {
                outcome.expect("etcd answers");
            }
        });
    });
    group.finish();

    let mut group = c.benchmark_group("a page of 1000");
    group.bench_function("store", |b| {
        b.iter(|| {
            let page = runtime
                .block_on(store.range(KeyRange::prefix("page/"), PAGE))
                .expect("etcd answers");
            assert_eq!(black_box(page).entries.len(), PAGE);
        });
    });
    group.bench_function("plain client", |b| {
        b.iter(|| {
            let got = runtime.block_on(async {
                let options = GetOptions::new().with_prefix();
                client
                    .kv_client()
                    .get("plain/", Some(options))
                    .await
                    .expect("etcd answers")
            });
            assert_eq!(black_box(got).kvs().len(), PAGE);
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
