//! Bodies are read whole and in one way, or refused.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{facts, policy, read, send, verdict};
use mke_rbac::engine::{CallError, CallHeaders, MAX_DEPTH, classify, normalize, route};
use serde_json::json;

fn create(body: &str) -> Result<mke_rbac::engine::Call, CallError> {
    read("POST", "/containers/create", body, None)
}

/// What a holder of Restricted Control gets for a container with this body, with the access label in place.
fn restricted(body: &str) -> String {
    let call = create(body).unwrap_or_else(|error| panic!("{body}: {error}"));
    verdict(&policy(), "rose", &call, &facts(&[]))
}

const LABEL: &str = r#""Labels":{"com.docker.ucp.access.label":"/Shared/dev"}"#;
const NO_PRIVILEGED: &str = "no: no access to Container Create with Privileged";

/// proxy-05: what is not one whole JSON value is refused.
#[test]
fn sec_proxy_05_incomplete_bodies_are_refused() {
    for body in [
        "",
        "  ",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{",
        "{}{}",
        "{} x",
        "{},",
        "\u{feff}{}",
        "{\"Image\":}",
        "{\"Image\":\"\\ud800\"}",
        "Image=x",
    ] {
        assert!(create(body).is_err(), "{body:?}");
    }
    assert!(create("{}").is_ok());
    assert!(create(" {\"Image\":\"x\"} \n").is_ok());
}

/// proxy-05: a body in an encoding would be checked in one form and read in another.
#[test]
fn sec_proxy_05_encoded_bodies_are_refused() {
    let route = route("POST", &normalize("/containers/create").unwrap()).unwrap();
    for (encoding, accepted) in [
        (None, true),
        (Some("identity"), true),
        (Some("gzip"), false),
        (Some("identity, gzip"), false),
        (Some("br"), false),
        (Some(""), false),
    ] {
        let headers = CallHeaders {
            content_encoding: encoding,
        };
        let read = classify(&route, &headers, b"{}", None);
        assert_eq!(read.is_ok(), accepted, "{encoding:?}");
    }
}

/// proxy-05, proxy-17: calls without a body refuse one; `POST /containers/{id}/start` once took a whole `HostConfig`.
#[test]
fn sec_proxy_17_start_takes_no_body() {
    let start = |body: &str| read("POST", "/v1.23/containers/c/start", body, None);
    for body in ["{\"Privileged\":true}", "{}", "{\"Binds\":[\"/:/host\"]}", "x"] {
        assert!(matches!(start(body), Err(CallError::UnexpectedBody)), "{body}");
    }
    for body in ["", "\n", "null"] {
        assert!(start(body).is_ok(), "{body:?}");
    }
}

/// G-02: size and depth, each hit by one.
#[test]
fn sec_proxy_05_limits() {
    let sized = |bytes: usize| format!("{{\"Image\":\"{}\"}}", "x".repeat(bytes - 12));
    assert!(create(&sized(1 << 20)).is_ok());
    assert!(create(&sized((1 << 20) + 1)).is_err());
    let data = |bytes: usize| {
        read(
            "POST",
            "/secrets/create",
            &format!("{{\"Name\":\"{}\"}}", "x".repeat(bytes - 11)),
            None,
        )
    };
    assert!(data(4 << 20).is_ok());
    assert!(data((4 << 20) + 1).is_err());
    let deep = |levels: usize| {
        let inner = levels - 1;
        format!("{{\"Cmd\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    assert!(create(&deep(MAX_DEPTH)).is_ok());
    assert!(create(&deep(MAX_DEPTH + 1)).is_err());
    assert!(create(&deep(10_000)).is_err());
}

/// proxy-06: spellings that Go's reader takes for a field are that field.
#[test]
fn sec_proxy_06_other_spellings_of_a_field() {
    for host in [
        r#"{"Privileged":true}"#,
        r#"{"privileged":true}"#,
        r#"{"PRIVILEGED":true}"#,
        r#"{"\u0050rivileged":true}"#,
        r#"{"\u0070rivilege\u0064":true}"#,
        // U+017F folds to `s`, U+212A to `k`.
        "{\"\u{17f}ecurityOpt\":[\"seccomp=unconfined\"]}",
        "{\"Ma\u{17f}\u{212a}edPaths\":[]}",
    ] {
        for name in ["HostConfig", "hostconfig", "HO\u{17f}TCONFIG"] {
            let body = format!("{{{LABEL},\"{name}\":{host}}}");
            assert_eq!(restricted(&body), NO_PRIVILEGED, "{body}");
        }
    }
    let sent = send(
        &policy(),
        "ivan",
        &create(&format!(r#"{{{LABEL},"hostconfig":{{"privileged":true}}}}"#)).unwrap(),
        &facts(&[]),
    );
    assert_eq!(
        engine_support::body_of(&sent)["HostConfig"],
        json!({ "Privileged": true })
    );
}

/// proxy-06: a field that comes twice, in one spelling or two, is refused.
#[test]
fn sec_proxy_06_repeated_fields() {
    for body in [
        r#"{"Image":"a","Image":"b"}"#,
        r#"{"Image":"a","image":"b"}"#,
        r#"{"HostConfig":{"Privileged":true},"hostConfig":{}}"#,
        r#"{"HostConfig":{"Privileged":false,"privileged":true}}"#,
        r#"{"Labels":{"a":"1","a":"2"}}"#,
        r#"{"HostConfig":{"Strange":1,"sTrange":2}}"#,
    ] {
        assert!(create(body).is_err(), "{body}");
    }
    // Labels are data, not fields: their case counts.
    assert!(create(r#"{"Labels":{"a":"1","A":"2"}}"#).is_ok());
}

/// proxy-06: values of another kind than the field, and numbers beyond 64 bits.
#[test]
fn sec_proxy_06_wrong_values() {
    for host in [
        r#"{"Privileged":"true"}"#,
        r#"{"Privileged":1}"#,
        r#"{"Privileged":[true]}"#,
        r#"{"Memory":1.5}"#,
        r#"{"Memory":1e400}"#,
        r#"{"Memory":99999999999999999999}"#,
        r#"{"Memory":NaN}"#,
        r#"{"Binds":"/:/host"}"#,
        r#"{"Binds":{"0":"/:/host"}}"#,
        r#"{"Mounts":[["Type","bind"]]}"#,
        "[]",
        "true",
    ] {
        assert!(create(&format!("{{\"HostConfig\":{host}}}")).is_err(), "{host}");
    }
}

/// proxy-07: a field that is not known needs the right to run privileged containers, unless it says nothing.
#[test]
fn sec_proxy_07_unknown_fields() {
    let policy = policy();
    for host in [
        r#"{"Annotations":{"a":"b"}}"#,
        r#"{"InitPath":"/tmp/init"}"#,
        r#"{"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"Options":[["exec"]]}}]}"#,
        r#"{"Mounts":[{"Type":"volume","Target":"/t","VolumeOptions":{"Subpath":"../.."}}]}"#,
    ] {
        let body = format!("{{{LABEL},\"HostConfig\":{host}}}");
        assert_eq!(restricted(&body), NO_PRIVILEGED, "{host}");
        let call = create(&body).unwrap();
        assert_eq!(call.unknown_fields().len(), 1);
        for name in ["fred", "anna"] {
            assert_eq!(verdict(&policy, name, &call, &facts(&[])), "yes", "{name} {host}");
        }
    }
    for zero in ["null", "false", "0", "\"\"", "[]", "{}"] {
        let body = format!("{{{LABEL},\"HostConfig\":{{\"Annotations\":{zero}}}}}");
        let call = create(&body).unwrap();
        assert_eq!(verdict(&policy, "rose", &call, &facts(&[])), "yes", "{zero}");
        let sent = engine_support::body_of(&send(&policy, "rose", &call, &facts(&[])));
        assert_eq!(sent["HostConfig"], json!({}), "{zero}");
    }
    for (path, body) in [
        (
            "/volumes/create",
            r#"{"Name":"v","ClusterVolumeSpec":{"Group":"g"}}"#,
        ),
        ("/networks/create", r#"{"Name":"n","EnableIPv4":true}"#),
        (
            "/services/create",
            r#"{"TaskTemplate":{"ContainerSpec":{"OomScoreAdj":-1000}}}"#,
        ),
        ("/secrets/create", r#"{"Name":"s","Strange":1}"#),
    ] {
        let call = read("POST", path, body, None).unwrap();
        assert_eq!(
            verdict(&policy, "rose", &call, &facts(&[])),
            NO_PRIVILEGED,
            "{path}"
        );
    }
}

/// proxy-07: what the `docker` command sends, old and new, holds no field that is unknown, and everyday commands pass
/// for a user with Restricted Control on its own collection.
#[test]
fn the_docker_command_is_understood() {
    use mke_rbac::demand::{ObjectFacts, ObjectKind::*, ObjectRef};
    let policy = policy();
    let mine = "private-noah";
    let mut facts = facts(&[
        (Container, "a", "a-id", mine),
        (Container, "c", "c-id", mine),
        (Container, "web", "web-id", mine),
        (Network, "net", "net-id", mine),
        (Network, "netid0000001", "netid0000001", mine),
        (Secret, "secid", "secid", mine),
        (Config, "secid", "secid", mine),
    ]);
    let mut service = ObjectFacts::at("svcid", mine.into());
    service.spec = Some(json!({ "Name": "web" }));
    facts
        .objects
        .insert(ObjectRef::new(Service, "svcid"), service.clone());
    let mut node = ObjectFacts::at("nid", "shared".into());
    node.spec = Some(json!({ "Role": "worker" }));
    facts.objects.insert(ObjectRef::new(Node, "nid"), node.clone());
    let lines = include_str!("data/engine/docker-cli.txt").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, ' ');
        let (method, target, body) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let own = if target.contains("/nodes/") {
            &node
        } else {
            &service
        };
        let call = read(method, target, body, Some(own)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(call.unknown_fields(), [""; 0], "{line}");
        let answer = match target {
            _ if target.contains("/commit") => "no: no access to Image Commit",
            _ if target.contains("/nodes/") => "no: no access to Node Update",
            _ => "yes",
        };
        assert_eq!(verdict(&policy, "noah", &call, &facts), answer, "{line}");
        let sent = send(&policy, "anna", &call, &facts);
        assert!(sent.path_and_query.starts_with("/v1.41/"), "{line}");
    }
}
