//! An idle store costs nothing: its threads sleep until somebody calls.

#![cfg(test)]

use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite::block_on;
use mke_core::store::{KeyRange, Store, Txn};

/// How often each thread of the store has given up the processor, from the kernel's own count.
fn switches() -> Vec<(String, String)> {
    let mut counts = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        if field("Name:").starts_with("store-") {
            counts.push((field("Pid:"), field("voluntary_ctxt_switches:")));
        }
    }
    counts.sort();
    counts
}

/// Longer than a busy machine stands still between two steps.
const LEASE: Duration = Duration::from_secs(3);

#[test]
fn no_wake_ups_without_leases() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("mke.db"), SqliteOptions::default()).unwrap();
    let lease = block_on(store.grant_lease(LEASE)).unwrap();
    block_on(store.txn(Txn::new().put_leased("a", "", lease))).unwrap();
    block_on(store.revoke_lease(lease)).unwrap();
    block_on(store.range(KeyRange::prefix(""), 1)).unwrap();
    // A while with nothing in it, longer than the lease would have lived. On a busy machine the threads may not
    // have got to sleep yet when it begins, so it may begin again; a thread that polls never passes.
    let (_sender, nothing) = mpsc::channel::<()>();
    let slept = (0..5).any(|_| {
        let before = switches();
        assert_eq!(before.len(), 3, "one writer and two readers");
        let _idle = nothing.recv_timeout(LEASE + Duration::from_millis(200));
        switches() == before
    });
    assert!(slept, "some thread woke up though nothing happened");
}
