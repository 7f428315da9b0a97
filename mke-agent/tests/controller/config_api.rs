//! The endpoints of the configuration: what their document says, who may call them, parts, the directory, refusals.

use mke_core::config::{Config, MASK};
use serde_json::{Value, json};

use crate::support::Controller;
use crate::support::client::{Answer, Client};

const FILE: &str = "/api/ucp/config-toml";
const HISTORY: &str = "/api/ucp/config-toml/history";

/// The document of the API, with references in the place of what they refer to.
struct Document(Value);

/// A method and path of the document.
struct Endpoint<'d> {
    method: String,
    path: String,
    value: &'d Value,
}

impl Document {
    fn read() -> Self {
        let text = include_str!("../../../docs/api/configuration.yaml");
        Self(serde_yaml_ng::from_str(text).unwrap())
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    fn endpoints(&self) -> Vec<Endpoint<'_>> {
        let paths = self.0["paths"].as_object().unwrap();
        let mut endpoints = Vec::new();
        for (path, methods) in paths {
            for (method, value) in methods.as_object().unwrap() {
                endpoints.push(Endpoint {
                    method: method.to_uppercase(),
                    path: path.replace("{version}", "1"),
                    value,
                });
            }
        }
        endpoints
    }

    /// The bodies that are shown, as they are sent.
    fn examples(&self, endpoint: &Endpoint<'_>) -> Vec<String> {
        let content = &endpoint.value["requestBody"]["content"];
        let json = content["application/json"]["examples"].as_object();
        let toml = content["application/toml"]["examples"].as_object();
        let json = json
            .into_iter()
            .flatten()
            .map(|(_, example)| example["value"].to_string());
        let toml = toml
            .into_iter()
            .flatten()
            .map(|(_, example)| example["value"].as_str().unwrap().to_owned());
        json.chain(toml).collect()
    }

    /// The fields that the answer must have: those of the schema that are required, and those of the example.
    fn promised(&self, endpoint: &Endpoint<'_>) -> Vec<String> {
        let answer = self.resolved(&endpoint.value["responses"]["200"]);
        let content = &answer["content"]["application/json"];
        let schema = self.resolved(&content["schema"]);
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.map(|name| name.as_str().unwrap().to_owned());
        let example = content["example"].as_object().into_iter().flatten();
        required.chain(example.map(|(name, _)| name.clone())).collect()
    }
}

async fn put(client: &Client, path: &str, body: impl Into<String>) -> Answer {
    client.send(client.request("PUT", path).body(body.into())).await
}

/// API-001, CFG-003: every example of the document is understood, and answers have the fields that it promises.
#[tokio::test]
async fn the_document_tells_the_truth() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let document = Document::read();
    for endpoint in document.endpoints() {
        let Endpoint { method, path, .. } = &endpoint;
        let mut bodies = document.examples(&endpoint);
        if path.ends_with("/license") {
            // It needs an engine.
            let answer = admin.send(admin.request(method, path).body("{}")).await;
            assert_eq!(
                answer.status,
                if method == "GET" { 503 } else { 400 },
                "{method} {path}"
            );
            continue;
        }
        assert_eq!(bodies.is_empty(), method != "PUT", "{method} {path}");
        if bodies.is_empty() {
            bodies.push(String::new());
        }
        for body in bodies {
            let answer = admin.send(admin.request(method, path).body(body.clone())).await;
            assert_eq!(answer.status, 200, "{method} {path} {body}: {}", answer.text());
            if answer.header("content-type") == "application/toml" {
                Config::parse(&answer.text()).unwrap();
                continue;
            }
            let answer = answer.json();
            for field in document.promised(&endpoint) {
                assert!(
                    answer.get(&field).is_some(),
                    "{method} {path}: no {field} in {answer}"
                );
            }
        }
    }
}

