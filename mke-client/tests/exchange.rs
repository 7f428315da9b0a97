//! Requests over real TLS to a server that answers what a test says: what is sent, how often, and what is made of the answer.

#![cfg(test)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mke_client::{Body, Client, ClientError, Credential, Method, Request, Retry, Settings, Trust};
use mke_test_support::Certificates;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the server does with one request.
#[derive(Clone)]
enum Turn {
    /// Answers: status, further header lines, body.
    Say(u16, &'static str, Vec<u8>),
    /// Ends the connection without an answer.
    HangUp,
    /// Never answers.
    Stall,
}

fn say(status: u16, headers: &'static str, body: &str) -> Turn {
    Turn::Say(status, headers, body.as_bytes().to_vec())
}

/// A server with a certificate of its own; one connection for each request.
struct Server {
    address: SocketAddr,
    certificates: Certificates,
    /// Everything that was asked, as it came.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Takes the turns one after another, and the last one for ever.
    async fn start(turns: Vec<Turn>) -> Self {
        let certificates = Certificates::new("IP:127.0.0.1");
        let read = |name: &str| certificates.text(name).into_bytes();
        let chain = CertificateDer::pem_slice_iter(&read("server.pem"))
            .map(Result::unwrap)
            .collect();
        let key = PrivateKeyDer::from_pem_slice(&read("server.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut turns = turns.into_iter().peekable();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                // Somebody who does not trust the certificate leaves during the handshake.
                let Ok(mut stream) = acceptor.accept(socket).await else {
                    continue;
                };
                let mut text = Vec::new();
                let mut buffer = [0; 4096];
                while !is_whole(&text) {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    if read == 0 {
                        break;
                    }
                    text.extend_from_slice(&buffer[..read]);
                }
                log.lock().unwrap().push(String::from_utf8(text).unwrap());
                let turn = turns.peek().cloned().unwrap();
                if turns.len() > 1 {
                    turns.next();
                }
                match turn {
                    Turn::Say(status, headers, body) => {
                        let length = body.len();
                        let head = format!(
                            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
                        );
                        let _ = stream.write_all(head.as_bytes()).await;
                        let _ = stream.write_all(&body).await;
                        let _ = stream.shutdown().await;
                    }
                    Turn::HangUp => drop(stream),
                    Turn::Stall => std::mem::forget(stream),
                }
            }
        });
        Self {
            address,
            certificates,
            heard,
        }
    }

    fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    fn trust(&self) -> Trust {
        Trust::Authorities(self.certificates.authority())
    }

