//! SCIM over TLS: who comes in, what ends at once, what is recorded.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::{ADMIN, Controller, PASSWORD};

const BASE: &str = "/enzi/v0/scim/v2";
const SETTINGS: &str = "/api/ucp/config/auth/scim";

/// Switches SCIM on and returns a client with its token.
async fn scim(controller: &Controller, admin: &Client) -> Client {
    admin.put(SETTINGS, json!({ "enabled": true })).await.ok();
    let made = admin
        .post(&format!("{SETTINGS}/token"), json!({}))
        .await
        .created();
    let mut client = controller.anonymous();
    client.token = Some(made["token"].as_str().unwrap().to_owned());
    client
}

async fn send(client: &Client, method: &str, path: &str, body: Value) -> Answer {
    let request = client
        .request(method, &format!("{BASE}{path}"))
        .header("content-type", "application/scim+json")
        .body(body.to_string());
    client.send(request).await
}

fn user(name: &str) -> Value {
    json!({ "userName": name, "emails": [{ "value": format!("{name}@mail.example.com") }] })
}

fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/scim+json");
    let body = answer.json();
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
    );
    assert_eq!(body["status"], json!(status.to_string()));
}

/// SCIM-001, SCIM-015: off until it is switched on; the token is shown once and kept as a hash; the type of SCIM goes
/// both ways.
#[tokio::test]
async fn from_switching_on_to_a_user() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let shown = admin.get(SETTINGS).await.ok();
    assert_eq!(
        (&shown["enabled"], &shown["token"]),
        (&json!(false), &Value::Null)
    );
    let made = admin
        .post(&format!("{SETTINGS}/token"), json!({}))
        .await
        .created();
    let token = made["token"].as_str().unwrap().to_owned();
    let mut client = controller.anonymous();
    client.token = Some(token.clone());
    refused(&client.get(&format!("{BASE}/Users")).await, 403);
    admin.put(SETTINGS, json!({ "enabled": true })).await.ok();
    let shown = admin.get(SETTINGS).await.ok();
    assert_eq!(
        (&shown["enabled"], &shown["token"]["id"]),
        (&json!(true), &made["id"])
    );
    assert!(!shown.to_string().contains(&token));
    let base = shown["baseURL"].as_str().unwrap();
    assert!(base.ends_with("/enzi/v0/scim/v2"), "{base}");

    let created = send(&client, "POST", "/Users", user("jane")).await;
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.header("content-type"), "application/scim+json");
    let location = created.json()["meta"]["location"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), location);
    assert!(
        location.starts_with("https://localhost:"),
        "the name by which it was asked: {location}"
    );
    let id = created.json()["id"].as_str().unwrap().to_owned();
    // In force at once, also for others.
    let account = admin.get(&format!("/accounts/{id}")).await.ok();
    assert_eq!(
        (&account["name"], &account["isImported"]),
        (&json!("jane"), &json!(true))
    );
    let read = client.get(&format!("{BASE}/Users/{id}")).await;
    assert_eq!(read.header("etag"), created.header("etag"));
    let gone = send(&client, "DELETE", &format!("/Users/{id}"), Value::Null).await;
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(admin.get(&format!("/accounts/{id}")).await.status, 404);
    admin.put(SETTINGS, json!({ "enabled": false })).await.ok();
    refused(&client.get(&format!("{BASE}/Users")).await, 403);
    // A token that an administrator chose takes the place of the other.
    admin.put(SETTINGS, json!({ "enabled": true })).await.ok();
    let own = "an-own-token-of-32-characters-xy";
    admin
        .post(&format!("{SETTINGS}/token"), json!({ "token": own }))
        .await
        .created();
    refused(&client.get(&format!("{BASE}/Users")).await, 401);
    client.token = Some(own.to_owned());
    assert_eq!(client.get(&format!("{BASE}/Users")).await.status, 200);
    assert_eq!(admin.delete(&format!("{SETTINGS}/token")).await.status, 204);
    refused(&client.get(&format!("{BASE}/Users")).await, 401);
    assert_eq!(
        admin
            .post(&format!("{SETTINGS}/token"), json!({ "token": "short" }))
            .await
            .status,
        400
    );
}

/// scim-01: every wrong way to show a token.
#[tokio::test]
async fn sec_scim_01_the_token_in_its_header() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let client = scim(&controller, &admin).await;
    let token = client.token.clone().unwrap();
    let nobody = client.without_token();
    let path = format!("{BASE}/Users");
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        token.clone(),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("Bearer  {token}"),
        format!("Bearer {} {}", &token[..8], &token[8..]),
        format!("Bearer {token},x"),
    ] {
        let answer = nobody
            .send(nobody.request("GET", &path).header("authorization", &value))
            .await;
        refused(&answer, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{value}");
        // Before ten wrong ones in a row, a right one starts the count anew.
        assert_eq!(client.get(&path).await.status, 200);
    }
    let twice = nobody
        .request("GET", &path)
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"));
    refused(&nobody.send(twice).await, 401);
    for query in ["token", "access_token", "authorization"] {
        refused(&nobody.get(&format!("{path}?{query}={token}")).await, 401);
    }
    refused(&nobody.get(&format!("{BASE}/ServiceProviderConfig")).await, 401);
    refused(&nobody.get(&format!("{BASE}/nothing")).await, 401);
}