/// CFG-003, AUD-007: the configuration is for administrators, every part of it and whatever the method.
#[tokio::test]
async fn the_configuration_is_for_administrators() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let before = admin.get(FILE).await;
    let mut paths: Vec<_> = Document::read()
        .endpoints()
        .iter()
        .map(|endpoint| (endpoint.method.clone(), endpoint.path.clone()))
        .collect();
    paths.push(("GET".to_owned(), "/enzi/v0/config/auth/ldap".to_owned()));
    paths.push(("PUT".to_owned(), "/enzi/v0/config/auth/ldap".to_owned()));
    for (method, path) in paths {
        for (client, status) in [(&controller.anonymous(), 401), (&jane, 403)] {
            let answer = client.send(client.request(&method, &path).body("{}")).await;
            assert_eq!(answer.status, status, "{method} {path}");
        }
    }
    assert_eq!(admin.get(FILE).await.text(), before.text());
}

/// config-03, config-04, CFG-002: every problem is told at once with line and remedy, for people and for programs.
#[tokio::test]
async fn sec_config_04_all_problems_at_once() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let wrong = "[auth]\n  backend = \"Managed\"\n  [auth.sessions]\n    lifetime_minutes = 9\n    per_user_limt = 3\n\
                 [cluster_config]\n  controller_port = 99999999\n";
    let answer = put(&admin, FILE, wrong).await;
    assert_eq!(answer.status, 400);
    let answer = answer.json();
    let message = answer["message"].as_str().unwrap();
    let told: Vec<_> = answer["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            (
                problem["line"].as_u64().unwrap(),
                problem["key"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (2, "auth.backend"),
            (4, "auth.sessions.lifetime_minutes"),
            (5, "auth.sessions.per_user_limt"),
            (7, "cluster_config.controller_port")
        ]
    );
    for (line, key) in told {
        assert!(
            message.contains(&format!("line {line}, ")) && message.contains(key),
            "{message}"
        );
    }
    assert_eq!(answer["detail"][2]["nearest"], "auth.sessions.per_user_limit");
    // Keys of the future are kept only when the file says that it is of the future, and the caller agrees.
    let newer = "# mke-version: 9.0\n[auth]\n  of_the_future = 1 # as it is\n";
    assert_eq!(put(&admin, FILE, newer).await.status, 400);
    let kept = put(&admin, &format!("{FILE}?keep-unknown=true"), newer)
        .await
        .ok();
    assert!(
        kept["warnings"][0]
            .as_str()
            .unwrap()
            .contains("auth.of_the_future"),
        "{kept}"
    );
    assert!(
        admin
            .get(FILE)
            .await
            .text()
            .contains("  of_the_future = 1 # as it is\n")
    );
}

/// The move of Calico's data is applied once, with a warning while no Calico runs here, and nothing takes it back: no
/// upload, no dry run, no rollback.
#[tokio::test]
async fn what_cannot_go_back_stays() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let before = admin.get(FILE).await.text();
    let after = before.replace("[cluster_config]\n", "[cluster_config]\n  calico_kdd = true\n");
    let moved = put(&admin, FILE, after.clone()).await.ok();
    assert_eq!(moved["version"], 2, "{moved}");
    assert!(
        moved["warnings"]
            .to_string()
            .contains("nothing in this installation acts on it yet"),
        "{moved}"
    );
    let shown = admin.get(FILE).await.text();
    let back = admin.post(&format!("{FILE}/history/1/rollback"), json!({})).await;
    for refused in [put(&admin, FILE, before.clone()).await, back] {
        assert_eq!(refused.status, 400);
        let refused = refused.json();
        assert_eq!(
            refused["detail"][0]["key"], "cluster_config.calico_kdd",
            "{refused}"
        );
        assert_eq!(refused["detail"][0]["refused"], true, "{refused}");
    }
    let tried = put(&admin, &format!("{FILE}?dry-run=true"), before).await.ok();
    assert_eq!(tried["impact"]["refused"], json!(["cluster_config.calico_kdd"]));
    assert_eq!(admin.get(FILE).await.text(), shown);
}

