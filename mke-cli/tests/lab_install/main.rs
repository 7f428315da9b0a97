//! Installing and removing on real engines. Needs root, the packages docker.io, iptables, iproute2 and util-linux, and the
//! archives that `cargo xtask test` makes; what is missing fails the test and is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

mod admin;
mod certificates;
mod faults;
#[path = "../support/input.rs"]
mod input;
mod seen;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use mke_agent::engine::EngineClient;
use mke_agent::install::Daemon;
use mke_agent::install::lock::{Lock, Mark};
use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, until};

use self::admin::Admin;
use self::certificates::put_certificates;
use self::faults::{engine_that_ends, full_disk, no_rights};
use self::seen::{classic_port_and_twins, health_is_told, plans_are_shown};

/// Flags of every installation here: machines that run tests are small.
const FLAGS: [&str; 4] = [
    "install",
    "--swarm-only",
    "--force-minimums",
    "--admin-password=correct horse",
];

/// What the documents say to remove by hand on a node, with the one volume that has another name.
const REMOVE: &str = "
    containers=$(docker container ps -a -f name=ucp- -f name=k8s_ -q)
    [ -z \"$containers\" ] || docker container rm -f $containers
    volumes=$(docker volume ls -f name=ucp -f name=mke-container-logs -q)
    [ -z \"$volumes\" ] || docker volume rm $volumes";

fn ucp(node: Node<'_>, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucp"));
    command
        .args(words)
        .env_clear()
        .env("MKE_ENGINE_SOCKET", node.sock())
        .env("MKE_DATA_DIR", "/nonexistent")
        .stdin(Stdio::null());
    command
}

fn run(node: Node<'_>, words: &[&str]) -> Output {
    ucp(node, words).output().unwrap()
}

fn log(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Everything on an engine and in its swarm that an installation could leave, by kind and name.
fn listing(node: Node<'_>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let in_swarm = node
        .docker(&["info", "--format", "{{.Swarm.ControlAvailable}}"])
        .trim()
        == "true";
    let mut add = |kind: &str, words: &[&str]| {
        for line in node.docker(words).lines() {
            all.insert(format!("{kind} {line}"));
        }
    };
    add("container", &["ps", "--all", "--format", "{{.Names}}"]);
    add("volume", &["volume", "ls", "--format", "{{.Name}}"]);
    add("network", &["network", "ls", "--format", "{{.Name}} {{.Scope}}"]);
    if in_swarm {
        for kind in ["service", "config", "secret"] {
            add(kind, &[kind, "ls", "--format", "{{.Name}}"]);
        }
        let ids = node.docker(&["node", "ls", "--quiet"]);
        for id in ids.lines() {
            add(
                "labels",
                &[
                    "node",
                    "inspect",
                    "--format",
                    "{{.Description.Hostname}} {{.Spec.Labels}}",
                    id,
                ],
            );
        }
    }
    all.insert(format!("swarm {in_swarm}"));
    all
}

/// An installation that is under way.
struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
    log: String,
}

impl Running {
    fn start(node: Node<'_>, words: &[&str]) -> Self {
        let mut child = ucp(node, words).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            lines,
            log: String::new(),
        }
    }

    /// Reads the log until a line holds a text.
    fn until(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                panic!("`{text}` did not come, but: {}", self.log);
            }
            self.log.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Its whole log and whether it ended well.
    fn end(mut self) -> (String, bool) {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            self.log.push_str(&line);
            line.clear();
        }
        let ended = self.child.wait().unwrap();
        (std::mem::take(&mut self.log), ended.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the volume of a store as another installation would leave it, or takes it away.
fn old_store(node: Node<'_>, there: bool) {
    if !there {
        node.docker(&["volume", "rm", "ucp-kv"]);
        return;
    }
    node.docker(&["volume", "create", "ucp-kv"]);
    let place = node.docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", "ucp-kv"]);
    node.exec(&["mkdir", &format!("{}/member", place.trim())]);
}

/// INST-001, INST-004, INST-005, INST-022: an installation that is refused has made nothing, not even a swarm, and names every finding
/// with its remedy. One that is broken off half-way undoes everything, the swarm too, and so does one whose disk is full; what an
/// engine keeps that ended in the middle is removed once it answers.
#[test]
fn lab_nothing_is_left_of_an_installation_that_fails() {
    let lab = Lab::up(1);
    let node = lab.node(1);
    node.load_images(&images::archive());
    let etcd = "mirantis/ucp-etcd:3.4.15";
    node.docker(&[
        "run",
        "--detach",
        "--name",
        "mine",
        "--publish",
        "12379:2379",
        "--publish",
        "443:2380",
        etcd,
    ]);
    node.docker(&["volume", "create", "ucp-controller-server-certs"]);
    let before = listing(node);
    let refused = run(node, &FLAGS);
    let told = log(&refused);
    assert!(!refused.status.success(), "{told}");
    assert!(
        told.contains("tcp/12379") && told.contains("tcp/443") && told.contains("level=fatal"),
        "{told}"
    );
    assert_eq!(listing(node), before, "{told}");
    node.docker(&["rm", "--force", "mine"]);

    // The volume with the certificate is there and empty; one of the store is not.
    let before = listing(node);
    for (words, told) in [
        (&["--external-server-cert"][..], "lacks ca.pem, cert.pem, key.pem"),
        (
            &["--host-address", "203.0.113.9"],
            "nothing of this machine answers at 203.0.113.9",
        ),
        (
            &["--data-path-addr", "nowhere"],
            "cannot make a swarm with `--data-path-addr nowhere`",
        ),
    ] {
        let refused = run(node, &[&FLAGS[..], words].concat());
        let log = log(&refused);
        assert!(!refused.status.success() && log.contains(told), "{log}");
        assert_eq!(listing(node), before, "{log}");
    }
    old_store(node, true);
    let refused = run(node, &FLAGS);
    let told = log(&refused);
    assert!(
        told.contains("docker volume rm ucp-kv") && !refused.status.success(),
        "{told}"
    );
    old_store(node, false);
    assert_eq!(listing(node), before, "{told}");

    let before = listing(node);
    // An interface stands for its address.
    let words = [
        &FLAGS[..],
        &["--host-address", "eth0", "--data-path-addr", "eth0"],
    ]
    .concat();
    let mut running = Running::start(node, &words);
    running.until("[Deploy Manager Components]");
    let address = node.docker(&["info", "--format", "{{.Swarm.NodeAddr}}"]);
    assert_eq!(address.trim(), node.ip().to_string());
    running.signal("TERM");
    let (told, well) = running.end();
    assert!(!well && told.contains("broken off"), "{told}");
    assert_eq!(listing(node), before, "{told}");

    node.docker(&["volume", "rm", "ucp-controller-server-certs"]);
    no_rights(node);
    full_disk(node);
    engine_that_ends(node);
}

/// INST-001, INST-019: a killed installation is cleaned up by `uninstall-ucp`, and a second one beside a first is refused. A
/// swarm that locked itself is opened with its key and with nothing else.
#[test]
fn lab_killed_installations_and_two_at_once() {
    let lab = Lab::swarm(1, 1);
    let node = lab.node(1);
    node.load_images(&images::archive());
    node.docker(&["config", "create", "of-mine", "/etc/hostname"]);
    node.docker(&["volume", "create", "of-mine"]);
    let before = listing(node);
    // Somebody else is at work.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let daemon = Daemon::new(EngineClient::new(node.sock()));
    let mark = Mark {
        operation: "install".to_owned(),
        run: "another".to_owned(),
        owner: "somebody".to_owned(),
        instance: "none".to_owned(),
        swarm_made: false,
    };
    let lock = runtime.block_on(Lock::take(&daemon, mark)).unwrap();
    let second = run(node, &FLAGS);
    let told = log(&second);
    assert!(
        told.contains("install of this cluster runs already, started by somebody"),
        "{told}"
    );
    assert_eq!(second.status.code(), Some(1), "{told}");
    runtime.block_on(lock.release()).unwrap();
    assert_eq!(listing(node), before);

    let mut first = Running::start(node, &FLAGS);
    first.until("[Create Node Network and Volumes]");
    first.signal("KILL");
    let (_, well) = first.end();
    assert!(!well);
    assert_ne!(listing(node), before);
    let id = node.docker(&["info", "--format", "{{.Swarm.Cluster.ID}}"]);
    let removed = run(node, &["uninstall-ucp", "--id", id.trim(), "--purge-config"]);
    assert!(removed.status.success(), "{}", log(&removed));
    assert!(log(&removed).contains("was broken off"), "{}", log(&removed));
    assert_eq!(listing(node), before, "{}", log(&removed));
    let again = run(node, &["uninstall-ucp", "--id", id.trim()]);
    assert_eq!(again.status.code(), Some(1), "{}", log(&again));

    node.docker(&["swarm", "update", "--autolock=true"]);
    let key = node.docker(&["swarm", "unlock-key", "--quiet"]);
    node.stop();
    node.start();
    // Refused because of its address, once the swarm is open.
    let elsewhere = [&FLAGS[..], &["--host-address", "203.0.113.9"]].concat();
    for (words, told) in [
        (&[][..], "give its key with `--unlock-key`"),
        (&["--unlock-key", "SWMKEY-1-wrong"], "cannot unlock the swarm"),
        (&["--unlock-key", key.trim()], "the swarm knows this node as"),
    ] {
        let refused = run(node, &[&elsewhere[..], words].concat());
        assert!(
            log(&refused).contains(told) && !refused.status.success(),
            "{}",
            log(&refused)
        );
    }
    assert_eq!(listing(node), before);
}

/// INST-022, REQ-003: every node of a swarm is asked for its ports before anything is made.
#[test]
fn lab_ports_of_every_node() {
    let lab = Lab::swarm(2, 1);
    let archive = images::archive();
    lab.load_images(&archive);
    let worker = lab.node(2);
    worker.docker(&[
        "run",
        "--detach",
        "--name",
        "mine",
        "--publish",
        "12376:1",
        "mirantis/ucp-etcd:3.4.15",
    ]);
    let before = listing(lab.node(1));
    let refused = run(lab.node(1), &FLAGS);
    let told = log(&refused);
    assert!(!refused.status.success(), "{told}");
    assert!(told.contains("n2: needed ports are in use: tcp/12376"), "{told}");
    assert!(!told.contains("n1: needed ports"), "{told}");
    assert_eq!(listing(lab.node(1)), before, "{told}");
}

/// CLI-003: in a container the bootstrapper looks at itself, and another name than `ucp` is refused.
#[test]
fn lab_the_container_must_be_named() {
    let lab = Lab::up(1);
    let node = lab.node(1);
    node.load_images(&images::archive());
    let ucp = "mirantis/ucp:3.4.15";
    let socket = ["--volume", "/var/run/docker.sock:/var/run/docker.sock"];
    let named = |name: &str, words: &[&str]| {
        node.try_docker(&[&["run", "--rm", "--name", name][..], &socket, &[ucp], words].concat())
    };
    let listed = named("ucp", &["images", "--list", "--swarm-only"]);
    assert!(listed.success(), "{listed:?}");
    let refused = named("other", &["images", "--list", "--swarm-only"]);
    assert!(!refused.success(), "{refused:?}");
    assert!(format!("{refused:?}").contains("--name ucp"), "{refused:?}");
}

/// What becomes of a cluster of two nodes, from an installation that was killed to the last volume.
///
/// - INST-001, INST-019, SWO-001: the documented way as a container, over what a killed run left: the documented names and no part of
///   Kubernetes; a second installation sees the first.
/// - INST-009, PKI-004: the operator's own certificate is served, and an authority that was there is the cluster's.
/// - ARCH-002: a manager, a worker and the control plane tell what would be done on a node.
/// - MON-004: health in public and for administrators, with every component and with one that is broken.
/// - ARCH-011: the port for classic clients lists the nodes; two engines with one id are pending until that is mended.
/// - UNI-001, UNI-003, UNI-004, UNI-006, UNI-008: off again without a trace while applications go on; configuration and secrets stay
///   when they should, and the log where its directory is mounted. What a killed run leaves is found by the documented filters.
#[test]
fn lab_installed_and_removed() {
    let lab = Lab::swarm(2, 1);
    lab.load_images(&images::archive());
    let node = lab.node(1);
    node.docker(&["volume", "create", "of-mine"]);
    let etcd = "mirantis/ucp-etcd:3.4.15";
    node.docker(&[
        "service", "create", "--detach", "--mode", "global", "--name", "app", etcd,
    ]);
    let socket = ["--volume", "/var/run/docker.sock:/var/run/docker.sock"];
    let ucp = "mirantis/ucp:3.4.15";
    let bootstrapper = |words: &[&str]| {
        node.try_docker(&[&["run", "--rm", "--name", "ucp"][..], &socket, &[ucp], words].concat())
    };
    let applications = || -> Vec<String> {
        lab.nodes()
            .map(|node| node.docker(&["ps", "--quiet", "--filter", "name=^app\\."]))
            .collect()
    };
    let run_everywhere = || {
        until("the application runs", || {
            let ids = applications();
            ids.iter().all(|ids| !ids.trim().is_empty()).then_some(ids)
        })
    };
    let running = run_everywhere();
    let [authority_of_port, authority_of_cluster] = put_certificates(node);
    // Applications are looked at by themselves: an engine that starts again gives them new containers.
    let all = || -> Vec<BTreeSet<String>> {
        let of_node = |node| {
            let mut lines = listing(node);
            lines.retain(|line| !line.starts_with("container app."));
            lines
        };
        lab.nodes().map(of_node).collect()
    };
    let before = all();
    let killed_at = |words: &[&str], text: &str| {
        let mut running = Running::start(node, words);
        running.until(text);
        running.signal("KILL");
        assert!(!running.end().1);
    };
    let flags = [
        &FLAGS[..],
        &[
            "--external-server-cert",
            "--preserve-certs",
            "--san=mke.example.com",
        ],
    ]
    .concat();
    killed_at(&flags, "[Deploy Worker Node Agent Service]");
    assert_ne!(all(), before);
    let installed = bootstrapper(&flags);
    assert!(
        installed.stderr.contains("An earlier run was broken off"),
        "{}",
        installed.stderr
    );
    assert!(installed.success(), "{}", installed.stderr);
    assert!(
        installed.stdout.contains(&format!("https://{}", node.ip())),
        "{}",
        installed.stdout
    );

    for (node, documented) in lab.nodes().zip([
        &[
            "ucp-kv",
            "ucp-controller",
            "ucp-proxy",
            "ucp-cluster-root-ca",
            "ucp-client-root-ca",
        ][..],
        &["ucp-proxy"],
    ]) {
        let names = until("the documented names run", || {
            let names = node.docker(&["ps", "--format", "{{.Names}}"]);
            let all = documented
                .iter()
                .all(|name| names.lines().any(|line| line == *name));
            all.then_some(names)
        });
        assert!(!names.contains("kube"), "{names}");
    }
    let admin = Admin::at(node);
    plans_are_shown(node, lab.node(2), &admin);
    let bundle = admin.bundle();
    health_is_told(node, &bundle);
    assert_eq!(applications(), running);
    classic_port_and_twins(node, lab.node(2), &bundle);
    let running = run_everywhere();
    let id = node.docker(&["info", "--format", "{{.Swarm.Cluster.ID}}"]);
    let shown = bootstrapper(&["id"]);
    assert_eq!(shown.stdout.trim(), id.trim(), "{}", shown.stderr);
    for (words, authority) in [
        (&["dump-certs", "--ca"][..], &authority_of_port),
        (&["dump-certs", "--ca", "--cluster"], &authority_of_cluster),
    ] {
        let dumped = bootstrapper(words);
        assert_eq!(dumped.stdout.trim(), authority.trim(), "{}", dumped.stderr);
    }
    let again = bootstrapper(&FLAGS);
    assert!(
        again.stderr.contains("MKE 3.4.15 is already installed"),
        "{}",
        again.stderr
    );

    let services = || node.docker(&["service", "ls", "--format", "{{.Name}}"]);
    let there = services();
    let other = bootstrapper(&["uninstall-ucp", "--id", "other"]);
    assert!(
        !other.success() && other.stderr.contains("not `other`"),
        "{}",
        other.stderr
    );
    assert_eq!(services(), there);
    let log = ["--volume", "/run/uninstall-log:/var/log"];
    let words = ["uninstall-ucp", "--id", id.trim(), "--no-purge-secret"];
    let container = ["run", "--rm", "--name", "ucp"];
    let removed = node.try_docker(&[&container[..], &socket, &log, &[ucp], &words].concat());
    assert!(removed.success(), "{}", removed.stderr);
    // Every single thing is said there, also what is not shown.
    let written = node.exec(&["cat", "/run/uninstall-log/ucp-bootstrap.log"]);
    for told in [
        "removing service ucp-manager-agent",
        "UCP has been removed from this cluster",
    ] {
        assert!(written.contains(told), "{told}: {written}");
    }
    let kept = all();
    assert_eq!(kept[1], before[1], "{}", removed.stderr);
    let more: Vec<&str> = kept[0].difference(&before[0]).map(String::as_str).collect();
    assert!(
        more.iter()
            .any(|line| line.starts_with("config com.docker.ucp.config-"))
            && more.contains(&"secret ucp-auth-key")
            && more
                .iter()
                .all(|line| line.starts_with("config ") || line.starts_with("secret ")),
        "{more:?}"
    );
    let removed = bootstrapper(&["uninstall-ucp", "--id", id.trim(), "--purge-config"]);
    assert!(removed.success(), "{}", removed.stderr);
    assert_eq!(all(), before, "{}", removed.stderr);

    // Cleaning up by hand after a run that was killed near its end.
    killed_at(&FLAGS, "[Wait for All Nodes to be Ready]");
    for id in node.docker(&["service", "ls", "-f", "name=ucp-", "-q"]).lines() {
        node.docker(&["service", "rm", id]);
    }
    for node in lab.nodes() {
        // The swarm removes containers of services too, sometimes at the same moment.
        until("the node is clean", || {
            node.try_exec(&["sh", "-ec", REMOVE]).success().then_some(())
        });
    }
    for (now, before) in all().iter().zip(&before) {
        let kinds = ["container ", "service ", "volume "];
        let left = now.difference(before);
        let left: Vec<_> = left
            .filter(|line| kinds.iter().any(|kind| line.starts_with(kind)))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert_eq!(applications(), running);
}
