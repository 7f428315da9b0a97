//! HTTP/1 on one accepted connection: what a peer may send before it is understood, and how a connection ends. Who the
//! peer is and what it may do is the caller's.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::controller::body::Response;

/// For the head of a request, and for how long a connection may rest between two.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// Header lines of a request.
const MAX_HEADERS: usize = 100;
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;
/// Bytes that are read ahead of a connection: what one connection can cost.
const MAX_BUFFER: usize = 128 * 1024;

/// Answers the requests of a connection until either side ends it. Told to stop, it finishes the request in flight.
pub(crate) async fn serve<S, A, F>(stream: S, address: SocketAddr, stopping: CancellationToken, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response>,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%address, %error, "connection ended");
    }
}
