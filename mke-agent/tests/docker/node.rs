//! The suite of runtimes on a real engine, and a real node that is brought to what is wanted.

use std::collections::BTreeMap;

use mke_agent::engine::EngineClient;
use mke_agent::node::{
    ClusterState, ContainerSpec, ContainerState, Desired, EngineRuntime, FileContent, FileSpec, NetworkSpec,
    NoMaterial, Outcome, Purpose, Runtime, VolumeSpec, apply, check, plan,
};
use mke_core::product::Role;

use super::engine::{Engine, IMAGE};

#[path = "../support/runtime_suite.rs"]
mod runtime_suite;

const CLUSTER: &str = "c1uster";
const OWN: &str = "mirantis/ucp-agent:3.4.15";

async fn engine() -> Engine {
    let engine = Engine::start().await;
    engine.build_image();
    engine.docker(&["tag", IMAGE, OWN]);
    engine
}

/// ARCH-004, VOL-004: a real engine behaves as plans expect of a node, and keeps volumes below its data directory.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_behind_an_engine() {
    let engine = engine().await;
    engine.docker(&["run", "-d", "--name", "ucp-upgrader", IMAGE, "sleep", "1000"]);
    let runtime = EngineRuntime::new(EngineClient::new(engine.socket()), CLUSTER, NoMaterial);
    runtime_suite::run(&runtime, CLUSTER, OWN).await;
}

fn wanted(servers: &[&str]) -> Desired {
    let container = |name: &str, needs: &[&str]| {
        let mut spec: ContainerSpec = runtime_suite::container(OWN);
        spec.name = name.to_owned();
        spec.needs = needs.iter().map(|name| (*name).to_owned()).collect();
        spec.dns.servers = servers.iter().map(|server| (*server).to_owned()).collect();
        spec.dns.options = vec!["ndots:2".to_owned()];
        spec.dns.search = vec!["example.com".to_owned()];
        spec.processes = Some(50);
        spec
    };
    Desired {
        cluster_id: CLUSTER.to_owned(),
        node_id: "n".to_owned(),
        role: Role::Worker,
        paused: false,
        networks: vec![NetworkSpec {
            name: "ucp-bridge".to_owned(),
            driver: "bridge".to_owned(),
        }],
        volumes: ["ucp-node-certs", "mke-container-logs"]
            .map(|name| VolumeSpec {
                name: name.to_owned(),
                precious: false,
            })
            .to_vec(),
        files: vec![FileSpec {
            volume: "ucp-node-certs".to_owned(),
            path: "kubernetes/audit.yaml".to_owned(),
            mode: 0o644,
            content: FileContent::Text("rules: []\n".to_owned()),
        }],
        containers: vec![
            container("ucp-proxy", &[]),
            container("ucp-hardware-info", &["ucp-proxy"]),
        ],
        services: Vec::new(),
        pods: Vec::new(),
        waiting: Vec::new(),
    }
}

async fn converge<R: Runtime>(runtime: &R, desired: &Desired, purpose: Purpose) -> Vec<String> {
    let observed = runtime.observe().await.unwrap();
    let state = ClusterState::default();
    let plan = plan(desired, &observed, &state, purpose);
    let checked = check(plan, desired, &observed, &state).unwrap();
    let outcomes = apply(runtime, checked, |_| {}).await;
    assert!(outcomes.iter().all(Outcome::is_done), "{outcomes:#?}");
    outcomes
        .iter()
        .map(|outcome| outcome.step.action.to_string())
        .collect()
}

