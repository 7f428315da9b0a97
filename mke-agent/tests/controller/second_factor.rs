//! The second factor over HTTP, with codes from `oathtool`, and what it guards and what not.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::config::AuditLevel;
use mke_core::time::Clock as _;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{ADMIN, Controller, PASSWORD, until};

/// The code of an authenticator that was not written here, at the controller's time.
fn oathtool(seed: &str, controller: &Controller) -> String {
    let now = format!("@{}", controller.clock.now().as_secs());
    let output = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", &now, seed])
        .output()
        .expect("oathtool is missing (Debian package: oathtool)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Switches it on for the account of a client; returns seed and recovery codes, with the first code out of the way.
async fn switch_on(controller: &Controller, client: &Client, name: &str) -> (String, Vec<String>) {
    let path = format!("/accounts/{name}/secondFactor");
    let made = client
        .post(&path, json!({ "password": PASSWORD }))
        .await
        .created();
    let seed = made["secret"].as_str().unwrap().to_owned();
    let code = oathtool(&seed, controller);
    let done = client
        .post(&format!("{path}/confirm"), json!({ "code": code }))
        .await
        .ok();
    controller.clock.advance(Duration::from_secs(90));
    let codes = done["recoveryCodes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned());
    (seed, codes.collect())
}

async fn login(controller: &Controller, name: &str, code: Value) -> (u16, Value) {
    let body = json!({ "username": name, "password": PASSWORD, "code": code });
    let answer = controller.anonymous().post("/auth/login", body).await;
    (answer.status, answer.json())
}

/// TFA-001, TFA-002, TFA-003: enrolment, logins with codes of an app and with a recovery code, both logins of the API.
#[tokio::test]
async fn a_person_walks_through_it() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    controller
        .configure(&admin, |config| config.audit_log.level = AuditLevel::Request)
        .await;
    let jane = controller.user(&admin, "jane").await;
    let older = controller.login("jane", PASSWORD).await;
    let path = "/accounts/jane/secondFactor";
    assert_eq!(jane.client.get(path).await.ok()["enabled"], false);
    let refused = jane
        .client
        .post(path, json!({ "password": "wrong password" }))
        .await;
    assert_eq!(refused.status, 401);
    assert_eq!(jane.client.post(path, json!({})).await.status, 400);

    let made = jane
        .client
        .post(path, json!({ "password": PASSWORD }))
        .await
        .created();
    let seed = made["secret"].as_str().unwrap();
    let uri = made["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/MKE%20127.0.0.1:jane?"), "{uri}");
    assert!(made["qrSVG"].as_str().unwrap().starts_with("<svg "));
    assert_eq!(login(&controller, "jane", Value::Null).await.0, 200, "only begun");
    let confirm = format!("{path}/confirm");
    assert_eq!(
        jane.client
            .post(&confirm, json!({ "code": "000000" }))
            .await
            .status,
        401
    );
    let code = oathtool(seed, &controller);
    let done = jane.client.post(&confirm, json!({ "code": code })).await.ok();
    let codes = done["recoveryCodes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);

    // authn-01: the session that did it goes on, those from before have ended.
    assert_eq!(jane.client.get("/id/").await.ok()["otpEnabled"], true);
    assert_eq!(older.get("/id/").await.status, 401);
    let shown = jane.client.get(path).await.ok();
    assert_eq!(
        (&shown["enabled"], &shown["recoveryCodesLeft"]),
        (&json!(true), &json!(10))
    );
    assert!(!shown.to_string().contains(seed));

    for nothing in [Value::Null, json!("")] {
        let (status, answer) = login(&controller, "jane", nothing).await;
        assert_eq!(status, 401);
        assert_eq!(answer["auth_token"], Value::Null);
        assert!(
            answer["message"].as_str().unwrap().contains("send it as `code`"),
            "{answer}"
        );
    }
    assert_eq!(login(&controller, "jane", json!(code)).await.0, 401, "used");
    controller.clock.advance(Duration::from_secs(30));
    let code = oathtool(seed, &controller);
    assert_eq!(login(&controller, "jane", json!(code)).await.0, 200);
    assert_eq!(login(&controller, "jane", codes[0].clone()).await.0, 200);
    assert_eq!(login(&controller, "jane", codes[0].clone()).await.0, 401);
    let body = json!({ "username": "jane", "password": PASSWORD, "code": codes[1] });
    let answer = controller.anonymous().post("/enzi/v0/id/login", body).await.ok();
    assert_eq!(answer["account"]["otpEnabled"], true);
    assert_eq!(
        login(&controller, ADMIN, Value::Null).await.0,
        200,
        "others are not asked"
    );

    let audit = controller.audit.text();
    assert!(audit.contains("/accounts/jane/secondFactor/confirm"));
    for secret in [seed, uri, &code, codes[0].as_str().unwrap(), PASSWORD] {
        assert!(!audit.contains(secret), "the audit log holds {secret}");
    }
}

/// TFA-004, TFA-005, authn-11: who may do what to whose second factor; what an administrator does is in the audit log.
#[tokio::test]
async fn who_may_do_what() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    controller
        .configure(&admin, |config| config.audit_log.level = AuditLevel::Metadata)
        .await;
    let jane = controller.user(&admin, "jane").await;
    let bob = controller.user(&admin, "bob").await;
    let path = "/accounts/jane/secondFactor";
    let full = json!({ "password": PASSWORD, "code": "000000" });
    let anonymous = controller.anonymous();
    for (who, client, expected) in [
        ("admin", &admin, 403),
        ("bob", &bob.client, 403),
        ("nobody", &anonymous, 401),
    ] {
        for step in ["", "/confirm", "/recoveryCodes", "/disable"] {
            let answer = client.post(&format!("{path}{step}"), full.clone()).await;
            assert_eq!(answer.status, expected, "{who} {step}");
        }
    }
    assert_eq!(bob.client.get(path).await.status, 403);
    assert_eq!(bob.client.delete(path).await.status, 403);
    assert_eq!(jane.client.delete(path).await.status, 403);
    assert_eq!(admin.delete(path).await.status, 409, "nothing to switch off");
    for lock in ["/accounts/jane/loginLock", "/accounts/bob/loginLock"] {
        assert_eq!(bob.client.get(lock).await.status, 403);
        assert_eq!(bob.client.delete(lock).await.status, 403);
    }

    let (seed, _) = switch_on(&controller, &jane.client, "jane").await;
    assert_eq!(
        jane.client
            .post(path, json!({ "password": PASSWORD }))
            .await
            .status,
        409
    );
    let disable = format!("{path}/disable");
    let code = oathtool(&seed, &controller);
    for (body, expected) in [
        (json!({ "code": code }), 400),
        (json!({ "password": PASSWORD }), 400),
        (json!({ "password": "wrong password", "code": code }), 401),
        (json!({ "password": PASSWORD, "code": "000000" }), 401),
    ] {
        assert_eq!(
            jane.client.post(&disable, body.clone()).await.status,
            expected,
            "{body}"
        );
    }
    let renew = format!("{path}/recoveryCodes");
    let fresh = jane
        .client
        .post(&renew, json!({ "password": PASSWORD, "code": code }))
        .await
        .ok();
    let recovery = fresh["recoveryCodes"][0].clone();
    let body = json!({ "password": PASSWORD, "code": recovery });
    assert_eq!(jane.client.post(&disable, body).await.status, 204);
    assert_eq!(login(&controller, "jane", Value::Null).await.0, 200);

    switch_on(&controller, &jane.client, "jane").await;
    assert_eq!(admin.get(path).await.ok()["enabled"], true);
    controller.audit.clear();
    assert_eq!(admin.delete(path).await.status, 204);
    let records = controller.audit.records();
    assert!(
        records
            .iter()
            .map(|line| &line["audit"])
            .any(|record| record["metadata"]["objectIDs"] == json!([jane.id])
                && record["metadata"]["method"] == "DELETE"
                && record["user"]["username"] == ADMIN),
        "{records:?}"
    );
    assert_eq!(login(&controller, "jane", Value::Null).await.0, 200);
    // One's own is switched off with password and code, administrator or not.
    let (seed, _) = switch_on(&controller, &admin, ADMIN).await;
    let own = format!("/accounts/{ADMIN}/secondFactor");
    assert_eq!(admin.delete(&own).await.status, 403);
    let body = json!({ "password": PASSWORD, "code": oathtool(&seed, &controller) });
    assert_eq!(admin.post(&format!("{own}/disable"), body).await.status, 204);
}

/// TFA-006, authn-10: bundles work without a code; requests that carry name and password do not get past it.
#[tokio::test]
async fn sec_authn_10_what_it_guards() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let basic = format!("Basic {}", STANDARD.encode(format!("jane:{PASSWORD}")));
    let info = async || {
        let request = controller
            .anonymous()
            .request("GET", "/enzi/v0/id/")
            .header("authorization", &basic);
        controller.anonymous().send(request).await.status
    };
    assert_eq!(info().await, 200);
    let bundle = jane.client.bundle().await;
    let (seed, _) = switch_on(&controller, &jane.client, "jane").await;
    assert_eq!(info().await, 401, "a password alone opens nothing");
    let with_bundle = controller.with_certificate(&bundle.identity());
    assert_eq!(with_bundle.get("/id/").await.ok()["name"], "jane");
    assert_eq!(jane.client.get("/id/").await.status, 200);
    // Its own password is changed as before, and then logins need both.
    let code = oathtool(&seed, &controller);
    assert_eq!(login(&controller, "jane", json!(code)).await.0, 200);
}

