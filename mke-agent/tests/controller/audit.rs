//! Audit records as they come out of a controller.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{ADMIN, Controller, PASSWORD};

async fn set_level(admin: &Client, level: &str) {
    admin
        .put("/api/ucp/config/logging", json!({ "auditLevel": level }))
        .await
        .ok();
}

/// The records of one method and path.
fn of<'r>(records: &'r [Value], method: &str, path: &str) -> Vec<&'r Value> {
    records
        .iter()
        .map(|record| &record["audit"])
        .filter(|record| record["metadata"]["method"] == method && record["metadata"]["endpoint"] == path)
        .collect()
}

/// AUD-001, AUD-007: three levels through the API, anything else is refused.
#[tokio::test]
async fn levels_are_set_through_the_api() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    admin.get("/roles").await;
    assert_eq!(controller.audit.text(), "");
    let path = "/api/ucp/config/logging";
    for bad in ["Metadata", "all", "none"] {
        assert_eq!(
            admin.put(path, json!({ "auditLevel": bad })).await.status,
            400,
            "{bad}"
        );
    }
    let sent = json!({ "logLevel": "DEBUG", "auditLevel": "metadata", "supportDumpIncludeAuditLogs": true });
    assert!(admin.put(path, sent.clone()).await.ok()["message"].is_string());
    assert_eq!(admin.get(path).await.ok(), sent);
    admin.put(path, json!({ "auditLevel": "" })).await.ok();
    assert_eq!(admin.get(path).await.ok()["logLevel"], "DEBUG");
    controller.audit.clear();
    admin.get("/roles").await;
    assert_eq!(controller.audit.text(), "");
}

/// AUD-002, AUD-003, AUD-010: what each level holds of a write; ids, not names.
#[tokio::test]
async fn what_a_record_holds() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "metadata").await;
    controller.audit.clear();
    let created = admin
        .post("/collections?x=canary", json!({ "name": "canary" }))
        .await
        .created();
    let records = controller.audit.records();
    assert!(!controller.audit.text().contains("canary"));
    let [received, complete] = of(&records, "POST", "/collections")[..] else {
        panic!("{records:?}")
    };
    assert_eq!(
        (&received["stage"], &complete["stage"]),
        (&json!("RequestReceived"), &json!("ResponseComplete"))
    );
    assert_eq!(received["auditID"], complete["auditID"]);
    assert_eq!(complete["user"]["username"], ADMIN);
    assert_eq!(complete["responseStatus"]["code"], 201);
    assert_eq!(complete["metadata"]["objectIDs"], json!([created["id"]]));
    assert_eq!(complete["sourceIPs"], json!(["127.0.0.1"]));
    assert!(complete.get("requestObject").is_none());
    set_level(&admin, "request").await;
    controller.audit.clear();
    admin
        .post("/collections", json!({ "name": "seen" }))
        .await
        .created();
    let records = controller.audit.records();
    assert_eq!(
        of(&records, "POST", "/collections")[1]["requestObject"],
        json!({ "name": "seen" })
    );
}

/// AUD-004: every method is recorded, and every part of the API.
#[tokio::test]
async fn every_method_is_recorded() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "metadata").await;
    controller.audit.clear();
    admin.get("/roles").await;
    admin.post("/roles", json!({})).await;
    admin.put("/accounts/x/members/y", json!({})).await;
    admin.patch("/accounts/x", json!({})).await;
    admin.delete("/roles/x").await;
    admin.get("/containers/json").await;
    let records = controller.audit.records();
    for (method, path) in [
        ("GET", "/roles"),
        ("POST", "/roles"),
        ("PUT", "/accounts/x/members/y"),
        ("PATCH", "/accounts/x"),
        ("DELETE", "/roles/x"),
        ("GET", "/containers/json"),
    ] {
        assert!(!of(&records, method, path).is_empty(), "{method} {path}");
    }
}

/// AUD-005: endpoints that are not recorded.
#[tokio::test]
async fn ignored_endpoints_leave_no_record() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "request").await;
    controller.audit.clear();
    for path in [
        "/_ping",
        "/ca",
        "/trustedregistryca",
        "/kubeauth",
        "/metrics",
        "/info",
        "/version",
        "/v1.41/version",
        "/debug",
        "/openid_keys",
        "/apidocs",
        "/kubernetesdocs",
        "/manage",
        "/auth",
    ] {
        admin.get(path).await;
    }
    assert_eq!(controller.audit.text(), "");
}

