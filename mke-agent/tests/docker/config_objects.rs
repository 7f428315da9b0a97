//! Config objects that mean something: the file that an installation begins with, and licences. On a real swarm.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mke_agent::controller::StartError;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::engine::Engine;

const FILE: &str = "# The cluster of the north.\n[auth.sessions]\n  per_user_limit = 7 # for everybody\n\n[cluster_config]\n  \
                    pod_cidr = \"10.1.0.0/16\"\n";

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn problem(error: &StartError) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(error) = below {
        text = format!("{text}: {error}");
        below = error.source();
    }
    text
}

/// CFG-004, INST-006, IPVS-003: an installation begins with the newest object of either name, comments and what is
/// fixed at installation included; without one, or with a wrong one, it does not begin. Later starts leave it alone.
#[tokio::test]
async fn an_installation_begins_with_a_config_object() {
    let engine = Engine::start().await;
    let start = async || Cluster::try_start(engine.socket(), |options| options.existing_config = true).await;
    let no_swarm = problem(&start().await.err().unwrap());
    assert!(no_swarm.contains("docker swarm init"), "{no_swarm}");
    engine.docker(&["swarm", "init", "--advertise-addr", "127.0.0.1"]);
    let none = problem(&start().await.err().unwrap());
    assert!(
        none.contains("docker config create com.docker.ucp.config"),
        "{none}"
    );

    let directory = tempfile::tempdir().unwrap();
    let create = |name: &str, text: &str| {
        let path = write(directory.path(), name, text);
        engine.docker(&["config", "create", name, &path]);
    };
    create("com.docker.ucp.config", "[auth.sessions]\n  per_user_limit = 3\n");
    create(
        "com.docker.mke.config",
        "[auth.sessions]\n  per_user_limt = 7\n  lifetime_minutes = 9\n",
    );
    let wrong = problem(&start().await.err().unwrap());
    for part in [
        "com.docker.mke.config:2:3",
        "per_user_limt",
        "com.docker.mke.config:3:",
        "lifetime_minutes",
    ] {
        assert!(wrong.contains(part), "no {part} in {wrong}");
    }
    engine.docker(&["config", "rm", "com.docker.mke.config"]);
    create(
        "com.docker.mke.config-2",
        &format!("{FILE}  ipvs_scheduler = \"wrr\"\n  kube_proxy_mode = \"ipvs\"\n"),
    );
    create("com.docker.mke.config-old", "nonsense");
    let cluster = start().await.unwrap();
    let text = cluster.api("GET", "/api/ucp/config-toml", None).await;
    let text = text.as_str().unwrap();
    for line in FILE
        .lines()
        .chain(["  ipvs_scheduler = \"wrr\"", "  lifetime_minutes = 60"])
    {
        assert!(
            text.lines().any(|other| other == line),
            "{line} is not in\n{text}"
        );
    }
    let version = cluster.api("GET", "/api/ucp/config-toml/history/1", None).await;
    assert_eq!(version["by"], "installation");
    assert_eq!(
        version["why"],
        "imported from config object com.docker.mke.config-2"
    );
    let changed = version["differences"].as_array().unwrap();
    assert!(
        changed
            .iter()
            .any(|change| change["key"] == "cluster_config.pod_cidr"),
        "{version}"
    );
    // The object may go; the next start, with the same flag, does not look for it.
    cluster
        .api(
            "PUT",
            "/api/ucp/config/logging",
            Some(json!({ "auditLevel": "metadata" })),
        )
        .await;
    engine.docker(&["config", "rm", "com.docker.mke.config-2", "com.docker.ucp.config"]);
    let data = cluster.directory().join("data");
    let copy = directory.path().join("data");
    cluster.stop_and(|| std::fs::rename(&data, &copy).unwrap()).await;
    let again = Cluster::try_start(engine.socket(), |options| {
        options.existing_config = true;
        options.data_dir = copy;
    })
    .await
    .unwrap();
    let history = again.api("GET", "/api/ucp/config-toml/history", None).await;
    assert_eq!(history["current"], 2);
    again.stop().await;
}

fn license(payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = json!({ "payload": part(payload), "signatures": [] }).to_string();
    json!({ "key_id": "k1", "private_key": "canary", "authorization": STANDARD.encode(signed) }).to_string()
}

