//! Calling another component: the connection, and small exchanges in JSON.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use super::{Material, MtlsError};

/// For reaching the other end; a dead node must not hold up the way to the next one.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// For a whole exchange.
pub(crate) const EXCHANGE_TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer. Certificates have a few kilobytes, the nodes of a swarm of 10,000 some 20 MB.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Calls components of the cluster with one certificate.
#[derive(Clone)]
pub struct Caller {
    config: Arc<ClientConfig>,
}

/// An answer that was read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl Caller {
    /// Calls with this certificate.
    ///
    /// # Errors
    /// [`MtlsError::Tls`].
    pub fn new(material: &Material) -> Result<Self, MtlsError> {
        Ok(Self {
            config: material.client_config()?,
        })
    }

    /// Calls as it is configured already.
    pub fn with_config(config: Arc<ClientConfig>) -> Self {
        Self { config }
    }

    /// Connects, and makes sure that the other end has a certificate for `name`: a node id, or
    /// [`MANAGER`](super::MANAGER) for any manager.
    ///
    /// # Errors
    /// [`MtlsError`].
    pub async fn connect(&self, address: SocketAddr, name: &str) -> Result<TlsStream<TcpStream>, MtlsError> {
        let server_name =
            ServerName::try_from(name.to_owned()).map_err(|_| MtlsError::Name(name.to_owned()))?;
        let unreachable = |source| MtlsError::Unreachable { address, source };
        let tcp = timeout(CONNECT_TIME, TcpStream::connect(address))
            .await
            .map_err(|_| unreachable(std::io::ErrorKind::TimedOut.into()))?
            .map_err(unreachable)?;
        let _ = tcp.set_nodelay(true);
        let failed = |source| MtlsError::Handshake {
            address,
            name: name.to_owned(),
            source,
        };
        timeout(
            CONNECT_TIME,
            TlsConnector::from(self.config.clone()).connect(server_name, tcp),
        )
        .await
        .map_err(|_| failed(std::io::ErrorKind::TimedOut.into()))?
        .map_err(failed)
    }

    /// Connects for several exchanges, one after the other.
    ///
    /// # Errors
    /// [`MtlsError`].
    pub async fn open(&self, address: SocketAddr, name: &str) -> Result<Line, MtlsError> {
        let stream = self.connect(address, name).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|error| MtlsError::Broken {
                    address,
                    source: error.into(),
                })?;
        Ok(Line {
            address,
            name: name.to_owned(),
            opened: Instant::now(),
            sender,
            _driver: AbortOnDropHandle::new(tokio::spawn(async move {
                // Whoever waits for an answer sees the same error.
                let _ = connection.await;
            })),
        })
    }

    /// One request with a body of JSON (none when empty) on a connection of its own, its answer read whole.
    ///
    /// # Errors
    /// [`MtlsError`]. A refusal is an answer.
    pub async fn exchange(
        &self,
        address: SocketAddr,
        name: &str,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer, MtlsError> {
        let exchange = async {
            let mut line = self.open(address, name).await?;
            line.send(method, path, body).await
        };
        in_time(address, EXCHANGE_TIME, exchange).await
    }
}

/// An open connection. Handshakes cost both ends more than what they have to say to each other, so who calls every few seconds
/// keeps one.
pub struct Line {
    address: SocketAddr,
    name: String,
    opened: Instant,
    sender: SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Line {
    /// Where the other end is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For how long it has been open.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// One request with a body of JSON (none when empty), its answer read whole. After an error the line is of no use.
    ///
    /// # Errors
    /// [`MtlsError`], [`MtlsError::Slow`] after `limit`. A refusal is an answer.
    pub async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Answer, MtlsError> {
        in_time(self.address, limit, self.send(method, path, body)).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer, MtlsError> {
        let address = self.address;
        let broken = |source: Box<dyn std::error::Error + Send + Sync>| MtlsError::Broken { address, source };
        self.sender.ready().await.map_err(|error| broken(error.into()))?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.name);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(error.into()))?;
        let response = self
            .sender
            .send_request(request)
            .await
            .map_err(|error| broken(error.into()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER)
            .collect()
            .await
            .map_err(broken)?
            .to_bytes();
        Ok(Answer {
            status: head.status,
            body,
        })
    }
}

async fn in_time(
    address: SocketAddr,
    limit: Duration,
    exchange: impl Future<Output = Result<Answer, MtlsError>>,
) -> Result<Answer, MtlsError> {
    timeout(limit, exchange)
        .await
        .map_err(|_| MtlsError::Slow { address, limit })?
}
