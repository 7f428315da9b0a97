//! Tokens for registries over TLS: who gets one, for what, what is recorded, and how keys follow each other.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mke_core::config::{AuditLevel, Registry};
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::{ADMIN, Controller, PASSWORD};

const SERVICE: &str = "registry.example.com:5000";

/// A controller that knows one registry, with its administrator.
async fn connected() -> (Controller, Client) {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    connect(&controller, &admin).await;
    (controller, admin)
}

async fn connect(controller: &Controller, admin: &Client) {
    let registry = Registry {
        host_address: "https://registry.example.com:5000/".to_owned(),
        service_id: "images".to_owned(),
        ca_bundle: String::new(),
    };
    controller
        .configure(admin, |config| config.registries.push(registry))
        .await;
}

async fn ask(client: &Client, name: &str, password: &str, query: &str) -> Answer {
    let path = format!("/auth/token?service={SERVICE}{query}");
    let request = client
        .without_token()
        .request("GET", &path)
        .basic_auth(name, Some(password));
    client.send(request).await
}

async fn form(client: &Client, fields: &[(&str, &str)]) -> Answer {
    let text: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    let request = client.without_token().request("POST", "/auth/token");
    client.send(request.body(text.join("&"))).await
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// What a token allows, in the form of scopes.
fn granted(answer: Answer) -> String {
    let value = answer.ok();
    assert_eq!(value["token"], value["access_token"]);
    let claims = claims(value["token"].as_str().unwrap());
    let access = claims["access"].as_array().unwrap().iter();
    let scopes: Vec<_> = access
        .map(|access| {
            let actions = access["actions"].as_array().unwrap().iter();
            let actions: Vec<_> = actions.map(|action| action.as_str().unwrap()).collect();
            let text = |key: &str| access[key].as_str().unwrap().to_owned();
            format!("{}:{}:{}", text("type"), text("name"), actions.join(","))
        })
        .collect();
    let scopes = scopes.join(" ");
    assert_eq!(value["scope"], json!(scopes));
    scopes
}

/// Clients of registries must know the code, else they try again.
fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let code = match status {
        400 => "UNKNOWN",
        401 => "UNAUTHORIZED",
        429 => "TOOMANYREQUESTS",
        _ => panic!("unexpected status {status}"),
    };
    let error = &answer.json()["errors"][0];
    assert_eq!(error["code"], code);
    assert!(error["message"].is_string(), "{error}");
    assert!(!answer.text().contains("token\":"), "{}", answer.text());
}

/// MSR-001: users, organizations and teams as the table says, decided on what is in force; a right that is taken away
/// is not in the next token, and an account that ended gets none.
#[tokio::test]
async fn tokens_follow_accounts_and_teams() {
    let (controller, admin) = connected().await;
    let client = controller.anonymous();
    for name in ["bob", "carol", "eve"] {
        let body = json!({ "name": name, "password": PASSWORD });
        admin.post("/accounts", body).await.created();
    }
    admin
        .post("/accounts", json!({ "name": "acme", "isOrg": true }))
        .await
        .created();
    admin
        .post("/accounts/acme/teams", json!({ "name": "dev" }))
        .await
        .created();
    let member = |path: &str| format!("/accounts/acme/{path}");
    for path in ["members/bob", "members/carol", "teams/dev/members/bob"] {
        admin.put(&member(path), json!({})).await.ok();
    }
    let all = "&scope=repository:acme/dev/app:pull,push,delete&scope=repository:acme/app:pull,push";
    let of = async |name: &str| granted(ask(&client, name, PASSWORD, all).await);
    assert_eq!(
        of("bob").await,
        "repository:acme/dev/app:pull,push repository:acme/app:pull"
    );
    assert_eq!(
        of("carol").await,
        "repository:acme/dev/app:pull repository:acme/app:pull"
    );
    assert_eq!(of("eve").await, "");
    assert_eq!(
        of(ADMIN).await,
        "repository:acme/dev/app:pull,push,delete repository:acme/app:pull,push"
    );
    // Administrators of a team and of an organization.
    admin
        .put(&member("teams/dev/members/bob"), json!({ "isAdmin": true }))
        .await
        .ok();
    assert_eq!(
        of("bob").await,
        "repository:acme/dev/app:pull,push,delete repository:acme/app:pull"
    );
    admin
        .put(&member("members/carol"), json!({ "isAdmin": true }))
        .await
        .ok();
    assert_eq!(
        of("carol").await,
        "repository:acme/dev/app:pull,push,delete repository:acme/app:pull,push"
    );
    // One's own namespace, nobody else's, and the list of all.
    let own = "&scope=repository:eve/x:pull,push,delete&scope=repository:bob/x:pull&scope=registry:catalog:*";
    assert_eq!(
        granted(ask(&client, "eve", PASSWORD, own).await),
        "repository:eve/x:pull,push,delete"
    );
    assert_eq!(
        granted(ask(&client, ADMIN, PASSWORD, "&scope=registry:catalog:*").await),
        "registry:catalog:*"
    );
    // The id of an account is no namespace.
    let id = admin.get("/accounts/acme").await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        granted(
            ask(
                &client,
                "carol",
                PASSWORD,
                &format!("&scope=repository:{id}/app:pull")
            )
            .await
        ),
        ""
    );
    // Leaving the team, then the organization.
    assert_eq!(admin.delete(&member("teams/dev/members/bob")).await.status, 204);
    assert_eq!(
        of("bob").await,
        "repository:acme/dev/app:pull repository:acme/app:pull"
    );
    assert_eq!(admin.delete(&member("members/bob")).await.status, 204);
    assert_eq!(of("bob").await, "");
    admin
        .patch("/accounts/carol", json!({ "isActive": false }))
        .await
        .ok();
    refused(&ask(&client, "carol", PASSWORD, all).await, 401);
}

