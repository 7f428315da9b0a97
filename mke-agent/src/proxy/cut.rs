//! A transfer that ends early when its caller's credential dies or what allowed it is taken away.
//!
//! Followed logs, events, uploads and long transfers go on for as long as they like; a deleted bundle, an ended
//! session, a deactivated account or a removed grant must stop them (authn-04, proxy-09). The caller sees a broken transfer, never a
//! short answer that looks complete.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::controller::body::{Body, BoxError};
use crate::controller::streams::Lease;

/// Why the caller's transfer broke.
#[derive(Debug, thiserror::Error)]
#[error("the credential of this request is no longer valid, or what it was allowed is taken away")]
pub(super) struct Revoked;

/// Ends `body` with an error once the token of `lease` fires.
pub(super) fn when_revoked(body: Body, lease: &Arc<Lease>) -> Body {
    Cut {
        body,
        revoked: Box::pin(lease.token().clone().cancelled_owned()),
        _lease: lease.clone(),
    }
    .boxed_unsync()
}

struct Cut {
    body: Body,
    _lease: Arc<Lease>,
    revoked: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.revoked.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(Revoked.into())));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::body::full;
    use tokio_util::sync::CancellationToken;

    /// authn-04: revocation breaks a transfer off instead of ending it politely.
    #[tokio::test]
    async fn sec_authn_04_streams_break_off() {
        let token = CancellationToken::new();
        let lease = Arc::new(Lease::untold(&token));
        let read = when_revoked(full("whole"), &lease).collect().await;
        assert_eq!(read.unwrap().to_bytes(), "whole");
        let body = when_revoked(full("never seen"), &lease);
        token.cancel();
        assert!(body.collect().await.unwrap_err().is::<Revoked>());
    }
}
