//! Lanes: how a writer finds out whether a write happened whose answer was lost.
//!
//! A lane is a key of one writer, used by one transaction at a time. A transaction is made only if the lane is as its writer left
//! it, and writes it. When the answer is lost, the writer looks: its token in the lane means that the transaction was made, at the
//! lane's revision. Otherwise it writes the lane itself, under the same condition; from then on the lost transaction, wherever it
//! still is, cannot be made any more, and may be sent again. So every transaction is made at most once.
//!
//! Lanes live under a lease of their writer, so that they go away some minutes after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::keys::LANES;
use super::plan::MADE;
use crate::store::StoreError;

/// Transactions of one program at a time; more wait.
const AT_ONCE: usize = 64;

/// How long lanes stay after their writer is gone. Long enough that one keep-alive may be late by minutes.
pub(super) const LANE_TTL: Duration = Duration::from_secs(600);

/// The lanes of one writer.
#[derive(Debug)]
pub(super) struct Lanes {
    writer: String,
    made: AtomicU64,
    tokens: AtomicU64,
    free: Mutex<Vec<Lane>>,
    permits: Semaphore,
}

/// A lane in use.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) key: Vec<u8>,
    /// Etcd's revision of its last write, 0 when there is none; `None` when a write was left open.
    pub(super) known: Option<i64>,
}

impl Lanes {
    /// Lanes for a writer that no other is.
    pub(super) fn new() -> Result<Self, StoreError> {
        Ok(Self {
            writer: hex::encode(random::<16>()?),
            made: AtomicU64::new(0),
            tokens: AtomicU64::new(0),
            free: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
        })
    }

    /// A lane that nobody uses, with the right to use it.
    pub(super) async fn take(&self) -> Result<(Lane, SemaphorePermit<'_>), StoreError> {
        let permit = self.permits.acquire().await;
        let permit = permit.map_err(|_| StoreError::Unavailable("the store was closed".to_owned()))?;
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let lane = free.unwrap_or_else(|| Lane {
            key: format!(
                "{LANES}{}/{}",
                self.writer,
                self.made.fetch_add(1, Ordering::Relaxed)
            )
            .into_bytes(),
            known: Some(0),
        });
        Ok((lane, permit))
    }

    /// Gives a lane back.
    pub(super) fn free(&self, lane: Lane) {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(lane);
    }

    /// What a transaction writes into its lane.
    pub(super) fn token(&self) -> String {
        format!("{MADE}{}", self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// What is written to keep a lost transaction from being made.
    pub(super) fn fence(&self) -> String {
        format!("fenced {}", self.tokens.fetch_add(1, Ordering::Relaxed))
    }
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Unavailable(format!("the system has no random numbers: {error}")))?;
    Ok(bytes)
}
