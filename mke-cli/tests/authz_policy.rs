//! `ucp authz simulate`, `diff`, `paths`, `unused`, `replay` and `test` on files, as a shell runs them, and the examples of the
//! guide.

#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::Server;

const ADVANCED: &str = "conformance/cases/swarm-orcabank-advanced.yaml";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Exit code, standard output and standard error of a command.
fn ucp(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ucp"))
        .args(args)
        .current_dir(root())
        .env_remove("MKE_OUTPUT")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn written(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    (dir, path.display().to_string())
}

/// The blocks of the guide in this language, without their fences.
fn blocks(language: &str) -> Vec<String> {
    let guide = std::fs::read_to_string(root().join("docs/guide/policy-tests.md")).unwrap();
    let open = format!("```{language}\n");
    let parts = guide.split(&open).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap().to_owned())
        .collect()
}

/// Every example of the guide whose output is shown prints exactly that; every change and assertion in it is understood.
#[test]
fn examples_of_the_guide() {
    let yaml = blocks("yaml");
    let (_dir, assertions) = written("assertions.yaml", &yaml[1]);
    let mut shown = 0;
    for block in blocks("console") {
        let (command, expected) = block.split_once('\n').unwrap();
        if expected.trim_start().starts_with('$') {
            continue;
        }
        let command = command
            .strip_prefix("$ ucp ")
            .unwrap()
            .replace("assertions.yaml", &assertions);
        let args: Vec<_> = command.split(' ').collect();
        let (code, stdout, stderr) = ucp(&args);
        assert_eq!(
            (code, stdout.as_str(), stderr.as_str()),
            (0, expected, ""),
            "{command}"
        );
        shown += 1;
    }
    assert_eq!(shown, 3);
    let changes = yaml[0].replace(
        "- kubernetes: {remove_binding: {kind: ClusterRoleBinding, name: all}}\n",
        "",
    );
    let (_dir, changes) = written("changes.yaml", &changes);
    let (code, stdout, stderr) = ucp(&["authz", "simulate", "--state", ADVANCED, "--changes", &changes]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        stdout.starts_with("What if: add team orcabank/audit\n"),
        "{stdout}"
    );
}

/// Test table: exit codes. 0 yes, 1 the answer is no, 2 the question makes no sense, 3 something failed.
#[test]
fn exit_codes() {
    let good = "format: policy-tests/1\ntests: [{must: 'user:sam', do: Service View, in: /prod}]";
    let bad = good.replace("Service View", "Service Delete");
    let wrong = good.replace("user:sam", "user:nobody");
    let (_a, good) = written("good.yaml", good);
    let (_b, bad) = written("bad.yaml", &bad);
    let (_c, wrong) = written("wrong.yaml", &wrong);
    let (_d, empty) = written("empty.yaml", "format: policy-tests/1\ntests: []");
    let (_e, log) = written("log.jsonl", "");
    let more = std::fs::read_to_string(root().join(ADVANCED)).unwrap();
    let more = more.replace(
        "    grants:\n",
        "    grants:\n    - {id: x, subject: 'user:sam', role: fullcontrol, collection: /staging}\n",
    );
    let (_f, more) = written("more.yaml", &more);
    let cases: &[(&[&str], i32)] = &[
        (&["test", &good], 0),
        (&["test", &bad], 1),
        (&["test", &wrong], 2),
        (&["test", &empty], 2),
        (&["test", "nowhere.yaml"], 3),
        (&["simulate", "--grant", "user:sam,fullcontrol,/prod"], 0),
        (&["simulate", "--grant", "user:sam,fullcontrol"], 2),
        (&["simulate", "--grant", "user:nobody,fullcontrol,/prod"], 2),
        (&["simulate"], 2),
        (&["diff", &more], 0),
        (&["diff", &more, "--fail-on", "gained"], 1),
        (&["diff", &more, "--fail-on", "lost"], 0),
        (&["diff", &more, "--fail-on", "lost", "--reverse"], 1),
        (&["paths", "user:sam"], 0),
        (&["paths"], 1),
        (&["paths", "user:nobody"], 2),
        (&["unused", &log], 0),
        (&["unused", "nowhere.jsonl"], 3),
        (&["replay", &log, "--fail-on-flips"], 0),
        (&["replay"], 2),
    ];
    for (args, expected) in cases {
        let all: Vec<_> = ["authz"]
            .iter()
            .chain(*args)
            .chain(&["--state", ADVANCED])
            .copied()
            .collect();
        let (code, stdout, stderr) = ucp(&all);
        assert_eq!(code, *expected, "{args:?}\n{stdout}\n{stderr}");
    }
}

