//! What networks and volumes need.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{LABEL, ask, body_of, facts, labelled, policy, predefined, read, send, verdict};
use mke_rbac::demand::{
    ObjectKind::{Container, Network, Volume},
    ObjectRef,
};
use mke_rbac::engine::Call;
use serde_json::{Value, json};

/// proxy-29, R31: connecting checks the network and the container.
#[test]
fn sec_proxy_29_both_ends() {
    let facts = facts(&[
        (Network, "ours", "n1", "dev"),
        (Network, "theirs", "n2", "ops"),
        (Container, "web", "aa01", "dev"),
        (Container, "other", "bb02", "ops"),
    ]);
    for verb in ["connect", "disconnect"] {
        let operation = |kind: &str| {
            format!(
                "no: no access to {kind} {}",
                if verb == "connect" {
                    "Connect"
                } else {
                    "Disconnect"
                }
            )
        };
        for (network, container, answer) in [
            ("ours", "web", "yes".to_owned()),
            ("theirs", "web", operation("Network")),
            ("ours", "other", operation("Container")),
        ] {
            let target = format!("/networks/{network}/{verb}");
            assert_eq!(
                ask("rose", "POST", &target, json!({ "Container": container }), &facts),
                answer,
                "{target}"
            );
        }
        assert!(read("POST", &format!("/networks/ours/{verb}"), "{}", None).is_err());
    }
    let body = json!({ "Container": "web", "EndpointConfig": { "NetworkID": "n2", "Links": ["other:x"] } });
    assert_eq!(
        ask("rose", "POST", "/networks/ours/connect", body, &facts),
        "no: no access to Container Connect"
    );
    let body =
        json!({ "Container": "web", "EndpointConfig": { "NetworkID": "n2", "Aliases": ["a"] } }).to_string();
    let forward = send(
        &policy(),
        "rose",
        &read("POST", "/networks/ours/connect", &body, None).unwrap(),
        &facts,
    );
    assert_eq!(forward.path_and_query, "/v1.41/networks/n1/connect");
    assert_eq!(
        body_of(&forward),
        json!({ "Container": "aa01", "EndpointConfig": { "Aliases": ["a"] } })
    );
}

/// proxy-29: networks that reach the node's own network, belong to the cluster, or pass for predefined ones.
#[test]
fn sec_proxy_29_creating_networks() {
    let facts = facts(&[(Network, "template", "n2", "ops")]);
    let host = "no: no access to Container Create with Host Networking Mode";
    for (body, answer) in [
        (json!({ "Name": "n" }), "yes"),
        (
            json!({ "Name": "n", "Driver": "overlay", "Attachable": true }),
            "yes",
        ),
        (
            json!({ "Name": "n", "Driver": "macvlan", "Options": { "parent": "eth0" } }),
            host,
        ),
        (json!({ "Name": "n", "Driver": "ipvlan" }), host),
        (json!({ "Name": "n", "Driver": "host" }), host),
        (
            json!({ "Name": "n", "Options": { "com.docker.network.bridge.name": "docker0" } }),
            host,
        ),
        (
            json!({ "Name": "n", "ConfigFrom": { "Network": "template" } }),
            "no: no access to Network Connect",
        ),
    ] {
        assert_eq!(
            ask("rose", "POST", "/networks/create", labelled(body.clone()), &facts),
            answer,
            "{body}"
        );
    }
    for body in [
        json!({ "Name": "ingress" }),
        json!({ "Name": "host" }),
        json!({ "Name": "container:x" }),
        json!({ "Name": "n", "Ingress": true }),
    ] {
        assert!(
            ask("fred", "POST", "/networks/create", labelled(body), &facts)
                .starts_with("no: administrators only")
        );
    }
}