/// CFG-002: what is fixed at installation is refused with all such keys and the remedy; a dry run tells the same and
/// changes nothing.
#[tokio::test]
async fn what_is_fixed_at_installation_stays() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let before = admin.get(FILE).await.text();
    let after = before
        .replace("swarm_only = false", "swarm_only = true")
        .replace("pod_cidr = \"192.168.0.0/16\"", "pod_cidr = \"10.1.0.0/16\"")
        .replace("per_user_limit = 10", "per_user_limit = 5");
    let tried = put(&admin, &format!("{FILE}?dry-run=true"), after.clone())
        .await
        .ok();
    let fixed = tried["impact"]["refused"].as_array().unwrap().clone();
    assert!(!fixed.is_empty() && tried["dryRun"] == true, "{tried}");
    assert_eq!(tried["impact"]["live"], 1);
    let refused = put(&admin, FILE, after).await;
    assert_eq!(refused.status, 400);
    let refused = refused.json();
    for key in fixed {
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.contains(key.as_str().unwrap()) && message.contains("--existing-config"),
            "{message}"
        );
    }
    assert!(
        refused["detail"]
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["refused"] == true)
    );
    assert_eq!(admin.get(FILE).await.text(), before);
    // A dry run of something that could be done does nothing either.
    let after = before.replace("per_user_limit = 10", "per_user_limit = 5");
    let tried = put(&admin, &format!("{FILE}?dry-run=1"), after).await.ok();
    assert_eq!(tried["differences"][0]["key"], "auth.sessions.per_user_limit");
    assert_eq!(tried["version"], 1);
    assert_eq!(admin.get(FILE).await.text(), before);
    assert_eq!(admin.get(HISTORY).await.ok()["current"], 1);
}

/// AUD-007, AUD-008: a part is read and changed by itself; the operator's file follows, and its comments stay.
#[tokio::test]
async fn parts_change_the_file_in_place() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let file = "# The cluster of the north.\n[audit_log_configuration]\n  level = \"\" # nothing yet\n\n[log_configuration]\n  \
                level = \"INFO\"\n# The end.\n";
    put(&admin, FILE, file).await.ok();
    let logging = "/api/ucp/config/logging";
    let body = json!({ "logLevel": "debug", "auditLevel": "metadata", "supportDumpIncludeAuditLogs": true });
    let changed = admin.put(logging, body).await.ok();
    assert_eq!(changed["differences"].as_array().unwrap().len(), 3, "{changed}");
    assert_eq!(
        admin.get(logging).await.ok(),
        json!({ "logLevel": "DEBUG", "auditLevel": "metadata", "supportDumpIncludeAuditLogs": true })
    );
    let text = admin.get(FILE).await.text();
    for line in [
        "# The cluster of the north.",
        "  level = \"metadata\" # nothing yet",
        "  level = \"DEBUG\"",
        "  support_dump_include_audit_logs = true",
        "# The end.",
    ] {
        assert!(
            text.lines().any(|other| other == line),
            "{line} is not in\n{text}"
        );
    }
    // What is absent or empty stays, and the same again makes no version.
    let same = admin
        .put(logging, json!({ "logLevel": "", "auditLevel": null }))
        .await
        .ok();
    assert_eq!(
        (&same["changed"], &same["version"]),
        (&json!(false), &changed["version"])
    );
    for wrong in [
        json!({ "auditLevel": "all" }),
        json!({ "auditLevel": "Metadata" }),
        json!({ "logLevel": 1 }),
        json!({ "level": "INFO" }),
        json!({ "supportDumpIncludeAuditLogs": "true" }),
    ] {
        assert_eq!(admin.put(logging, wrong.clone()).await.status, 400, "{wrong}");
    }
    let both = admin
        .put(logging, json!({ "logLevel": 1, "levle": 2 }))
        .await
        .json();
    assert_eq!(both["detail"].as_array().unwrap().len(), 2, "{both}");
    assert_eq!(admin.get(FILE).await.text(), text);
    // Clients edit the whole object and send it back as a form (curl -d).
    let kubernetes = "/api/ucp/config/kubernetes";
    let mut object = admin.get(kubernetes).await.ok();
    object["privAttributesUserAccounts"] = json!(["jane"]);
    object["privAttributesAllowedForUserAccounts"] = json!(["hostIPC"]);
    let form = "application/x-www-form-urlencoded";
    let request = admin.request("PUT", kubernetes).header("content-type", form);
    admin.send(request.body(object.to_string())).await.ok();
    assert_eq!(admin.get(kubernetes).await.ok(), object);
    let registry = json!({ "hostAddress": "registry.example.com", "serviceID": "s", "caBundle": "" });
    admin
        .put("/api/ucp/config/dtr", json!({ "registries": [registry] }))
        .await
        .ok();
    let shown = admin.get("/api/ucp/config/dtr").await.ok();
    assert_eq!(shown["registries"][0]["hostAddress"], "registry.example.com");
    admin.put("/api/ucp/config/dtr", shown).await.ok();
    let nameless = json!({ "registries": [{ "hostAddress": "" }, { "host": 1 }, 3] });
    assert_eq!(admin.put("/api/ucp/config/dtr", nameless).await.status, 400);
    admin
        .put("/api/ucp/config/dtr", json!({ "registries": [] }))
        .await
        .ok();
    assert_eq!(
        admin.get("/api/ucp/config/dtr").await.ok(),
        json!({ "registries": [] })
    );
    let text = admin.get(FILE).await.text();
    assert!(
        !text.contains("[[registries]]") && text.contains("# The end."),
        "{text}"
    );
}