/// CFG-004, LIC-001, config-09: objects with the names of files and licences hold valid ones, whoever speaks to the
/// Engine API and however the body is spelled, and only administrators make them; a licence that is refused, over or
/// gone changes no collection and no grant.
#[tokio::test]
async fn sec_config_09_objects_that_mean_something_are_checked() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    cluster
        .grant(&cluster.account_id("jane").await, "fullcontrol", "/Shared/web")
        .await;
    let file = |name: &str, text: &str| write(cluster.directory(), name, text);
    let (good, bad) = (
        file("good.toml", FILE),
        file("bad.toml", "[auth]\n  backend = \"none\"\n  no = 1\n"),
    );
    for name in [
        "com.docker.ucp.config",
        "com.docker.mke.config-3",
        "com.docker.ucp.config.old",
    ] {
        let refused = cluster.admin.fails(&["config", "create", name, &bad]).await;
        assert!(
            refused.contains("auth.backend") && refused.contains("auth.no"),
            "{refused}"
        );
        cluster.admin.ok(&["config", "create", name, &good]).await;
    }
    cluster.admin.ok(&["config", "create", "my.config", &bad]).await;
    for spelled in ["Name", "name", "NAME"] {
        let body = json!({ spelled: "com.docker.ucp.config-9", "Data": STANDARD.encode("nonsense") });
        let (status, answer) = cluster
            .as_admin("POST", "/v1.41/configs/create", Some(body))
            .await;
        assert_eq!(status, 400, "{spelled}: {answer}");
    }
    let labelled = |name: &'static str| {
        [
            "config",
            "create",
            "--label",
            "com.docker.ucp.access.label=/Shared/web",
            name,
        ]
    };
    for name in [
        "com.docker.ucp.config-4",
        "com.docker.mke.config-4",
        "com.docker.license-4",
    ] {
        let refused = jane.fails(&[&labelled(name)[..], &[&good]].concat()).await;
        assert!(
            refused.contains("names of the control plane's own configs"),
            "{refused}"
        );
    }
    jane.ok(&[&labelled("janes")[..], &[&good]].concat()).await;

    let path = "/api/ucp/config/license";
    let nothing = cluster.api("GET", path, None).await;
    assert_eq!(
        (&nothing["license"], &nothing["autoRefresh"]),
        (&Value::Null, &json!(true))
    );
    let rights = async || {
        let grants = cluster.api("GET", "/collectionGrants", None).await;
        let collections = cluster.api("GET", "/collections?limit=100", None).await;
        (grants, collections)
    };
    let before = rights().await;
    let over = license(&json!({ "expiration": "2020-01-02T03:04:05Z", "tier": "Trial", "maxEngines": 10 }));
    for wrong in ["{}", "{\"authorization\":\"canary\"}"] {
        let (status, answer) = cluster
            .as_admin("PUT", path, Some(serde_json::from_str(wrong).unwrap()))
            .await;
        assert!(
            status == 400 && !answer.to_string().contains("canary"),
            "{answer}"
        );
    }
    let stored = cluster
        .api("PUT", path, Some(serde_json::from_str(&over).unwrap()))
        .await;
    assert_eq!(
        (&stored["object"], &stored["expired"]),
        (&json!("com.docker.license-1"), &json!(true))
    );
    let good = license(&json!({ "expiration": "2099-01-02T03:04:05Z", "tier": "Production" }));
    cluster
        .api("PUT", path, Some(serde_json::from_str(&good).unwrap()))
        .await;
    let shown = cluster.api("GET", path, None).await;
    assert_eq!(
        (&shown["object"], &shown["expired"]),
        (&json!("com.docker.license-2"), &json!(false))
    );
    assert!(shown["license"]["tier"] == "Production" && !shown.to_string().contains("canary"));
    let labels = engine.docker(&[
        "config",
        "inspect",
        "--format",
        "{{json .Spec.Labels}}",
        "com.docker.license-2",
    ]);
    assert!(
        labels.contains("\"com.docker.ucp.access.label\":\"/\""),
        "{labels}"
    );
    assert!(!jane.ok(&["config", "ls"]).await.contains("license"));
    let (text, refused) = (file("lic", &good), file("no-lic", "no"));
    cluster
        .admin
        .fails(&["config", "create", "com.docker.license-3", &refused])
        .await;
    cluster
        .admin
        .ok(&["config", "create", "com.docker.license-3", &text])
        .await;
    cluster
        .admin
        .ok(&[
            "config",
            "rm",
            "com.docker.license-1",
            "com.docker.license-2",
            "com.docker.license-3",
        ])
        .await;
    assert_eq!(cluster.api("GET", path, None).await["license"], Value::Null);
    assert_eq!(rights().await, before);
    cluster.stop().await;
}

/// UPG-017: while a cluster is upgraded, or an upgrade that was broken off waits to go on, nobody changes its configuration;
/// trying what a change would do is allowed, and other runs of the bootstrapper are no reason.
#[tokio::test]
async fn no_change_during_an_upgrade() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let mark = write(cluster.directory(), "mark", "x");
    let change = async |query: &str, level: &str| {
        let path = format!("/api/ucp/config/logging{query}");
        cluster
            .as_admin("PUT", &path, Some(json!({ "auditLevel": level })))
            .await
    };
    for (operation, level, refused) in [("uninstall", "metadata", false), ("upgrade", "request", true)] {
        let label = format!("com.docker.ucp.operation={operation}");
        engine.docker(&[
            "config",
            "create",
            "--label",
            &label,
            "com.docker.ucp.lock",
            &mark,
        ]);
        let (status, answer) = change("", level).await;
        assert_eq!(status == 409, refused, "{operation}: {status} {answer}");
        assert_eq!(answer.to_string().contains("being upgraded"), refused, "{answer}");
        let (status, answer) = change("?dry-run=true", level).await;
        assert_ne!(status, 409, "{operation}: {answer}");
        engine.docker(&["config", "rm", "com.docker.ucp.lock"]);
    }
    let (status, answer) = change("", "request").await;
    assert_ne!(status, 409, "{answer}");
}
