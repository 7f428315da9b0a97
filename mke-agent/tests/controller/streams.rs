//! What the controller adds to calls that it passes on: nothing that waits, and no calls that grow with the answer. The engine is
//! played, so that every call to it is known.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::support::{Controller, PATIENCE};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An engine of a swarm with services, and what it was asked.
struct Engine {
    services: usize,
    asked: Mutex<Vec<String>>,
}

impl Engine {
    /// A controller in front of it.
    async fn behind_a_controller(services: usize) -> (Arc<Self>, Controller) {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let socket = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let engine = Arc::new(Self {
            services,
            asked: Mutex::default(),
        });
        let shared = engine.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let engine = shared.clone();
                let answer = service_fn(move |request| {
                    let answer = engine.answer(request);
                    async { Ok::<_, Infallible>(answer) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        let controller = Controller::start_in(dir, |options| options.engine_socket = socket).await;
        (engine, controller)
    }

    fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let asked = format!("{} {}", request.method(), request.uri());
        let path = request.uri().path().to_owned();
        self.asked.lock().unwrap().push(asked);
        let body = match path.rsplit('/').next() {
            Some("build") => return Response::new(built(request.into_body())),
            Some("_ping") => "OK".to_owned(),
            Some("services") => self.list().to_string(),
            Some("info") => json!({
                "ID": "engine",
                "Swarm": {
                    "LocalNodeState": "active", "ControlAvailable": true, "NodeID": "n", "NodeAddr": "127.0.0.1",
                    "Cluster": { "ID": "swarm" },
                },
            })
            .to_string(),
            Some("version") => json!({ "Version": "20.10.24", "ApiVersion": "1.41" }).to_string(),
            _ => "[]".to_owned(),
        };
        let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    }

    fn list(&self) -> Value {
        let service = |number| {
            json!({
                "ID": format!("service{number}"),
                "Version": { "Index": 1 },
                "Spec": { "Name": format!("web{number}"), "Labels": {}, "TaskTemplate": {} },
            })
        };
        (0..self.services).map(service).collect()
    }

    /// Calls about services since the last time.
    fn calls_about_services(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.retain(|asked| asked.contains("/services") || asked.contains("/tasks"));
        asked
    }
}

/// The output of a build: a line as soon as anything came of the context, and one when all of it did.
fn built(context: Incoming) -> Body {
    let lines = stream::unfold(Some((context, 0_usize)), async |state| {
        let (mut context, mut size) = state?;
        let begins = size == 0;
        while let Some(Ok(frame)) = context.frame().await {
            size += frame.data_ref().map_or(0, Bytes::len);
            if begins && size > 0 {
                return Some((line("begun"), Some((context, size))));
            }
        }
        Some((line(&format!("built from {size} bytes")), None))
    });
    StreamBody::new(lines).boxed_unsync()
}

fn line(text: &str) -> Result<Frame<Bytes>, Infallible> {
    let text = json!({ "stream": format!("{text}\n") }).to_string();
    Ok(Frame::data(Bytes::from(text)))
}

/// DAPI-010: a build says its first word while its context is still on the way, and gets all of it.
#[tokio::test(flavor = "multi_thread")]
async fn builds_speak_before_their_context_ends() {
    let (_engine, controller) = Engine::behind_a_controller(0).await;
    let admin = controller.admin().await;
    let (context, pieces) = mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        Some((Ok::<_, Infallible>(piece), pieces))
    });
    let request = admin
        .request("POST", "/v1.41/build?t=made")
        .header("Content-Type", "application/x-tar")
        .body(reqwest::Body::wrap_stream(pieces));
    context.send(Bytes::from_static(b"first")).await.unwrap();
    let response = timeout(PATIENCE, request.send())
        .await
        .expect("an answer")
        .unwrap();
    assert_eq!(response.status(), 200);
    let mut response = response;
    let begun = timeout(PATIENCE, response.chunk()).await.expect("its first word");
    assert!(String::from_utf8_lossy(&begun.unwrap().unwrap()).contains("begun"));
    context.send(Bytes::from_static(b" and last")).await.unwrap();
    drop(context);
    let rest = timeout(PATIENCE, response.text())
        .await
        .expect("its end")
        .unwrap();
    assert!(rest.contains("built from 14 bytes"), "{rest}");
}

/// DAPI-011: a list of five hundred services costs the engine as many calls as one of five, for an administrator and for somebody
/// who may see only some, and nobody asks for a service of the list.
#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_the_same_whatever_their_length() {
    let mut costs = Vec::new();
    for services in [5, 500] {
        let (engine, controller) = Engine::behind_a_controller(services).await;
        let admin = controller.admin().await;
        let jane = controller.user(&admin, "jane").await.client;
        for (client, expected) in [(&admin, services), (&jane, 0)] {
            engine.calls_about_services();
            let list = client.get("/v1.41/services?status=true").await.ok();
            assert_eq!(list.as_array().unwrap().len(), expected);
            let calls = engine.calls_about_services();
            assert!(calls.iter().all(|call| !call.contains("/services/")), "{calls:?}");
            costs.push(calls.len());
        }
    }
    let (few, many) = costs.split_at(2);
    assert_eq!(few, many);
}