/// MSR-001, CFG-006: what a token says besides, and that it is for one registry that the configuration names.
#[tokio::test]
async fn tokens_are_for_one_registry() {
    let (controller, _admin) = connected().await;
    let client = controller.anonymous();
    let answer = ask(
        &client,
        ADMIN,
        PASSWORD,
        "&account=somebody&offline_token=true&client_id=docker",
    )
    .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let value = answer.ok();
    assert_eq!(
        (&value["expires_in"], &value["token_type"]),
        (&json!(300), &json!("Bearer"))
    );
    assert_eq!(value["refresh_token"], Value::Null);
    let claims = claims(value["token"].as_str().unwrap());
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("mke"), &json!(ADMIN), &json!(SERVICE))
    );
    let get = async |path: &str| {
        let request = client.request("GET", path).basic_auth(ADMIN, Some(PASSWORD));
        client.send(request).await
    };
    assert_eq!(get("/auth/token?service=images").await.status, 200);
    for other in [
        "/auth/token",
        "/auth/token?service=",
        "/auth/token?service=other",
        "/auth/token?service=registry.example.com",
        "/auth/token?service=images&service=images",
        "/auth/token?service=images&scope=repository",
    ] {
        refused(&get(other).await, 400);
    }
}

/// authn-17: no credential, wrong ones, two that disagree and too many guesses are refused alike.
#[tokio::test]
async fn credentials() {
    let (controller, admin) = connected().await;
    let eve = controller.user(&admin, "eve").await;
    let client = controller.anonymous();
    let scope = "&scope=repository:eve/x:pull";
    let path = format!("/auth/token?service={SERVICE}{scope}");
    refused(&client.get(&path).await, 401);
    let wrong = ask(&client, "eve", "wrong password", scope).await;
    refused(&wrong, 401);
    let nobody = ask(&client, "nobody", "wrong password", scope).await;
    assert_eq!((nobody.status, nobody.text()), (wrong.status, wrong.text()));
    // The token of a session does, in the header only.
    assert_eq!(granted(eve.client.get(&path).await), "repository:eve/x:pull");
    let token = eve.client.token.clone().unwrap();
    refused(&client.get(&format!("{path}&token={token}")).await, 401);
    // A form with the password of one and a header of another.
    let text = format!(
        "grant_type=password&service={SERVICE}&username=eve&password={}",
        PASSWORD.replace(' ', "+")
    );
    let both = admin.send(admin.request("POST", "/auth/token").body(text)).await;
    refused(&both, 401);
    // Guesses are slowed down, whichever way they come, also for the right password.
    let mut last = 0;
    for guess in 0..40 {
        last = if guess % 2 == 0 {
            ask(&client, "eve", "wrong password", scope).await.status
        } else {
            let fields = [
                ("grant_type", "password"),
                ("service", SERVICE),
                ("username", "eve"),
                ("password", "x"),
            ];
            form(&client, &fields).await.status
        };
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    let slowed = ask(&client, "eve", PASSWORD, scope).await;
    refused(&slowed, 429);
    assert_ne!(slowed.header("retry-after"), "");
}

/// The form of OAuth 2: a password, a session that lasts, and its end.
#[tokio::test]
async fn the_form() {
    let (controller, admin) = connected().await;
    let eve = controller.user(&admin, "eve").await;
    let client = controller.anonymous();
    let scope = ("scope", "repository:eve/x:pull repository:bob/x:pull");
    let service = ("service", SERVICE);
    let password = |more: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("grant_type", "password"),
            ("username", "eve"),
            ("password", PASSWORD),
            service,
            scope,
        ];
        fields.extend(more);
        fields
    };
    let answer = form(&client, &password(&[("client_id", "docker")])).await.ok();
    assert_eq!(answer["scope"], "repository:eve/x:pull");
    assert_eq!(answer["refresh_token"], Value::Null);
    let answer = form(&client, &password(&[("access_type", "offline")])).await.ok();
    let refresh = answer["refresh_token"].as_str().unwrap().to_owned();
    let again = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        service,
        scope,
    ];
    let answer = form(&client, &again).await.ok();
    assert_eq!(
        (&answer["scope"], &answer["refresh_token"]),
        (&json!("repository:eve/x:pull"), &json!(refresh))
    );
    // It ends as sessions end.
    let change = json!({ "oldPassword": PASSWORD, "newPassword": "another fine password" });
    assert!(
        eve.client
            .post("/accounts/eve/changePassword", change)
            .await
            .status
            < 300
    );
    refused(&form(&client, &again).await, 401);
    for (fields, status) in [
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", "x"), service],
            401,
        ),
        (vec![("grant_type", "refresh_token"), service], 401),
        (vec![("grant_type", "password"), service], 401),
        (vec![("grant_type", "authorization_code"), service], 400),
        (vec![service], 400),
        (
            vec![("grant_type", "password"), ("grant_type", "password"), service],
            400,
        ),
        (
            vec![
                ("grant_type", "password"),
                ("username", ADMIN),
                ("password", PASSWORD),
                ("service", "other"),
            ],
            400,
        ),
    ] {
        refused(&form(&client, &fields).await, status);
    }
    let long = client.request("POST", "/auth/token").body("x".repeat(70_000));
    assert_eq!(client.send(long).await.status, 413);
    let no_text = client.request("POST", "/auth/token").body(vec![0xff_u8]);
    refused(&client.send(no_text).await, 400);
}

