//! What callers see of answers.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{home, policy, read, subject};
use mke_rbac::demand::{Home, ObjectKind, ObjectRef};
use mke_rbac::engine::answer::{Viewer, event, info, inspect, list, shows};
use mke_rbac::engine::labels::home_of;
use mke_rbac::operation::Operation;
use serde_json::{Value, json};

/// Where the objects lie that answers only name.
fn look_up(object: &ObjectRef) -> Option<Home> {
    let collection = match object.name.as_str() {
        "net-dev" | "c-dev" | "svc-dev" | "sec-dev" | "vol-dev" => "dev",
        "net-ops" | "c-ops" | "svc-ops" | "sec-ops" | "vol-ops" => "ops",
        _ => return None,
    };
    Some(home(collection))
}

fn seen<R>(name: &str, use_viewer: impl FnOnce(&Viewer<'_>) -> R) -> R {
    let policy = policy();
    let subject = subject(name);
    let may = |operation: Operation, home: &Home| policy.may(&subject, operation, home);
    use_viewer(&Viewer {
        policy: &policy,
        may: &may,
        look_up: &look_up,
        admin: name == "anna",
    })
}

fn labels(collection: &str) -> Value {
    json!({ "com.docker.ucp.access.label": format!("/Shared/{collection}"), "com.docker.ucp.collection": collection })
}

fn ids(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().expect("a list");
    items
        .iter()
        .map(|item| item[field].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// RBAC-020, DAPI-003, R50: every list holds what the caller may view, and nothing else.
#[test]
fn sec_proxy_30_lists() {
    let outside = |labels: Value| json!([{ "ID": "d", "Labels": labels }, { "ID": "o", "Labels": { "com.docker.ucp.collection": "ops" } }, { "ID": "r" }]);
    let inside = |path: &str| {
        let item = |id: &str, collection: &str| match path {
            "Spec" => json!({ "ID": id, "Spec": { "Labels": labels(collection) } }),
            _ => json!({ "ID": id, "Spec": { "ContainerSpec": { "Labels": labels(collection) } } }),
        };
        json!([item("d", "dev"), item("o", "ops"), { "ID": "r", "Spec": {} }])
    };
    for (kind, answer) in [
        (ObjectKind::Container, outside(labels("dev"))),
        (ObjectKind::Network, outside(labels("dev"))),
        (ObjectKind::Service, inside("Spec")),
        (ObjectKind::Node, inside("Spec")),
        (ObjectKind::Secret, inside("Spec")),
        (ObjectKind::Task, inside("ContainerSpec")),
    ] {
        let visible = |name| {
            seen(name, |viewer| {
                ids(&list(kind, answer.clone(), None, viewer), "ID")
            })
        };
        assert_eq!(visible("anna"), ["d", "o", "r"], "{kind:?}");
        assert_eq!(
            visible("rose"),
            if kind == ObjectKind::Node {
                vec!["d", "o"]
            } else {
                vec!["d"]
            },
            "{kind:?}"
        );
        if kind != ObjectKind::Node {
            assert_eq!(visible("noah"), [""; 0], "{kind:?}");
        }
    }
    let volumes = json!({ "Volumes": [{ "Name": "d", "Labels": labels("dev") }, { "Name": "r", "Labels": null }], "Warnings": ["node x"] });
    let visible = |name| {
        seen(name, |viewer| {
            list(ObjectKind::Volume, volumes.clone(), None, viewer)
        })
    };
    assert_eq!(visible("anna"), volumes);
    assert_eq!(
        visible("rose"),
        json!({ "Volumes": [volumes["Volumes"][0]], "Warnings": null })
    );
    let images = json!([{ "Id": "i" }]);
    assert_eq!(
        seen("fred", |viewer| list(
            ObjectKind::Image,
            images.clone(),
            None,
            viewer
        )),
        json!([])
    );
    assert_eq!(
        seen("ivan", |viewer| list(
            ObjectKind::Image,
            images.clone(),
            None,
            viewer
        )),
        images
    );
    assert_eq!(
        seen("ivan", |viewer| list(
            ObjectKind::Image,
            json!({ "message": "no" }),
            None,
            viewer
        )),
        json!([])
    );
    let limited = seen("rose", |viewer| {
        list(
            ObjectKind::Container,
            json!([{ "Id": "o" }, { "Id": "a", "Labels": labels("dev") }, { "Id": "b", "Labels": labels("dev") }]),
            Some(1),
            viewer,
        )
    });
    assert_eq!(ids(&limited, "Id"), ["a"], "the limit counts what is seen");
}

/// R51: a task is where its service is now, and has a View operation of its own.
#[test]
fn tasks_follow_their_service() {
    let task = json!({ "ID": "t", "ServiceID": "svc-ops", "Spec": { "ContainerSpec": { "Labels": labels("dev") } } });
    assert!(!seen("rose", |viewer| shows(ObjectKind::Task, &task, viewer)));
    let task = json!({ "ID": "t", "ServiceID": "svc-dev" });
    assert!(seen("rose", |viewer| shows(ObjectKind::Task, &task, viewer)));
}

/// R38: labels that contradict each other or name nothing hide an object from all but administrators.
#[test]
fn homes() {
    let policy = policy();
    for (labels, expected) in [
        (json!({}), home("swarm")),
        (labels("dev"), home("dev")),
        (json!({ "com.docker.ucp.collection": "dev" }), home("dev")),
        (
            json!({ "com.docker.ucp.access.label": "/Shared/dev/" }),
            home("dev"),
        ),
        (
            json!({ "com.docker.ucp.collection": "dev", "com.docker.ucp.access.label": "/Shared/ops" }),
            Home::Conflicting,
        ),
        (json!({ "com.docker.ucp.collection": "gone" }), Home::Conflicting),
        (
            json!({ "com.docker.ucp.collection": "dev", "com.docker.ucp.access.label": "/gone" }),
            Home::Conflicting,
        ),
        (json!({ "com.docker.ucp.access.label": "old" }), Home::Conflicting),
    ] {
        assert_eq!(home_of(labels.as_object(), &policy), expected, "{labels}");
    }
}

/// proxy-31: references inside what is seen.
#[test]
fn sec_proxy_31_nested_references() {
    let container = json!({
        "Id": "c", "Labels": labels("dev"),
        "NetworkSettings": { "Networks": { "a": { "NetworkID": "net-dev" }, "b": { "NetworkID": "net-ops" }, "bridge": { "NetworkID": "x" }, "gone": {} } },
        "Mounts": [{ "Type": "volume", "Name": "vol-dev" }, { "Type": "volume", "Name": "vol-ops" }, { "Type": "tmpfs" }],
    });
    let trimmed = seen("rose", |viewer| {
        inspect(ObjectKind::Container, container.clone(), viewer)
    });
    let networks: Vec<_> = trimmed["NetworkSettings"]["Networks"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(networks, ["a", "bridge"]);
    assert_eq!(
        trimmed["Mounts"],
        json!([{ "Type": "volume", "Name": "vol-dev" }, { "Type": "tmpfs" }])
    );
    assert_eq!(
        seen("anna", |viewer| inspect(
            ObjectKind::Container,
            container.clone(),
            viewer
        )),
        container
    );

    let network = json!({ "Name": "bridge", "Containers": { "c-dev": {}, "c-ops": {}, "lb-x": {} }, "Services": { "svc-ops": {} }, "Peers": [{ "IP": "10.0.0.1" }] });
    assert!(
        seen("noah", |viewer| shows(ObjectKind::Network, &network, viewer)),
        "predefined"
    );
    let trimmed = seen("rose", |viewer| {
        inspect(ObjectKind::Network, network.clone(), viewer)
    });
    assert_eq!(
        trimmed,
        json!({ "Name": "bridge", "Containers": { "c-dev": {} }, "Services": {} })
    );

    let spec = json!({ "TaskTemplate": { "ContainerSpec": { "Secrets": [{ "SecretID": "sec-dev", "SecretName": "a" }, { "SecretID": "sec-ops", "SecretName": "b" }] } } });
    let service = json!({ "Spec": spec, "PreviousSpec": spec });
    let trimmed = seen("rose", |viewer| inspect(ObjectKind::Service, service, viewer));
    for spec in ["Spec", "PreviousSpec"] {
        let secrets = &trimmed[spec]["TaskTemplate"]["ContainerSpec"]["Secrets"];
        let expected = json!([{ "SecretID": "sec-dev", "SecretName": "a" }, { "SecretID": "sec-ops", "SecretName": "" }]);
        assert_eq!(
            *secrets, expected,
            "the id stays, so that an update without the right is refused and not silent"
        );
    }
    let attachment =
        |id: &str, labels: Value| json!({ "Network": { "ID": id, "Spec": { "Labels": labels } } });
    let task = json!({ "NetworksAttachments": [attachment("n1", labels("dev")), attachment("n2", labels("ops")), attachment("n3", json!({}))] });
    let trimmed = seen("rose", |viewer| inspect(ObjectKind::Task, task, viewer));
    assert_eq!(trimmed["NetworksAttachments"].as_array().unwrap().len(), 1);
}

/// proxy-27, SWM-003: the data of a secret is never in an answer, not even for administrators.
#[test]
fn sec_proxy_27_no_secret_data() {
    let secret = json!({ "ID": "s", "Spec": { "Name": "s", "Labels": labels("dev"), "Data": "aGk=" } });
    for name in ["anna", "rose"] {
        let answer = seen(name, |viewer| {
            list(ObjectKind::Secret, json!([secret]), None, viewer)
        });
        assert_eq!(answer[0]["Spec"]["Data"], Value::Null);
        assert_eq!(answer[0]["Spec"]["Name"], "s");
    }
}

/// proxy-30, R51: events by the View operation of their object; what cannot be judged is not shown.
#[test]
fn sec_proxy_30_events() {
    let of = |kind: &str, id: &str, attributes: Value| json!({ "Type": kind, "Action": "x", "Actor": { "ID": id, "Attributes": attributes } });
    for (one, visible) in [
        (of("container", "c", labels("dev")), true),
        (of("container", "c", labels("ops")), false),
        (of("container", "c-dev", json!({})), false),
        (of("service", "svc-dev", json!({ "name": "x" })), true),
        (of("service", "svc-ops", json!({ "name": "x" })), false),
        (of("network", "net-dev", json!({})), true),
        (of("network", "gone", json!({})), false),
        (of("secret", "sec-dev", json!({})), true),
        (of("image", "nginx", labels("dev")), false),
        (of("daemon", "d", labels("dev")), false),
        (of("plugin", "p", labels("dev")), false),
        (of("new-kind", "p", labels("dev")), false),
        (json!({ "Type": "container" }), false),
        (json!("text"), false),
    ] {
        assert_eq!(
            seen("rose", |viewer| event(one.clone(), viewer)).is_some(),
            visible,
            "{one}"
        );
        assert_eq!(seen("anna", |viewer| event(one.clone(), viewer)), Some(one));
    }
    for (container, kept) in [("c-dev", true), ("c-ops", false)] {
        let one = of("network", "net-dev", json!({ "container": container }));
        let shown = seen("rose", |viewer| event(one, viewer)).unwrap();
        assert_eq!(shown["Actor"]["Attributes"]["container"].is_string(), kept);
    }
}

/// proxy-30: `GET /info` tells users nothing of the cluster's secrets and of what they cannot see.
#[test]
fn sec_proxy_30_info() {
    let full = json!({
        "Containers": 9, "Images": 7, "HttpProxy": "http://user:password@proxy", "Name": "n1", "ServerVersion": "20.10.24",
        "Swarm": { "NodeID": "x", "Cluster": { "ID": "y", "Spec": {} }, "JoinTokens": { "Worker": "SWMTKN-1" } },
    });
    assert_eq!(info(full.clone(), true), full);
    let expected = json!({ "Containers": 0, "Images": 0, "HttpProxy": "", "Name": "n1", "ServerVersion": "20.10.24", "Swarm": { "NodeID": "x" } });
    assert_eq!(info(full, false), expected);
}

/// proxy-30: pruning lists what is unused and removes only what the caller may remove.
#[test]
fn sec_proxy_30_prune() {
    let prune = |target: &str| read("POST", target, "", None).unwrap().prune();
    let containers =
        prune("/containers/prune?filters={\"label!\":[\"keep\"],\"label\":[\"a=b\"],\"until\":[\"1h\"]}")
            .unwrap()
            .unwrap();
    let listing = containers.listing();
    assert_eq!(listing.method, "GET");
    assert!(
        listing
            .path_and_query
            .starts_with("/v1.41/containers/json?all=1&size=1&filters="),
        "{}",
        listing.path_and_query
    );
    let item = |id: &str, collection: &str, created: i64, keep: bool| {
        let mut labels = labels(collection);
        if keep {
            labels["keep"] = json!("");
        }
        json!({ "Id": id, "Labels": labels, "Created": created, "SizeRw": 10 })
    };
    let listed = json!([
        item("mine", "dev", 1000, false),
        item("theirs", "ops", 1000, false),
        item("kept", "dev", 1000, true),
        item("young", "dev", 9000, false)
    ]);
    let removals = |name| seen(name, |viewer| containers.removals(&listed, 10_000.0, viewer));
    let ids = |name| {
        removals(name)
            .into_iter()
            .map(|removal| removal.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("rose"), ["mine"]);
    assert_eq!(ids("vera"), [""; 0], "viewing is not removing");
    assert_eq!(ids("anna"), ["mine", "theirs"]);
    let removed = removals("rose");
    assert_eq!(removed[0].forward.path_and_query, "/v1.41/containers/mine");
    assert_eq!(
        containers.answer(&removed),
        json!({ "ContainersDeleted": ["mine"], "SpaceReclaimed": 10 })
    );

    let volumes = prune("/volumes/prune").unwrap().unwrap();
    let listed = json!({ "Volumes": [{ "Name": "mine", "Labels": labels("dev") }, { "Name": "root", "Labels": null }] });
    let removed = seen("rose", |viewer| volumes.removals(&listed, 0.0, viewer));
    assert_eq!(
        volumes.answer(&removed),
        json!({ "VolumesDeleted": ["mine"], "SpaceReclaimed": 0 })
    );
    for filters in [
        "{\"until\":[\"2020-01-01\"]}",
        "{\"until\":[\"\"]}",
        "{\"strange\":[\"x\"]}",
    ] {
        assert!(
            prune(&format!("/containers/prune?filters={filters}")).is_err(),
            "{filters}"
        );
    }
    assert!(prune("/volumes/prune?filters={\"until\":[\"1h\"]}").is_err());
    assert!(
        read("GET", "/volumes", "", None)
            .unwrap()
            .prune()
            .unwrap()
            .is_none()
    );
}
