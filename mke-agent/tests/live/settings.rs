//! Settings that requests read and that act between requests, on the controller that is told and on another one.

use std::sync::Arc;
use std::time::Duration;

use mke_core::config::{AuditLevel, CustomHeader, Registry};
use mke_core::pki::parse_certificates;
use serde_json::json;

use crate::support::{ADMIN, Controller, PASSWORD, until};

const CA: &str = include_str!("../../src/controller/live/registries_ca.pem");

/// CFG-005, SESS-001: how long new logins last follows on the controller that was not told.
#[tokio::test]
async fn sessions() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let edit = |config: &mut mke_core::config::Config| {
        config.auth.sessions.lifetime_minutes = 10;
        config.auth.sessions.renewal_threshold_minutes = 0;
    };
    controller.configure(&admin, edit).await;
    second.catch_up(&controller).await;
    let session = second.admin().await;
    second.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(session.get("/roles").await.status, 200);
    second.clock.advance(Duration::from_secs(2 * 60));
    assert_eq!(session.get("/roles").await.status, 401);
}

/// CFG-016, DAPI-012, DAPI-013: headers of every answer follow on the controller that was not told, and go again.
#[tokio::test]
async fn headers() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let seen = async || second.anonymous().get("/ca").await.headers;
    assert!(seen().await.contains_key("x-server-name"));
    let header = CustomHeader {
        name: "X-Team".to_owned(),
        value: "ops".to_owned(),
    };
    controller
        .configure(&admin, |config| {
            config.cluster.exclude_server_identity_headers = true;
            config.custom_api_server_headers = vec![header];
        })
        .await;
    second.catch_up(&controller).await;
    let headers = seen().await;
    assert!(!headers.contains_key("x-server-name") && !headers.contains_key("x-server-ip"));
    assert_eq!(headers["x-team"], "ops");
    controller
        .configure(&admin, |config| {
            config.cluster.exclude_server_identity_headers = false;
            config.custom_api_server_headers.clear();
        })
        .await;
    second.catch_up(&controller).await;
    let headers = seen().await;
    assert!(headers.contains_key("x-server-name") && !headers.contains_key("x-team"));
}

/// AUD-001, AUD-008: what is recorded follows on the controller that was not told, from nothing to bodies and back.
#[tokio::test]
async fn audit_level() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let there = second.admin().await;
    for (level, records, bodies) in [
        (AuditLevel::Metadata, true, false),
        (AuditLevel::Request, true, true),
        (AuditLevel::Off, false, false),
    ] {
        controller
            .configure(&admin, |config| config.audit_log.level = level)
            .await;
        second.catch_up(&controller).await;
        second.audit.clear();
        there.post("/roles", json!({ "name": "canary" })).await;
        let text = second.audit.text();
        assert_eq!(!text.is_empty(), records, "{level:?}");
        assert_eq!(text.contains("canary"), bodies, "{level:?}");
    }
}

/// CFG-034: the message before a login is read by anybody, on every controller, as it is now.
#[tokio::test]
async fn pre_logon_message() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let message = async || second.anonymous().get("/api/ucp/pre-logon-message").await.ok();
    assert_eq!(message().await, json!({ "message": "" }));
    let text = "Authorized use only.\nEverything is recorded <b>here</b>.";
    controller
        .configure(&admin, |config| {
            config.cluster.pre_logon_message = text.to_owned()
        })
        .await;
    second.catch_up(&controller).await;
    assert_eq!(message().await, json!({ "message": text }));
}

/// CFG-006: the authorities of registries are told to whoever has an account, and to the engine of this machine.
#[tokio::test]
async fn registries() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let certs = dir.path().join("certs.d");
    let controller =
        Controller::start_in(dir, |options| options.registry_certs_dir = Some(certs.clone())).await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let registry = Registry {
        host_address: "msr.example.com:5000".to_owned(),
        service_id: "msr".to_owned(),
        ca_bundle: CA.to_owned(),
    };
    controller
        .configure(&admin, |config| config.registries.push(registry))
        .await;
    second.catch_up(&controller).await;
    let anonymous = second.anonymous().get("/trustedregistryca").await;
    assert_eq!(anonymous.status, 401);
    let there = second.login("jane", PASSWORD).await;
    assert_eq!(there.get("/trustedregistryca").await.text().trim(), CA.trim());
    assert_eq!(
        jane.client.get("/trustedregistryca").await.text().trim(),
        CA.trim()
    );
    let folder = certs.join("msr.example.com:5000");
    until("the engine's file is there", async || {
        folder.exists().then_some(())
    })
    .await;
    let file = folder.join(format!("mke-{}.crt", controller.running.state().cluster.id));
    until("the file has its content", async || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.trim() == CA.trim()).then_some(())
    })
    .await;
    controller
        .configure(&admin, |config| config.registries.clear())
        .await;
    until("the engine's file is gone", async || {
        (!folder.exists()).then_some(())
    })
    .await;
    second.catch_up(&controller).await;
    assert_eq!(there.get("/trustedregistryca").await.text(), "");
}

/// CFG-030: names that are added stand in the certificate of the next connections, on every controller, and go again.
#[tokio::test]
async fn names_of_managers() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let names = |controller: &Controller| {
        let chain = parse_certificates(&controller.running.state().authorities.server_chain_pem()).unwrap();
        String::from_utf8_lossy(&chain[0]).contains("mke.example.com")
    };
    assert!(!names(&controller) && !names(&second));
    for there in [true, false] {
        controller
            .configure(&admin, |config| {
                config.cluster.shared_sans = if there {
                    vec!["mke.example.com".to_owned()]
                } else {
                    Vec::new()
                };
            })
            .await;
        until("both have the certificate", async || {
            (names(&controller) == there && names(&second) == there).then_some(())
        })
        .await;
    }
    assert_eq!(admin.get("/id").await.ok()["name"], ADMIN);
}

/// CFG-026: without polling, the engine is never looked at unasked.
#[tokio::test]
async fn polling() {
    let count = |page: &str, name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    let mut dir = Arc::new(tempfile::tempdir().unwrap());
    for disabled in [false, true] {
        let controller = Controller::start_in(dir, |_| {}).await;
        let admin = controller.admin().await;
        let polls = until("upkeep was done", async || {
            let page = admin.get("/metrics").await.text();
            let done = count(&page, "ucp_controller_upkeep_total ") > 0;
            done.then(|| count(&page, "ucp_controller_engine_polls_total "))
        })
        .await;
        assert_eq!(polls == 0, disabled);
        controller
            .configure(&admin, |config| config.cluster.swarm_polling_disabled = true)
            .await;
        dir = controller.stop().await;
    }
}

/// The switches that decisions depend on follow on the controller that was not told.
#[tokio::test]
async fn switches_of_the_policy() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    controller
        .configure(&admin, |config| {
            config.scheduling.enable_admin_ucp_scheduling = true;
            config.auth.default_new_user_role = "viewonly".to_owned();
        })
        .await;
    second.catch_up(&controller).await;
    for controller in [&controller, &second] {
        let snapshot = controller.running.state().snapshot();
        let settings = snapshot.policy.settings();
        assert!(settings.enable_admin_ucp_scheduling);
        assert_eq!(settings.default_new_user_role.as_str(), "viewonly");
    }
}