    fn client(&self, settings: Settings) -> Client {
        let credential = Credential::Token("canary".to_owned().into());
        Client::with(&self.url(), &self.trust(), credential, settings).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Whether head and body of a request are there.
fn is_whole(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// Tries again at once, so that no test waits.
const AGAIN: Settings = Settings {
    timeout: Duration::from_secs(60),
    retry: Retry {
        times: 2,
        pause: Duration::ZERO,
        longest: Duration::from_secs(1),
    },
};

#[tokio::test]
async fn what_is_sent() {
    let server = Server::start(vec![say(
        200,
        "etag: \"7\"\r\ncontent-type: text/x\r\nx-next-page-start: b\r\n",
        "text",
    )])
    .await;
    let client = server.client(Settings::default());
    let request = Request {
        body: Body::Bytes {
            content_type: "application/toml".to_owned(),
            bytes: b"[auth]\n".to_vec(),
        },
        if_match: Some("\"6\"".to_owned()),
        accept: Some("image/svg+xml".to_owned()),
        ..Request::new(Method::PUT, "/api/ucp/config-toml?dry-run=true")
    };
    let answer = client.send(&request).await.unwrap();
    assert_eq!(answer.body, b"text");
    assert_eq!(answer.tag.as_deref(), Some("\"7\""));
    assert_eq!(answer.content_type.as_deref(), Some("text/x"));
    assert_eq!(answer.next_page.as_deref(), Some("b"));
    let heard = server.heard().remove(0);
    assert!(
        heard.starts_with("PUT /api/ucp/config-toml?dry-run=true HTTP/1.1\r\n"),
        "{heard}"
    );
    for line in [
        "authorization: Bearer canary",
        "if-match: \"6\"",
        "accept: image/svg+xml",
        "content-type: application/toml",
    ] {
        assert!(heard.contains(line), "{line} in {heard}");
    }
    assert!(heard.ends_with("\r\n\r\n[auth]\n"), "{heard}");
}

/// A refusal keeps status, word, text and detail of its body, and nothing is tried again that may have been done.
#[tokio::test]
async fn refusals() {
    let body = r#"{"errors":[{"code":"NO_SUCH_OBJECT","message":"no such account: x","detail":{"a":1}}]}"#;
    let server = Server::start(vec![say(404, "retry-after: 7\r\n", body)]).await;
    let error = server
        .client(AGAIN)
        .send(&Request::get("/accounts/x"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /accounts/x: no such account: x (HTTP 404)"
    );
    assert_eq!(error.status(), Some(404));
    let ClientError::Api(refusal) = error else {
        panic!("{error}");
    };
    assert_eq!(refusal.code.as_deref(), Some("NO_SUCH_OBJECT"));
    assert_eq!(refusal.detail, Some(json!({ "a": 1 })));
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(server.heard().len(), 1);
}

/// A change is sent once when the server may have made it; what only reads is sent again.
#[tokio::test]
async fn only_what_changes_nothing_is_sent_twice() {
    for (turn, request, times, done) in [
        (Turn::HangUp, Request::get("/a"), 2, true),
        (say(503, "", ""), Request::get("/a"), 2, true),
        (
            Turn::HangUp,
            Request::new(Method::POST, "/a").json(json!({})),
            1,
            false,
        ),
        (
            say(503, "", ""),
            Request::new(Method::POST, "/a").json(json!({})),
            1,
            false,
        ),
        (
            say(429, "", ""),
            Request::new(Method::POST, "/a").json(json!({})),
            2,
            true,
        ),
        (say(429, "retry-after: 900\r\n", ""), Request::get("/a"), 1, false),
        (
            Turn::HangUp,
            Request {
                reads_only: true,
                ..Request::new(Method::POST, "/a").json(json!({}))
            },
            2,
            true,
        ),
    ] {
        let server = Server::start(vec![turn, say(200, "", "{}")]).await;
        let outcome = server.client(AGAIN).send(&request).await;
        assert_eq!(outcome.is_ok(), done, "{request:?}: {outcome:?}");
        assert_eq!(server.heard().len(), times, "{request:?}");
    }
    let server = Server::start(vec![Turn::HangUp]).await;
    let error = server.client(AGAIN).send(&Request::get("/a")).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert_eq!(server.heard().len(), 3, "it does not go on for ever");
}

/// ux-03: no redirect is followed, so the token stays with the server that it is for.
#[tokio::test]
async fn no_redirect_is_followed() {
    let other = Server::start(vec![say(200, "", "{}")]).await;
    let server = Server::start(vec![say(302, "location: /elsewhere\r\n", "")]).await;
    let error = server.client(AGAIN).send(&Request::get("/a")).await.unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert_eq!(server.heard().len(), 1);
    assert!(other.heard().is_empty());
}

/// ux-04: a server that does not chain to the authority gets neither the token nor the request.
#[tokio::test]
async fn a_stranger_hears_nothing() {
    let server = Server::start(vec![say(200, "", "{}")]).await;
    let elsewhere = Certificates::new("IP:127.0.0.1");
    let ca = elsewhere.authority();
    let credential = || Credential::Token("canary".to_owned().into());
    let client = Client::new(&server.url(), &Trust::Authorities(ca), credential()).unwrap();
    let error = client.get::<Value>("/a").await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert!(server.heard().is_empty());
    let client = Client::new(&server.url(), &Trust::Nothing, credential()).unwrap();
    assert_eq!(client.get::<Value>("/a").await.unwrap(), json!({}));
}

#[tokio::test]
async fn no_answer_in_time() {
    let server = Server::start(vec![Turn::Stall]).await;
    let request = Request {
        timeout: Some(Duration::from_millis(50)),
        ..Request::get("/a")
    };
    let error = server.client(AGAIN).send(&request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} did not answer GET /a in time", server.url())
    );
    assert!(server.heard().len() <= 1, "it used up what its caller gave it");
}

#[tokio::test]
async fn pages_to_the_end() {
    let server = Server::start(vec![
        say(200, "", r#"{"teams":[1,2],"nextPageStart":"c d"}"#),
        say(200, "", r#"{"teams":[3],"nextPageStart":""}"#),
    ])
    .await;
    let client = server.client(Settings::default());
    let teams = client.list("/accounts/a/teams?x=y", "teams").await.unwrap();
    assert_eq!(teams, [json!(1), json!(2), json!(3)]);
    let heard = server.heard();
    assert!(
        heard[0].starts_with("GET /accounts/a/teams?x=y&limit=200&start= "),
        "{}",
        heard[0]
    );
    assert!(
        heard[1].starts_with("GET /accounts/a/teams?x=y&limit=200&start=c%20d "),
        "{}",
        heard[1]
    );
}

/// A faulty server can make a program neither fill its memory nor believe something else than the API promises.
#[tokio::test]
async fn answers_have_limits() {
    let huge = vec![b' '; mke_client::client::MAX_ANSWER_BYTES + 1];
    let server = Server::start(vec![Turn::Say(200, "", huge), say(200, "", r#"{"other":[]}"#)]).await;
    let client = server.client(Settings::default());
    let error = client.send(&Request::get("/a")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "unexpected answer from /a: more than 67108864 bytes"
    );
    let error = client.list("/a", "teams").await.unwrap_err();
    assert!(error.to_string().ends_with("no field `teams`"), "{error}");
}
