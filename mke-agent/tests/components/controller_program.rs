//! `ucp-agent controller` as its container starts it: real etcd, a real engine, certificates in volumes.

use std::os::unix::fs::OpenOptionsExt as _;

use mke_agent::controller::{FIRST_ADMIN_FILE, FirstAdmin};
use mke_core::secret::Secret;
use serde_json::Value;

use crate::ports::Program;
use crate::store::Etcd;
use crate::world::{World, curl};

/// ARCH-012, ARCH-027, PKI-009, DAPI-004: a controller that is started with what the reconciler wrote serves the swarm's cluster
/// over TLS from the shared store, lets the first administrator of the installation in and forgets the password; started again it finds
/// everything in the store. SIGTERM ends it in order.
#[tokio::test(flavor = "multi_thread")]
async fn the_controller_of_a_cluster() {
    let world = World::start().await;
    let (_etcd, kv) = Etcd::start(&world).await;
    let (server, client) = (
        world.volume("ucp-controller-server-certs"),
        world.volume("ucp-controller-client-certs"),
    );
    let mut options = std::fs::OpenOptions::new();
    let key = options
        .write(true)
        .create(true)
        .mode(0o600)
        .open(client.join("sealing.key"));
    std::io::Write::write_all(&mut key.unwrap(), &[7; 32]).unwrap();
    let admin = FirstAdmin {
        username: "boss".parse().unwrap(),
        password: Secret::new("correct horse battery"),
    };
    admin.write(&client).unwrap();
    let path = |path: &std::path::Path| path.display().to_string();
    let arguments = [
        "controller".to_owned(),
        "--address=127.0.0.1".to_owned(),
        format!("--kv=https://{kv}"),
        format!("--engine=unix://{}", world.engine.socket().display()),
        format!("--server-certs={}", path(&server)),
        format!("--client-certs={}", path(&client)),
        format!("--node-certs={}", path(&world.volume("ucp-node-certs"))),
        format!("--data-dir={}", path(&world.dir.path().join("data"))),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ca = server.join("ca.pem");
    let login = r#"{"username":"boss","password":"correct horse battery"}"#;
    for start in ["first", "second"] {
        let (program, address) = Program::start(&arguments).await;
        let url = format!("https://{address}");
        let (status, text) = curl(&format!("{url}/_ping"), &ca, None, &[]).await;
        assert_eq!(
            status,
            Some(500),
            "no agent has reported this node yet, {start} start: {text}"
        );
        let (_, text) = curl(&format!("{url}/ca"), &ca, None, &[]).await;
        assert_eq!(text, std::fs::read_to_string(&ca).unwrap());
        let (status, text) = curl(&format!("{url}/auth/login"), &ca, None, &["-d", login]).await;
        assert_eq!(status, Some(200), "{start} start: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let token = format!("Authorization: Bearer {}", answer["auth_token"].as_str().unwrap());
        let (_, text) = curl(&format!("{url}/info"), &ca, None, &["-H", &token]).await;
        let info: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(info["ID"], world.cluster.id.as_str());
        let (plain, _) = curl(&format!("http://{address}/ca"), &ca, None, &[]).await;
        assert_eq!(plain, None, "TLS only");
        assert!(!client.join(FIRST_ADMIN_FILE).exists(), "{start} start");
        assert_eq!(program.end().await, Some(0));
    }
}
