//! What can be measured of this manager, for whoever scrapes with a certificate (port 12387 in swarm-only mode, SWO-004):
//! the node set of metrics (MET-002) and how long its certificates last. No Prometheus server is part of this product;
//! one that is run elsewhere reads from here.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::controller::body::{self, Response};
use crate::mtls::{self, Caller, Credentials, Handler, MtlsError, Verified};
use crate::node_proxy::{Gate, OwnProxy};

/// The port.
pub const PORT: u16 = 12387;

/// Serves metrics of one manager.
pub struct MetricsServer {
    credentials: Arc<Credentials>,
    /// The proxy in front of the engine of this node.
    engine: SocketAddr,
    gate: Gate<OwnProxy>,
}

impl MetricsServer {
    /// Asks the engine behind the proxy of this node.
    pub fn new(credentials: Arc<Credentials>, engine: SocketAddr) -> Self {
        let gate = Gate::new(credentials.clone(), OwnProxy::new(credentials.clone(), engine));
        Self {
            credentials,
            engine,
            gate,
        }
    }

    /// Serves until told to stop.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stopping: CancellationToken) {
        let credentials = self.credentials.clone();
        mtls::serve(listener, credentials, self, stopping).await;
    }

    async fn page(&self) -> String {
        let loaded = self.credentials.current();
        let holder = loaded.material.holder();
        let mut page = Page::default();
        page.gauge(
            "ucp_certificate_not_after_seconds",
            "When the certificate of this node ends, in seconds since 1970.",
            holder.not_after.as_secs(),
        );
        let engine = Engine {
            caller: Caller::with_config(loaded.client.clone()),
            address: self.engine,
            node: holder.common_name.clone(),
        };
        let answered = self.node_set(&engine, &mut page).await;
        if let Err(error) = &answered {
            tracing::warn!(%error, "the engine of this node gave no figures");
        }
        page.gauge(
            "ucp_engine_up",
            "Whether the engine of this node answered.",
            i64::from(answered.is_ok()),
        );
        page.0
    }

    async fn node_set(&self, engine: &Engine, page: &mut Page) -> Result<(), MetricsError> {
        let info: Info = engine.get("/info").await?;
        for (name, help, value) in [
            (
                "ucp_engine_containers",
                "Containers on the node.",
                info.containers,
            ),
            ("ucp_engine_images", "Images on the node.", info.images),
            ("ucp_engine_num_cpu_cores", "CPU cores of the node.", info.cpus),
            (
                "ucp_engine_memory_total_bytes",
                "Memory of the node.",
                info.memory,
            ),
        ] {
            page.gauge(name, help, value);
        }
        let networks: Vec<serde::de::IgnoredAny> = engine.get("/networks").await?;
        let volumes: Volumes = engine.get("/volumes").await?;
        page.gauge("ucp_engine_networks", "Networks on the node.", networks.len());
        let volumes = volumes.volumes.map_or(0, |volumes| volumes.len());
        page.gauge("ucp_engine_volumes", "Volumes on the node.", volumes);
        Ok(())
    }
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
enum MetricsError {
    #[error(transparent)]
    Mtls(#[from] MtlsError),
    #[error("`{path}` was answered with {status}")]
    Refused { path: &'static str, status: StatusCode },
    #[error("the answer to `{path}` is not what the Engine API says")]
    Malformed {
        path: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

struct Engine {
    caller: Caller,
    address: SocketAddr,
    node: String,
}

impl Engine {
    async fn get<T: serde::de::DeserializeOwned>(&self, path: &'static str) -> Result<T, MetricsError> {
        let answer = self
            .caller
            .exchange(self.address, &self.node, Method::GET, path, Vec::new())
            .await?;
        if !answer.status.is_success() {
            let status = answer.status;
            return Err(MetricsError::Refused { path, status });
        }
        serde_json::from_slice(&answer.body).map_err(|source| MetricsError::Malformed { path, source })
    }
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "Containers")]
    containers: u64,
    #[serde(rename = "Images")]
    images: u64,
    #[serde(rename = "NCPU")]
    cpus: u64,
    #[serde(rename = "MemTotal")]
    memory: u64,
}

#[derive(Deserialize)]
struct Volumes {
    #[serde(rename = "Volumes")]
    volumes: Option<Vec<serde::de::IgnoredAny>>,
}

/// A page in the text format of Prometheus.
#[derive(Default)]
struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = write!(
            self.0,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"
        );
    }
}

impl Handler for MetricsServer {
    async fn answer(self: Arc<Self>, peer: Arc<Verified>, request: Request<Incoming>) -> Response {
        let refused = |status, text: &str| body::json(status, &json!({ "message": text }));
        if let Err(why) = self.gate.admit(&peer).await {
            return refused(StatusCode::FORBIDDEN, &why.to_string());
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => body::bytes(
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                self.page().await,
            ),
            (&Method::GET, _) => refused(StatusCode::NOT_FOUND, "there is /metrics here"),
            _ => refused(StatusCode::METHOD_NOT_ALLOWED, "this can be read only"),
        }
    }
}
