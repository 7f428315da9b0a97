//! Logging in, sessions, and which credentials are taken where.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ADMIN, Controller, PASSWORD};

/// CLB-001, AUTH-001: the documented login, its token on every path, and the refusals.
#[tokio::test]
async fn login_gives_a_token_for_every_path() {
    let controller = Controller::start().await;
    let anonymous = controller.anonymous();
    let right = json!({ "username": ADMIN, "password": PASSWORD });
    let answer = anonymous.post("/auth/login", right.clone()).await;
    assert_eq!(answer.status, 200);
    // A script takes the fourth field between double quotes.
    let token = answer.text().split('"').nth(3).unwrap().to_owned();
    assert_eq!(answer.json()["auth_token"], json!(token));
    let client = controller.login(ADMIN, PASSWORD).await;
    assert_eq!(client.get("/id/").await.ok()["name"], ADMIN);
    assert_eq!(client.get("/accounts/").await.status, 200);
    let answer = anonymous.post("/enzi/v0/id/login", right).await.ok();
    assert_eq!(answer["account"]["name"], ADMIN);
    for wrong in [
        json!({ "username": ADMIN, "password": "wrong password" }),
        json!({ "username": "nobody", "password": PASSWORD }),
        json!({ "username": ADMIN }),
        json!({}),
    ] {
        let answer = anonymous.post("/auth/login", wrong).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["auth_token"], Value::Null);
    }
}

/// G-06, authn-15: a wrong name and a wrong password look alike.
#[tokio::test]
async fn sec_authn_15_failures_look_alike() {
    let controller = Controller::start().await;
    let anonymous = controller.anonymous();
    let login = |name: &str| json!({ "username": name, "password": "wrong password" });
    let known = anonymous.post("/auth/login", login(ADMIN)).await;
    let unknown = anonymous.post("/auth/login", login("nobody")).await;
    assert_eq!((known.status, known.text()), (unknown.status, unknown.text()));
}

/// What clients send instead of tidy JSON is understood; what is ambiguous is refused.
#[tokio::test]
async fn bodies_are_read_tolerantly() {
    let controller = Controller::start().await;
    let client = controller.anonymous();
    let send = async |body: String| {
        let request = client
            .request("POST", "/auth/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        client.send(request).await.status
    };
    assert_eq!(
        send(format!(
            r#"{{"UserName":"{ADMIN}","password":"{PASSWORD}","x":1}},"#
        ))
        .await,
        200
    );
    assert_eq!(
        send(format!(
            r#"{{"username":"{ADMIN}","Username":"x","password":"{PASSWORD}"}}"#
        ))
        .await,
        400
    );
    assert_eq!(send("[]".to_owned()).await, 400);
    assert_eq!(
        send(format!("{{\"username\":\"{}\"}}", "x".repeat(70_000))).await,
        413
    );
}

/// SESS-001: a session ends after its lifetime; SESS-002: use near its end renews it.
#[tokio::test]
async fn sessions_end_and_are_renewed() {
    let controller = Controller::start().await;
    let idle = controller.admin().await;
    let used = controller.admin().await;
    controller.clock.advance(Duration::from_secs(45 * 60));
    assert_eq!(used.get("/id").await.status, 200);
    controller.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(idle.get("/id").await.status, 401);
    assert_eq!(used.get("/id").await.status, 200);
}

/// SESS-003: one session too many ends the least recently used one.
#[tokio::test]
async fn the_session_limit_ends_the_least_recently_used() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let oldest = controller.user(&admin, "jane").await.client;
    let mut others = Vec::new();
    for _ in 0..9 {
        controller.clock.advance(Duration::from_secs(1));
        others.push(controller.login("jane", PASSWORD).await);
    }
    controller.clock.advance(Duration::from_secs(1));
    assert_eq!(oldest.get("/id").await.status, 200);
    controller.login("jane", PASSWORD).await;
    assert_eq!(oldest.get("/id").await.status, 200);
    assert_eq!(others[0].get("/id").await.status, 401);
    assert_eq!(others[1].get("/id").await.status, 200);
}

/// authn-04: logout and a new password end sessions at once.
#[tokio::test]
async fn sec_authn_04_logout_and_password_change_end_sessions() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let other = controller.login("jane", PASSWORD).await;
    assert_eq!(jane.post("/id/logout", json!({})).await.status, 204);
    assert_eq!(jane.get("/id").await.status, 401);
    assert_eq!(other.get("/id").await.status, 200);
    let change = json!({ "newPassword": "another long password" });
    assert_eq!(
        admin.post("/accounts/jane/changePassword", change).await.status,
        200
    );
    assert_eq!(other.get("/id").await.status, 401);
}

