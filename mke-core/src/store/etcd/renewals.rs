//! Which streams leases are renewed on: one that stays open for each lease that is renewed again and again, so that a heartbeat
//! is one question and one answer, and neither side opens and closes anything for it.
//!
//! A stream is used while its member is the one that is asked. When it breaks, nothing is lost but the stream: renewing a lease
//! twice is renewing it.

use std::sync::{Mutex, PoisonError};

use etcd_client::{Error, LeaseKeepAliveStream, LeaseKeeper};
use tokio::sync::watch;

/// Streams that are kept. A program renews its heartbeat and its lanes; a controller renews also for workers, of which there may
/// be thousands: the leases that were renewed last keep theirs.
const KEPT: usize = 16;

/// A stream on which one lease is renewed.
pub(super) struct Line {
    keeper: LeaseKeeper,
    answers: LeaseKeepAliveStream,
    /// Tells when another member is asked, or all are others.
    moved: watch::Receiver<usize>,
}

impl Line {
    /// A stream that was opened with a first renewal, after `moved` had begun to look.
    pub(super) fn new(
        (keeper, answers): (LeaseKeeper, LeaseKeepAliveStream),
        moved: watch::Receiver<usize>,
    ) -> Self {
        Self {
            keeper,
            answers,
            moved,
        }
    }

    /// Renews the lease; false when it has ended.
    ///
    /// # Errors
    /// When the stream is of no use any more, which says little of its member.
    pub(super) async fn renew(&mut self) -> Result<bool, Error> {
        self.keeper.keep_alive().await?;
        let ended = || Error::LeaseKeepAliveError("the stream ended".to_owned());
        let answer = self.answers.message().await?.ok_or_else(ended)?;
        Ok(answer.ttl() > 0)
    }

    /// Whether its member is the one that is asked.
    fn is_current(&self) -> bool {
        self.moved.has_changed().is_ok_and(|changed| !changed)
    }
}

/// The streams that nobody uses at the moment, those that were used last at the end.
#[derive(Default)]
pub(super) struct Renewals(Mutex<Vec<Line>>);

impl std::fmt::Debug for Renewals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}

impl Renewals {
    /// Takes the stream of a lease. Whoever does not give it back closes it: an answer that is still to come must not be taken
    /// for that to the next question.
    pub(super) fn take(&self, lease: i64) -> Option<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(Line::is_current);
        let place = lines.iter().position(|line| line.keeper.id() == lease)?;
        Some(lines.remove(place))
    }

    /// Keeps a stream for the next time.
    pub(super) fn give(&self, line: Line) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
        if lines.len() > KEPT {
            lines.remove(0);
        }
    }
}