/// proxy-14, R41: options of the local driver; volumes and networks of nodes need Node Schedule, others do not.
#[test]
fn sec_proxy_14_creating_volumes() {
    let options =
        labelled(json!({ "Name": "v", "DriverOpts": { "type": "none", "o": "bind", "device": "/" } }));
    let denial = "no: no access to Volume Create/Attach with Local Driver Options";
    assert_eq!(
        ask("rose", "POST", "/volumes/create", options.clone(), &facts(&[])),
        denial
    );
    assert_eq!(
        ask("fred", "POST", "/volumes/create", options, &facts(&[])),
        "yes"
    );
    let theirs = facts(&[(Volume, "data", "data", "ops")]);
    for (name, answer) in [
        ("data", "no: no access to Volume Create/Attach"),
        ("other", "yes"),
    ] {
        let body = labelled(json!({ "Name": name }));
        let told = ask("fred", "POST", "/volumes/create", body, &theirs);
        assert_eq!(told, answer, "creating an existing volume answers with it");
    }
    let bound = |path: &str, body: Value| {
        let call = read("POST", path, &body.to_string(), None).unwrap();
        call.demand().placement.as_ref().unwrap().node_bound
    };
    assert!(bound("/volumes/create", json!({ "Driver": "local" })) && bound("/volumes/create", json!({})));
    assert!(!bound("/volumes/create", json!({ "Driver": "rexray" })));
    assert!(bound("/networks/create", json!({ "Driver": "bridge" })) && bound("/networks/create", json!({})));
    assert!(!bound("/networks/create", json!({ "Driver": "overlay" })));
    assert!(!bound("/secrets/create", json!({ "Name": "s" })));
}

/// R39: everybody may look at predefined networks, and nobody but their holders at others.
#[test]
fn predefined_networks() {
    let facts = predefined(facts(&[(Network, "net", "n1", "ops")]), "bridge");
    for (name, answer) in [("bridge", "yes"), ("net", "no: no access to Network View")] {
        let own = &facts.objects[&ObjectRef::new(Network, name)];
        let call = read("GET", &format!("/networks/{name}"), "", Some(own)).unwrap();
        assert_eq!(verdict(&policy(), "noah", &call, &facts), answer);
    }
    assert_eq!(
        ask("noah", "DELETE", "/networks/bridge", json!(null), &facts),
        "no: no access to Network Remove"
    );
}

/// R30, R39: networks by name, by id and by the words of the Engine.
#[test]
fn networks_of_containers() {
    let facts = facts(&[(Network, "ours", "n1", "dev"), (Network, "theirs", "n2", "ops")]);
    let facts = predefined(facts, "host");
    for (mode, verdict) in [
        ("ours", "yes"),
        ("theirs", "no: no access to Network Connect"),
        ("none", "yes"),
        ("bridge", "yes"),
        ("default", "yes"),
        ("", "yes"),
        ("gone", "error: no such network `gone`"),
    ] {
        let body = labelled(json!({ "HostConfig": { "NetworkMode": mode } }));
        let answer = ask("rose", "POST", "/containers/create", body, &facts);
        assert_eq!(answer, verdict, "{mode}");
    }
    let endpoints = |name: &str, endpoint: Value| {
        let body = json!({
            "Labels": { LABEL: "/Shared/dev" }, "HostConfig": { "NetworkMode": "none" },
            "NetworkingConfig": { "EndpointsConfig": { name: endpoint } },
        });
        read("POST", "/containers/create", &body.to_string(), None).unwrap()
    };
    let ask = |call: &Call| verdict(&policy(), "rose", call, &facts);
    assert_eq!(ask(&endpoints("ours", json!({}))), "yes");
    assert_eq!(
        ask(&endpoints("theirs", json!({}))),
        "no: no access to Network Connect"
    );
    assert_eq!(
        ask(&endpoints("host", json!({}))),
        "no: no access to Container Create with Host Networking Mode"
    );
    // In the Engine this id would win over the name.
    let call = endpoints(
        "ours",
        json!({ "NetworkID": "n2", "EndpointID": "e", "Aliases": ["a"] }),
    );
    let sent = body_of(&send(&policy(), "rose", &call, &facts));
    assert_eq!(
        sent["NetworkingConfig"]["EndpointsConfig"],
        json!({ "n1": { "Aliases": ["a"] } })
    );
}
