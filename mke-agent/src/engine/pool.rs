//! Open connections to the engine that wait for their next request.
//!
//! A connection comes back when the answer on it has been read to its end. One whose answer was cut short, or
//! that may still be sending, never comes back: the next caller must not read somebody else's bytes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use crate::controller::body::{Body, BoxError};

/// Idle connections kept. A busy proxy needs as many as it has callers at once; each costs the engine some
/// kilobytes.
const MAX_IDLE: usize = 64;

/// The connections that wait. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<SendRequest<Body>>>>,
}

impl Pool {
    /// The connection that came back last, if one is still open.
    pub(super) async fn take(&self) -> Option<SendRequest<Body>> {
        loop {
            let mut sender = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // Ready at once unless the engine has closed it: the answer before was read to its end.
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn give_back(&self, sender: SendRequest<Body>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(sender);
        }
    }

    /// Wraps an answer so that its connection comes back after the last byte.
    pub(super) fn returning(&self, body: Incoming, sender: SendRequest<Body>) -> Returning {
        let mut returning = Returning {
            body,
            lease: Some((self.clone(), sender)),
        };
        returning.return_at_end();
        returning
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Pool").field("idle", &idle).finish()
    }
}

/// The body of an answer. Dropping it early closes its connection, which tells the engine that nobody
/// listens any more.
pub(super) struct Returning {
    body: Incoming,
    lease: Option<(Pool, SendRequest<Body>)>,
}

impl Returning {
    fn return_at_end(&mut self) {
        if self.body.is_end_stream()
            && let Some((pool, sender)) = self.lease.take()
        {
            pool.give_back(sender);
        }
    }
}

impl http_body::Body for Returning {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(None) => {
                if let Some((pool, sender)) = self.lease.take() {
                    pool.give_back(sender);
                }
            }
            Poll::Ready(Some(Ok(_))) => self.return_at_end(),
            Poll::Ready(Some(Err(_))) => self.lease = None,
            Poll::Pending => {}
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
