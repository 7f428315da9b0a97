//! A writer that remembers what was acknowledged, to be asked later whether all of it is still there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::lab::until;

/// What was written.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Numbers whose writing was acknowledged, in their order.
    pub acknowledged: Vec<u64>,
    /// Numbers whose writing was not acknowledged, with what was said: they may be there or not.
    pub refused: Vec<(u64, String)>,
    /// The longest time between two acknowledgements.
    pub longest_gap: Duration,
}

impl Record {
    /// What is missing of what was acknowledged.
    pub fn lost(&self, present: impl Fn(u64) -> bool) -> Vec<u64> {
        let all = self.acknowledged.iter().copied();
        all.filter(|number| !present(*number)).collect()
    }
}

/// Writes 0, 1, 2 and so on, one after another, until it is told to finish. A number is tried once.
#[derive(Debug)]
pub struct Recorder {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    record: Arc<Mutex<Record>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts to write. `write` returns when its number is acknowledged, or says why it is not; it must not wait for ever.
    pub fn start(mut write: impl FnMut(u64) -> Result<(), String> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let record = Arc::new(Mutex::new(Record::default()));
        let (stopped, count, kept) = (Arc::clone(&stop), Arc::clone(&acknowledged), Arc::clone(&record));
        let thread = std::thread::spawn(move || {
            let mut last = Instant::now();
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let outcome = write(number);
                let mut record = kept.lock().unwrap_or_else(PoisonError::into_inner);
                match outcome {
                    Ok(()) => {
                        record.acknowledged.push(number);
                        record.longest_gap = record.longest_gap.max(last.elapsed());
                        last = Instant::now();
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(why) => record.refused.push((number, why)),
                }
            }
        });
        Self {
            stop,
            acknowledged,
            record,
            thread: Some(thread),
        }
    }

    /// Waits until this many more are acknowledged than now: the writer gets through.
    ///
    /// # Panics
    /// When that does not happen.
    pub fn gets_through(&self, more: u64) {
        let goal = self.acknowledged.load(Ordering::Relaxed) + more;
        until("writes are acknowledged", || {
            (self.acknowledged.load(Ordering::Relaxed) >= goal).then_some(())
        });
    }

    /// Waits until this many more are refused than now, and returns what was said last.
    ///
    /// # Panics
    /// When that does not happen.
    pub fn is_refused(&self, more: usize) -> String {
        let refused = |from: usize| {
            let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            let last = record.refused.last().map(|(_, why)| why.clone());
            last.filter(|_| record.refused.len() >= from)
        };
        let now = self
            .record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refused
            .len();
        until("writes are refused", || refused(now + more))
    }

    /// Ends after the write that is under way, and returns everything.
    ///
    /// # Panics
    /// When the writing itself panicked.
    pub fn finish(mut self) -> Record {
        self.end().expect("the writer does not panic");
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&mut self) -> std::thread::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // A test that failed already has said why.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_is_remembered() {
        let store = Arc::new(Mutex::new(Vec::new()));
        let inside = Arc::clone(&store);
        let recorder = Recorder::start(move |number| {
            // As slow as a real store, so that the memory of it stays small.
            std::thread::park_timeout(Duration::from_millis(1));
            if number % 3 == 0 {
                return Err(format!("no {number}"));
            }
            inside.lock().expect("nobody panics").push(number);
            Ok(())
        });
        recorder.gets_through(10);
        assert!(recorder.is_refused(2).starts_with("no "));
        let record = recorder.finish();
        let stored = store.lock().expect("nobody panics").clone();
        assert_eq!(record.acknowledged, stored);
        assert_eq!(record.lost(|number| stored.contains(&number)), Vec::<u64>::new());
        assert_eq!(record.lost(|number| number != 4), [4]);
        assert!(
            record
                .refused
                .iter()
                .all(|(number, why)| *why == format!("no {number}"))
        );
    }
}
