//! Passes calls on to the engine's socket: heads as they are but for what concerns only one connection, bodies and
//! switched protocols as streams.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Response as HttpResponse, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::held::held;
use super::managers::PATH;
use crate::controller::body::{self, Response, empty};
use crate::engine::{EngineClient, EngineError, Upgrade};
use crate::mtls::{self, Credentials, Handler, Verified};
use crate::proxy::{headers, tunnel};

/// How long nothing may move in a switched connection, as at the controller.
const IDLE_TIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The proxy of one node.
pub struct NodeProxy {
    engine: EngineClient,
    gate: Gate<EngineClient>,
    credentials: Arc<Credentials>,
    stopping: CancellationToken,
}

impl NodeProxy {
    /// In front of this engine, with the certificate of the node.
    pub fn new(engine: EngineClient, credentials: Arc<Credentials>, stopping: CancellationToken) -> Self {
        Self {
            gate: Gate::new(credentials.clone(), engine.clone()),
            engine,
            credentials,
            stopping,
        }
    }

    /// Serves until told to stop.
    pub async fn run(self: Arc<Self>, listener: TcpListener) {
        let (credentials, stopping) = (self.credentials.clone(), self.stopping.clone());
        mtls::serve(listener, credentials, self, stopping).await;
    }

    async fn travel(&self, peer: &Verified, mut request: Request<Incoming>) -> Result<Response, Response> {
        let plain = request.uri().authority().is_none() && request.method() != Method::CONNECT;
        if plain && request.uri().path() == PATH && self.gate.is_own(peer) {
            let list = self.gate.managers().list().await;
            return Ok(body::json(StatusCode::OK, &list));
        }
        let who = self.gate.admit(peer).await;
        let who = who.map_err(|refused| message(StatusCode::FORBIDDEN, &refused.to_string()))?;
        tracing::debug!(peer = %who, method = %request.method(), path = request.uri().path(), "call for the engine");
        if !plain || !request.uri().path().starts_with('/') {
            return Err(message(
                StatusCode::BAD_REQUEST,
                "the path of the engine's API is expected, nothing else is passed on",
            ));
        }
        match headers::wanted_upgrade(request.headers()) {
            Some(protocol) => {
                let on_upgrade = hyper::upgrade::on(&mut request);
                let node = who.node().to_owned();
                self.switch(passed(request, Some(protocol)), on_upgrade, node)
                    .await
            }
            None => self.pass(passed(request, None), who.node()).await,
        }
        .map_err(|error| unreachable(&error))
    }

    async fn pass(&self, request: Request<body::Body>, node: &str) -> Result<Response, EngineError> {
        let whole = request.body().is_end_stream();
        let mut response = if whole {
            self.engine.send(request).await?
        } else {
            self.engine.send_stream(request).await?
        };
        headers::towards_caller(response.headers_mut());
        Ok(response.map(|body| held(body, self.gate.managers().clone(), node.to_owned())))
    }

    async fn switch(
        &self,
        request: Request<body::Body>,
        caller: OnUpgrade,
        node: String,
    ) -> Result<Response, EngineError> {
        match self.engine.upgrade(request).await? {
            Upgrade::Answered(mut response) => {
                headers::towards_caller(response.headers_mut());
                Ok(response)
            }
            Upgrade::Switched(head, engine) => {
                let (stopping, managers) = (self.stopping.clone(), self.gate.managers().clone());
                tokio::spawn(async move {
                    match caller.await {
                        Ok(caller) => {
                            let (caller, engine) = (TokioIo::new(caller), TokioIo::new(*engine));
                            tokio::select! {
                                ended = tunnel::carry(caller, engine, IDLE_TIME, &stopping) => {
                                    tracing::debug!(?ended, "a switched connection ended");
                                }
                                () = managers.until_gone(&node) => {
                                    tracing::warn!(node, "a switched connection is cut: its caller is no manager any more");
                                }
                            }
                        }
                        Err(error) => tracing::debug!(%error, "the caller did not switch"),
                    }
                });
                Ok(switched(head))
            }
        }
    }
}

impl Handler for NodeProxy {
    async fn answer(self: Arc<Self>, peer: Arc<Verified>, request: Request<Incoming>) -> Response {
        self.travel(&peer, request)
            .await
            .unwrap_or_else(|refused| refused)
    }
}

/// The call as the engine gets it.
fn passed(request: Request<Incoming>, protocol: Option<&'static str>) -> Request<body::Body> {
    let (mut head, incoming) = request.into_parts();
    headers::towards_caller(&mut head.headers);
    head.headers.remove(HOST);
    let body = if incoming.is_end_stream() {
        // A body without a length is sent in chunks; one that is empty must say so, or the engine waits for it.
        if head.method != Method::GET && head.method != Method::HEAD {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        empty()
    } else {
        incoming.map_err(Into::into).boxed_unsync()
    };
    if let Some(protocol) = protocol {
        headers::set_upgrade(&mut head.headers, HeaderValue::from_static(protocol));
    }
    Request::from_parts(head, body)
}

/// The engine's agreement, as the caller gets it.
fn switched(head: HttpResponse<()>) -> Response {
    let protocol = head.headers().get(http::header::UPGRADE).cloned();
    let mut response = head.map(|()| empty());
    headers::towards_caller(response.headers_mut());
    let protocol = protocol.unwrap_or_else(|| HeaderValue::from_static("tcp"));
    headers::set_upgrade(response.headers_mut(), protocol);
    response
}

fn unreachable(error: &EngineError) -> Response {
    tracing::warn!(%error, "the engine gave no answer");
    message(StatusCode::BAD_GATEWAY, &error.to_string())
}

/// An error as the Engine API writes it.
fn message(status: StatusCode, text: &str) -> Response {
    body::json(status, &json!({ "message": text }))
}
