//! A watch as a stream: recent revisions from the [`Hub`], older ones from the history table.

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_channel::oneshot;
use futures_core::Stream;

use super::hub::{Hub, Next, WatchId};
use super::queue::{Queue, closed};
use super::reader::{History, Read};
use crate::store::{KeyRange, Revision, StoreError, WatchBatch};

/// One watch. INVARIANT(no-gap, no-repeat): every batch before `cursor` has been handed out or is in `past`,
/// and nothing from `cursor` on has.
pub(super) struct Watch {
    hub: Arc<Hub>,
    reads: Arc<Queue<Read>>,
    id: WatchId,
    range: KeyRange,
    cursor: Revision,
    past: VecDeque<WatchBatch>,
    asked: Option<oneshot::Receiver<Result<History, StoreError>>>,
    ended: bool,
}

impl Watch {
    pub(super) fn new(
        hub: Arc<Hub>,
        reads: Arc<Queue<Read>>,
        range: KeyRange,
        from: Revision,
    ) -> Result<Self, StoreError> {
        let id = hub.join(from)?;
        // Revisions start at 1.
        let cursor = from.max(Revision(1));
        Ok(Self {
            hub,
            reads,
            id,
            range,
            cursor,
            past: VecDeque::new(),
            asked: None,
            ended: false,
        })
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<WatchBatch>, StoreError>> {
        loop {
            if let Some(batch) = self.past.pop_front() {
                return Poll::Ready(Ok(Some(batch)));
            }
            if let Some(asked) = &mut self.asked {
                let history = ready!(Pin::new(asked).poll(cx)).map_err(|_| closed())??;
                self.asked = None;
                self.cursor = history.next;
                self.past = history.batches.into();
                continue;
            }
            match self.hub.next(self.id, &self.range, &mut self.cursor, cx) {
                Next::Batch(batch) => return Poll::Ready(Ok(Some(batch))),
                Next::Wait => return Poll::Pending,
                Next::Closed => return Poll::Ready(Ok(None)),
                Next::Behind => {
                    let (caller, asked) = oneshot::channel();
                    self.reads.push(Read::History {
                        range: self.range.clone(),
                        from: self.cursor,
                        caller,
                    })?;
                    self.asked = Some(asked);
                }
            }
        }
    }
}

impl Stream for Watch {
    type Item = Result<WatchBatch, StoreError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let watch = self.get_mut();
        if watch.ended {
            return Poll::Ready(None);
        }
        let next = ready!(watch.poll_batch(cx)).transpose();
        watch.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.hub.leave(self.id);
    }
}
