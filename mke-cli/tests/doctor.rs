//! `ucp doctor` on this machine and on copies of a machine's files; the form of its JSON.

#![cfg(test)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{UCP, examples};

fn doctor(root: &Path, args: &[&str]) -> Output {
    Command::new(UCP)
        .arg("doctor")
        .args(args)
        .arg("--root")
        .arg(root)
        .env_remove("MKE_OUTPUT")
        .output()
        .unwrap()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Whether a value is what a schema says. Knows the few words that the schema uses and refuses others.
fn conforms(value: &Value, schema: &Value, root: &Value, at: &str) {
    for word in schema.as_object().unwrap().keys() {
        let known = [
            "$schema",
            "$id",
            "$defs",
            "$ref",
            "title",
            "description",
            "type",
            "enum",
            "const",
            "required",
            "properties",
            "additionalProperties",
            "items",
            "minimum",
            "maximum",
            "pattern",
        ];
        assert!(known.contains(&word.as_str()), "{at}: the schema says {word}");
    }
    if let Some(reference) = schema.get("$ref") {
        let name = reference.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
        return conforms(value, &root["$defs"][name], root, at);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::String(wanted) => assert_eq!(kind, wanted, "{at}"),
        Value::Array(wanted) => assert!(wanted.iter().any(|wanted| wanted == kind), "{at} is {kind}"),
        _ => {}
    }
    if let Some(choices) = schema.get("enum") {
        assert!(choices.as_array().unwrap().contains(value), "{at} is {value}");
    }
    if let Some(only) = schema.get("const") {
        assert_eq!(value, only, "{at}");
    }
    if let (Some(least), Some(number)) = (schema.get("minimum"), value.as_u64()) {
        assert!(number >= least.as_u64().unwrap(), "{at} is {number}");
    }
    if let (Some(most), Some(number)) = (schema.get("maximum"), value.as_u64()) {
        assert!(number <= most.as_u64().unwrap(), "{at} is {number}");
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().unwrap() {
            assert!(object.contains_key(name.as_str().unwrap()), "{at} has no {name}");
        }
        for (name, value) in object {
            let property = schema["properties"].get(name);
            let property = property.unwrap_or_else(|| panic!("{at}: the schema does not know {name}"));
            conforms(value, property, root, &format!("{at}.{name}"));
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(item, &schema["items"], root, &format!("{at}[{place}]"));
    }
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/doctor.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// REQ-001, REQ-003, SYS-001: on this machine there is a report for people and one of the documented form, with evidence and remedy
/// for each finding; errors make the exit code.
#[test]
fn this_machine() {
    let json = doctor(Path::new("/"), &["--output", "json"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    conforms(&report, &schema(), &schema(), "report");
    let errors = report["errors"].as_u64().unwrap();
    assert_eq!(json.status.code(), Some(i32::from(errors > 0)));
    let sections = report["sections"].as_array().unwrap();
    let names: Vec<_> = sections
        .iter()
        .map(|section| section["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["requirements", "engine", "addresses", "ports", "kernel", "stig"]
    );
    for finding in sections
        .iter()
        .flat_map(|section| section["findings"].as_array().unwrap())
    {
        for field in ["id", "title", "evidence", "remedy"] {
            assert!(!finding[field].as_str().unwrap().is_empty(), "{finding}");
        }
    }
    let text = doctor(Path::new("/"), &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains(&format!("{} of 100", report["score"])), "{text}");
}

/// REQ-006, REQ-007, NET-013: a machine with known faults, and the same one without them.
#[test]
fn faults_and_their_remedies() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for (path, text) in [
        ("proc/sys/kernel/hostname", "node-1\n"),
        ("proc/sys/crypto/fips_enabled", "1\n"),
        ("proc/sys/net/ipv4/ip_forward", "0\n"),
        ("proc/net/route", "Iface\n"),
        (
            "proc/net/fib_trie",
            "     |-- 192.0.2.7\n        /32 host LOCAL\n",
        ),
        ("etc/hosts", "127.0.0.1 localhost proxy.local\n"),
        (
            "etc/docker/daemon.json",
            "{\"userns-remap\":\"default\",\"no-new-privileges\":true,\"hosts\":[\"tcp://0.0.0.0:2375\"]}",
        ),
        (
            "etc/systemd/system/docker.service.d/p.conf",
            "Environment=HTTP_PROXY=http://p\n",
        ),
    ] {
        write(root, path, text);
    }
    let report: Value =
        serde_json::from_slice(&doctor(root, &["--output", "json", "--role", "worker"]).stdout).unwrap();
    conforms(&report, &schema(), &schema(), "report");
    assert_eq!(
        (report["host"].as_str(), report["role"].as_str()),
        (Some("node-1"), Some("worker"))
    );
    let ids = |report: &Value| -> Vec<String> {
        let sections = report["sections"].as_array().unwrap().iter();
        let findings = sections.flat_map(|section| section["findings"].as_array().unwrap().clone());
        findings
            .map(|finding| finding["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let faults = [
        "daemon-userns-remap",
        "daemon-no-new-privileges",
        "daemon-open-port",
        "node-proxy-local",
        "kernel-net.ipv4.ip_forward",
        "stig-V-235776",
    ];
    let found = ids(&report);
    for id in faults {
        assert!(
            found.iter().any(|known| known == id),
            "{id} is missing in {found:?}"
        );
    }
    assert!(!found.iter().any(|id| id == "stig-V-235777"), "FIPS mode is on");
    write(root, "etc/docker/daemon.json", "{\"userland-proxy\":false}");
    write(
        root,
        "etc/systemd/system/docker.service.d/p.conf",
        "Environment=HTTP_PROXY=http://p NO_PROXY=proxy.local\n",
    );
    write(root, "proc/sys/net/ipv4/ip_forward", "1\n");
    let healed: Value =
        serde_json::from_slice(&doctor(root, &["--output", "json", "--role", "worker"]).stdout).unwrap();
    let left = ids(&healed);
    assert!(
        faults.iter().all(|id| !left.iter().any(|known| known == id)),
        "{left:?}"
    );
    assert!(healed["score"].as_u64() > report["score"].as_u64());
    let kept = healed["stig"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["id"] == "V-235791")
        .unwrap();
    assert_eq!(
        (kept["answer"].as_str(), kept["rule"].as_str()),
        (Some("pass"), Some("DKER-EE-001830"))
    );
}

/// SYS-002, SYS-007, NET-015, REQ-007: every command of the guides to doctor and kernel prints what they show, in their order.
#[test]
fn the_guides_tell_the_truth() {
    for guide in ["kernel.md", "doctor.md"] {
        let page = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../docs/guide")
                .join(guide),
        )
        .unwrap();
        let desk = tempfile::tempdir().unwrap();
        let programs = Path::new(UCP).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let commands = examples(&page);
        assert!(commands.len() > 3);
        for (command, shown) in commands {
            let output = Command::new("bash")
                .args(["-c", &command])
                .current_dir(desk.path())
                .env("PATH", &path)
                .env_remove("MKE_OUTPUT")
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                printed.trim_end(),
                shown.trim_end(),
                "{guide}: $ {command}\n{said}"
            );
        }
    }
}