/// authn-07: a code that was used is used after a restart, and on another controller of the cluster.
#[tokio::test]
async fn sec_authn_07_over_restarts_and_controllers() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let (seed, codes) = switch_on(&controller, &jane.client, "jane").await;
    let second = controller.second().await;
    second.catch_up(&controller).await;
    let ahead = controller.clock.now().since(second.clock.now());
    second.clock.advance(ahead);
    let code = oathtool(&seed, &controller);
    assert_eq!(login(&second, "jane", json!(code)).await.0, 200);
    assert_eq!(login(&controller, "jane", json!(code)).await.0, 401);
    assert_eq!(login(&controller, "jane", json!(codes[0])).await.0, 200);
    assert_eq!(login(&second, "jane", json!(codes[0])).await.0, 401);
    let moment = controller.clock.now();
    second.stop().await;
    let dir = controller.stop().await;
    let restarted = Controller::start_in(dir, |_| {}).await;
    restarted.clock.advance(moment.since(restarted.clock.now()));
    assert_eq!(login(&restarted, "jane", json!(code)).await.0, 401);
    assert_eq!(login(&restarted, "jane", json!(codes[0])).await.0, 401);
    assert_eq!(login(&restarted, "jane", json!(codes[1])).await.0, 200);
}

/// Failed logins count on every controller and after a restart; locks of the configuration act, and are opened.
#[tokio::test]
async fn failures_are_shared_and_lock() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    controller.user(&admin, "jane").await;
    controller
        .configure(&admin, |config| {
            config.auth.account_lock.enabled = true;
            config.auth.account_lock.failure_trigger = Some(3);
            config.auth.account_lock.duration_seconds = Some(0);
        })
        .await;
    let second = controller.second().await;
    second.catch_up(&controller).await;
    let wrong = async |at: &Controller| {
        let body = json!({ "username": "jane", "password": "wrong password" });
        at.anonymous().post("/auth/login", body).await.status
    };
    assert_eq!(wrong(&controller).await, 401);
    assert_eq!(wrong(&controller).await, 401);
    controller.running.state().logins.share_failures().await.unwrap();
    assert_eq!(wrong(&second).await, 401);
    let lock = "/accounts/jane/loginLock";
    until("the lock is known", async || {
        (admin.get(lock).await.ok()["locked"] == json!(true)).then_some(())
    })
    .await;
    let (status, answer) = login(&controller, "jane", Value::Null).await;
    let message = answer["message"].as_str().unwrap();
    assert_eq!((status, message), (401, "invalid user name or password"));
    let dir: Arc<_> = {
        second.stop().await;
        controller.stop().await
    };
    let restarted = Controller::start_in(dir, |_| {}).await;
    assert_eq!(
        login(&restarted, "jane", Value::Null).await.0,
        401,
        "locks survive"
    );
    let admin = restarted.admin().await;
    assert_eq!(admin.delete(lock).await.ok()["wasLocked"], true);
    assert_eq!(login(&restarted, "jane", Value::Null).await.0, 200);
    assert_eq!(admin.get(lock).await.ok()["locked"], false);
}
