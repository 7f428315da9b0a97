//! Crash safety: a process that writes is killed at random moments, again and again. Whatever it had
//! acknowledged must be there, and nothing by halves.
//!
//! The child is this same test binary, told by an environment variable which file to write.

#![cfg(test)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::suite::block_on;
use mke_core::store::{Compare, Event, KeyRange, Revision, Store, StoreError, Txn, TxnOutcome};

const FILE: &str = "MKE_TEST_STORE_FILE";
const ROUNDS: u64 = 60;
const WRITERS: usize = 4;
/// Few, so that compaction is interrupted too.
const KEEP_REVISIONS: u64 = 150;

fn options() -> SqliteOptions {
    SqliteOptions {
        keep_revisions: KEEP_REVISIONS,
        ..SqliteOptions::default()
    }
}

fn count(store: &SqliteStore, key: &str) -> u64 {
    let page = block_on(store.range(KeyRange::key(key), 1)).unwrap();
    page.entries
        .first()
        .map_or(0, |entry| String::from_utf8_lossy(&entry.value).parse().unwrap())
}

/// The child's part: without the variable it is no test at all.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let store = SqliteStore::open(file, options()).unwrap();
    let write = |writer: usize| {
        let mut n = count(&store, &format!("a/{writer}"));
        loop {
            let old = n;
            n += 1;
            let compare = match old {
                0 => Compare::Absent(format!("a/{writer}")),
                _ => Compare::Value(format!("a/{writer}"), old.to_string().into()),
            };
            let txn = Txn::new()
                .when(compare)
                .put(format!("a/{writer}"), n.to_string())
                .put(format!("b/{writer}"), n.to_string())
                .put(format!("moving/{writer}/{n}"), vec![b'x'; 600])
                .delete(format!("moving/{writer}/{old}"));
            let TxnOutcome::Committed(revision) = block_on(store.txn(txn)).unwrap() else {
                panic!("nobody else writes these keys");
            };
            // One write call, so that a line is whole or missing its end.
            let line = format!("ack {writer} {n} {}\n", revision.0);
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
    };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || write(writer));
        }
    });
}

/// Small, seeded and good enough to choose moments (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn start(file: &Path) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        stderr
            .lines()
            .map_while(Result::ok)
            .all(|line| sender.send(line).is_ok())
    });
    (child, lines)
}

#[derive(Default)]
struct Acknowledged {
    counts: [u64; WRITERS],
    revision: u64,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let fields: Vec<u64> = line
            .strip_prefix("ack ")
            .unwrap_or_else(|| panic!("the child failed: {line}"))
            .split(' ')
            .filter_map(|field| field.parse().ok())
            .collect();
        // A line that was cut off acknowledges nothing.
        if let [writer, n, revision] = fields[..] {
            let count = &mut self.counts[usize::try_from(writer).unwrap()];
            *count = n.max(*count);
            self.revision = revision.max(self.revision);
        }
    }
}

/// Lets a child write until some acknowledgements came and a moment more, then kills it.
fn write_and_kill(file: &Path, random: &mut Random, acknowledged: &mut Acknowledged) {
    let (mut child, lines) = start(file);
    // Every fifth is killed in the first milliseconds: while it starts, opens or recovers.
    let (acks, micros) = match random.below(5) {
        0 => (0, random.below(15_000)),
        _ => (random.below(250), random.below(2_000)),
    };
    for _ in 0..acks {
        acknowledged.note(
            &lines
                .recv_timeout(Duration::from_secs(60))
                .expect("the child writes"),
        );
    }
    let deadline = Instant::now() + Duration::from_micros(micros);
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        acknowledged.note(&line);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lines.iter().for_each(|line| acknowledged.note(&line));
}

fn check(file: &Path, acknowledged: &mut Acknowledged) {
    let store = SqliteStore::open(file, options()).unwrap();
    let page = block_on(store.range(KeyRange::prefix(""), usize::MAX)).unwrap();
    assert!(
        page.revision.0 >= acknowledged.revision,
        "revisions never go back"
    );
    acknowledged.revision = page.revision.0;

    let mut expected = BTreeMap::new();
    for (writer, count) in acknowledged.counts.iter_mut().enumerate() {
        let n = self::count(&store, &format!("a/{writer}"));
        assert!(
            n >= *count,
            "writer {writer} was told that {count} is written, but {n} is there"
        );
        assert!(
            n <= *count + 1,
            "writer {writer} has at most one transaction under way"
        );
        *count = n;
        if n > 0 {
            expected.insert(format!("a/{writer}"), n.to_string().into_bytes());
            expected.insert(format!("b/{writer}"), n.to_string().into_bytes());
            expected.insert(format!("moving/{writer}/{n}"), vec![b'x'; 600]);
        }
    }
    let found: BTreeMap<_, _> = page
        .entries
        .iter()
        .map(|entry| (entry.key.clone(), entry.value.clone()))
        .collect();
    assert_eq!(
        found, expected,
        "each transaction is there as a whole or not at all"
    );

    replay(&store, page.revision, &expected);
    drop(store);

    let database = rusqlite::Connection::open(file).unwrap();
    let verdict: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

/// The history that is left has every revision whole, and ends in what is stored.
fn replay(store: &SqliteStore, last: Revision, expected: &BTreeMap<String, Vec<u8>>) {
    let oldest = match block_on(store.watch(KeyRange::prefix(""), Revision(0))).err() {
        None => Revision(1),
        Some(StoreError::Compacted { oldest, .. }) => oldest,
        Some(error) => panic!("{error}"),
    };
    assert!(
        last.0.saturating_sub(oldest.0) <= KEEP_REVISIONS * 11 / 10,
        "history does not grow without bound"
    );
    let mut watch = block_on(store.watch(KeyRange::prefix(""), oldest)).unwrap();
    let mut state = BTreeMap::new();
    for revision in oldest.0..=last.0 {
        let batch = block_on(watch.next()).unwrap().unwrap();
        assert_eq!(batch.revision, Revision(revision), "no revision is missing");
        // The first transaction of a writer has nothing to delete.
        assert!(
            matches!(batch.events.len(), 3 | 4),
            "half a transaction: {batch:?}"
        );
        for event in batch.events {
            match event {
                Event::Put(entry) => state.insert(entry.key, Some(entry.value)),
                Event::Delete { key, .. } => state.insert(key, None),
            };
        }
    }
    for (key, value) in state {
        assert_eq!(
            expected.get(&key),
            value.as_ref(),
            "{key} in the history and in the store"
        );
    }
}

/// Killed at any moment, nothing acknowledged is lost and nothing is half there.
#[test]
fn killed_while_writing() {
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random(20_261_121);
    let mut acknowledged = Acknowledged::default();
    let mut total = 0;
    let mut file = directory.path().join("0.db");
    for round in 0..ROUNDS {
        // Now and then a new file, because making it can be interrupted as well.
        if round % 10 == 0 {
            total += acknowledged.revision;
            acknowledged = Acknowledged::default();
            file = directory.path().join(format!("{round}.db"));
        }
        write_and_kill(&file, &mut random, &mut acknowledged);
        check(&file, &mut acknowledged);
    }
    assert!(
        total > 500,
        "only {total} transactions were written: the test shows too little"
    );
}
