//! How services are sent: labels, constraints and ids in place.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::service::{container, create, existing, spec, update, with};
use engine_support::{LABEL, OWNER, body_of, facts, policy, send, verdict};
use mke_rbac::demand::ObjectKind::{Config, Network, Secret};
use serde_json::{Value, json};

const SCHEDULE: &str = "node.labels.com.docker.ucp.collection.shared==true";
const ORCHESTRATOR: &str = "node.labels.com.docker.ucp.orchestrator.swarm==true";

/// RBAC-016, R18: labels in the service and in its containers are ours; forged ones are overwritten.
#[test]
fn labels_of_a_service() {
    let mut body = spec(
        "/Shared/dev",
        container(json!({ "Labels": { "a": "b", LABEL: "/", "com.docker.ucp.collection.ops": "true" } })),
    );
    body["Labels"]["com.docker.ucp.collection"] = json!("ops");
    body["Labels"]["com.docker.ucp.collection.ops"] = json!("true");
    body["Labels"][OWNER] = json!("anna");
    let sent = body_of(&send(&policy(), "rose", &create(&body), &facts(&[])));
    let ours = json!({
        LABEL: "/Shared/dev", "com.docker.ucp.collection": "dev", "com.docker.ucp.collection.root": "true",
        "com.docker.ucp.collection.swarm": "true", "com.docker.ucp.collection.shared": "true", "com.docker.ucp.collection.dev": "true",
        OWNER: "rose",
    });
    assert_eq!(sent["Labels"], ours);
    let mut inner = ours;
    inner["a"] = json!("b");
    assert_eq!(sent["TaskTemplate"]["ContainerSpec"]["Labels"], inner);
}

/// RBAC-027, R37: an administrator may say whose a new service is; from anybody else the label is overwritten.
#[test]
fn only_administrators_attribute_services() {
    for (caller, named, owner) in [
        ("anna", Some("rose"), "rose"),
        ("anna", None, "anna"),
        ("rose", Some("anna"), "rose"),
        ("rose", Some("rose"), "rose"),
        ("rose", None, "rose"),
    ] {
        let mut body = spec("/Shared/dev", container(json!({})));
        if let Some(named) = named {
            body["Labels"][OWNER] = json!(named);
        }
        let sent = body_of(&send(&policy(), caller, &create(&body), &facts(&[])));
        assert_eq!(sent["Labels"][OWNER], owner, "{caller} names {named:?}");
    }
}

/// proxy-26, R45, R48, R49: computed constraints are added and cannot be cancelled; the caller's own are kept.
#[test]
fn sec_proxy_26_constraints() {
    let policy = policy();
    let constraints = |forward: &Value| forward["TaskTemplate"]["Placement"]["Constraints"].clone();
    let placed = |list: Value| json!({ "Placement": { "Constraints": list } });
    for sent in [
        json!([]),
        json!(["node.labels.com.docker.ucp.collection.system==true"]),
        json!([
            " Node.Labels.com.docker.ucp.collection.swarm == true ",
            "node.labels.com.docker.ucp.collection!=x"
        ]),
        json!([SCHEDULE, ORCHESTRATOR]),
    ] {
        let forward = body_of(&send(
            &policy,
            "rose",
            &create(&spec("/Shared/dev", placed(sent))),
            &facts(&[]),
        ));
        let mut found: Vec<_> = constraints(&forward)
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c.as_str().unwrap().to_owned())
            .collect();
        found.sort();
        assert_eq!(found, [SCHEDULE, ORCHESTRATOR]);
    }
    let own = json!(["node.role==worker", "node.labels.com.docker.ucp.collections==x"]);
    let global =
        json!({ "Labels": { LABEL: "/Shared/dev" }, "Mode": { "Global": {} }, "TaskTemplate": placed(own) });
    let forward = body_of(&send(&policy, "rose", &create(&global), &facts(&[])));
    assert_eq!(
        constraints(&forward),
        json!([
            "node.role==worker",
            "node.labels.com.docker.ucp.collections==x",
            SCHEDULE,
            ORCHESTRATOR
        ])
    );
    let forward = body_of(&send(
        &policy,
        "anna",
        &create(&spec("/Shared/dev", json!({}))),
        &facts(&[]),
    ));
    assert_eq!(
        constraints(&forward),
        json!(["node.labels.com.docker.ucp.collection.system!=true", ORCHESTRATOR])
    );
    // An administrator who changes a user's service leaves it where it may run.
    let own = existing("dev", spec("/Shared/dev", placed(json!([SCHEDULE]))), None);
    let call = update(
        &spec(
            "/Shared/dev",
            placed(json!(["node.labels.com.docker.ucp.collection.system==true"])),
        ),
        &own,
    )
    .unwrap();
    let forward = body_of(&send(&policy, "anna", &call, &with(facts(&[]), &own)));
    assert_eq!(constraints(&forward), json!([SCHEDULE, ORCHESTRATOR]));
}

