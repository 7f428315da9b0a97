//! `ucp serve` as a program: what it speaks, and what stops it.

#![cfg(test)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{PASSWORD, Server, UCP};

/// Runs `ucp serve` with these flags until it gives up by itself.
fn gives_up(flags: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = Command::new(UCP)
        .arg("serve")
        .args(flags)
        .env("UCP_ADMIN_PASSWORD", PASSWORD)
        .env_remove("DOCKER_HOST")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

/// ARCH-027, PKI-001: the port speaks TLS only, and it is 443 unless told otherwise.
#[tokio::test]
async fn only_tls() {
    let server = Server::start(&[]).await;
    let mut plain = TcpStream::connect(server.url.strip_prefix("https://").unwrap()).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    plain
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // The connection may end with a reset, which is as good as an end.
    let _ = plain.read_to_end(&mut answer);
    assert!(
        !answer.starts_with(b"HTTP/"),
        "plain HTTP is answered: {}",
        String::from_utf8_lossy(&answer)
    );

    let help = Command::new(UCP).args(["serve", "--help"]).output().unwrap();
    assert!(
        String::from_utf8_lossy(&help.stdout).contains("0.0.0.0:443"),
        "the default port"
    );
}

/// Two at once on the same data, a taken port, a wrong flag: each names what is wrong and what to do.
#[tokio::test]
async fn what_cannot_be_served() {
    let server = Server::start(&[]).await;
    let data = server.data();
    let (code, log) = gives_up(&["--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{log}");
    assert!(
        log.contains("store.db") && log.contains("another process"),
        "{log}"
    );

    let other = tempfile::tempdir().unwrap();
    let taken = server.url.strip_prefix("https://").unwrap();
    let (code, log) = gives_up(&["--listen", taken, "--data-dir", other.path().to_str().unwrap()]);
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains(taken), "{log}");

    for (flags, named) in [
        (&["--engine", "tcp://127.0.0.1:2375"][..], "unix:///"),
        (&["--host-address", "not a name"][..], "not a name"),
        (&["--admin-username", "Admin"][..], "small letters"),
        (&["--listen", "nowhere"][..], "nowhere"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (code, log) = gives_up(&[&["--data-dir", dir.path().to_str().unwrap()], flags].concat());
        assert_eq!(code, Some(2), "{flags:?}: {log}");
        assert!(log.contains(named), "{flags:?}: {log}");
    }
}

/// A damaged store is reported and left as it is.
#[test]
fn a_damaged_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store.db");
    std::fs::write(&store, "this is no database".repeat(1000)).unwrap();
    let (code, log) = gives_up(&[
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        dir.path().to_str().unwrap(),
    ]);
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains("store.db"), "{log}");
    assert!(std::fs::read(&store).unwrap().starts_with(b"this is no database"));
}

/// proxy-10: an upgrade without a credential is refused before the engine hears of it.
#[tokio::test]
async fn sec_proxy_10_upgrades_need_an_identity() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let heard = Arc::new(Mutex::new(String::new()));
    let hearing = Arc::clone(&heard);
    // Ends with the test process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap_or(0);
            hearing
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&request[..read]));
            let _ = stream.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let server = Server::start_with_engine(&format!("unix://{}", socket.display()), &[]).await;
    for (method, path, protocol) in [
        ("POST", "/v1.41/containers/web/attach?stream=1", "tcp"),
        ("POST", "/v1.41/exec/abc/start", "tcp"),
        ("GET", "/v1.41/containers/web/attach/ws", "websocket"),
        ("POST", "/v1.41/session", "h2c"),
    ] {
        let answer = server
            .http()
            .request(method.parse().unwrap(), format!("{}{path}", server.url))
            .header("Connection", "Upgrade")
            .header("Upgrade", protocol)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 401, "{method} {path}");
    }
    let heard = heard.lock().unwrap();
    for part in ["attach", "exec", "session"] {
        assert!(!heard.contains(part), "the engine heard: {heard}");
    }
}
