//! The control-plane API where it needs a real engine. Needs root and the packages docker.io, busybox-static,
//! iproute2 and util-linux; a missing one fails the test and is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

#[allow(dead_code, reason = "each test crate uses a part of the harness")]
#[path = "docker/engine.rs"]
mod engine;
mod support;

use std::sync::Arc;

use engine::{Engine, until};
use serde_json::{Value, json};
use support::Controller;

async fn in_front_of(engine: &Engine) -> Controller {
    let socket = engine.socket();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    Controller::start_in(dir, |options| options.engine_socket = socket).await
}

/// DAPI-004, API-008, MON-004: the cluster has the swarm's id, and shows it in `/info`; the manager is healthy, which everybody may
/// ask.
#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_has_the_swarms_identity() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    let id = std::fs::read_to_string(controller.dir.path().join("data/cluster-id")).unwrap();
    for path in ["/info", "/v1.41/info"] {
        let info = admin.get(path).await.ok();
        assert_eq!(info["ID"], id.trim(), "{path}");
        assert_eq!(info["Swarm"]["Cluster"]["ID"], id.trim());
    }
    let ping = controller.anonymous().get("/_ping").await;
    assert_eq!((ping.status, ping.text().as_str()), (200, "OK"));
    let components = admin.get("/version").await.ok()["Components"].clone();
    let names: Vec<_> = components
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["Name"].clone())
        .collect();
    assert!(names.contains(&json!("Universal Control Plane")) && names.contains(&json!("Engine")));
    let metrics = admin.get("/metrics").await.text();
    assert!(metrics.contains("ucp_engine_containers{state=\"running\"}"));
}

/// R17: a collection is deleted when nothing lies in it, with its grants; every kind of object keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn collections_are_deleted_when_they_are_empty() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    let prod = admin
        .post("/collections", json!({ "name": "prod" }))
        .await
        .created();
    let path = format!("/collections/{}", prod["id"].as_str().unwrap());
    let labels = json!({ "com.docker.ucp.access.label": "/prod" });
    for (create, body, kind, delete) in [
        (
            "/volumes/create",
            json!({ "Name": "vol", "Labels": labels }),
            "volume `",
            "/volumes/vol",
        ),
        (
            "/networks/create",
            json!({ "Name": "net", "Driver": "overlay", "Labels": labels }),
            "network `",
            "/networks/net",
        ),
        (
            "/secrets/create",
            json!({ "Name": "s", "Data": "Y2FuYXJ5", "Labels": labels }),
            "secret `",
            "/secrets/s",
        ),
        (
            "/configs/create",
            json!({ "Name": "c", "Data": "eA==", "Labels": labels }),
            "config `",
            "/configs/c",
        ),
    ] {
        let created = admin.post(create, body).await;
        assert_eq!(created.status, 201, "{}", created.text());
        let refused = admin.delete(&path).await;
        assert_eq!(refused.status, 409, "{kind}");
        assert!(refused.text().contains(kind), "{}", refused.text());
        let deleted = admin.delete(delete).await;
        assert!([200, 204].contains(&deleted.status), "{}", deleted.text());
    }
    let below = json!({ "name": "web", "parent_id": prod["id"] });
    let below = admin.post("/collections", below).await.created();
    assert_eq!(admin.delete(&path).await.status, 409);
    let below = format!("/collections/{}", below["id"].as_str().unwrap());
    assert_eq!(admin.delete(&below).await.status, 204);
    let grant = format!(
        "/collectionGrants/authenticated/{}/viewonly",
        prod["id"].as_str().unwrap()
    );
    assert_eq!(admin.put(&grant, Value::Null).await.status, 201);
    assert_eq!(admin.delete(&path).await.status, 204);
    let left = admin.get("/collectionGrants?subjectID=authenticated").await.ok();
    assert_eq!(left["resourceCount"], 0);
}

/// AUD-006, audit-04: the content of a secret and the keys of a swarm are in no record, whatever the path looks like.
#[tokio::test(flavor = "multi_thread")]
async fn sec_audit_04_engine_secrets_are_not_recorded() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    admin
        .put("/api/ucp/config/logging", json!({ "auditLevel": "request" }))
        .await
        .ok();
    for path in [
        "/secrets/create",
        "/v1.41/secrets/create",
        "/secrets/create/",
        "/s%65crets/create",
        "/v1.99/secrets/create",
    ] {
        admin
            .post(path, json!({ "Name": "s", "Data": "Y2FuYXJ5Y2FuYXJ5" }))
            .await;
    }
    admin
        .post(
            "/swarm/join",
            json!({ "JoinToken": "SWMTKN-canary", "RemoteAddrs": ["192.0.2.1:2377"] }),
        )
        .await;
    admin.get("/swarm").await;
    let text = controller.audit.text();
    assert!(text.contains("/secrets/create"), "{text}");
    for secret in ["Y2FuYXJ5", "SWMTKN"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// PKI-011: a name in the node's label is in the served certificate soon after, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn node_labels_add_names_to_the_certificate() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let ca = controller.anonymous().get("/ca").await.text();
    let reaches = async |name: &str| {
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(ca.as_bytes()).unwrap()])
            .resolve(name, ([127, 0, 0, 1], controller.port()).into())
            .no_proxy()
            .build()
            .unwrap();
        let url = format!("https://{name}:{}/ca", controller.port());
        client.get(url).send().await.is_ok()
    };
    assert!(!reaches("lb.example.com").await);
    engine.docker(&[
        "node",
        "update",
        "--label-add",
        "com.docker.ucp.SANs=lb.example.com,192.0.2.7",
        "manager1",
    ]);
    until("the certificate has the name", || async {
        reaches("lb.example.com").await.then_some(())
    })
    .await;
    assert!(reaches("localhost").await);
}
