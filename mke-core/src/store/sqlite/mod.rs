//! The embedded store: one SQLite file, written by one thread and read by others.
//!
//! ```text
//!  txn, leases, compact ──► queue ──► writer ──► file (write-ahead log, synced once per batch)
//!                                        │
//!  watch ◄── hub (recent revisions) ◄────┘
//!    └────── history table ◄── readers ◄── queue ◄── range
//! ```
//!
//! Callers never block: they put a request into a queue and await the answer. The threads block, on SQLite and
//! on the disk. No async runtime is needed, and an idle store with no lease never wakes up.
//!
//! | file | decides |
//! | --- | --- |
//! | `file` | how the database file is made, locked and recognised |
//! | `batch` | what each operation does to the tables |
//! | `writer` | what is committed together, and when leases end |
//! | `reader` | what a read sees |
//! | `hub`, `watch` | who is told about a revision |

mod batch;
mod error;
mod file;
mod history;
mod hub;
mod job;
mod leases;
mod queue;
mod reader;
mod watch;
mod writer;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_channel::oneshot;
use rusqlite::Connection;

use self::error::Place;
use self::file::Locked;
use self::hub::Hub;
use self::job::{Compact, End, Grant, Job, KeepAlive, Operation};
use self::queue::{Queue, closed};
use self::reader::{Read, Reader};
use self::watch::Watch;
use self::writer::Writer;
use super::{
    KeyRange, LeaseId, Page, Revision, Store, StoreError, StoreFuture, Txn, TxnOutcome, WatchStream,
    check_ttl,
};

/// Revisions whose history is kept: enough for a watch that was away for minutes under steady load to go on
/// where it was (at 20 writes a second, eight minutes), and at a few hundred bytes a write only some megabytes.
/// A watch that was away longer reads its range anew.
pub const KEEP_REVISIONS: u64 = 10_000;

/// Requests that may wait for a thread. More means that callers come much faster than the disk; they are
/// refused rather than kept in memory.
const QUEUE: usize = 65_536;

/// How an embedded store is run. The default suits one host.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Largest size of the database file, not counting its log. Writes beyond it fail with
    /// [`StoreError::Full`]. `None` leaves it to the file system.
    pub max_bytes: Option<u64>,
    /// How many revisions can be watched from, at least; older history is deleted now and then.
    pub keep_revisions: u64,
    /// Reading threads. Reads are short, so two keep a long one from holding up the rest.
    pub readers: NonZeroUsize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            max_bytes: None,
            keep_revisions: KEEP_REVISIONS,
            readers: NonZeroUsize::MIN.saturating_add(1),
        }
    }
}

/// The embedded store. A write begins when its future is first polled; from then on it may happen even if the
/// future is dropped. Dropping the store finishes what is queued, ends every watch and closes the file; it waits
/// for that, so drop it where blocking for a moment is fine.
pub struct SqliteStore {
    writes: Arc<Queue<Box<dyn Job>>>,
    reads: Arc<Queue<Read>>,
    hub: Arc<Hub>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a store, or makes one where there is no file. Its directory must exist. The file gets mode 0600.
    /// Blocks while it reads.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the file cannot be opened, is open in another process, belongs to
    /// another program or has another schema version; [`StoreError::Corrupt`] when it is no database;
    /// [`StoreError::Full`] when there is no room to make it.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let locked = Locked::acquire(path.as_ref())?;
        let writer = Arc::new(Mutex::new(locked.open_writer(options.max_bytes)?));
        let readers = (0..options.readers.get())
            .map(|_| Ok(Arc::new(Mutex::new(locked.open_reader()?))))
            .collect::<Result<Vec<_>, StoreError>>()?;
        Self::start(
            locked.place.clone(),
            writer,
            readers,
            Some(locked),
            options.keep_revisions,
        )
    }

    /// Makes a store that forgets everything when it is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when memory or threads are short.
    pub fn in_memory() -> Result<Self, StoreError> {
        let options = SqliteOptions::default();
        let place = Place("the database in memory".into());
        // There is nothing to share such a database through but its one connection.
        let connection = Arc::new(Mutex::new(file::open_in_memory(&place, options.max_bytes)?));
        Self::start(
            place,
            Arc::clone(&connection),
            vec![connection],
            None,
            options.keep_revisions,
        )
    }

    fn start(
        place: Place,
        writer: Arc<Mutex<Connection>>,
        readers: Vec<Arc<Mutex<Connection>>>,
        locked: Option<Locked>,
        keep_revisions: u64,
    ) -> Result<Self, StoreError> {
        let (head, deadlines) = {
            let connection = writer.lock().map_err(|_| closed())?;
            let explain = |error| place.explain(&error);
            (
                batch::read_head(&connection).map_err(explain)?,
                writer::load_leases(&connection).map_err(explain)?,
            )
        };
        let mut store = Self {
            writes: Arc::new(Queue::new(QUEUE)),
            reads: Arc::new(Queue::new(QUEUE)),
            hub: Arc::new(Hub::new(head)),
            threads: Vec::new(),
        };
        for connection in readers {
            let reader = Reader {
                connection,
                queue: Arc::clone(&store.reads),
                place: place.clone(),
            };
            store.spawn("store-read", move || reader.run())?;
        }
        let writer = Writer {
            connection: writer,
            queue: Arc::clone(&store.writes),
            hub: Arc::clone(&store.hub),
            place,
            keep_revisions,
            deadlines,
            failing: false,
            _locked: locked,
        };
        store.spawn("store-write", move || writer.run())?;
        Ok(store)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Hands an operation to the writer and waits until it is durable.
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Answer, StoreError> {
        let (job, answer) = job::call(operation);
        self.writes.push(job)?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
        for thread in self.threads.drain(..) {
            // The last handle may be dropped by a task that one of these threads woke; it cannot wait for
            // itself. A thread that panicked has nothing more to say.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

impl Store for SqliteStore {
    fn range(&self, range: KeyRange, limit: usize) -> StoreFuture<'_, Page> {
        Box::pin(async move {
            let (caller, page) = oneshot::channel();
            self.reads.push(Read::Range { range, limit, caller })?;
            page.await.map_err(|_| closed())?
        })
    }

    fn txn(&self, txn: Txn) -> StoreFuture<'_, TxnOutcome> {
        Box::pin(async move {
            txn.check()?;
            self.write(txn).await
        })
    }

    fn watch(&self, range: KeyRange, from: Revision) -> StoreFuture<'_, WatchStream> {
        Box::pin(async move {
            let watch = Watch::new(Arc::clone(&self.hub), Arc::clone(&self.reads), range, from)?;
            Ok(Box::pin(watch) as WatchStream)
        })
    }

    fn grant_lease(&self, ttl: Duration) -> StoreFuture<'_, LeaseId> {
        Box::pin(async move {
            check_ttl(ttl)?;
            self.write(Grant(ttl)).await
        })
    }

    fn keep_alive(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
        Box::pin(self.write(KeepAlive(lease)))
    }

    fn revoke_lease(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
        Box::pin(self.write(End(lease)))
    }

    fn compact(&self, revision: Revision) -> StoreFuture<'_, ()> {
        Box::pin(self.write(Compact(revision)))
    }
}
