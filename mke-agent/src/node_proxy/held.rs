//! An answer that goes on only as long as whoever gets it is a manager: followed logs and events may last for days.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

use super::managers::{Managers, Source};
use crate::controller::body::{Body, BoxError};

/// Why a transfer broke off.
#[derive(Debug, thiserror::Error)]
#[error("node {0} is no manager any more")]
struct Gone(String);

/// Breaks `body` off once `node` is no manager any more. An answer that is whole already is left as it is.
pub(super) fn held<S: Source>(body: Body, managers: Arc<Managers<S>>, node: String) -> Body {
    use http_body::Body as _;
    if body.is_end_stream() {
        return body;
    }
    let gone = async move {
        managers.until_gone(&node).await;
        tracing::warn!(node, "an answer is cut: its caller is no manager any more");
        Gone(node)
    };
    Held {
        body,
        gone: Box::pin(gone),
    }
    .boxed_unsync()
}

struct Held {
    body: Body,
    gone: Pin<Box<dyn Future<Output = Gone> + Send>>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(gone) = self.gone.as_mut().poll(cx) {
            // Whoever asks again gets the end.
            self.gone = Box::pin(std::future::pending());
            return Poll::Ready(Some(Err(gone.into())));
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
