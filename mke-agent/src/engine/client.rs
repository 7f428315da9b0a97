//! HTTP/1.1 to an engine: over its unix socket, or over mutual TLS to the proxy of its node.
//!
//! Answers are handed on as streams; nothing is buffered unless a caller asks for JSON. Time is limited for
//! connecting and for look-ups only: a forwarded call such as `stop` or `wait` may rightly take hours, and ends
//! when its caller goes away.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::error::EngineError;
use super::pool::Pool;
use super::way::{NodeWay, Way};
use crate::controller::body::{Body, BoxError, empty};

/// For connecting, the handshake of TLS included; only a hung engine or a lost network takes longer.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// For the head of the answer to a look-up.
const LOOKUP_TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer that is read whole. A list of 10,000 containers has about 20 MB.
pub const MAX_WHOLE_ANSWER: usize = 256 * 1024 * 1024;

/// A client of one engine. Clones share its connections.
#[derive(Debug, Clone)]
pub struct EngineClient {
    way: Arc<Way>,
    pool: Pool,
    node_name: Arc<OnceCell<String>>,
}

/// What became of a request to leave HTTP.
pub enum Upgrade {
    /// The engine agreed; the head of its answer, and the bytes from now on.
    Switched(Response<()>, Box<Upgraded>),
    /// It answered like any other call. The connection closes after this answer (proxy-08).
    Answered(Response<Body>),
}

impl EngineClient {
    /// A client for the engine behind this socket. Nothing is opened before the first call.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self::over(Way::Socket(socket.into()))
    }

    /// A client for the engine of another node, through the proxy of that node. Nothing is opened before the first
    /// call.
    pub fn of_node(way: NodeWay) -> Self {
        Self::over(Way::Node(way))
    }

    fn over(way: Way) -> Self {
        Self {
            way: Arc::new(way),
            pool: Pool::default(),
            node_name: Arc::default(),
        }
    }

    /// The engine's socket; nothing for the engine of another node.
    pub fn socket(&self) -> Option<&Path> {
        match &*self.way {
            Way::Socket(socket) => Some(socket),
            Way::Node(_) => None,
        }
    }

    /// The name of the engine's node, which it keeps while it runs.
    ///
    /// # Errors
    /// When it was never asked successfully and cannot be asked now.
    pub async fn node_name(&self) -> Result<&str, EngineError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Info {
            name: String,
        }
        let name = self.node_name.get_or_try_init(|| async {
            let info: Info = self.get_json("/info").await?;
            Ok(info.name)
        });
        Ok(name.await?)
    }

    /// The id of the engine's node in its swarm, empty outside a swarm.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn node_id(&self) -> Result<String, EngineError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Info {
            swarm: Swarm,
        }
        #[derive(serde::Deserialize)]
        struct Swarm {
            #[serde(rename = "NodeID", default)]
            node_id: String,
        }
        let info: Info = self.get_json("/info").await?;
        Ok(info.swarm.node_id)
    }

    /// Sends a request whose body is known whole, so that its connection can serve again.
    ///
    /// # Errors
    /// When the engine cannot be reached or breaks off before its answer begins. A refusal is an answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, EngineError> {
        let path = request.uri().path().to_owned();
        let mut request = addressed(request);
        while let Some(mut sender) = self.pool.take().await {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(self.pooled(response, sender)),
                // The engine closed the connection while it waited: nothing was sent, so it can be sent again.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(&path)(error.into_error())),
                },
            }
        }
        let mut sender = self.connect(false).await?;
        let response = sent(&mut sender, request).await?;
        Ok(self.pooled(response, sender))
    }

    /// Sends a request whose answer goes on for as long as the engine lives, on a connection of its own that breaks off some
    /// seconds after the machine of the engine is gone.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn follow(&self, request: Request<Body>) -> Result<Response<Body>, EngineError> {
        let mut sender = self.connect(true).await?;
        let response = sent(&mut sender, addressed(request)).await?;
        Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
    }

    /// Sends a request whose body is a stream. Its connection serves only once.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_stream(&self, request: Request<Body>) -> Result<Response<Body>, EngineError> {
        let mut sender = self.connect(false).await?;
        let response = sent(&mut sender, addressed(request)).await?;
        Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
    }

    /// Asks to leave HTTP; the request carries `Connection` and `Upgrade`.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn upgrade(&self, request: Request<Body>) -> Result<Upgrade, EngineError> {
        let path = request.uri().path().to_owned();
        let mut sender = self.connect(false).await?;
        let response = sent(&mut sender, addressed(request)).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let answer = response.map(|body| body.map_err(Into::into).boxed_unsync());
            return Ok(Upgrade::Answered(answer));
        }
        let (head, body) = response.into_parts();
        let mut response = Response::from_parts(head, body);
        let upgraded = hyper::upgrade::on(&mut response)
            .await
            .map_err(|source| EngineError::Broken { path, source })?;
        Ok(Upgrade::Switched(response.map(drop), Box::new(upgraded)))
    }

    /// Looks something up.
    ///
    /// # Errors
    /// [`EngineError::Refused`] when the engine answers anything but success, and as [`Self::send`].
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, EngineError> {
        let bytes = self.get_bytes(path).await?;
        serde_json::from_slice(&bytes).map_err(|source| EngineError::Malformed {
            path: path.to_owned(),
            source,
        })
    }

    /// Looks something up and leaves reading it to the caller.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, EngineError> {
        self.call("GET", path, empty()).await
    }

    /// Makes a call of the controller's own and reads its answer whole.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub async fn call(&self, method: &'static str, path: &str, body: Body) -> Result<Bytes, EngineError> {
        let mut request = Request::builder().method(method).uri(path);
        if http_body::Body::size_hint(&body).exact() != Some(0) {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(body).map_err(|error| EngineError::Unreadable {
            path: path.to_owned(),
            source: error.into(),
        })?;
        let response = timeout(LOOKUP_TIME, self.send(request))
            .await
            .map_err(|_| EngineError::Slow {
                path: path.to_owned(),
                limit: LOOKUP_TIME,
            })??;
        let status = response.status();
        let bytes = whole(path, response.into_body(), MAX_WHOLE_ANSWER).await?;
        if status.is_success() {
            return Ok(bytes);
        }
        Err(EngineError::Refused {
            status,
            message: message_of(&bytes),
        })
    }

    fn pooled(&self, response: Response<Incoming>, sender: SendRequest<Body>) -> Response<Body> {
        response.map(|body| self.pool.returning(body, sender).boxed_unsync())
    }

    async fn connect(&self, watched: bool) -> Result<SendRequest<Body>, EngineError> {
        let unreachable = |source| EngineError::Unreachable {
            place: self.way.to_string(),
            source,
        };
        let stream = timeout(CONNECT_TIME, self.way.open(watched))
            .await
            .map_err(|_| unreachable(std::io::ErrorKind::TimedOut.into()))?
            .map_err(unreachable)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken("/"))?;
        tokio::spawn(async move {
            // Whoever waits for an answer sees the same error; without one it is only an idle connection ending.
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "connection to the engine ended");
            }
        });
        Ok(sender)
    }
}