/// Results as JSON and as JUnit XML.
#[test]
fn machine_readable() {
    let tests = "format: policy-tests/1\ntests:\n- {must: 'user:sam', do: Service View, in: /prod}\n- {must: 'user:sam', do: Service Delete, in: /prod}";
    let (dir, file) = written("tests.yaml", tests);
    let junit = dir.path().join("junit.xml");
    let (code, stdout, _) = ucp(&[
        "--output",
        "json",
        "authz",
        "test",
        &file,
        "--state",
        ADVANCED,
        "--junit",
        junit.to_str().unwrap(),
    ]);
    assert_eq!(code, 1);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (report["passed"].as_u64(), report["failed"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(report["tests"][1]["counterexamples"][0]["who"], "user:sam");
    let written = std::fs::read_to_string(junit).unwrap();
    let document = roxmltree::Document::parse(&written).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    assert_eq!(
        (suite.attribute("tests"), suite.attribute("failures")),
        (Some("2"), Some("1"))
    );
    let (code, stdout, _) = ucp(&[
        "--output",
        "json",
        "authz",
        "simulate",
        "--state",
        ADVANCED,
        "--make-admin",
        "sam",
    ]);
    assert_eq!(code, 0);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["difference"]["swarm"][0]["who"], "user:sam");
    let (_, stdout, _) = ucp(&[
        "--output",
        "json",
        "authz",
        "paths",
        "user:mindi",
        "--state",
        ADVANCED,
    ]);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let need = &report["entries"][0]["paths"][0]["steps"][0]["needs"][0]["operation"];
    assert_eq!(need["collection"], "/prod/mobile");
}

/// A control plane answers the same questions about itself, to administrators; a denial in its own audit log can be
/// replayed.
#[tokio::test]
async fn a_control_plane_answers_administrators() {
    let server = Server::start(&[]).await;
    let admin = server.http_with_bundle();
    let grant = json!({"grant": {"subject": "org:docker-datacenter", "role": "viewonly", "collection": "/"}});
    let state = std::fs::read_to_string(root().join(ADVANCED)).unwrap();
    let log = json!({"entries": [{"user": {"name": "admin"}, "kubernetes": {"verb": "get", "resource": "pods"},
        "outcome": "allowed", "count": 3}]});
    let test = json!({"must": "user:admin", "do": "Service View", "in": "/"});
    let cases = [
        ("simulate", json!({"changes": [grant]}), "difference"),
        ("diff", json!({"state": state}), "difference"),
        ("paths", json!({}), "entries"),
        ("unused", json!({"log": log}), "unused_grants"),
        ("replay", json!({"log": log}), "flips"),
        (
            "test",
            json!({"format": "policy-tests/1", "tests": [test]}),
            "tests",
        ),
    ];
    for (name, body, field) in cases {
        let url = format!("{}/api/ucp/authz/{name}", server.url);
        let answer = admin.post(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let report: Value = answer.json().await.unwrap();
        assert!(report.get(field).is_some(), "{name}: {report}");
        let stranger = server.http().post(&url).json(&body).send().await.unwrap();
        assert_eq!(stranger.status(), 401, "{name}");
        let mut wrong = body;
        wrong["misspelt"] = true.into();
        let answer = admin.post(&url).json(&wrong).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{name}");
    }
}
