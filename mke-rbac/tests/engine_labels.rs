//! Labels place objects; they are checked, and written by the control plane.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{LABEL, OWNER, ask, body_of, facts, labelled, policy, read, send, verdict};
use mke_rbac::demand::{
    ObjectFacts,
    ObjectKind::{Config, Node, Secret},
    ObjectRef,
};
use serde_json::{Value, json};

/// proxy-19: labels that look like the access label are refused; a label without rights behind it is denied.
#[test]
fn sec_proxy_19_labels() {
    // The name of a container is no field of its body.
    let plain =
        |path: &str| json!({ if path.starts_with("/containers") { "Hostname" } else { "Name" }: "x" });
    for path in [
        "/containers/create",
        "/services/create",
        "/volumes/create",
        "/networks/create",
        "/secrets/create",
        "/configs/create",
    ] {
        for near in [
            "com.docker.ucp.Access.label",
            " com.docker.ucp.access.label",
            "com.docker.ucp.access.label ",
            "com.docker.ucp.access\u{200b}.label",
            "COM.DOCKER.UCP.ACCESS.OWNER",
            "com.docker.ucp.access.label\n",
        ] {
            let body = json!({ "Labels": { near: "/Shared/dev" } }).to_string();
            assert!(read("POST", path, &body, None).is_err(), "{path} {near:?}");
        }
        let at = |label: &str| json!({ "Labels": { LABEL: label } });
        assert!(
            ask("rose", "POST", path, at("/Shared/ops"), &facts(&[])).starts_with("no: no access to"),
            "{path}"
        );
        assert!(
            ask("anna", "POST", path, at("/gone"), &facts(&[])).starts_with("error: collection"),
            "{path}"
        );
        assert!(
            ask("anna", "POST", path, at(""), &facts(&[])).starts_with("error: access label"),
            "{path}"
        );
        // Without a label it goes to the caller's own collection, where everybody holds Restricted Control.
        assert_eq!(
            ask("noah", "POST", path, plain(path), &facts(&[])),
            "yes",
            "{path}"
        );
        let call = read("POST", path, &plain(path).to_string(), None).unwrap();
        let sent = body_of(&send(&policy(), "noah", &call, &facts(&[])));
        assert_eq!(sent["Labels"][LABEL], "/Shared/Private/noah", "{path}");
        assert_eq!(sent["Labels"][OWNER], "noah", "{path}");
    }
}

/// RBAC-018, R46, proxy-28: nodes are changed with Node Update, but moved and promoted by administrators.
#[test]
fn sec_proxy_28_nodes() {
    let labels = |label: &str| json!({ LABEL: label, "com.docker.ucp.collection": "dev", "com.docker.ucp.orchestrator.swarm": "true", "rack": "1" });
    let node =
        |label: &str, role: &str| json!({ "Role": role, "Availability": "drain", "Labels": labels(label) });
    let mut own = ObjectFacts::at("node1", "dev".into());
    own.spec = Some(node("/Shared/dev", "worker"));
    let mut facts = facts(&[]);
    facts.objects.insert(ObjectRef::new(Node, "n1"), own.clone());
    let update = |body: &Value| {
        read(
            "POST",
            "/nodes/n1/update?version=3",
            &body.to_string(),
            Some(&own),
        )
        .unwrap()
    };
    let ask = |name: &str, body: &Value| verdict(&policy(), name, &update(body), &facts);
    let mut rack = node("/Shared/dev", "worker");
    rack["Labels"]["rack"] = json!("2");
    rack["Labels"]["com.docker.ucp.collection.system"] = json!("true");
    assert_eq!(ask("rose", &rack), "no: no access to Node Update");
    assert_eq!(ask("fred", &rack), "yes");
    let sent = body_of(&send(&policy(), "fred", &update(&rack), &facts));
    assert_eq!(sent["Labels"]["rack"], "2");
    assert_eq!(sent["Labels"]["com.docker.ucp.collection"], "dev");
    assert_eq!(
        sent["Labels"]["com.docker.ucp.collection.system"],
        Value::Null,
        "no label moves a node past placement"
    );
    let moved = node("/Shared/ops", "worker");
    assert_eq!(
        ask("ivan", &moved),
        "no: only administrators move nodes between collections"
    );
    assert_eq!(ask("anna", &moved), "yes");
    let promoted = node("/Shared/dev", "manager");
    assert!(ask("ivan", &promoted).starts_with("no: administrators only"));
    let mut orchestrator = node("/Shared/dev", "worker");
    orchestrator["Labels"]["com.docker.ucp.orchestrator.swarm"] = json!("false");
    assert!(ask("ivan", &orchestrator).starts_with("no: administrators only"));
    let bare = json!({ "Role": "worker", "Availability": "active", "Labels": { "com.docker.ucp.orchestrator.swarm": "true" } });
    assert_eq!(
        body_of(&send(&policy(), "fred", &update(&bare), &facts))["Labels"][LABEL],
        "/Shared/dev",
        "labels are put back"
    );
    for (method, path) in [
        ("GET", "/swarm"),
        ("POST", "/swarm/init"),
        ("POST", "/swarm/join"),
        ("POST", "/swarm/leave"),
        ("POST", "/swarm/update"),
        ("GET", "/swarm/unlockkey"),
        ("POST", "/swarm/unlock"),
        ("DELETE", "/nodes/n1"),
        ("GET", "/system/df"),
        ("POST", "/build/prune"),
    ] {
        let body = if method == "POST" && !path.contains("leave") && !path.contains("build") {
            "{}"
        } else {
            ""
        };
        let call = read(method, path, body, None).unwrap();
        assert!(
            verdict(&policy(), "ivan", &call, &facts).starts_with("no: administrators only"),
            "{path}"
        );
        assert_eq!(verdict(&policy(), "anna", &call, &facts), "yes", "{path}");
    }
}

/// R33, RBAC-037: secrets and configs move with Update here and Create there; names of the control plane are its own.
#[test]
fn secrets_and_configs() {
    for (path, kind, update, create) in [
        ("secrets", Secret, "Secret Update", "Secret Create"),
        ("configs", Config, "Config Update", "Config Create"),
    ] {
        let mut own = ObjectFacts::at("id1", "dev".into());
        own.spec = Some(json!({ "Name": "x", "Labels": { LABEL: "/Shared/dev", OWNER: "fred" } }));
        let mut facts = facts(&[]);
        facts.objects.insert(ObjectRef::new(kind, "x"), own.clone());
        let call = |label: &str| {
            let body = json!({ "Name": "x", "Labels": { LABEL: label } }).to_string();
            read("POST", &format!("/{path}/x/update?version=1"), &body, Some(&own)).unwrap()
        };
        assert_eq!(
            verdict(&policy(), "vera", &call("/Shared/dev"), &facts),
            format!("no: no access to {update}")
        );
        assert_eq!(
            verdict(&policy(), "rose", &call("/Shared/ops"), &facts),
            format!("no: no access to {create}")
        );
        assert_eq!(verdict(&policy(), "ivan", &call("/Shared/ops"), &facts), "yes");
        assert_eq!(
            body_of(&send(&policy(), "ivan", &call("/Shared/ops"), &facts))["Labels"][OWNER],
            "fred"
        );
        for name in [
            "com.docker.ucp.config-2",
            "com.docker.mke.config",
            "com.docker.license-7",
        ] {
            let body = labelled(json!({ "Name": name }));
            assert!(
                ask("fred", "POST", &format!("/{path}/create"), body, &facts)
                    .starts_with("no: administrators only"),
                "{name}"
            );
        }
    }
}
