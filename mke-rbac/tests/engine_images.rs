//! What exec, images, builds and lists need.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{ask, facts, policy, read, send, verdict};
use mke_rbac::demand::ObjectKind::{Container, Exec, Network, Volume};
use mke_rbac::engine::ForwardBody;
use serde_json::json;

/// RBAC-006, proxy-20: exec has its own operation; a privileged one needs the right to create privileged containers.
#[test]
fn sec_proxy_20_exec() {
    let facts = facts(&[
        (Container, "web", "aa01", "dev"),
        (Exec, "ee01", "ee01", "dev"),
        (Exec, "ee02", "ee02", "ops"),
    ]);
    let plain = json!({ "Cmd": ["id"], "User": "0", "Env": ["A=b"], "WorkingDir": "/" });
    let privileged = json!({ "Cmd": ["id"], "privileged": true });
    let denied = "no: no access to Container Exec";
    for (name, answer, privileged_answer) in [
        ("rose", denied, denied),
        ("vera", denied, denied),
        ("fred", "yes", "yes"),
        ("anna", "yes", "yes"),
    ] {
        assert_eq!(
            ask(name, "POST", "/containers/web/exec", plain.clone(), &facts),
            answer,
            "{name}"
        );
        assert_eq!(
            ask(name, "POST", "/containers/web/exec", privileged.clone(), &facts),
            privileged_answer,
            "{name}"
        );
    }
    for (method, path) in [("POST", "start"), ("POST", "resize"), ("GET", "json")] {
        assert_eq!(
            ask("rose", method, &format!("/exec/ee01/{path}"), json!(null), &facts),
            denied
        );
        assert_eq!(
            ask("fred", method, &format!("/exec/ee01/{path}"), json!(null), &facts),
            "yes"
        );
        assert_eq!(
            ask("fred", method, &format!("/exec/ee02/{path}"), json!(null), &facts),
            denied
        );
    }
}

/// proxy-22: the control interface of BuildKit can build on the node's own network, so a role without that
/// modifier builds through the other endpoints only.
#[test]
fn sec_proxy_22_the_control_interface_of_builds_needs_host_networking() {
    let facts = facts(&[]);
    for target in ["/session", "/build?version=2"] {
        assert_eq!(
            ask("rita", "POST", target, json!(null), &facts),
            "yes",
            "{target}"
        );
    }
    for (name, answer) in [
        (
            "rita",
            "no: no access to Container Create with Host Networking Mode",
        ),
        ("fred", "no: no access to Image Build"),
        ("ivan", "yes"),
        ("anna", "yes"),
    ] {
        assert_eq!(ask(name, "POST", "/grpc", json!(null), &facts), answer, "{name}");
    }
}

/// RBAC-025, R35, proxy-22: images lie in `/`; rights below count nothing. Builds reach the node only with more.
#[test]
fn sec_proxy_22_images_and_builds() {
    let facts = facts(&[
        (Container, "web", "aa01", "dev"),
        (Container, "other", "bb02", "ops"),
        (Network, "net", "n1", "ops"),
    ]);
    for (method, target, operation) in [
        (
            "POST",
            "/images/create?fromImage=nginx&tag=latest",
            "Image Create",
        ),
        ("POST", "/images/create?fromSrc=-", "Image Create"),
        ("POST", "/images/load", "Image Load"),
        ("POST", "/images/nginx/push", "Image Push"),
        ("POST", "/images/nginx/tag?repo=x", "Image Tag"),
        ("DELETE", "/images/nginx", "Image Remove"),
        ("POST", "/commit?container=web", "Image Commit"),
        ("POST", "/build?t=a&t=b", "Image Build"),
        ("POST", "/session", "Image Build"),
        ("POST", "/grpc", "Image Build"),
        ("POST", "/images/prune", "Image Prune"),
    ] {
        assert_eq!(
            ask("fred", method, target, json!(null), &facts),
            format!("no: no access to {operation}"),
            "{target}"
        );
        assert_eq!(
            ask("ivan", method, target, json!(null), &facts),
            "yes",
            "{target}"
        );
    }
    for target in [
        "/build?remote=http://169.254.169.254/x",
        "/build?remote=https://git/x.git",
        "/images/create?fromSrc=http://10.0.0.1/x.tar",
    ] {
        assert!(
            ask("ivan", "POST", target, json!(null), &facts).starts_with("no: administrators only"),
            "{target}"
        );
        assert_eq!(ask("anna", "POST", target, json!(null), &facts), "yes");
    }
    assert_eq!(
        ask(
            "ivan",
            "POST",
            "/build?remote=client-session&version=2",
            json!(null),
            &facts
        ),
        "yes"
    );
    for target in [
        "/build?dockerfile=../x",
        "/build?dockerfile=/etc/x",
        "/build?dockerfile=a/../../b",
        "/build?networkmode=a&networkmode=b",
        "/commit",
    ] {
        assert!(read("POST", target, "", None).is_err(), "{target}");
    }
}

