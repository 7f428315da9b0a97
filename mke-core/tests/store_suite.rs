//! The embedded store passes the suite that every adapter must pass.

#![cfg(test)]

use std::sync::Arc;

use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite;

#[test]
fn in_memory() {
    suite::block_on(suite::run(async || Ok(Arc::new(SqliteStore::in_memory()?) as _))).unwrap();
}

#[test]
fn in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let fresh = async || {
        count.set(count.get() + 1);
        let path = directory.path().join(format!("{}.db", count.get()));
        Ok(Arc::new(SqliteStore::open(path, SqliteOptions::default())?) as _)
    };
    suite::block_on(suite::run(fresh)).unwrap();
}

#[test]
fn across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mke.db");
    let open = async || Ok(Arc::new(SqliteStore::open(&path, SqliteOptions::default())?) as _);
    suite::block_on(suite::run_durable(open)).unwrap();
}
