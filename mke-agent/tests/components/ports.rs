//! The programs themselves, started as containers start them: hardware, metrics, relays, and a locked swarm.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use mke_agent::engine::EngineClient;
use mke_agent::mtls::{Material, MtlsError};
use mke_agent::node_proxy::NodeProxy;
use mke_core::pki::Profile;
use serde_json::Value;

use crate::engine::until;
use crate::world::{World, curl, port, run};

/// A program of `ucp-agent` that ends with the test.
pub(crate) struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    pub(crate) async fn start(arguments: &[&str]) -> (Self, SocketAddr) {
        let (listener, address) = port().await;
        drop(listener);
        let child = Command::new(env!("CARGO_BIN_EXE_ucp-agent"))
            .args(arguments)
            .args(["--listen", &address.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let program = Self(child);
        until("the program listens", || async {
            tokio::net::TcpStream::connect(address).await.ok().map(drop)
        })
        .await;
        (program, address)
    }

    /// Ends it as an engine does, and gives its exit code.
    pub(crate) async fn end(mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(
            run(Command::new("kill").args(["-TERM", &pid]))
                .await
                .status
                .success()
        );
        let ended = tokio::task::spawn_blocking(move || {
            let status = self.0.wait().unwrap();
            status.code()
        });
        tokio::time::timeout(crate::engine::PATIENCE, ended)
            .await
            .expect("the program ends")
            .unwrap()
    }
}

/// The proxy in front of the world's engine, as programs are told of it.
async fn proxy(world: &World) -> String {
    let (listener, address) = port().await;
    let proxy = NodeProxy::new(
        EngineClient::new(world.engine.socket()),
        world.credentials(),
        world.stopping.clone(),
    );
    tokio::spawn(Arc::new(proxy).run(listener));
    format!("https://{address}")
}

/// The collector of hardware facts of this machine.
async fn hardware_info(certs: &Path, engine: &str) -> (Program, SocketAddr) {
    let certs = certs.to_str().unwrap();
    let arguments = [
        "hardware-info",
        "--root",
        "/",
        "--certs",
        certs,
        "--engine",
        engine,
    ];
    Program::start(&arguments).await
}

/// Who was a manager once, or its controller, is refused: the swarm does not count it among the managers.
async fn former(world: &World, url: &str) {
    let ca = world.volume("ucp-node-certs/ca.pem");
    for unit in ["ucp-manager", "ucp-controller"] {
        let dir = world.certificate_of("former", unit, &world.authority, Some(unit), Profile::Node);
        let (status, text) = curl(url, &ca, Some(&dir), &[]).await;
        assert_eq!(status, Some(403), "{unit}: {text}");
        assert!(text.contains("no manager any more"), "{text}");
    }
}

/// ARCH-022: the machine as the kernel shows it, for managers and the node itself with a certificate, for nobody else and for no
/// manager of the past; lsblk and
/// nproc are asked for a second opinion. SIGTERM ends it in order.
#[tokio::test(flavor = "multi_thread")]
async fn hardware_is_shown_to_managers() {
    let world = World::start().await;
    let certs = world.volume("ucp-node-certs");
    let engine = proxy(&world).await;
    let (program, address) = hardware_info(&certs, &engine).await;
    let (url, ca) = (format!("https://{address}/hardware"), certs.join("ca.pem"));
    assert_eq!(curl(&url, &ca, None, &[]).await.0, None);
    let user = world.certificate("user", &world.client, Some("ucp-manager"), Profile::Client);
    assert_eq!(curl(&url, &ca, Some(&user), &[]).await.0, None);
    let store = world.certificate("store", &world.authority, Some("ucp-kv"), Profile::Node);
    assert_eq!(curl(&url, &ca, Some(&store), &[]).await.0, Some(403));
    // A worker sees itself: its certificate names the node that serves.
    let worker = world.certificate("worker", &world.authority, Some("ucp-worker"), Profile::Node);
    assert_eq!(curl(&url, &ca, Some(&worker), &[]).await.0, Some(200));
    former(&world, &url).await;
    let (status, text) = curl(&url, &ca, Some(&certs), &[]).await;
    assert_eq!(status, Some(200), "{text}");
    let hardware: Value = serde_json::from_str(&text).unwrap();
    let total = std::fs::read_to_string("/proc/meminfo").unwrap();
    let total: u64 = total.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(hardware["memory"]["total_bytes"], total * 1024);
    let count = run(Command::new("nproc").arg("--all")).await.stdout;
    let count: u64 = String::from_utf8(count).unwrap().trim().parse().unwrap();
    assert_eq!(hardware["processors"]["logical"], count);
    let listed = run(Command::new("lsblk").args(["--json", "-b", "-d", "-o", "NAME,SIZE,TYPE"])).await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let disks = hardware["disks"].as_array().unwrap();
    for disk in listed["blockdevices"].as_array().unwrap() {
        if disk["type"] == "disk" && disk["size"].as_u64().is_some_and(|size| size > 0) {
            let name = disk["name"].as_str().unwrap();
            if name.starts_with("ram") {
                continue;
            }
            let found = disks.iter().find(|found| found["name"] == name).unwrap();
            assert_eq!(found["size_bytes"], disk["size"], "{name}");
        }
    }
    assert_eq!(
        curl(&format!("https://{address}/x"), &ca, Some(&certs), &[])
            .await
            .0,
        Some(404)
    );
    assert_eq!(curl(&url, &ca, Some(&certs), &["-X", "POST"]).await.0, Some(405));
    assert_eq!(program.end().await, Some(0));
}

/// SWO-004, MET-002: the figures of a manager are what its engine says, and only a manager's certificate reads them.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_want_a_certificate() {
    let world = World::start().await;
    let certs = world.volume("ucp-node-certs");
    let engine = proxy(&world).await;
    let arguments = ["metrics", "--certs", certs.to_str().unwrap(), "--engine", &engine];
    let (program, address) = Program::start(&arguments).await;
    let (url, ca) = (format!("https://{address}/metrics"), certs.join("ca.pem"));
    assert_eq!(curl(&url, &ca, None, &[]).await.0, None);
    let worker = world.certificate("worker", &world.authority, Some("ucp-worker"), Profile::Node);
    assert_eq!(curl(&url, &ca, Some(&worker), &[]).await.0, Some(403));
    former(&world, &url).await;
    let (status, text) = curl(&url, &ca, Some(&certs), &[]).await;
    assert_eq!(status, Some(200));
    let value = |name: &str| -> u64 {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {text}"))
            .parse()
            .unwrap()
    };
    let count = |arguments: &[&str]| world.engine.docker(arguments).lines().count() as u64;
    assert_eq!(value("ucp_engine_up"), 1);
    assert_eq!(value("ucp_engine_containers"), count(&["ps", "-aq"]));
    assert_eq!(value("ucp_engine_networks"), count(&["network", "ls", "-q"]));
    assert_eq!(value("ucp_engine_volumes"), count(&["volume", "ls", "-q"]));
    let info = world.engine.inspect(&["info"]);
    assert_eq!(value("ucp_engine_num_cpu_cores"), info["NCPU"].as_u64().unwrap());
    assert!(value("ucp_certificate_not_after_seconds") > 1_700_000_000);
    assert_eq!(program.end().await, Some(0));
}

