//! What a running job writes down: lines, bounded in number and length, and counts. Kept in memory until the job's
//! supervisor writes it to the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mke_core::time::Clock;

use super::record::{Level, LogLine};

/// Most lines from the beginning of one job's log. Judgement: what a person can look through; counts say the rest.
pub const MAX_LINES: usize = 10_000;
/// Lines from the end of a log that is longer: they say how it came out.
pub const MAX_LAST_LINES: usize = 100;
/// Longest line, in characters.
pub const MAX_LINE_CHARS: usize = 1000;

#[derive(Default)]
struct Written {
    unsaved: Vec<LogLine>,
    lines: usize,
    last: VecDeque<LogLine>,
    left_out: u64,
    counts: BTreeMap<String, u64>,
}

/// Takes what a job writes down. Clones write to the same log.
#[derive(Clone)]
pub struct JobLog {
    written: Arc<Mutex<Written>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for JobLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobLog").finish_non_exhaustive()
    }
}

impl JobLog {
    /// A log that nothing has been written to.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            written: Arc::default(),
            clock,
        }
    }

    /// Notes what was done.
    pub fn info(&self, text: impl Into<String>) {
        self.line(Level::Info, text.into());
    }

    /// Notes what was left out.
    pub fn warn(&self, text: impl Into<String>) {
        self.line(Level::Warn, text.into());
    }

    /// Notes what made it fail.
    pub fn error(&self, text: impl Into<String>) {
        self.line(Level::Error, text.into());
    }

    /// Notes a line. Control characters become spaces, so that a line stays one.
    pub fn line(&self, level: Level, text: String) {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let text: String = text.chars().take(MAX_LINE_CHARS).map(plain).collect();
        let at = self.clock.now();
        let mut written = self.written();
        let line = LogLine { at, level, text };
        if written.lines < MAX_LINES {
            written.lines += 1;
            written.unsaved.push(line);
            return;
        }
        written.last.push_back(line);
        if written.last.len() > MAX_LAST_LINES {
            written.last.pop_front();
            written.left_out += 1;
        }
    }

    /// Counts something that was done.
    pub fn count(&self, what: &str, how_often: u64) {
        let mut written = self.written();
        let count = written.counts.entry(what.to_owned()).or_default();
        *count = count.saturating_add(how_often);
    }

    /// Sets a count.
    pub fn set_count(&self, what: &str, value: u64) {
        self.written().counts.insert(what.to_owned(), value);
    }

    /// Adds the last lines of a log that is too long, and how many found no room before them. To be called once, at the
    /// end.
    pub(super) fn close(&self) {
        let at = self.clock.now();
        let mut written = self.written();
        let left_out = std::mem::take(&mut written.left_out);
        if left_out > 0 {
            let text = format!("{left_out} lines were left out here, the counts include them");
            written.unsaved.push(LogLine {
                at,
                level: Level::Warn,
                text,
            });
        }
        let last = std::mem::take(&mut written.last);
        written.unsaved.extend(last);
    }

    /// Takes at most this many lines out, oldest first.
    pub(super) fn take(&self, most: usize) -> Vec<LogLine> {
        let mut written = self.written();
        let most = most.min(written.unsaved.len());
        written.unsaved.drain(..most).collect()
    }

    /// The counts so far.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.written().counts.clone()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        // Whole after every statement, so a panic elsewhere leaves nothing half done.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
