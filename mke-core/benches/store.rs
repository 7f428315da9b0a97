//! What the embedded store costs: durable writes alone and together, and reads.
//!
//! `cargo bench -p mke-core --bench store`. The file is made in the system's temporary directory, so `TMPDIR`
//! chooses the disk; on a file system in memory the write figures mean nothing.

#![expect(clippy::expect_used, reason = "a benchmark that fails has nothing to measure")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt as _;
use futures_util::future::{join, join_all};
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite::block_on;
use mke_core::store::{KeyRange, Revision, Store, Txn};

/// A record of usual size.
const VALUE: [u8; 300] = [b'x'; 300];

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(directory.path().join("mke.db"), SqliteOptions::default()).expect("opens")
}

/// `writers` tasks that each write one transaction after the other, `count` in total.
async fn write(store: &SqliteStore, writers: u64, count: u64) {
    let writer = async |writer: u64| {
        for i in (writer..count).step_by(usize::try_from(writers).expect("small")) {
            store
                .txn(Txn::new().put(format!("/bench/{}", i % 10_000), VALUE))
                .await
                .expect("written");
        }
    };
    join_all((0..writers).map(writer)).await;
}

fn writes(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    let mut group = c.benchmark_group("store/write");
    group.throughput(Throughput::Elements(1));
    for writers in [1, 8, 64, 512] {
        group.bench_function(format!("{writers}_writers"), |b| {
            b.iter_custom(|count| {
                let start = Instant::now();
                block_on(write(&store, writers, count));
                start.elapsed()
            });
        });
    }
    group.finish();
}

fn reads(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    block_on(write(&store, 512, 10_000));
    let mut group = c.benchmark_group("store/read");
    group.bench_function("one_key", |b| {
        b.iter(|| block_on(store.range(black_box(KeyRange::key("/bench/5000")), 1)).expect("read"));
    });
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("page_of_10000", |b| {
        b.iter(|| block_on(store.range(black_box(KeyRange::prefix("/bench/")), usize::MAX)).expect("read"));
    });
    group.bench_function("history_of_10000", |b| {
        b.iter(|| {
            block_on(async {
                let watch = store
                    .watch(KeyRange::prefix(""), Revision(1))
                    .await
                    .expect("watched");
                watch.take(10_000).count().await
            })
        });
    });
    group.finish();
}

/// From asking for a write to seeing it in a watch, with the write's sync in between.
fn watches(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = open(&directory);
    let mut watch = block_on(store.watch(KeyRange::prefix(""), Revision(1))).expect("watched");
    c.bench_function("store/watch/write_to_event", |b| {
        b.iter(|| block_on(join(store.txn(Txn::new().put("/bench/k", VALUE)), watch.next())));
    });
}

criterion_group!(benches, writes, reads, watches);
criterion_main!(benches);
