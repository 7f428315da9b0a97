//! What tenants of one engine must not reach of each other. Needs root and the packages docker.io, busybox-static,
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

use engine::{Engine, IMAGE, PATIENCE};
use serde_json::{Value, json};
use support::Controller;
use tokio::time::timeout;

async fn in_front_of(engine: &Engine) -> Controller {
    let socket = engine.socket();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    Controller::start_in(dir, |options| options.engine_socket = socket).await
}

/// A service that runs nowhere here and mounts a volume.
fn service(name: &str, volume: &str) -> Value {
    json!({
        "Name": name,
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": IMAGE,
                "Mounts": [{ "Type": "volume", "Source": volume, "Target": "/data" }],
            },
            "Placement": { "Constraints": ["node.hostname==worker1"] },
        },
        "Mode": { "Replicated": { "Replicas": 1 } },
    })
}

/// A volume that a service of alice makes on another node is no new volume for bob, and neither is one of the control
/// plane.
#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_other_nodes_belong_to_somebody() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    let alice = controller.user(&admin, "alice").await.client;
    let bob = controller.user(&admin, "bob").await.client;
    for name in ["db", "db2"] {
        let created = alice.post("/services/create", service(name, "data")).await;
        assert_eq!(created.status, 201, "{}", created.text());
    }
    let refused = bob.post("/services/create", service("thief", "data")).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let reserved = bob.post("/services/create", service("thief", "ucp-auth")).await;
    assert_eq!(reserved.status, 403, "{}", reserved.text());
    let own = bob.post("/services/create", service("mine", "other")).await;
    assert_eq!(own.status, 201, "{}", own.text());
    let update = service("mine", "data");
    let stored = bob.get("/services/mine").await.ok();
    let path = format!("/services/mine/update?version={}", stored["Version"]["Index"]);
    let refused = bob.post(&path, update).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

/// An update is applied to the version that it was judged by, or not at all; names lead nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_judged_is_what_is_changed() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    let created = admin.post("/services/create", service("web", "data")).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let version = admin.get("/services/web").await.ok()["Version"]["Index"]
        .as_u64()
        .unwrap();
    for (asked, expected) in [(version - 1, 409), (version + 1, 409), (version, 200)] {
        let path = format!("/services/web/update?version={asked}");
        let answer = admin.post(&path, service("web", "data")).await;
        assert_eq!(answer.status, expected, "{asked}: {}", answer.text());
    }
    let mut thief = service("thief", "data");
    thief["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([{
        "SecretID": "../services/web", "SecretName": "x",
        "File": { "Name": "x", "UID": "0", "GID": "0", "Mode": 292 },
    }]);
    let refused = admin.post("/services/create", thief).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
}

/// authn-04, proxy-09: followed logs end when the grant that allowed them is removed; those of others go on.
#[tokio::test(flavor = "multi_thread")]
async fn sec_proxy_09_streams_end_with_their_grant() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    let alice = controller.user(&admin, "alice").await;
    let grant = format!("/collectionGrants/{}/shared/fullcontrol", alice.id);
    assert_eq!(admin.put(&grant, Value::Null).await.status, 201);
    let created = admin
        .post(
            "/containers/create?name=web",
            json!({
                "Image": IMAGE, "Cmd": ["sh", "-c", "echo begun; exec sleep 1000"],
                "Labels": { "com.docker.ucp.access.label": "/Shared" },
            }),
        )
        .await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(admin.post("/containers/web/start", Value::Null).await.status, 204);
    let follow = async |client: &support::client::Client| {
        let request = client.request("GET", "/containers/web/logs?stdout=1&follow=1");
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.chunk().await.unwrap().is_some());
        answer
    };
    let mut hers = follow(&alice.client).await;
    let mut others = follow(&admin).await;
    assert_eq!(admin.delete(&grant).await.status, 204);
    let end = timeout(PATIENCE, hers.chunk()).await.expect("the stream ends");
    assert!(end.is_err(), "{end:?}");
    engine.docker(&["stop", "-t", "0", "web"]);
    let end = timeout(PATIENCE, others.chunk())
        .await
        .expect("the container ends");
    assert_eq!(end.unwrap(), None);
}