/// audit-04, audit-09: who asked, which token it was, what was not granted; no password, no token.
#[tokio::test]
async fn sec_audit_09_records() {
    let (controller, admin) = connected().await;
    controller.user(&admin, "eve").await;
    let client = controller.anonymous();
    controller
        .configure(&admin, |config| config.audit_log.level = AuditLevel::Request)
        .await;
    controller.audit.clear();
    let scope = "&scope=repository:bob/x:pull,push&scope=repository:eve/x:pull";
    let value = ask(&client, "eve", PASSWORD, scope).await.ok();
    let token = value["token"].as_str().unwrap();
    let records = controller.audit.records();
    let record = &records.last().unwrap()["audit"];
    assert_eq!(record["user"]["username"], "eve");
    assert_eq!(record["metadata"]["endpoint"], "/auth/token");
    assert_eq!(record["metadata"]["objectIDs"], json!([claims(token)["jti"]]));
    let missing = &record["metadata"]["missing"]["checks"];
    assert_eq!(missing.as_array().unwrap().len(), 1, "{missing}");
    assert_eq!(missing[0]["scope"], "repository:bob/x:pull,push");
    assert!(
        missing[0]["text"].as_str().unwrap().contains("neither"),
        "{missing}"
    );
    refused(&ask(&client, "eve", "wrong password", scope).await, 401);
    let fields = [
        ("grant_type", "password"),
        ("service", SERVICE),
        ("username", "eve"),
        ("password", PASSWORD),
        ("access_type", "offline"),
    ];
    let value = form(&client, &fields).await.ok();
    let text = controller.audit.text();
    assert_eq!(
        controller.audit.records().last().unwrap()["audit"]["user"]["username"],
        "eve"
    );
    for secret in [
        token,
        value["token"].as_str().unwrap(),
        value["refresh_token"].as_str().unwrap(),
        PASSWORD,
        &PASSWORD.replace(' ', "+"),
    ] {
        assert!(!text.contains(secret));
    }
}

/// The set of keys is empty until a token is asked for, the same on every manager, and keeps a replaced key as
/// long as its tokens.
#[tokio::test]
async fn keys_follow_each_other() {
    let (controller, _admin) = connected().await;
    let client = controller.anonymous();
    let keys = async |client: &Client| {
        let set = client.get("/openid_keys").await.ok();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let signed_with = async |client: &Client| {
        let value = ask(client, ADMIN, PASSWORD, "").await.ok();
        let header = value["token"]
            .as_str()
            .unwrap()
            .split('.')
            .next()
            .unwrap()
            .to_owned();
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    };
    assert_eq!(keys(&client).await, Vec::<String>::new());
    let first = signed_with(&client).await;
    assert_eq!(keys(&client).await, std::slice::from_ref(&first));
    let second = controller.second().await;
    second.catch_up(&controller).await;
    let other = second.anonymous();
    assert_eq!(signed_with(&other).await, first);
    // The private half lies sealed.
    let store = &controller.running.state().store;
    let range = mke_core::store::KeyRange::key("/mke/pki/registry-tokens");
    let stored = store.range(range.clone(), 1).await.unwrap().entries.remove(0);
    assert!(!String::from_utf8_lossy(&stored.value).contains("PRIVATE KEY"));

    let month = Duration::from_secs(30 * 24 * 3600);
    for clock in [&controller.clock, &second.clock] {
        clock.advance(month);
    }
    let (a, b) = tokio::join!(signed_with(&client), signed_with(&other));
    assert_ne!(a, first);
    assert_eq!(a, b, "two managers that replace a key at once agree");
    assert_eq!(keys(&other).await, [a.clone(), first.clone()]);
    // Of the old key only the public half is left.
    let stored = store.range(range, 1).await.unwrap().entries.remove(0);
    assert_eq!(
        String::from_utf8_lossy(&stored.value)
            .matches("sealed_key")
            .count(),
        1
    );
    controller.clock.advance(Duration::from_secs(14 * 60));
    assert_eq!(keys(&client).await, [a.clone(), first]);
    controller.clock.advance(Duration::from_secs(2 * 60));
    assert_eq!(keys(&client).await, [a]);
}