/// SCIM-002, scim-02: no other credential opens it, and it opens nothing else.
#[tokio::test]
async fn sec_scim_02_one_token_for_one_thing() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let client = scim(&controller, &admin).await;
    let path = format!("{BASE}/Users");
    let certified = controller.with_certificate(&admin.bundle().await.identity());
    for other in [&admin, &jane.client, &certified] {
        refused(&other.get(&path).await, 401);
    }
    let basic = client.without_token();
    let request = basic.request("GET", &path).basic_auth(ADMIN, Some(PASSWORD));
    refused(&basic.send(request).await, 401);
    // Not even beside the token: two credentials are one too many.
    let mut both = certified.clone();
    both.token = client.token.clone();
    refused(&both.get(&path).await, 401);
    for path in [
        "/accounts/",
        "/enzi/v0/accounts/",
        "/enzi/v0/scim",
        "/id",
        "/api/clientbundle",
        "/api/ucp/config-toml",
        SETTINGS,
        "/collections",
        "/containers/json",
        "/info",
    ] {
        assert_eq!(client.get(path).await.status, 401, "{path}");
    }
    let token = client.token.clone().unwrap();
    let login = json!({ "username": "scim", "password": token });
    assert_eq!(
        client.without_token().post("/auth/login", login).await.status,
        401
    );
    // Only administrators make tokens.
    assert_eq!(
        jane.client
            .post(&format!("{SETTINGS}/token"), json!({}))
            .await
            .status,
        403
    );
    assert_eq!(jane.client.get(SETTINGS).await.status, 403);
    assert_eq!(
        jane.client
            .put(SETTINGS, json!({ "enabled": false }))
            .await
            .status,
        403
    );
}

/// SCIM-007, scim-08: a bundle of an account that is not active opens nothing from the next request on, and opens
/// again afterwards.
#[tokio::test]
async fn sec_scim_08_bundles_are_suspended() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let client = scim(&controller, &admin).await;
    let id = send(&client, "POST", "/Users", user("jane")).await.created()["id"].clone();
    let id = id.as_str().unwrap();
    // An administrator registers a key for the account; it has no password to fetch a bundle itself.
    let bundle = controller.user(&admin, "key-owner").await.client.bundle().await;
    let own: Value = admin.get("/accounts/key-owner/publicKeys").await.ok();
    let key = own["accountPublicKeys"][0].clone();
    let path = format!("/accounts/key-owner/publicKeys/{}", key["id"].as_str().unwrap());
    assert_eq!(admin.delete(&path).await.status, 204);
    let registered = json!({ "publicKey": key["publicKey"], "label": "moved" });
    admin
        .post(&format!("/accounts/{id}/publicKeys"), registered)
        .await
        .created();
    let jane = controller.with_certificate(&bundle.identity());
    assert_eq!(jane.get("/id").await.ok()["name"], "jane");
    for (active, status) in [(json!("False"), 401), (json!(true), 200), (json!(false), 401)] {
        let patch = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": active }] });
        assert_eq!(
            send(&client, "PATCH", &format!("/Users/{id}"), patch)
                .await
                .status,
            200
        );
        assert_eq!(jane.get("/id").await.status, status, "{active}");
    }
}

/// scim-19: every write is recorded before and after, and names the token by its id.
#[tokio::test]
async fn sec_scim_19_writes_are_recorded() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let client = scim(&controller, &admin).await;
    let token_id = admin.get(SETTINGS).await.ok()["token"]["id"].clone();
    let expected = format!("scim-token:{}", token_id.as_str().unwrap());
    admin
        .put("/api/ucp/config/logging", json!({ "auditLevel": "request" }))
        .await
        .ok();
    controller.audit.clear();
    let id = send(&client, "POST", "/Users", user("jane")).await.created()["id"].clone();
    let path = format!("/Users/{}", id.as_str().unwrap());
    send(&client, "PATCH", &path, json!({ "active": false }))
        .await
        .ok();
    send(&client, "PUT", &path, user("jane")).await.ok();
    let group = send(&client, "POST", "/Groups", json!({ "displayName": "dev" }))
        .await
        .created()["id"]
        .clone();
    let group_path = format!("/Groups/{}", group.as_str().unwrap());
    send(&client, "DELETE", &group_path, Value::Null).await;
    send(&client, "DELETE", &path, Value::Null).await;
    send(&client, "POST", "/Users", json!({ "userName": "refused" })).await;
    let records = controller.audit.records();
    let complete: Vec<&Value> = records
        .iter()
        .map(|record| &record["audit"])
        .filter(|record| record["stage"] == "ResponseComplete")
        .collect();
    assert_eq!(complete.len(), 7);
    for record in &complete {
        assert_eq!(
            record["user"],
            json!({ "username": "scim", "uid": expected }),
            "{record}"
        );
        let begun = records
            .iter()
            .map(|record| &record["audit"])
            .find(|other| other["auditID"] == record["auditID"] && other["stage"] == "RequestReceived");
        assert_eq!(begun.unwrap()["user"], record["user"]);
    }
    let ids: Vec<&Value> = complete
        .iter()
        .map(|record| &record["metadata"]["objectIDs"])
        .collect();
    assert_eq!(
        ids[..4],
        [&json!([id]), &json!([id]), &json!([id]), &json!([group])]
    );
    assert!(!controller.audit.text().contains(client.token.as_deref().unwrap()));
    controller.audit.clear();
    client.without_token().get(&format!("{BASE}/Users")).await;
    assert_eq!(
        controller.audit.records()[0]["audit"]["user"]["username"],
        "",
        "nobody showed the token"
    );
    controller.audit.break_off(true);
    let answer = send(&client, "POST", "/Users", user("unrecorded")).await;
    refused(&answer, 503);
}