/// Reads a body to its end.
///
/// # Errors
/// [`EngineError::Unreadable`] when it breaks off or has more than `max` bytes.
pub async fn whole(path: &str, body: Body, max: usize) -> Result<Bytes, EngineError> {
    // Boxed, because the compiler cannot see that the error type inside holds no borrow (rust-lang/rust#100013).
    type Collecting = Pin<Box<dyn Future<Output = Result<Collected<Bytes>, BoxError>> + Send>>;
    let collecting: Collecting = Box::pin(Limited::new(body, max).collect());
    match collecting.await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(source) => Err(EngineError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The text in an error answer of the engine.
pub fn message_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Message {
        message: String,
    }
    match serde_json::from_slice::<Message>(body) {
        Ok(answer) => answer.message,
        Err(_) => match String::from_utf8_lossy(body).trim() {
            "" => "the engine refuses and does not say why".to_owned(),
            text => text.to_owned(),
        },
    }
}

/// The engine wants a host name, and does not care which.
fn addressed(mut request: Request<Body>) -> Request<Body> {
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("docker"));
    request
}

async fn sent(
    sender: &mut SendRequest<Body>,
    request: Request<Body>,
) -> Result<Response<Incoming>, EngineError> {
    let path = request.uri().path().to_owned();
    sender.send_request(request).await.map_err(broken(&path))
}

fn broken(path: &str) -> impl FnOnce(hyper::Error) -> EngineError {
    let path = path.to_owned();
    |source| EngineError::Broken { path, source }
}
