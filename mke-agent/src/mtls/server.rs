//! Accepting connections between components: how many, and the handshake.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Credentials, Verified};
use crate::connection;
use crate::controller::body::Response;

/// Connections at once. A cluster has a handful of controllers and as many callers again; more is an attack.
const MAX_CONNECTIONS: usize = 1024;
/// For the handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Rest after a failure to accept, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long requests in flight may take when the program ends.
const STOP_TIME: Duration = Duration::from_secs(5);

/// What a server does with the requests of its peers.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Every failure is an answer.
    fn answer(
        self: Arc<Self>,
        peer: Arc<Verified>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response> + Send;

    /// Is awaited before each handshake, for what must be current then.
    fn before_handshake(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// One handshake; nothing when it fails.
pub async fn accept(
    credentials: &Credentials,
    stream: TcpStream,
    address: SocketAddr,
) -> Option<(TlsStream<TcpStream>, Verified)> {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let loaded = credentials.current();
    let handshake = TlsAcceptor::from(loaded.server.clone()).accept(stream);
    let stream = match timeout(HANDSHAKE_TIME, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "a peer is refused in the handshake");
            return None;
        }
        Err(_) => {
            tracing::debug!(%address, "a handshake took too long");
            return None;
        }
    };
    let (trust, holder) = loaded.caller(stream.get_ref().1.peer_certificates()?)?;
    let verified = Verified {
        address,
        trust,
        holder,
    };
    Some((stream, verified))
}

/// Serves HTTP until told to stop, then finishes what is in flight for a while.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    credentials: Arc<Credentials>,
    handler: Arc<H>,
    stopping: CancellationToken,
) {
    let tasks = TaskTracker::new();
    each_connection(listener, &tasks, &stopping, |stream, address| {
        let (credentials, handler, stopping) = (credentials.clone(), handler.clone(), stopping.clone());
        async move {
            handler.before_handshake().await;
            if let Some((stream, peer)) = accept(&credentials, stream, address).await {
                let peer = Arc::new(peer);
                let answer = |request| handler.clone().answer(peer.clone(), request);
                connection::serve(stream, address, stopping, answer).await;
            }
        }
    })
    .await;
    tasks.close();
    let _ = timeout(STOP_TIME, tasks.wait()).await;
}

/// Accepts until told to stop, each connection as a task of its own, within the limit.
pub(crate) async fn each_connection<F>(
    listener: TcpListener,
    tasks: &TaskTracker,
    stopping: &CancellationToken,
    connection: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                let connection = connection(stream, address);
                tasks.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
