//! Operations on their way through the writer: each knows how to apply itself to a batch, and holds the line to
//! its caller until the batch is on disk.

use std::time::Duration;

use futures_channel::oneshot;

use super::batch::{Batch, Failure};
use crate::store::{LeaseId, Revision, StoreError, Txn, TxnOutcome};

/// Something that only the writer may do.
pub(super) trait Operation: Send + 'static {
    /// What the caller gets.
    type Answer: Send + 'static;

    /// Does it within a batch. It may be tried again in another batch when this one is rolled back.
    fn apply(&self, batch: &mut Batch<'_>) -> Result<Self::Answer, Failure>;
}

impl Operation for Txn {
    type Answer = TxnOutcome;

    fn apply(&self, batch: &mut Batch<'_>) -> Result<TxnOutcome, Failure> {
        batch.txn(self)
    }
}

/// Makes a lease.
pub(super) struct Grant(pub(super) Duration);

impl Operation for Grant {
    type Answer = LeaseId;

    fn apply(&self, batch: &mut Batch<'_>) -> Result<LeaseId, Failure> {
        batch.grant(self.0)
    }
}

/// Starts a lease's time anew.
pub(super) struct KeepAlive(pub(super) LeaseId);

impl Operation for KeepAlive {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        batch.renew(self.0)
    }
}

/// Ends a lease, because its owner or its time says so.
pub(super) struct End(pub(super) LeaseId);

impl Operation for End {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        batch.end(self.0)
    }
}

/// Forgets history.
pub(super) struct Compact(pub(super) Revision);

impl Operation for Compact {
    type Answer = ();

    fn apply(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        batch.compact(self.0)
    }
}

/// An operation of any kind, as the writer sees it.
pub(super) trait Job: Send {
    /// Applies it and keeps its answer. An error means that SQLite failed and the batch is lost.
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;

    /// Tells the caller: the kept answer once the batch is committed, or why it was not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<O: Operation> {
    operation: O,
    caller: oneshot::Sender<Result<O::Answer, StoreError>>,
    outcome: Option<Result<O::Answer, StoreError>>,
}

/// Where the caller waits. It is cancelled when the store stops before the answer.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

/// Packs an operation for the writer.
pub(super) fn call<O: Operation>(operation: O) -> (Box<dyn Job>, Answer<O::Answer>) {
    let (caller, answer) = oneshot::channel();
    (
        Box::new(Call {
            operation,
            caller,
            outcome: None,
        }),
        answer,
    )
}

impl<O: Operation> Job for Call<O> {
    fn run(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.outcome = None;
        match self.operation.apply(batch) {
            Ok(answer) => self.outcome = Some(Ok(answer)),
            Err(Failure::Refused(error)) => self.outcome = Some(Err(error)),
            Err(Failure::Storage(error)) => return Err(error),
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or_else(|| Err(super::queue::closed())),
            Err(error) => Err(error),
        };
        // A caller that has gone away wants no answer.
        drop(self.caller.send(outcome));
    }
}