/// A role that may build and nothing else: what it lacks shows which settings of a build reach further.
#[test]
fn sec_proxy_22_build_settings() {
    for (query, wants) in [
        ("networkmode=default", 1),
        ("networkmode=none", 1),
        ("securityopt=null", 1),
        ("ulimits=[]", 1),
        ("networkmode=host", 2),
        ("networkmode=container:web", 2),
        ("networkmode=net", 2),
        ("cgroupparent=/", 2),
        ("securityopt=[\"seccomp=unconfined\"]", 2),
        ("ulimits=[{\"Name\":\"rtprio\"}]", 2),
        ("isolation=process", 2),
    ] {
        let call = read("POST", &format!("/build?{query}"), "", None).unwrap();
        assert_eq!(call.demand().wants.len(), wants, "{query}");
    }
}

/// R50, proxy-30: filters by other containers need sight of them, and a limit counts what is seen.
#[test]
fn sec_proxy_30_list_filters() {
    let facts = facts(&[
        (Container, "web", "aa01", "dev"),
        (Container, "other", "bb02", "ops"),
    ]);
    for (query, answer) in [
        ("", "yes"),
        ("filters={\"status\":[\"exited\"]}", "yes"),
        ("since=web", "yes"),
        ("since=other", "no: no access to Container View"),
        (
            "filters={\"before\":[\"other\"]}",
            "no: no access to Container View",
        ),
        (
            "filters={\"before\":{\"other\":true}}",
            "no: no access to Container View",
        ),
    ] {
        assert_eq!(
            ask(
                "rose",
                "GET",
                &format!("/containers/json?{query}"),
                json!(null),
                &facts
            ),
            answer,
            "{query}"
        );
    }
    for query in [
        "filters=[]",
        "filters={\"a\":1}",
        "filters={\"a\":[1]}",
        "filters={\"a\":{\"b\":false}}",
        "filters={}&filters={}",
        "filters=x",
        "limit=x",
    ] {
        assert!(
            read("GET", &format!("/containers/json?{query}"), "", None).is_err(),
            "{query}"
        );
    }
    let call = read(
        "GET",
        "/containers/json?limit=3&since=web&filters={\"since\":{\"web\":true}}&unknown=1",
        "",
        None,
    )
    .unwrap();
    assert_eq!(call.limit(), Some(3));
    let forward = send(&policy(), "rose", &call, &facts);
    assert_eq!(
        forward.path_and_query,
        "/v1.41/containers/json?all=1&since=aa01&filters=%7B%22since%22%3A%5B%22aa01%22%5D%7D"
    );
}

/// proxy-18: the path holds the full id, whatever spelling the caller used; nothing of the body's kind is left open.
#[test]
fn sec_proxy_18_full_ids() {
    let facts = facts(&[
        (Container, "aa", "aa01ffee", "dev"),
        (Volume, "data", "data", "dev"),
    ]);
    for (method, target, path) in [
        (
            "POST",
            "/containers/aa/restart?t=5&x=y",
            "/v1.41/containers/aa01ffee/restart?t=5",
        ),
        (
            "GET",
            "/v1.24/containers/aa/json/",
            "/v1.24/containers/aa01ffee/json",
        ),
        (
            "GET",
            "/containers/aa/logs?follow=1&stdout=1",
            "/v1.41/containers/aa01ffee/logs?follow=1&stdout=1",
        ),
        ("DELETE", "/volumes/data?force=1", "/v1.41/volumes/data?force=1"),
    ] {
        let forward = send(
            &policy(),
            "rose",
            &read(method, target, "", None).unwrap(),
            &facts,
        );
        assert_eq!(forward.path_and_query, path);
        assert_eq!(forward.body, ForwardBody::None);
        assert_eq!(forward.headers, [""; 0]);
    }
    let call = read("GET", "/containers/gone/json", "", None).unwrap();
    assert_eq!(
        verdict(&policy(), "rose", &call, &facts),
        "error: no such container `gone`"
    );
}
