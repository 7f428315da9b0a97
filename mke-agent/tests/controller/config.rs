//! The configuration, and what follows from it; health, version and metrics.

use serde_json::json;

use crate::support::Controller;
use crate::support::client::{Answer, Client};

async fn put(admin: &Client, text: String) -> Answer {
    admin
        .send(admin.request("PUT", "/api/ucp/config-toml").body(text))
        .await
}

/// API-003: the export goes back unchanged, and a change is in force at once.
#[tokio::test]
async fn the_configuration_round_trips() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let text = admin.get("/api/ucp/config-toml").await.text();
    assert!(text.contains("  [auth.sessions]\n"));
    assert!(put(&admin, text.clone()).await.ok()["message"].is_string());
    assert_eq!(admin.get("/api/ucp/config-toml").await.text(), text);
    let changed = text.replace("per_user_limit = 10", "per_user_limit = 3");
    assert_ne!(changed, text);
    put(&admin, changed.clone()).await.ok();
    assert_eq!(admin.get("/api/ucp/config-toml").await.text(), changed);
    let jane = controller.user(&admin, "jane").await.client;
    assert_eq!(jane.get("/api/ucp/config-toml").await.status, 403);
    assert_eq!(put(&jane, text).await.status, 403);
}

/// config-04: every problem is named, and nothing changes.
#[tokio::test]
async fn sec_config_04_a_wrong_configuration_changes_nothing() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let text = admin.get("/api/ucp/config-toml").await.text();
    let wrong = text
        .replace("lifetime_minutes = 60", "lifetime_minutes = 9")
        .replace("level = \"\"", "level = \"all\"");
    let answer = put(&admin, wrong).await;
    assert_eq!(answer.status, 400);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("lifetime_minutes") && message.contains("audit_log_configuration.level"),
        "{message}"
    );
    for bad in [String::new(), "[".repeat(20_000), "\u{0}".to_owned()] {
        assert_eq!(put(&admin, bad).await.status, 400);
    }
    assert_eq!(put(&admin, "#".repeat(2 * 1024 * 1024)).await.status, 413);
    assert_eq!(admin.get("/api/ucp/config-toml").await.text(), text);
}

/// PKI-015, DAPI-012, DAPI-013, pki-11: headers on every answer, refusals included.
#[tokio::test]
async fn sec_pki_11_headers_on_every_answer() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let anonymous = controller.anonymous();
    for path in ["/ca", "/roles", "/nowhere", "/%2e%2e"] {
        let answer = anonymous.get(path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=63072000; includeSubDomains",
            "{path}"
        );
        assert_eq!(answer.header("x-server-ip"), "127.0.0.1");
        assert!(!answer.header("x-server-name").is_empty());
    }
    let text = admin.get("/api/ucp/config-toml").await.text();
    let text = text.replace(
        "exclude_server_identity_headers = false",
        "exclude_server_identity_headers = true",
    ) + "\n[[custom_api_server_headers]]\n  name = \"X-Team\"\n  value = \"ops\"\n\
           \n[[custom_api_server_headers]]\n  name = \"X-Team\"\n  value = \"web\"\n";
    put(&admin, text).await.ok();
    let answer = anonymous.get("/roles").await;
    assert!(!answer.headers.contains_key("x-server-ip") && !answer.headers.contains_key("x-server-name"));
    let teams: Vec<_> = answer.headers.get_all("x-team").iter().collect();
    assert_eq!(teams, ["ops", "web"]);
}