/// ARCH-011, ARCH-012: the ports of the authentication API and of classic Swarm lead to whatever answers behind them, with TLS end to
/// end: the certificate of the target is what a caller sees. A target that is gone is passed over.
#[tokio::test(flavor = "multi_thread")]
async fn relays_lead_to_the_target() {
    let world = World::start().await;
    let certs = world.volume("ucp-node-certs");
    let engine = proxy(&world).await;
    let (_target, target) = hardware_info(&certs, &engine).await;
    let gone = port().await.1;
    let to = format!("{gone},{target}");
    for program in ["auth-api", "swarm-manager"] {
        let (relay, address) = Program::start(&[program, "--to", &to]).await;
        let url = format!("https://{address}/_ping");
        assert_eq!(
            curl(&url, &certs.join("ca.pem"), None, &[]).await.0,
            None,
            "{program}"
        );
        let (status, text) = curl(&url, &certs.join("ca.pem"), Some(&certs), &[]).await;
        assert_eq!((status, &*text), (Some(200), "OK"), "{program}");
        assert_eq!(relay.end().await, Some(0));
    }
    let wrong =
        run(Command::new(env!("CARGO_BIN_EXE_ucp-agent")).args(["auth-api", "--to", "nowhere"])).await;
    assert!(!wrong.status.success());
}

/// PKI-002: the key of a manager in a locked swarm is encrypted; whoever wants to join with it is told what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_swarm_is_told() {
    let world = World::start().await;
    world.swarm_certificate();
    world.engine.docker(&["swarm", "update", "--autolock=true"]);
    let dir = world.swarm_certificates();
    let ca = world.authority.certificate_pem();
    let error = until("the key is encrypted", || async {
        Material::of_swarm_node(&dir, &ca).err()
    })
    .await;
    assert!(matches!(error, MtlsError::Encrypted { .. }), "{error}");
    assert!(error.to_string().contains("--autolock=false"));
    world.engine.docker(&["swarm", "update", "--autolock=false"]);
    until("the key is plain again", || async {
        Material::of_swarm_node(&dir, &ca).ok()
    })
    .await;
}