/// AUD-006, audit-03, audit-04: logins are recorded, right or wrong, and no password ever is.
#[tokio::test]
async fn sec_audit_03_logins_are_recorded_without_passwords() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "request").await;
    controller.audit.clear();
    let anonymous = controller.anonymous();
    for password in [PASSWORD, "canary password"] {
        let body = json!({ "username": ADMIN, "password": password });
        anonymous.post("/auth/login", body.clone()).await;
        anonymous.post("/enzi/v0/id/login/", body).await;
    }
    let change = json!({ "oldPassword": "canary password", "newPassword": "canary password 2" });
    admin.post("/accounts/admin/changePassword", change).await;
    admin
        .post("/accounts", json!({ "name": "x", "password": "canary password" }))
        .await;
    let text = controller.audit.text();
    assert!(!text.contains("canary") && !text.contains(PASSWORD), "{text}");
    let records = controller.audit.records();
    let logins = of(&records, "POST", "/auth/login");
    let complete: Vec<_> = logins
        .iter()
        .filter(|record| record["stage"] == "ResponseComplete")
        .collect();
    let codes: Vec<_> = complete
        .iter()
        .map(|record| record["responseStatus"]["code"].clone())
        .collect();
    assert_eq!(codes, [200, 401]);
    assert!(complete.iter().all(|record| record["user"]["username"] == ADMIN));
}

/// audit-01: hostile text in path, query and body stays inside one line of plain ASCII.
#[tokio::test]
async fn sec_audit_01_hostile_text_stays_in_its_line() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "request").await;
    controller.audit.clear();
    admin
        .get("/roles/%1b%5b31m%0d%0a%7b%22audit%22%3a?a=%e2%80%a8")
        .await;
    admin
        .post(
            "/roles",
            json!({ "name": "a\u{2028}\u{202e}\u{1b}[31m\r\n{\"audit\":{}}" }),
        )
        .await;
    let text = controller.audit.text();
    assert!(
        text.chars().all(|c| c == '\n' || (' '..='~').contains(&c)),
        "{text}"
    );
    assert_eq!(controller.audit.records().len(), 3);
}

/// audit-05: a write whose record cannot be made is not done; reads go on.
#[tokio::test]
async fn sec_audit_05_without_a_record_nothing_is_written() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "metadata").await;
    controller.audit.break_off(true);
    assert_eq!(
        admin.post("/collections", json!({ "name": "x" })).await.status,
        503
    );
    assert_eq!(admin.get("/collectionByPath?path=/x").await.status, 404);
    controller.audit.break_off(false);
    assert_eq!(
        admin.post("/collections", json!({ "name": "x" })).await.status,
        201
    );
}

/// audit-09: a refused request is recorded with what was missing.
#[tokio::test]
async fn sec_audit_09_refusals_say_what_was_missing() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    set_level(&admin, "metadata").await;
    controller.audit.clear();
    assert_eq!(jane.post("/roles", json!({ "name": "x" })).await.status, 403);
    assert_eq!(controller.anonymous().get("/roles").await.status, 401);
    let records = controller.audit.records();
    let refused = &of(&records, "POST", "/roles")[0];
    assert_eq!(refused["user"]["username"], "jane");
    assert_eq!(refused["metadata"]["missing"]["code"], "administrator-only");
    assert_eq!(
        of(&records, "GET", "/roles")[0]["metadata"]["missing"]["code"],
        "unauthenticated"
    );
}

/// audit-08: of a large body the record holds size and digest.
#[tokio::test]
async fn sec_audit_08_large_bodies_are_recorded_by_their_digest() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    set_level(&admin, "request").await;
    controller.audit.clear();
    let name = "x".repeat(200_000);
    assert_eq!(admin.post("/roles", json!({ "name": name })).await.status, 400);
    let records = controller.audit.records();
    let object = &of(&records, "POST", "/roles")[1]["requestObject"];
    assert!(object["bytes"].as_u64().unwrap() > 200_000);
    assert_eq!(object["sha256"].as_str().unwrap().len(), 64);
    assert!(controller.audit.text().len() < 10_000);
}
