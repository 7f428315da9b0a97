//! Answers with what the machine is made of: `/hardware` with everything, `/disks` with the disks alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::read::read;
use crate::controller::body::{self, Response};
use crate::mtls::{self, Credentials, Handler, Verified};
use crate::node_proxy::{Gate, OwnProxy};

/// The server of one node.
pub struct HardwareServer {
    root: PathBuf,
    credentials: Arc<Credentials>,
    gate: Gate<OwnProxy>,
}

impl HardwareServer {
    /// Reads `proc` and `sys` below `root`. The proxy of the node knows who is a manager.
    pub fn new(root: impl Into<PathBuf>, credentials: Arc<Credentials>, proxy: SocketAddr) -> Self {
        Self {
            root: root.into(),
            gate: Gate::new(credentials.clone(), OwnProxy::new(credentials.clone(), proxy)),
            credentials,
        }
    }

    /// Serves until told to stop.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stopping: CancellationToken) {
        let credentials = self.credentials.clone();
        mtls::serve(listener, credentials, self, stopping).await;
    }
}

impl Handler for HardwareServer {
    async fn answer(self: Arc<Self>, peer: Arc<Verified>, request: Request<Incoming>) -> Response {
        let refused = |status, text: &str| body::json(status, &json!({ "message": text }));
        // A node may read what it is itself.
        if !self.gate.is_own(&peer)
            && let Err(why) = self.gate.admit(&peer).await
        {
            return refused(StatusCode::FORBIDDEN, &why.to_string());
        }
        if request.method() != Method::GET {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "this can be read only");
        }
        match request.uri().path() {
            "/" | "/hardware" => body::json(StatusCode::OK, &read(&self.root)),
            "/disks" => body::json(StatusCode::OK, &read(&self.root).disks),
            "/_ping" => body::bytes(StatusCode::OK, "text/plain", "OK"),
            _ => refused(StatusCode::NOT_FOUND, "there is /hardware and /disks here"),
        }
    }
}
