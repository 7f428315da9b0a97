//! Raw bytes on the wire: request targets, methods and message framing.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::support::Controller;

/// Sends bytes on a fresh connection and reads until the server closes it.
async fn exchange(controller: &Controller, bytes: &[u8]) -> String {
    let ca = std::fs::read(controller.dir.path().join("data/ca.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(("127.0.0.1", controller.port()))
        .await
        .unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap();
    tls.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // Some servers close without a TLS farewell; what came until then is the answer.
    let _ = timeout(Duration::from_secs(60), tls.read_to_end(&mut answer))
        .await
        .expect("the server must close the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<u16> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|rest| rest[..3].parse().unwrap())
        .collect()
}

fn request(line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

/// proxy-03: other forms of the target, other methods, and headers that would change the method.
#[tokio::test]
async fn sec_proxy_03_odd_request_lines_are_refused() {
    let controller = Controller::start().await;
    let token = controller.admin().await.token.unwrap();
    let authorization = format!("Authorization: Bearer {token}\r\n");
    for (line, expected) in [
        ("GET http://localhost/roles", 400),
        ("GET https://other/roles", 400),
        ("OPTIONS *", 400),
        ("CONNECT localhost:443", 400),
        ("TRACE /roles", 405),
        ("get /roles", 405),
        ("GeT /roles", 405),
        ("HEAD /roles", 405),
        ("TRACE /containers/json", 405),
        ("get /containers/json", 405),
    ] {
        let answer = exchange(&controller, &request(line, &authorization)).await;
        assert_eq!(statuses(&answer), [expected], "{line}: {answer}");
    }
    let overridden = format!("{authorization}X-HTTP-Method-Override: DELETE\r\n");
    let answer = exchange(&controller, &request("GET /roles/none", &overridden)).await;
    assert_eq!(statuses(&answer), [200]);
}

/// proxy-02, on control-plane paths: one meaning or a refusal.
#[tokio::test]
async fn sec_proxy_02_odd_paths_are_refused() {
    let controller = Controller::start().await;
    let token = controller.admin().await.token.unwrap();
    let authorization = format!("Authorization: Bearer {token}\r\n");
    for (path, expected) in [
        ("//roles", 400),
        ("/./roles", 400),
        ("/x/../roles", 400),
        ("/%2e%2e/roles", 400),
        ("/roles%2fnone", 400),
        ("/roles%252fnone", 400),
        ("/roles;a=b", 400),
        ("/roles%00", 400),
        ("/roles/%ff", 400),
        ("/v1.41/roles", 404),
        ("/v1.041/info", 400),
        ("/V1.41/info", 400),
        ("/v1.99/version", 400),
        ("/libpod/info", 404),
        ("/roles/", 200),
        ("/rol%65s", 200),
    ] {
        let answer = exchange(&controller, &request(&format!("GET {path}"), &authorization)).await;
        assert_eq!(statuses(&answer), [expected], "{path}: {answer}");
    }
}

/// proxy-04: bytes that two servers could cut into requests differently are never taken as a second request. Both a
/// length and chunks are read as chunks, once, and the connection is closed (RFC 9112, section 6.1).
#[tokio::test]
async fn sec_proxy_04_ambiguous_framing_gives_no_second_request() {
    let controller = Controller::start().await;
    let smuggled = "GET /ca HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let chunked = format!("0\r\n\r\n{smuggled}");
    for (what, headers, body, expected) in [
        (
            "two lengths",
            "Content-Length: 0\r\nContent-Length: 5\r\n",
            smuggled,
            400,
        ),
        ("list of lengths", "Content-Length: 0, 5\r\n", smuggled, 400),
        ("negative length", "Content-Length: -1\r\n", smuggled, 400),
        ("signed length", "Content-Length: +0\r\n", smuggled, 400),
        (
            "chunks not last",
            "Transfer-Encoding: chunked, identity\r\n",
            smuggled,
            400,
        ),
        ("unknown coding", "Transfer-Encoding: xchunked\r\n", smuggled, 400),
        (
            "folded header",
            "X: a\r\n b\r\nContent-Length: 0\r\n",
            smuggled,
            400,
        ),
        ("space before colon", "Content-Length : 0\r\n", smuggled, 400),
        (
            "bad chunk size",
            "Transfer-Encoding: chunked\r\n",
            "zz\r\n\r\n",
            400,
        ),
        ("NUL in header", "X: a\0b\r\nContent-Length: 0\r\n", smuggled, 400),
        (
            "length, then chunks",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            &chunked,
            401,
        ),
        (
            "chunks, then length",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            &chunked,
            401,
        ),
    ] {
        let bytes = format!("POST /auth/login HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}");
        let answer = exchange(&controller, bytes.as_bytes()).await;
        assert_eq!(statuses(&answer), [expected], "{what}: {answer}");
    }
}

/// CFG-002, config-01: a client that asks before it sends is told at once that the body is too large, and is not asked for
/// it. One that says nothing of the length is cut off at the limit.
#[tokio::test]
async fn sec_config_01_bodies_that_are_too_large_are_refused_before_they_come() {
    let controller = Controller::start().await;
    let token = controller.admin().await.token.unwrap();
    let expecting =
        format!("Authorization: Bearer {token}\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n");
    let answer = exchange(&controller, &request("PUT /api/ucp/config-toml", &expecting)).await;
    assert_eq!(statuses(&answer), [413], "{answer}");
    assert!(answer.contains("at most 1048576 bytes"), "{answer}");
    let chunked = format!("Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n");
    let mut bytes = request("PUT /api/ucp/config-toml", &chunked);
    bytes.extend_from_slice(b"100001\r\n");
    bytes.extend(std::iter::repeat_n(b'#', 0x10_0001));
    let answer = exchange(&controller, &bytes).await;
    assert_eq!(statuses(&answer), [413], "{answer}");
}

/// G-02: the head of a request is bounded in lines and bytes.
#[tokio::test]
async fn heads_are_bounded() {
    let controller = Controller::start().await;
    let many: String = (0..101).map(|i| format!("X-{i}: y\r\n")).collect();
    let answer = exchange(&controller, &request("GET /ca", &many)).await;
    assert_eq!(statuses(&answer), [431]);
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    let answer = exchange(&controller, &request("GET /ca", &long)).await;
    assert_eq!(statuses(&answer), [431]);
}