/// ARCH-002, ARCH-004, VOL-002, VOL-003, INST-010: a real node becomes what is wanted, comes back when something is taken
/// away, is not touched when nothing is, takes over a volume that was there, follows a change, and is empty in the end
/// but for what was there before.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_node_becomes_what_is_wanted() {
    let engine = engine().await;
    engine.docker(&[
        "volume",
        "create",
        "--opt",
        "type=tmpfs",
        "--opt",
        "device=tmpfs",
        "mke-container-logs",
    ]);
    engine.docker(&["run", "-d", "--name", "web", IMAGE, "sleep", "1000"]);
    // The node's volumes, where the reconciler has them mounted, as seen through the namespaces of the engine.
    let info = engine.inspect(&["info"]);
    let root = format!(
        "/proc/{}/root{}/volumes",
        engine.pid(),
        info["DockerRootDir"].as_str().unwrap()
    );
    let mounted = tempfile::tempdir_in("/tmp").unwrap();
    let runtime = EngineRuntime::new(EngineClient::new(engine.socket()), CLUSTER, NoMaterial);
    let place = mounted.path().join("ucp-node-certs");
    std::os::unix::fs::symlink(format!("{root}/ucp-node-certs/_data"), &place).unwrap();
    let runtime = runtime.with_volumes(mounted.path());
    let desired = wanted(&["10.9.9.9"]);
    let first = converge(&runtime, &desired, Purpose::Converge).await;
    assert_eq!(
        first,
        [
            "create network ucp-bridge",
            "create volume ucp-node-certs",
            "write file ucp-node-certs/kubernetes/audit.yaml",
            "create container ucp-proxy from mirantis/ucp-agent:3.4.15",
            "start container ucp-proxy",
            "create container ucp-hardware-info from mirantis/ucp-agent:3.4.15",
            "start container ucp-hardware-info",
        ]
    );
    let none: [String; 0] = [];
    assert_eq!(converge(&runtime, &desired, Purpose::Converge).await, none);
    let proxy = engine.inspect(&["inspect", "ucp-proxy"]);
    let host = &proxy["HostConfig"];
    assert_eq!(host["Dns"][0], "10.9.9.9");
    assert_eq!(host["DnsOptions"][0], "ndots:2");
    assert_eq!(host["DnsSearch"][0], "example.com");
    assert_eq!(host["CapDrop"][0], "ALL");
    assert_eq!(host["SecurityOpt"][0], "no-new-privileges");
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    assert_eq!(host["LogConfig"]["Config"]["max-size"], "1m");
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["PidsLimit"], 50);
    assert_eq!(
        engine.inspect(&["volume", "inspect", "mke-container-logs"])["Options"]["type"],
        "tmpfs"
    );
    let text = std::fs::read_to_string(place.join("kubernetes/audit.yaml")).unwrap();
    assert_eq!(text, "rules: []\n");

    engine.docker(&["rm", "-f", "ucp-hardware-info"]);
    engine.docker(&["stop", "-t", "1", "ucp-proxy"]);
    std::fs::remove_file(place.join("kubernetes/audit.yaml")).unwrap();
    assert_eq!(
        converge(&runtime, &desired, Purpose::Converge).await,
        [
            "write file ucp-node-certs/kubernetes/audit.yaml",
            "start container ucp-proxy",
            "create container ucp-hardware-info from mirantis/ucp-agent:3.4.15",
            "start container ucp-hardware-info",
        ]
    );

    let changed = wanted(&["10.8.8.8"]);
    assert_eq!(converge(&runtime, &changed, Purpose::Converge).await.len(), 10);
    assert_eq!(
        engine.inspect(&["inspect", "ucp-proxy"])["HostConfig"]["Dns"][0],
        "10.8.8.8"
    );
    assert_eq!(converge(&runtime, &changed, Purpose::Converge).await, none);

    converge(&runtime, &changed, Purpose::Uninstall).await;
    let left = runtime.observe().await.unwrap();
    assert!(left.networks.is_empty());
    assert_eq!(left.volumes.keys().collect::<Vec<_>>(), ["mke-container-logs"]);
    let containers: BTreeMap<_, _> = left
        .containers
        .iter()
        .map(|(name, found)| (name, found.state))
        .collect();
    assert!(
        !containers.values().any(|state| *state == ContainerState::Running),
        "{containers:?}"
    );
    assert_eq!(engine.docker(&["ps", "--format", "{{.Names}}"]), "web");
}
