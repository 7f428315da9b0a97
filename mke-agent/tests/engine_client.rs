//! The engine client against a server that counts connections: which ones are used again, and which never.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a fault of the harness is a failure of the test"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mke_agent::controller::body::{self, Body};
use mke_agent::engine::{EngineClient, EngineError, Upgrade};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// Counts connections that were made and that are open.
#[derive(Clone)]
struct Counts {
    made: Arc<AtomicUsize>,
    open: watch::Sender<usize>,
}

impl Counts {
    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    async fn wait_for_open(&self, expected: usize) {
        let mut open = self.open.subscribe();
        timeout(PATIENCE, open.wait_for(|open| *open == expected))
            .await
            .expect("connections are closed")
            .unwrap();
    }
}

/// A server that never agrees to an upgrade, and whose answer to `/endless` never ends. `once` closes every
/// connection after its first answer.
fn serve(socket: &Path, once: bool) -> Counts {
    let listener = UnixListener::bind(socket).unwrap();
    let counts = Counts {
        made: Arc::default(),
        open: watch::Sender::new(0),
    };
    let shared = counts.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counts = shared.clone();
            counts.made.fetch_add(1, Ordering::SeqCst);
            counts.open.send_modify(|open| *open += 1);
            tokio::spawn(async move {
                let mut server = http1::Builder::new();
                let connection = server
                    .keep_alive(!once)
                    .serve_connection(TokioIo::new(stream), service_fn(answer));
                let _ = connection.await;
                counts.open.send_modify(|open| *open -= 1);
            });
        }
    });
    counts
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<UnsyncBoxBody<Bytes, std::io::Error>>, http::Error> {
    let body = if request.uri().path() == "/endless" {
        let first = futures_util::stream::once(async { Ok(Frame::data(Bytes::from_static(b"1"))) });
        let rest = futures_util::stream::pending();
        StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed_unsync()
    } else {
        let text = format!("{{\"path\":\"{}\"}}", request.uri().path());
        Full::new(Bytes::from(text))
            .map_err(|never| match never {})
            .boxed_unsync()
    };
    Response::builder().body(body)
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(body::empty()).unwrap()
}

/// A connection serves the next request once its answer was read, also when many ask at once.
#[tokio::test]
async fn connections_are_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("sock");
    let counts = serve(&socket, false);
    let client = EngineClient::new(&socket);
    for _ in 0..5 {
        let answer: serde_json::Value = client.get_json("/a").await.unwrap();
        assert_eq!(answer["path"], "/a");
    }
    assert_eq!(counts.made(), 1);
}

/// An idle connection that the engine has closed costs nothing but a new one.
#[tokio::test]
async fn closed_connections_are_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("sock");
    let counts = serve(&socket, true);
    let client = EngineClient::new(&socket);
    for _ in 0..5 {
        client.get_bytes("/a").await.unwrap();
    }
    assert_eq!(counts.made(), 5);
}

/// A caller that goes away takes its connection with it, so the engine stops sending.
#[tokio::test]
async fn an_answer_that_is_dropped_closes_its_connection() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("sock");
    let counts = serve(&socket, false);
    let client = EngineClient::new(&socket);
    let mut response = client.send(get("/endless")).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    counts.wait_for_open(1).await;
    drop(response);
    counts.wait_for_open(0).await;
    client.get_bytes("/a").await.unwrap();
    assert_eq!(counts.made(), 2);
}

/// proxy-08: after an upgrade that failed the connection is closed and serves nobody else.
#[tokio::test]
async fn sec_proxy_08_failed_upgrades_close_their_connection() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("sock");
    let counts = serve(&socket, false);
    let client = EngineClient::new(&socket);
    client.get_bytes("/a").await.unwrap();
    let mut request = get("/attach");
    request
        .headers_mut()
        .insert("connection", "Upgrade".parse().unwrap());
    request.headers_mut().insert("upgrade", "tcp".parse().unwrap());
    let Upgrade::Answered(response) = client.upgrade(request).await.unwrap() else {
        panic!("the server does not switch");
    };
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().collect().await.unwrap();
    // The idle one stays, the one of the upgrade goes.
    counts.wait_for_open(1).await;
    client.get_bytes("/a").await.unwrap();
    assert_eq!(counts.made(), 2);
}

/// An engine that is not there is an error that names the socket.
#[tokio::test]
async fn a_missing_engine_is_named() {
    let client = EngineClient::new("/nowhere/docker.sock");
    let error = client.get_bytes("/_ping").await.unwrap_err();
    assert!(matches!(error, EngineError::Unreachable { .. }));
    assert!(error.to_string().contains("/nowhere/docker.sock"), "{error}");
}
