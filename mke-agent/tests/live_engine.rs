//! Settings that act on what goes to a real engine. Needs root and the packages docker.io, docker-registry,
//! busybox-static, iproute2, openssl and util-linux; a missing one fails the test and is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

#[allow(dead_code, reason = "each test crate uses a part of the harness")]
#[path = "docker/engine.rs"]
mod engine;
#[path = "docker/lab.rs"]
mod lab;
mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, IMAGE, until};
use lab::Lab;
use mke_core::config::Registry;
use serde_json::{Value, json};
use support::client::Client;
use support::{Controller, PASSWORD};

async fn in_front_of(engine: &Engine) -> Controller {
    let socket = engine.socket();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    Controller::start_in(dir, |options| options.engine_socket = socket).await
}

fn service(name: &str, policy: &Value) -> Value {
    json!({
        "Name": name,
        "Labels": { "com.docker.ucp.access.label": "/Shared" },
        "TaskTemplate": {
            "ContainerSpec": { "Image": IMAGE, "Command": ["sleep", "1000"] },
            "RestartPolicy": policy,
        },
        "Mode": { "Replicated": { "Replicas": 0 } },
    })
}

async fn create(client: &Client, name: &str, policy: &Value) {
    let created = client.post("/services/create", service(name, policy)).await;
    assert_eq!(created.status, 201, "{}", created.text());
}

/// CFG-008: new services get what the configuration says where they say nothing, on every controller at once; what they
/// say stays, and services that are there are left alone.
#[tokio::test(flavor = "multi_thread")]
async fn defaults_of_services() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let second = controller
        .second_with(|options| options.engine_socket = engine.socket())
        .await;
    let admin = controller.admin().await;
    let there = second.admin().await;
    let policy = |name: &str| {
        let found = engine.inspect(&["service", "inspect", name]);
        let policy = &found["Spec"]["TaskTemplate"]["RestartPolicy"];
        (policy["Delay"].as_i64(), policy["MaxAttempts"].as_i64())
    };
    let said = json!({ "Condition": "any", "Delay": 0, "MaxAttempts": 9 });
    create(&admin, "plain", &Value::Null).await;
    assert_eq!(policy("plain"), (Some(5_000_000_000), Some(3)));
    create(&admin, "said", &said).await;
    assert_eq!(policy("said"), (Some(0), Some(9)));

    controller
        .configure(&admin, |config| {
            let defaults = &mut config.user_workload_defaults.swarm_defaults;
            defaults.restart_delay.value = "1m30s".to_owned();
            defaults.restart_attempts.value = "7".to_owned();
        })
        .await;
    second.catch_up(&controller).await;
    create(&there, "later", &Value::Null).await;
    assert_eq!(policy("later"), (Some(90_000_000_000), Some(7)));
    create(&there, "half", &json!({ "MaxAttempts": 0 })).await;
    assert_eq!(policy("half"), (Some(90_000_000_000), Some(0)));
    // Services that are there keep theirs, also when they are changed.
    let found = admin.get("/services/plain").await.ok();
    let mut spec = found["Spec"].clone();
    spec["Labels"]["changed"] = json!("yes");
    let path = format!("/services/plain/update?version={}", found["Version"]["Index"]);
    assert_eq!(admin.post(&path, spec).await.status, 200);
    assert_eq!(policy("plain"), (Some(5_000_000_000), Some(3)));
}

/// CFG-013: a removed grant shows in lists at once when the setting is off, and when it is on only after so many seconds;
/// what a list shows longer can still not be used.
#[tokio::test(flavor = "multi_thread")]
async fn old_lists() {
    let engine = Engine::start_swarm().await;
    let controller = in_front_of(&engine).await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    create(&admin, "web", &Value::Null).await;
    let names = async || {
        let listed = jane.client.get("/services").await.ok();
        let names = listed.as_array().unwrap().iter();
        names
            .map(|service| service["Spec"]["Name"].clone())
            .collect::<Vec<_>>()
    };
    let grant = format!("/collectionGrants/{}/shared/viewonly", jane.id);
    for (seconds, afterwards) in [(0, vec![]), (5, vec![json!("web")])] {
        controller
            .configure(&admin, |config| config.cluster.authz_cache_timeout = seconds)
            .await;
        assert_eq!(admin.put(&grant, Value::Null).await.status, 201);
        controller.clock.advance(Duration::from_secs(6));
        assert_eq!(names().await, ["web"]);
        assert_eq!(admin.delete(&grant).await.status, 204);
        assert_eq!(names().await, afterwards, "{seconds} seconds");
        assert_eq!(jane.client.get("/services/web").await.status, 403);
        // A credential that died is refused whatever is remembered.
        let other = controller.login("jane", PASSWORD).await;
        assert_eq!(other.post("/id/logout", json!({})).await.status, 204);
        assert_eq!(other.get("/services").await.status, 401);
        controller.clock.advance(Duration::from_secs(5));
        assert_eq!(names().await, Vec::<Value>::new());
    }
    // Off, it holds at once.
    assert_eq!(admin.put(&grant, Value::Null).await.status, 201);
    controller.clock.advance(Duration::from_secs(6));
    assert_eq!(names().await, ["web"]);
    assert_eq!(admin.delete(&grant).await.status, 204);
    controller
        .configure(&admin, |config| config.cluster.authz_cache_timeout = 0)
        .await;
    assert_eq!(names().await, Vec::<Value>::new());
}

