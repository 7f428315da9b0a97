//! Opening the embedded store: what is made, what is refused and why, and what closing does.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite::block_on;
use mke_core::store::{KeyRange, Revision, Store, StoreError, Txn};

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, SqliteOptions::default())
}

fn put(store: &SqliteStore, key: &str) {
    block_on(store.txn(Txn::new().put(key, "x"))).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Opens what must be refused; the message names the file and says what to do.
fn refused(path: &Path, remedy: &str) -> StoreError {
    let error = open(path).expect_err("must be refused");
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains(remedy), "{message}");
    error
}

#[test]
fn only_the_owner_may_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mke.db");
    let store = open(&path).unwrap();
    put(&store, "a");
    let files: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "the file, its lock and its log: {files:?}");
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    drop(store);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _store = open(&path).unwrap();
    assert_eq!(mode(&path), 0o600, "a wider mode is taken back");
}

#[test]
fn one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mke.db");
    let store = open(&path).unwrap();
    assert!(matches!(
        refused(&path, "stop that process"),
        StoreError::Unavailable(_)
    ));
    put(&store, "a");
    drop(store);
    put(&open(&path).unwrap(), "b");
}

#[test]
fn foreign_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let sql = |name: &str, sql: &str| {
        let path = directory.path().join(name);
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        path
    };
    let text = directory.path().join("text");
    fs::write(
        &text,
        "not a database, but long enough to be looked at: ".repeat(100),
    )
    .unwrap();
    let later = directory.path().join("later");
    drop(open(&later).unwrap());
    sql("later", "PRAGMA user_version = 3");

    let table = [
        (sql("other", "CREATE TABLE t (x)"), "use another file", false),
        (
            sql("marked", "PRAGMA application_id = 7"),
            "use another file",
            false,
        ),
        (
            sql("versioned", "PRAGMA user_version = 1"),
            "use another file",
            false,
        ),
        (later, "run the release that wrote it", false),
        (text, "restore it from a backup", true),
        (
            directory.path().join("missing/mke.db"),
            "make its directory first",
            false,
        ),
        (directory.path().to_owned(), "", false),
    ];
    for (path, remedy, corrupt) in table {
        let before = fs::read(&path).ok();
        let error = open(&path).expect_err("must be refused");
        assert!(error.to_string().contains(remedy), "{error}");
        assert_eq!(matches!(error, StoreError::Corrupt(_)), corrupt, "{error}");
        assert!(corrupt || matches!(error, StoreError::Unavailable(_)), "{error}");
        assert_eq!(fs::read(&path).ok(), before, "{} was changed", path.display());
    }
}

/// A store of the first layout is taken over: its entries stay, its history is forgotten, and the next change can be watched.
#[test]
fn the_first_layout_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = open(&path).unwrap();
    put(&store, "/a");
    put(&store, "/b");
    drop(store);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DROP TABLE history;
             CREATE TABLE history (revision INTEGER NOT NULL, step INTEGER NOT NULL, key TEXT NOT NULL, value BLOB,
                 created INTEGER, version INTEGER, lease INTEGER, PRIMARY KEY (revision, step)) STRICT, WITHOUT ROWID;
             INSERT INTO history VALUES (1, 0, '/a', x'78', 1, 1, NULL), (2, 0, '/b', x'78', 2, 1, NULL);
             PRAGMA user_version = 1;",
        )
        .unwrap();
    let store = open(&path).unwrap();
    let page = block_on(store.range(KeyRange::prefix("/"), 10)).unwrap();
    assert_eq!((page.entries.len(), page.revision), (2, Revision(2)));
    let watched = block_on(store.watch(KeyRange::prefix("/"), Revision(2)));
    assert!(
        matches!(watched, Err(StoreError::Compacted { .. })),
        "its history is forgotten"
    );
    put(&store, "/c");
    drop(store);
    let store = open(&path).unwrap();
    let mut watched = block_on(store.watch(KeyRange::prefix("/"), Revision(3))).unwrap();
    let batch = block_on(watched.next()).unwrap().unwrap();
    assert_eq!((batch.revision, batch.events.len()), (Revision(3), 1));
}

/// A name that SQLite would take for a URI is a name.
#[test]
fn odd_names() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["file:x?mode=memory", "a b'\"%", ":memory:", "é"] {
        let path = directory.path().join(name);
        put(&open(&path).unwrap(), "a");
        assert!(path.is_file(), "{name}");
        let store = open(&path).unwrap();
        assert_eq!(
            block_on(store.range(KeyRange::prefix(""), 1))
                .unwrap()
                .entries
                .len(),
            1,
            "{name}"
        );
    }
}

/// Bytes that changed on disk end in an error of the right kind, or were not needed; never in a panic.
#[test]
fn damage_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mke.db");
    let store = open(&path).unwrap();
    for i in 0..200 {
        block_on(store.txn(Txn::new().put(format!("k{i}"), vec![b'x'; 500]))).unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut reported = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..][..4096].fill(0xa5);
        fs::write(&path, damaged).unwrap();
        let outcome = open(&path).and_then(|store| {
            block_on(async {
                store.range(KeyRange::prefix(""), usize::MAX).await?;
                store.txn(Txn::new().delete_range(KeyRange::prefix(""))).await?;
                let mut watch = store.watch(KeyRange::prefix(""), Revision(1)).await?;
                for _ in 0..200 {
                    watch
                        .next()
                        .await
                        .unwrap_or(Err(StoreError::Unavailable("ended".to_owned())))?;
                }
                Ok(())
            })
        });
        match outcome {
            Ok(()) => {}
            Err(StoreError::Corrupt(message)) => {
                assert!(message.contains("mke.db"), "{message}");
                reported += 1;
            }
            Err(other) => panic!("page {page}: {other}"),
        }
    }
    assert!(reported > 20, "only {reported} damaged pages were noticed");
}

/// What was queued before closing is done; watches end after the last revision.
#[test]
fn closing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mke.db");
    let store = open(&path).unwrap();
    let mut watch = block_on(store.watch(KeyRange::prefix(""), Revision(0))).unwrap();
    block_on(join_all(
        (0..100).map(|i| store.txn(Txn::new().put(format!("{i}"), ""))),
    ));
    drop(store);
    for revision in 1..=100 {
        assert_eq!(
            block_on(watch.next()).unwrap().unwrap().revision,
            Revision(revision)
        );
    }
    assert!(
        block_on(watch.next()).is_none(),
        "a closed store ends its watches"
    );
    assert!(block_on(watch.next()).is_none());
    let store = open(&path).unwrap();
    assert_eq!(
        block_on(store.range(KeyRange::prefix(""), 1)).unwrap().revision,
        Revision(100)
    );
}