/// API-008: what exists without an engine, and for whom. MON-004: a manager that is not well answers 500, HEAD gets 404, and only an
/// administrator reads why, also with nothing but a certificate; the other half is `the_cluster_has_the_swarms_identity`.
#[tokio::test]
async fn system_endpoints() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let anonymous = controller.anonymous();
    assert_eq!(
        anonymous.send(anonymous.request("HEAD", "/_ping")).await.status,
        404
    );
    // No engine: not healthy, and only an administrator learns why.
    let ping = anonymous.get("/_ping").await;
    assert_eq!(
        (ping.status, ping.text().as_str(), ping.header("api-version")),
        (500, "unhealthy", "1.41")
    );
    assert!(admin.get("/_ping").await.text().contains("engine"));
    let jane = controller.user(&admin, "jane").await.client;
    for (client, why) in [(&admin, "engine"), (&jane, "unhealthy")] {
        let certificate = controller.with_certificate(&client.bundle().await.identity());
        let ping = certificate.get("/_ping").await;
        assert_eq!(ping.status, 500);
        assert!(ping.text().contains(why), "{}", ping.text());
        assert_eq!(ping.text().contains("engine"), why == "engine");
    }
    assert_eq!(anonymous.get("/openid_keys").await.ok(), json!({ "keys": [] }));
    assert_eq!(anonymous.get("/version").await.status, 401);
    for path in ["/version", "/v1.41/version", "/v1.24/version"] {
        let version = admin.get(path).await.ok();
        assert!(version["Version"].as_str().unwrap().starts_with("ucp/"));
        assert_eq!(version["ApiVersion"], "1.41");
    }
    assert_eq!(admin.get("/info").await.status, 503);
    assert_eq!(admin.get("/containers/json").await.status, 503);
    assert_eq!(
        admin.get("/v1.39/kubernetesNamespaces").await.ok()["items"],
        json!([])
    );
}

/// INST-021: what a controller does with processors and memory is shown once somebody switched it on, to administrators only,
/// and at once no more when it is off again.
#[tokio::test]
async fn profiling_is_switched_on() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let paths = ["/debug", "/debug/vars", "/debug/threads?seconds=1"];
    for path in paths {
        assert_eq!(admin.get(path).await.status, 404, "{path}");
    }
    let off = admin.get("/api/ucp/config-toml").await.text();
    let on = off.replace("profiling_enabled = false", "profiling_enabled = true");
    assert_ne!(on, off);
    put(&admin, on).await.ok();
    for path in paths {
        assert_eq!(controller.anonymous().get(path).await.status, 401, "{path}");
        assert_eq!(jane.get(path).await.status, 403, "{path}");
        assert_eq!(admin.get(path).await.status, 200, "{path}");
    }
    let now = admin.get("/debug/vars").await.ok();
    for number in [
        &now["memory_kb"]["VmRSS"],
        &now["descriptors"],
        &now["threads"],
        &now["runtime"]["workers"],
    ] {
        assert!(number.as_u64().unwrap() > 0, "{now}");
    }
    let watched = admin.get("/debug/threads?seconds=1").await.ok();
    assert!(watched["milliseconds"].as_u64().unwrap() >= 1000, "{watched}");
    let threads = watched["threads"].as_array().unwrap();
    assert!(
        threads
            .iter()
            .any(|thread| !thread["name"].as_str().unwrap().is_empty()),
        "{watched}"
    );
    for seconds in ["0", "61", "x", "-1"] {
        let refused = admin.get(&format!("/debug/threads?seconds={seconds}")).await;
        assert_eq!(refused.status, 400, "{seconds}");
    }
    put(&admin, off).await.ok();
    assert_eq!(admin.get("/debug/vars").await.status, 404);
}

/// API-007, audit-11: metrics and their discovery are for administrators, and name nobody.
#[tokio::test]
async fn sec_audit_11_metrics_are_for_administrators() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane-canary").await.client;
    for path in ["/metrics", "/metricsdiscovery"] {
        assert_eq!(controller.anonymous().get(path).await.status, 401, "{path}");
        assert_eq!(jane.get(path).await.status, 403, "{path}");
    }
    jane.get("/canary/path").await;
    let text = admin.get("/metrics").await.text();
    assert!(!text.contains("canary"), "{text}");
    for line in [
        "ucp_controller_logins_total{outcome=\"success\"} 2",
        "ucp_controller_objects{kind=\"user\"} 2",
        "ucp_controller_decisions_total{outcome=\"denied\"}",
    ] {
        assert!(text.contains(line), "no {line} in:\n{text}");
    }
    let certificate = controller.with_certificate(&admin.bundle().await.identity());
    let discovery = certificate.get("/metricsdiscovery").await.ok();
    assert_eq!(
        discovery[0]["targets"][0],
        json!(format!("127.0.0.1:{}", controller.port()))
    );
}