/// CFG-041, ORC-001: a node that joins gets the orchestrator that is configured then; those that are there keep theirs.
#[tokio::test(flavor = "multi_thread")]
async fn orchestrator_of_new_nodes() {
    let lab = Lab::start(&["worker1"]).await;
    let controller = in_front_of(lab.manager()).await;
    let admin = controller.admin().await;
    // The labels of all nodes that are there.
    let orchestrators = async || {
        let nodes = admin.get("/nodes").await.ok();
        let nodes = nodes.as_array().unwrap().iter();
        let up = nodes.filter(|node| node["Status"]["State"] == "ready");
        let mut found: Vec<_> = up
            .map(|node| {
                let labels = node["Spec"]["Labels"].as_object().cloned().unwrap_or_default();
                let names = labels.into_iter().filter(|(_, value)| *value == "true");
                let names =
                    names.filter_map(|(name, _)| Some(name.rsplit_once("orchestrator.")?.1.to_owned()));
                (node["Description"]["Hostname"].clone(), names.collect::<Vec<_>>())
            })
            .collect();
        found.sort_by_key(|(name, _)| name.to_string());
        found
    };
    let both = |worker: &str| {
        vec![
            (json!("manager1"), vec!["swarm".to_owned()]),
            (json!("worker1"), vec![worker.to_owned()]),
        ]
    };
    let is = async |worker: &str| (orchestrators().await == both(worker)).then_some(());
    until("both nodes are Swarm's", || is("swarm")).await;
    controller
        .configure(&admin, |config| {
            config.scheduling.default_node_orchestrator = "kubernetes".to_owned();
        })
        .await;
    lab.rejoin();
    until("the new node is Kubernetes'", || is("kubernetes")).await;
}

/// A registry with a certificate that nobody trusts, in the network of an engine.
struct UntrustedRegistry(Child);

/// Where it answers. Not on 127.0.0.0/8, which engines trust without a certificate.
const REGISTRY: &str = "10.99.0.1:5000";

impl UntrustedRegistry {
    fn start(pid: &str, directory: &Path) -> Self {
        run(
            "nsenter",
            &[
                "--net",
                "--target",
                pid,
                "ip",
                "addr",
                "add",
                "10.99.0.1/32",
                "dev",
                "lo",
            ],
        );
        let (key, cert) = (directory.join("key.pem"), directory.join("cert.pem"));
        let (key, cert) = (key.to_str().unwrap(), cert.to_str().unwrap());
        run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=registry",
                "-addext",
                "subjectAltName=IP:10.99.0.1",
                "-keyout",
                key,
                "-out",
                cert,
            ],
        );
        let config = directory.join("registry.yml");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {REGISTRY}\n  tls:\n    \
             certificate: {cert}\n    key: {key}\n",
            directory.join("images").display()
        );
        std::fs::write(&config, text).unwrap();
        let child = Command::new("nsenter")
            .args(["--net", "--target", pid, "docker-registry", "serve"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for UntrustedRegistry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("`{program}` is missing: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
}

/// CFG-006, MSR-005: the engine trusts a registry from the moment when the configuration names its authority, and no longer
/// when it does not, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn engines_trust_registries() {
    assert!(
        Path::new("/usr/bin/docker-registry").exists(),
        "`docker-registry` is missing: install package docker-registry"
    );
    let engine = Engine::start_swarm().await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let certs = dir.path().join("certs.d");
    std::fs::create_dir(&certs).unwrap();
    let pid = engine.pid().to_string();
    let mount = format!(
        "mkdir -p /etc/docker/certs.d && mount --bind {} /etc/docker/certs.d",
        certs.display()
    );
    run("nsenter", &["--mount", "--target", &pid, "sh", "-c", &mount]);
    let _registry = UntrustedRegistry::start(&pid, dir.path());
    let controller = Controller::start_in(dir.clone(), |options| {
        options.engine_socket = engine.socket();
        options.registry_certs_dir = Some(certs);
    })
    .await;
    let admin = controller.admin().await;
    engine.docker(&["tag", IMAGE, &format!("{REGISTRY}/box")]);
    let push = async || {
        let request = admin.request("POST", &format!("/images/{REGISTRY}/box/push?tag=latest"));
        let answer = admin
            .send(request.header("x-registry-auth", "e30=").body(""))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    until("the registry answers, and is not trusted", || async {
        push().await.contains("x509").then_some(())
    })
    .await;
    let registry = Registry {
        host_address: REGISTRY.to_owned(),
        service_id: "registry".to_owned(),
        ca_bundle: std::fs::read_to_string(dir.path().join("cert.pem")).unwrap(),
    };
    controller
        .configure(&admin, |config| config.registries.push(registry))
        .await;
    until("the registry is trusted", || async {
        push().await.contains("\"Digest\"").then_some(())
    })
    .await;
    engine.docker(&["rmi", &format!("{REGISTRY}/box")]);
    let pulled = admin
        .post(
            &format!("/images/create?fromImage={REGISTRY}/box&tag=latest"),
            json!({}),
        )
        .await;
    assert!(
        pulled.text().contains("Downloaded") || pulled.text().contains("up to date"),
        "{}",
        pulled.text()
    );
    controller
        .configure(&admin, |config| config.registries.clear())
        .await;
    until("the registry is not trusted any more", || async {
        push().await.contains("x509").then_some(())
    })
    .await;
}
