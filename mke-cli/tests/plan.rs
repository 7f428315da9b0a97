//! `ucp plan`, as a person types it: from files, and of engines that cannot be planned for.

#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::UCP;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Plans a node of a swarm-only cluster.
    fn plan(&self, facts: &Value, observed: &Value, more: &[&str]) -> Output {
        let config = self.write("ucp.toml", "[cluster_config]\n  swarm_only = true\n");
        let facts = self.write("facts.json", &facts.to_string());
        let observed = self.write("observed.json", &observed.to_string());
        let mut ucp = Command::new(UCP);
        ucp.args(["plan", "--config"])
            .arg(config)
            .arg("--facts")
            .arg(facts);
        ucp.arg("--observed").arg(observed).args(more).output().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A worker of a cluster with three managers.
fn worker() -> Value {
    let manager = |number: u8| json!({ "id": format!("m{number}"), "hostname": format!("manager{number}"), "address": format!("10.0.0.{number}") });
    let member = |number: u8| json!({ "id": format!("m{number}"), "address": format!("10.0.0.{number}") });
    json!({
        "node": { "id": "w1", "hostname": "worker1", "role": "worker", "address": "10.0.0.9" },
        "cluster": {
            "cluster_id": "c1uster",
            "version": "3.4.15",
            "managers": [manager(1), manager(2), manager(3)],
            "store_members": [member(1), member(2), member(3)],
        },
    })
}

/// One of its managers. The state says which members of the store answer.
fn manager(healthy: [bool; 3], turn: Option<&str>) -> Value {
    let mut facts = worker();
    facts["node"] = json!({ "id": "m1", "hostname": "manager1", "role": "manager", "address": "10.0.0.1" });
    let managers: Vec<_> = healthy
        .iter()
        .zip(1..)
        .map(|(healthy, number)| {
            let store = if *healthy { "healthy" } else { "unhealthy" };
            json!({ "id": format!("m{number}"), "store": store, "healthy": healthy })
        })
        .collect();
    facts["state"] = json!({ "managers": managers, "turn": turn });
    facts
}

/// A container of ours that somebody made from another description.
fn container(name: &str, instance: &str) -> Value {
    json!({ name: {
        "id": format!("id-{name}"), "image": "mirantis/ucp-agent:3.4.15", "state": "running",
        "labels": { "com.docker.ucp.InstanceID": instance, "com.docker.ucp.version": "3.4.15", "com.docker.ucp.spec": "another" },
    }})
}

/// ARCH-002: the steps stand there with their reasons, numbered, and exit code 1 says that there are some; as JSON the same.
#[test]
fn an_empty_node() {
    let files = Files::new();
    let output = files.plan(&worker(), &json!({}), &[]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", err(&output));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("node worker1 (w1), worker, version 3.4.15"));
    assert!(
        text.contains("create network ucp-bridge: it is missing"),
        "{text}"
    );
    assert!(
        text.contains("create volume ucp-node-certs: it is missing"),
        "{text}"
    );
    assert!(text.contains("start container ucp-proxy: "), "{text}");
    assert!(!text.contains("ucp-kv") && !text.contains("refused"), "{text}");

    let output = files.plan(&worker(), &json!({}), &["--output", "json"]);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(value["plan"]["node_id"], "w1");
    assert_eq!(value["refusals"], json!([]));
    let steps = value["plan"]["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["reason"].is_string()), "{steps:?}");
    assert_eq!(
        steps.len(),
        text.lines().filter(|line| line.contains(". ")).count()
    );
}

/// ARCH-002: a node that is paused is left alone and said so; what is not ours is left alone whatever its name. Both wait for
/// a person, so that the exit code is 1.
#[test]
fn what_is_left_alone() {
    let files = Files::new();
    let mut paused = worker();
    paused["node"]["labels"] = json!({ "com.docker.ucp.agent-pause": "true" });
    let output = files.plan(&paused, &json!({}), &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(
        text.contains("nothing to do\nleft alone: node: its label com.docker.ucp.agent-pause is set"),
        "{text}"
    );

    let foreign = json!({ "containers": container("ucp-proxy", "somebody") });
    let text = out(&files.plan(&worker(), &foreign, &[]));
    assert!(text.contains("left alone: container ucp-proxy"), "{text}");
    assert!(!text.contains(" container ucp-proxy from"), "{text}");
}

/// HA-003: the store of a manager is not taken down while another member does not answer, nor before it is the manager's turn;
/// with both it is.
#[test]
fn managers_wait_for_each_other() {
    let files = Files::new();
    let kv = json!({ "containers": container("ucp-kv", "c1uster") });
    for (healthy, turn, expected) in [
        ([true, true, true], Some("m1"), true),
        ([true, true, true], Some("m2"), false),
        ([true, true, true], None, false),
        ([true, true, false], Some("m1"), false),
        ([true, false, false], Some("m1"), false),
    ] {
        let text = out(&files.plan(&manager(healthy, turn), &kv, &[]));
        assert_eq!(
            text.contains("stop container ucp-kv"),
            expected,
            "{healthy:?} {turn:?}\n{text}"
        );
        assert!(!text.contains("refused"), "{text}");
    }
}

/// ARCH-003, SCH-003: the plan of a manager goes on with the add-ons of Kubernetes, and that of a worker does not. The objects are printed as
/// a list that can be read again: then there is nothing to do for them but to taint the node that carries MSR.
#[test]
fn add_ons_of_kubernetes() {
    let files = Files::new();
    let facts = |value: &Value| files.write("facts.json", &value.to_string());
    let empty = files.write("observed.json", "{}");
    let ucp = |facts: &Path, more: &[&str]| {
        let mut ucp = Command::new(UCP);
        ucp.args(["plan", "--config", "/dev/null", "--facts"]).arg(facts);
        ucp.arg("--observed").arg(&empty).args(more).output().unwrap()
    };
    assert!(!out(&ucp(&facts(&worker()), &[])).contains("add-ons"));
    let mut manager = manager([true; 3], None);
    manager["nodes"] = json!([
        { "name": "manager1", "role": "manager", "orchestrator": "mixed" },
        { "name": "registry", "role": "worker", "orchestrator": "mixed", "msr": true },
    ]);
    let manager = facts(&manager);
    let fresh = ucp(&manager, &[]);
    let text = out(&fresh);
    assert_eq!(fresh.status.code(), Some(1), "{}", err(&fresh));
    for line in [
        "add-ons of Kubernetes, for the whole cluster\n",
        "create DaemonSet kube-system/calico-node: it is missing",
        "taint node registry with com.docker.ucp.manager:NoSchedule: it carries MSR",
        "not looked into: Kubernetes",
        "mirantis/ucp-calico-node:3.4.15",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        !text.contains("refused") && !text.contains("taint node manager1"),
        "{text}"
    );

    let mut list: Value = serde_json::from_str(&out(&ucp(&manager, &["--show", "addons"]))).unwrap();
    assert_eq!(list["kind"], "List");
    let nodes = ["manager1", "registry"].map(|name| json!({ "kind": "Node", "metadata": { "name": name } }));
    list["items"].as_array_mut().unwrap().extend(nodes);
    let objects = files.write("objects.json", &list.to_string());
    let there = out(&ucp(&manager, &["--objects", objects.to_str().unwrap()]));
    let addons = there.split("add-ons").nth(1).unwrap();
    let steps: Vec<&str> = addons
        .lines()
        .filter(|line| line.contains(". ") && !line.starts_with("later"))
        .collect();
    assert_eq!(
        steps,
        [
            "1. taint node manager1 with com.docker.ucp.manager:NoSchedule: it is a manager",
            "2. taint node registry with com.docker.ucp.manager:NoSchedule: it carries MSR",
        ],
        "{there}"
    );
    let odd = files.write("odd.json", r#"{ "kind": "Pod" }"#);
    let output = ucp(&manager, &["--objects", odd.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("odd.json") && err(&output).contains("kubectl get"),
        "{}",
        err(&output)
    );
}

/// What a plan is made from is printed so that it can be read again: the plan is the same.
#[test]
fn there_and_back() {
    let files = Files::new();
    let whole = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let first = out(&files.plan(&manager([true; 3], None), &json!({}), &[]));
    let facts = out(&files.plan(&manager([true; 3], None), &json!({}), &["--show", "facts"]));
    let observed = out(&files.plan(&manager([true; 3], None), &json!({}), &["--show", "observed"]));
    assert_eq!(whole(&facts)["cluster"]["organisation"], "mirantis");
    assert_eq!(out(&files.plan(&whole(&facts), &whole(&observed), &[])), first);
}

/// Exit code 2 is for files that make no sense and names them, 3 for engines that do not answer; nothing is planned then.
#[test]
fn what_cannot_be_planned() {
    let files = Files::new();
    let mut windows = manager([true; 3], None);
    windows["node"]["os"] = json!("windows");
    let mut odd = worker();
    odd["node"]["hostnam"] = json!("x");
    for (facts, observed, place) in [
        (windows, json!({}), "facts.json"),
        (odd, json!({}), "facts.json"),
        (json!({}), json!({}), "facts.json"),
        (worker(), json!({ "containrs": {} }), "observed.json"),
    ] {
        let output = files.plan(&facts, &observed, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        assert!(err(&output).contains(place), "{}", err(&output));
        assert_eq!(out(&output), "");
    }
    let facts = files.write("facts.json", &worker().to_string());
    let alone = Command::new(UCP)
        .arg("plan")
        .arg("--facts")
        .arg(facts)
        .output()
        .unwrap();
    assert_eq!(alone.status.code(), Some(2), "{}", err(&alone));
    let nobody = files.0.path().join("no.sock");
    let output = Command::new(UCP)
        .arg("plan")
        .arg("--engine")
        .arg(nobody)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        err(&output).contains("the engine does not answer"),
        "{}",
        err(&output)
    );
}

/// Every command of the guide prints what the guide shows.
#[test]
fn the_guide_tells_the_truth() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    let examples = support::examples(&std::fs::read_to_string(guide.join("nodes.md")).unwrap());
    assert!(examples.len() >= 3, "the guide has {} examples", examples.len());
    let programs = Path::new(UCP).parent().unwrap();
    for (command, shown) in examples {
        let output = Command::new("bash")
            .args(["-c", &command])
            .current_dir(guide.join("examples/nodes"))
            .env(
                "PATH",
                format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()),
            )
            .env_remove("MKE_OUTPUT")
            .output()
            .unwrap();
        assert_eq!(out(&output), shown, "$ {command}\n{}", err(&output));
    }
}
