//! Answers with what the machine is made of: `/hardware` with everything, `/disks` with the disks alone.

use std::path::PathBuf;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use mke_core::pki::Holder;
use mke_core::render::NodeRole;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::read::read;
use crate::ca::Peer;
use crate::controller::body::{self, Response};
use crate::mtls::{self, Credentials, Handler, Trust, Verified};

/// The server of one node.
pub struct HardwareServer {
    root: PathBuf,
    credentials: Arc<Credentials>,
}

impl HardwareServer {
    /// Reads `proc` and `sys` below `root`.
    pub fn new(root: impl Into<PathBuf>, credentials: Arc<Credentials>) -> Self {
        Self {
            root: root.into(),
            credentials,
        }
    }

    /// Serves until told to stop.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stopping: CancellationToken) {
        let credentials = self.credentials.clone();
        mtls::serve(listener, credentials, self, stopping).await;
    }
}

/// Managers and their controllers may read it on every node, a worker on itself.
fn may_read(trust: Trust, holder: &Holder, own: &Holder) -> bool {
    let cluster = own.organization.as_deref().unwrap_or_default();
    match Peer::of(trust, holder, cluster) {
        Ok(Peer::Controller { .. }) => true,
        Ok(Peer::Node { node, role }) => role == NodeRole::Manager || node == own.common_name,
        Ok(Peer::SwarmNode { .. }) | Err(_) => false,
    }
}

impl Handler for HardwareServer {
    async fn answer(self: Arc<Self>, peer: Arc<Verified>, request: Request<Incoming>) -> Response {
        let loaded = self.credentials.current();
        let refused = |status, text: &str| body::json(status, &json!({ "message": text }));
        if !may_read(peer.trust, &peer.holder, loaded.material.holder()) {
            return refused(StatusCode::FORBIDDEN, "managers may read this");
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
