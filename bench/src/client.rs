//! Single calls over one HTTP/1.1 connection that stays open: to a unix socket, or through TLS.
//!
//! Both ways go through the same code, so that the difference of their times is the time of what lies between.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::error::BenchError;

/// One open connection.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    target: String,
    token: Option<String>,
}

impl Client {
    /// Connects to a unix socket.
    pub(crate) async fn unix(socket: &Path) -> Result<Self, BenchError> {
        let target = socket.display().to_string();
        let stream = UnixStream::connect(socket)
            .await
            .map_err(BenchError::no_answer(&target))?;
        Self::over(stream, target).await
    }

    /// Connects to a port of this machine without TLS.
    pub(crate) async fn plain(port: u16) -> Result<Self, BenchError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let target = address.to_string();
        let stream = TcpStream::connect(address)
            .await
            .map_err(BenchError::no_answer(&target))?;
        stream.set_nodelay(true).map_err(BenchError::no_answer(&target))?;
        Self::over(stream, target).await
    }

    /// Connects to a TLS port of this machine.
    pub(crate) async fn tls(port: u16, connector: &TlsConnector) -> Result<Self, BenchError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let target = address.to_string();
        let stream = TcpStream::connect(address)
            .await
            .map_err(BenchError::no_answer(&target))?;
        stream.set_nodelay(true).map_err(BenchError::no_answer(&target))?;
        let stream = connector
            .connect(address.ip().into(), stream)
            .await
            .map_err(BenchError::no_answer(&target))?;
        Self::over(stream, target).await
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        target: String,
    ) -> Result<Self, BenchError> {
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(BenchError::no_answer(&target))?;
        // Its error reaches whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self {
            sender,
            target,
            token: None,
        })
    }

    /// Sends this session token from now on.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Makes a call and returns the body of a successful answer.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Result<Bytes, BenchError> {
        let call = format!("{method} {path}");
        let (status, body) = self.send(method, path, content_type, body.into()).await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(BenchError::Refused {
            call,
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), BenchError> {
        let target = format!("{}{path}", self.target);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "127.0.0.1");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request
            .body(Full::new(body))
            .map_err(BenchError::no_answer(&target))?;
        self.sender
            .ready()
            .await
            .map_err(BenchError::no_answer(&target))?;
        let response = self
            .sender
            .send_request(request)
            .await
            .map_err(BenchError::no_answer(&target))?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(BenchError::no_answer(&target))?
            .to_bytes();
        Ok((status, body))
    }

    /// Reads something.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Bytes, BenchError> {
        self.call(Method::GET, path, "", Bytes::new()).await
    }

    /// Sends JSON and returns the JSON of the answer, null when it is empty.
    pub(crate) async fn json(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, BenchError> {
        let answer = self
            .call(method, path, "application/json", body.to_string())
            .await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|_| BenchError::Malformed {
            what: format!("the answer to {path}"),
            missing: "JSON",
        })
    }
}

/// A text member of a JSON answer.
pub(crate) fn text(answer: &Value, member: &'static str) -> Result<String, BenchError> {
    let text = answer.get(member).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| BenchError::Malformed {
        what: "an answer".to_owned(),
        missing: member,
    })
}
