//! The database file: how it is made, locked, recognised and set up. Nothing here reads or writes entries.
//!
//! The lock is a second file, `<path>-lock`, because closing any descriptor of the database itself would drop
//! the locks that SQLite holds on it. The kernel releases the lock when the process ends, however it ends; the
//! empty file stays, since removing it would race with the next one who locks it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::Place;
use crate::store::StoreError;

/// Only the owner reads and writes: the store holds password hashes and sealed private keys.
const MODE: u32 = 0o600;

/// Marks the file as ours ("mkeS"), so that another program's database is not taken for a store.
const APPLICATION_ID: i32 = 0x6d6b_6553;

/// The layout of the tables below. It rises with every change of them.
const SCHEMA_VERSION: i32 = 2;

/// `head` holds one row: the last revision, and the first one whose history is kept. `history` has one row for
/// each revision, with all of its events in one value.
const SCHEMA: &str = "
    CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        revision INTEGER NOT NULL,
        oldest INTEGER NOT NULL
    ) STRICT;
    INSERT INTO head (id, revision, oldest) VALUES (1, 0, 0);
    CREATE TABLE entries (
        key TEXT PRIMARY KEY,
        value BLOB NOT NULL,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        version INTEGER NOT NULL,
        lease INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entries_by_lease ON entries (lease) WHERE lease IS NOT NULL;
    CREATE TABLE history (
        revision INTEGER PRIMARY KEY,
        events BLOB NOT NULL
    ) STRICT;
    CREATE TABLE leases (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        ttl_millis INTEGER NOT NULL
    ) STRICT;
";

/// From version 1, which had a row for each event. History is forgotten: watches read anew, as after a compaction.
const FROM_VERSION_1: &str = "
    DROP TABLE history;
    CREATE TABLE history (
        revision INTEGER PRIMARY KEY,
        events BLOB NOT NULL
    ) STRICT;
    UPDATE head SET oldest = revision + 1 WHERE id = 1;
";

/// How much of the file the writer keeps in memory, in KiB: what a burst of transactions touches, so that pages are
/// written once and not for each.
const WRITER_CACHE_KIB: i64 = 16 << 10;

/// Pages in the write-ahead log after which they go into the file: 64 MiB, so that a burst waits for few syncs of the file
/// itself. Between bursts the log is cut back to [`LOG_BYTES`].
const CHECKPOINT_PAGES: i64 = 16_384;

/// Every statement is prepared once per connection; there are fewer different ones than this.
const STATEMENTS: usize = 48;

/// A write-ahead log that grew beyond this (in a burst, or behind a long read) is cut back to it: 16 MiB.
const LOG_BYTES: i64 = 16 << 20;

/// The locked file. Dropping it gives up the lock.
pub(super) struct Locked {
    path: PathBuf,
    pub(super) place: Place,
    _lock: File,
}

impl Locked {
    /// Makes the file if there is none, and locks it against every other process.
    pub(super) fn acquire(path: &Path) -> Result<Self, StoreError> {
        let place = Place(format!("`{}`", path.display()).into());
        let mut lock_path = OsString::from(path);
        lock_path.push("-lock");
        let lock_path = PathBuf::from(lock_path);
        let lock = open_private(&lock_path).map_err(|error| cannot_open(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Unavailable(format!(
                    "{} is open in another process; stop that process or use another file",
                    place.0
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot_open(&lock_path, &error)),
        }
        open_private(path).map_err(|error| cannot_open(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            place,
            _lock: lock,
        })
    }

    /// Opens the connection that writes, and makes the tables in a new file.
    pub(super) fn open_writer(&self, max_bytes: Option<u64>) -> Result<Connection, StoreError> {
        let mut connection = self.connect()?;
        let explain = |error| self.place.explain(&error);
        // A foreign file is refused before anything is written to it.
        recognise(&connection, &self.place)?;
        fs::set_permissions(&self.path, Permissions::from_mode(MODE))
            .map_err(|error| cannot_open(&self.path, &error))?;
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(explain)?;
        // With the write-ahead log, FULL syncs it on every commit: a returned write survives power loss.
        connection
            .pragma_update(None, "synchronous", "full")
            .map_err(explain)?;
        connection
            .pragma_update(None, "journal_size_limit", LOG_BYTES)
            .map_err(explain)?;
        connection
            .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
            .map_err(explain)?;
        // A negative number counts KiB instead of pages.
        connection
            .pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
            .map_err(explain)?;
        create(&mut connection, max_bytes).map_err(explain)?;
        self.sync_directory()?;
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn open_reader(&self) -> Result<Connection, StoreError> {
        let connection = self.connect()?;
        connection
            .pragma_update(None, "query_only", true)
            .map_err(|error| self.place.explain(&error))?;
        Ok(connection)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let explain = |error| self.place.explain(&error);
        // Without the URI flag: a path that starts with `file:` is a path.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(explain)?;
        harden(&connection).map_err(explain)?;
        Ok(connection)
    }

    /// Makes the file's name durable; SQLite does that for its own files but not for one that it did not make.
    fn sync_directory(&self) -> Result<(), StoreError> {
        let parent = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        File::open(parent)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| cannot_open(parent, &error))
    }
}

/// A database that lives in memory only.
pub(super) fn open_in_memory(place: &Place, max_bytes: Option<u64>) -> Result<Connection, StoreError> {
    let explain = |error| place.explain(&error);
    let mut connection = Connection::open_in_memory().map_err(explain)?;
    harden(&connection).map_err(explain)?;
    create(&mut connection, max_bytes).map_err(explain)?;
    Ok(connection)
}

/// Settings of every connection: a damaged or forged file must not make SQLite call functions or trust sizes
/// that are written in it, and nothing is spilled to files elsewhere.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "memory")
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

fn is_blank(connection: &Connection) -> rusqlite::Result<bool> {
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(
        objects == 0
            && number(connection, "application_id")? == 0
            && number(connection, "user_version")? == 0,
    )
}

/// Accepts a blank file and a store of this schema version or an older one, and refuses everything else.
fn recognise(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    let explain = |error| place.explain(&error);
    if is_blank(connection).map_err(explain)? {
        return Ok(());
    }
    if number(connection, "application_id").map_err(explain)? != APPLICATION_ID {
        return Err(StoreError::Unavailable(format!(
            "{} is the database of another program; use another file",
            place.0
        )));
    }
    let found = number(connection, "user_version").map_err(explain)?;
    if !(1..=SCHEMA_VERSION).contains(&found) {
        return Err(StoreError::Unavailable(format!(
            "{} has schema version {found}, this program knows version {SCHEMA_VERSION}; run the release that \
             wrote it",
            place.0
        )));
    }
    Ok(())
}

/// Sets the size limit and, in a blank database, makes the tables in one transaction: after a crash they are
/// all there or none is.
fn create(connection: &mut Connection, max_bytes: Option<u64>) -> rusqlite::Result<()> {
    if let Some(max_bytes) = max_bytes {
        let page_bytes = u64::try_from(number(connection, "page_size")?)
            .unwrap_or(1)
            .max(1);
        let pages = i64::try_from(max_bytes / page_bytes)
            .unwrap_or(i64::MAX)
            .clamp(1, i64::from(u32::MAX - 1));
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    if is_blank(connection)? {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    } else if number(connection, "user_version")? == 1 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(FROM_VERSION_1)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Opens a file, or makes one that only its owner may use. SQLite gives its log and index the same mode.
fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(path)
}

fn cannot_open(path: &Path, error: &io::Error) -> StoreError {
    let path = path.display();
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; this process must be able to write it and its directory"
        }
        _ => "",
    };
    StoreError::Unavailable(format!("cannot open `{path}`: {error}{remedy}"))
}
