//! Client bundles and the public keys behind them.

use serde_json::json;

use crate::support::client::{Bundle, Client};
use crate::support::{Controller, PASSWORD};

async fn keys(client: &Client, account: &str) -> Vec<serde_json::Value> {
    let list = client
        .get(&format!("/accounts/{account}/publicKeys?limit=100"))
        .await
        .ok();
    list["accountPublicKeys"].as_array().unwrap().clone()
}

/// CLB-002, CLB-003: an archive with an exact length that holds what clients look for.
#[tokio::test]
async fn a_bundle_is_downloaded() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    for method in ["GET", "POST"] {
        let answer = admin
            .send(admin.request(method, "/api/clientbundle?label=laptop"))
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/zip")
        );
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert!(!answer.headers.contains_key("content-encoding"));
        let bundle = Bundle::open(&answer.body);
        for name in [
            "ca.pem",
            "cert.pem",
            "key.pem",
            "cert.pub",
            "env.sh",
            "env.cmd",
            "env.ps1",
            "kube.yml",
            "meta.json",
            "tls/docker/ca.pem",
            "tls/docker/cert.pem",
            "tls/docker/key.pem",
            "ucp-docker-bundle.zip",
        ] {
            assert!(bundle.files.contains_key(name), "{name} is missing");
        }
        let registered = keys(&admin, "admin").await;
        let own = registered
            .iter()
            .find(|key| key["publicKey"].as_str().unwrap().trim() == bundle.text("cert.pub").trim());
        assert_eq!(own.unwrap()["label"], "laptop");
    }
    assert_eq!(controller.anonymous().get("/api/clientbundle").await.status, 401);
}

/// CLB-007: two bundles; deleting the key of one refuses that one at once, also on its open connection.
#[tokio::test]
async fn sec_pki_04_a_deleted_key_is_refused_on_open_connections() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let one = controller.with_certificate(&jane.bundle().await.identity());
    let two = controller.with_certificate(&jane.bundle().await.identity());
    assert_eq!(one.get("/id").await.ok()["name"], "jane");
    assert_eq!(two.get("/id").await.ok()["name"], "jane");
    let registered = keys(&jane, "jane").await;
    assert_eq!(registered.len(), 2);
    for key in &registered {
        let path = format!("/accounts/jane/publicKeys/{}", key["id"].as_str().unwrap());
        assert_eq!(jane.get(&path).await.status, 200);
        let label = jane.patch(&path, json!({ "label": "old" })).await.ok();
        assert_eq!(label["label"], "old");
    }
    let path = format!(
        "/accounts/jane/publicKeys/{}",
        registered[0]["id"].as_str().unwrap()
    );
    assert_eq!(jane.delete(&path).await.status, 204);
    assert_eq!(jane.delete(&path).await.status, 404);
    let mut left: Vec<u16> = vec![one.get("/id").await.status, two.get("/id").await.status];
    left.sort_unstable();
    assert_eq!(left, [200, 401]);
}

/// CLB-012, AUTH-001: the bundle and the token of a deactivated user are refused, and work again when it is active.
#[tokio::test]
async fn bundles_of_deactivated_users_are_refused() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let certificate = controller.with_certificate(&jane.bundle().await.identity());
    assert_eq!(certificate.get("/id").await.status, 200);
    admin
        .patch("/accounts/jane", json!({ "isActive": false }))
        .await
        .ok();
    assert_eq!(certificate.get("/id").await.status, 401);
    assert_eq!(jane.get("/id").await.status, 401);
    let login = json!({ "username": "jane", "password": PASSWORD });
    assert_eq!(
        controller.anonymous().post("/auth/login", login).await.status,
        401
    );
    admin
        .patch("/accounts/jane", json!({ "isActive": true }))
        .await
        .ok();
    assert_eq!(certificate.get("/id").await.status, 200);
}

/// pki-03: the bundle of a deleted user is refused, also when somebody gets the same name.
#[tokio::test]
async fn sec_pki_03_a_namesake_does_not_inherit_a_bundle() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let certificate = controller.with_certificate(&jane.bundle().await.identity());
    assert_eq!(certificate.get("/id").await.status, 200);
    assert_eq!(admin.delete("/accounts/jane").await.status, 204);
    assert_eq!(certificate.get("/id").await.status, 401);
    controller.user(&admin, "jane").await;
    assert_eq!(certificate.get("/id").await.status, 401);
}

/// pki-05: the private key is in the answer and nowhere else: not in the store, not in the audit record.
#[tokio::test]
async fn sec_pki_05_private_keys_are_not_kept() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    admin
        .put("/api/ucp/config/logging", json!({ "auditLevel": "request" }))
        .await
        .ok();
    let key = admin.bundle().await.text("key.pem");
    let secret: String = key.lines().nth(1).unwrap().to_owned();
    assert!(secret.len() > 40);
    assert!(!controller.audit.text().contains(&secret));
    let dir = controller.stop().await;
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
}

/// pki-12: what is no acceptable public key is not registered; one key belongs to one account.
#[tokio::test]
async fn sec_pki_12_uploaded_keys_are_checked() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let bundle = jane.bundle().await;
    let path = "/accounts/jane/publicKeys";
    for bad in [
        bundle.text("key.pem"),
        bundle.text("cert.pem"),
        "garbage".to_owned(),
        String::new(),
    ] {
        assert_eq!(jane.post(path, json!({ "publicKey": bad })).await.status, 400);
    }
    let own = bundle.text("cert.pub");
    assert_eq!(jane.post(path, json!({ "publicKey": own })).await.status, 409);
    assert_eq!(
        admin
            .post("/accounts/admin/publicKeys", json!({ "publicKey": own }))
            .await
            .status,
        409
    );
    let bob = controller.user(&admin, "bob").await.client;
    assert_eq!(bob.get(path).await.status, 403);
    assert_eq!(bob.post(path, json!({ "publicKey": own })).await.status, 403);
    let id = keys(&jane, "jane").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(jane.delete(&format!("{path}/{id}")).await.status, 204);
    let answer = jane
        .post(path, json!({ "publicKey": own, "label": "mine" }))
        .await
        .created();
    assert_eq!((&answer["id"], &answer["label"]), (&json!(id), &json!("mine")));
    assert_eq!(
        controller
            .with_certificate(&bundle.identity())
            .get("/id")
            .await
            .status,
        200
    );
}