/// RBAC-015, R33, proxy-19: moving needs Update where the service is and Create where it goes; without a label it stays.
#[test]
fn sec_proxy_19_moving_a_service() {
    let policy = policy();
    let stored = json!({ "Name": "web", "Labels": { LABEL: "/Shared/dev", OWNER: "fred" } });
    let own = existing("dev", stored, None);
    let facts = with(facts(&[]), &own);
    for (name, to, answer) in [
        ("rose", "/Shared/ops", "no: no access to Service Create"),
        ("rose", "/", "no: no access to Service Create"),
        ("vera", "/Shared/dev", "no: no access to Service Update"),
        ("ivan", "/Shared/ops", "yes"),
        ("rose", "/Shared/dev/", "yes"),
        (
            "anna",
            "/gone",
            "error: collection `/gone` of the access label does not exist; create it or use another one",
        ),
    ] {
        let call = update(&spec(to, json!({})), &own).unwrap();
        assert_eq!(verdict(&policy, name, &call, &facts), answer, "{name} {to}");
    }
    let bare = json!({ "Name": "web", "TaskTemplate": { "ContainerSpec": {} } });
    let sent = body_of(&send(&policy, "rose", &update(&bare, &own).unwrap(), &facts));
    assert_eq!(sent["Labels"][LABEL], "/Shared/dev");
    assert_eq!(
        sent["Labels"][OWNER], "fred",
        "changing a service does not make it one's own"
    );
    assert_eq!(
        sent["TaskTemplate"]["ContainerSpec"]["Labels"][LABEL],
        "/Shared/dev"
    );
}

/// Sending back what was stored changes nothing, so that no task restarts because somebody else scales the service.
#[test]
fn unchanged_services_stay_unchanged() {
    let task = json!({
        "ContainerSpec": { "Image": "x", "Mounts": [{ "Type": "volume", "Source": "data", "Target": "/d" }] },
        "Placement": { "Constraints": ["node.role==worker"] },
    });
    let stored = body_of(&send(
        &policy(),
        "rose",
        &create(&spec("/Shared/dev", task)),
        &facts(&[]),
    ));
    let own = existing("dev", stored.clone(), None);
    let again = update(&stored, &own).unwrap();
    for name in ["rose", "fred"] {
        assert_eq!(
            body_of(&send(&policy(), name, &again, &with(facts(&[]), &own))),
            stored,
            "{name}"
        );
    }
}

/// proxy-18: names become the ids that were checked.
#[test]
fn sec_proxy_18_ids_in_a_service() {
    let facts = facts(&[
        (Secret, "s", "s-id", "dev"),
        (Network, "n", "n-id", "dev"),
        (Config, "c", "c-id", "dev"),
    ]);
    let body = spec(
        "/Shared/dev",
        json!({
            "ContainerSpec": {
                "Secrets": [{ "SecretName": "s", "File": { "Name": "s", "UID": "0", "GID": "0", "Mode": 292 } }],
                "Configs": [{ "ConfigID": "c", "ConfigName": "other" }],
            },
            "Networks": [{ "Target": "n", "Aliases": ["a"] }],
        }),
    );
    let sent = body_of(&send(&policy(), "rose", &create(&body), &facts));
    let task = &sent["TaskTemplate"];
    assert_eq!(task["Networks"], json!([{ "Target": "n-id", "Aliases": ["a"] }]));
    assert_eq!(task["ContainerSpec"]["Secrets"][0]["SecretID"], "s-id");
    assert_eq!(task["ContainerSpec"]["Configs"][0]["ConfigID"], "c-id");
}