/// ldap-17, config-07, CFG-003: the directory is set through its own endpoints or in a file, is never exported, and its
/// passwords never come out.
#[tokio::test]
async fn sec_config_07_the_directory_never_comes_out() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let (ours, enzi) = ("/api/ucp/config/auth/ldap", "/enzi/v0/config/auth/ldap");
    let mut ldap = json!({
        "serverURL": "ldaps://ldap.example.com", "readerDN": "cn=reader", "readerPassword": "canary-ldap",
        "userSearchConfigs": [{ "baseDN": "dc=example", "matchGroup": false }], "adminSyncOpts": { "enableSync": false },
    });
    let set = admin.put(enzi, ldap.clone()).await.ok();
    assert_eq!(set["serverURL"], "ldaps://ldap.example.com");
    let shown = admin.get(ours).await.ok();
    assert_eq!((&shown, &admin.get(enzi).await.ok()), (&set, &set));
    let file = admin.get(FILE).await.text();
    let past = admin.get(&format!("{HISTORY}/2")).await.text();
    for text in [shown.to_string(), file.clone(), past] {
        assert!(!text.contains("canary") && !text.contains("[auth.ldap"), "{text}");
    }
    // Without a password the same server keeps it; another one must be given it again.
    let password = || {
        let config = &controller.running.state().snapshot().config;
        config
            .auth
            .ldap
            .reader_password
            .as_ref()
            .map(|secret| secret.expose().to_owned())
    };
    admin.put(ours, shown.clone()).await.ok();
    assert_eq!(password().as_deref(), Some("canary-ldap"));
    let mut moved = shown;
    moved["serverURL"] = "ldaps://evil.example.com".into();
    let refused = admin.put(ours, moved).await;
    assert!(
        refused.status == 400 && refused.text().contains("readerPassword"),
        "{}",
        refused.text()
    );
    // A file without it keeps it, one with it sets it.
    put(
        &admin,
        FILE,
        file.replace("per_user_limit = 10", "per_user_limit = 9"),
    )
    .await
    .ok();
    assert_eq!(password().as_deref(), Some("canary-ldap"));
    let with = format!(
        "{file}\n[auth.ldap]\n  server_url = \"ldap://other.example.com\"\n  reader_password = \"canary-2\"\n"
    );
    let answer = put(&admin, FILE, with).await;
    assert!(!answer.text().contains("canary"), "{}", answer.text());
    assert_eq!(password().as_deref(), Some("canary-2"));
    assert!(!admin.get(FILE).await.text().contains("auth.ldap"));
    // All problems at once, by the names of the body.
    ldap["syncSchedule"] = "every day".into();
    ldap["servreURL"] = "x".into();
    let refused = admin.put(ours, ldap).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["detail"].as_array().unwrap().len(),
        2,
        "{}",
        refused.text()
    );
}