/// authn-05: tokens that are not exactly the one that was given.
#[tokio::test]
async fn sec_authn_05_altered_tokens_are_refused() {
    let controller = Controller::start().await;
    let client = controller.admin().await;
    let token = client.token.clone().unwrap();
    let flipped = {
        let last = if token.ends_with('A') { 'B' } else { 'A' };
        format!("{}{last}", &token[..token.len() - 1])
    };
    for bad in [
        flipped,
        token[..token.len() - 1].to_owned(),
        format!("{token}{token}"),
        format!("{token}="),
        "null".to_owned(),
        String::new(),
    ] {
        let mut client = client.clone();
        client.token = Some(bad);
        assert_eq!(client.get("/id").await.status, 401);
    }
}

/// authn-06: a token in the URL opens nothing.
#[tokio::test]
async fn sec_authn_06_tokens_in_the_url_open_nothing() {
    let controller = Controller::start().await;
    let client = controller.admin().await;
    let token = client.token.clone().unwrap();
    let anonymous = controller.anonymous();
    for name in ["token", "auth_token", "access_token"] {
        assert_eq!(anonymous.get(&format!("/id?{name}={token}")).await.status, 401);
    }
}

/// authn-16: headers by which a proxy would name a user mean nothing.
#[tokio::test]
async fn sec_authn_16_claimed_identities_are_ignored() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    for client in [controller.anonymous(), jane] {
        for name in [
            "X-Remote-User",
            "Impersonate-User",
            "X-Forwarded-User",
            "X-SSL-Client-DN",
        ] {
            let request = client.request("GET", "/accounts/").header(name, ADMIN);
            let status = client.send(request).await.status;
            assert!([401, 403].contains(&status), "{name}: {status}");
        }
    }
}

/// authn-17: two credentials that disagree, or one header twice.
#[tokio::test]
async fn sec_authn_17_contradicting_credentials_are_refused() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let own = jane.bundle().await.identity();
    let mut with_certificate = controller.with_certificate(&own);
    assert_eq!(with_certificate.get("/id").await.ok()["name"], "jane");
    with_certificate.token = jane.token.clone();
    assert_eq!(with_certificate.get("/id").await.status, 200);
    with_certificate.token = admin.token.clone();
    assert_eq!(with_certificate.get("/id").await.status, 401);
    let twice = jane
        .request("GET", "/id")
        .bearer_auth(jane.token.clone().unwrap());
    assert_eq!(jane.send(twice).await.status, 401);
}

/// HTTP Basic is taken below `/enzi/v0` only.
#[tokio::test]
async fn basic_credentials_only_for_the_identity_api() {
    let controller = Controller::start().await;
    let client = controller.anonymous();
    let status = async |path: &str, password: &str| {
        let request = client.request("GET", path).basic_auth(ADMIN, Some(password));
        client.send(request).await.status
    };
    assert_eq!(status("/enzi/v0/accounts/", PASSWORD).await, 200);
    assert_eq!(status("/accounts/", PASSWORD).await, 401);
    assert_eq!(status("/roles", PASSWORD).await, 401);
    assert_eq!(status("/enzi/v0/accounts/", "wrong password").await, 401);
}

/// AUTH-011, RBAC-014: the private collection is there after the first login, not before.
#[tokio::test]
async fn the_first_login_makes_the_private_collection() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let body = json!({ "name": "jane", "password": PASSWORD });
    admin.post("/accounts/", body).await.created();
    let path = "/collectionByPath?path=/Shared/Private/jane";
    assert_eq!(admin.get(path).await.status, 404);
    let jane = controller.login("jane", PASSWORD).await;
    let found = admin.get(path).await.ok();
    assert_eq!(found["parent_ids"], json!(["swarm", "shared", "private"]));
    controller.login("jane", PASSWORD).await;
    assert_eq!(admin.get(path).await.ok()["id"], found["id"]);
    assert_eq!(jane.get(path).await.ok()["id"], found["id"]);
}

/// authn-03, authn-12: 100 logins of one user at once keep the limit, and other requests are answered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn sec_authn_03_the_limit_holds_under_parallel_logins() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    controller.user(&admin, "jane").await;
    let login = json!({ "username": "jane", "password": PASSWORD });
    let client = controller.anonymous();
    let attempts: Vec<_> = (0..100)
        .map(|_| {
            let (client, login) = (client.clone(), login.clone());
            tokio::spawn(async move { client.post("/auth/login", login).await })
        })
        .collect();
    assert_eq!(admin.get("/ca").await.status, 200);
    assert_eq!(admin.get("/id").await.status, 200);
    let mut open = 0;
    let mut tokens = Vec::new();
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        tokens.push(answer.json()["auth_token"].as_str().unwrap().to_owned());
    }
    for token in tokens {
        let mut client = client.clone();
        client.token = Some(token);
        open += usize::from(client.get("/id").await.status == 200);
    }
    assert_eq!(open, 10);
}