/// config-07, audit-04: secrets of a file are masked in exports, differences, the history and audit records; a mask that
/// is sent back keeps the secret.
#[tokio::test]
async fn sec_config_07_secrets_are_masked_everywhere() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    admin
        .put("/api/ucp/config/logging", json!({ "auditLevel": "request" }))
        .await
        .ok();
    let file = admin.get(FILE).await.text();
    let backup = "\n[backup_schedule_config]\n  enabled = false\n  notification_delay = 7\n  no_passphrase = false\n  \
                  passphrase = \"canary-passphrase\"\n";
    let answer = put(&admin, FILE, format!("{file}{backup}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let shown = admin.get(FILE).await.text();
    assert!(shown.contains(&format!("passphrase = \"{MASK}\"")), "{shown}");
    put(
        &admin,
        FILE,
        shown.replace("per_user_limit = 10", "per_user_limit = 9"),
    )
    .await
    .ok();
    let passphrase = controller
        .running
        .state()
        .snapshot()
        .config
        .backup_schedule
        .passphrase
        .clone();
    assert_eq!(passphrase.expose(), "canary-passphrase");
    let changed = put(&admin, FILE, shown.replace(MASK, "canary-2")).await;
    for text in [
        answer.text(),
        shown,
        changed.text(),
        admin.get(HISTORY).await.text(),
        admin.get(&format!("{HISTORY}/3")).await.text(),
        admin.get(&format!("{HISTORY}/5?against=1")).await.text(),
        controller.audit.text(),
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
    // Where nothing is kept a mask means nothing.
    let token = file.clone() + "\n[auth.samlProxy.credentials.basic]\n  password = \"********\"\n";
    let refused = put(&admin, FILE, token).await;
    assert!(
        refused.status == 400
            && refused
                .text()
                .contains("auth.samlProxy.credentials.basic.password")
    );
}

/// CFG-003: every endpoint for one part of the logins answers a dry run with what would change, and changes nothing.
#[tokio::test]
async fn parts_of_the_logins_can_be_tried() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let directory = json!({
        "serverURL": "ldaps://ldap.example.com", "readerDN": "cn=reader", "readerPassword": "secret",
        "userSearchConfigs": [{ "baseDN": "dc=example", "matchGroup": false }], "adminSyncOpts": { "enableSync": false },
    });
    for (path, body, key) in [
        (
            "/enzi/v0/config/auth",
            json!({ "samlLoginText": "Use the badge" }),
            "auth.samlLoginText",
        ),
        (
            "/api/ucp/config/auth/scim",
            json!({ "enabled": true }),
            "auth.scimEnabled",
        ),
        ("/enzi/v0/config/auth/ldap", directory, "auth.ldap"),
    ] {
        let before = admin.get(path).await.ok();
        let version = controller.running.state().snapshot().in_force.version;
        let told = admin
            .put(&format!("{path}?dry-run=true"), body.clone())
            .await
            .ok();
        assert_eq!(
            (&told["dryRun"], &told["changed"]),
            (&json!(true), &json!(true)),
            "{path}: {told}"
        );
        let keys = told["differences"].as_array().unwrap().iter();
        let mut keys = keys.map(|difference| difference["key"].as_str().unwrap());
        assert!(keys.any(|found| found.starts_with(key)), "{path}: {told}");
        assert_eq!(admin.get(path).await.ok(), before, "{path}");
        assert_eq!(controller.running.state().snapshot().in_force.version, version);
        // Without it the same body changes the part, and the answer is the part.
        let set = admin.put(path, body).await.ok();
        assert_eq!(set.get("dryRun"), None, "{path}: {set}");
        assert_ne!(admin.get(path).await.ok(), before, "{path}");
    }
}
