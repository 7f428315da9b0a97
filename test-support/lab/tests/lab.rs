//! A lab with real engines. Needs root and the packages docker.io, iptables, iproute2 and util-linux; a missing one fails the
//! test and is named.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mke_lab::{Lab, LabError, Role, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// What `docker node ls` on the first node says about a node.
fn seen(lab: &Lab, node: &str) -> String {
    let line = [
        "node",
        "ls",
        "--filter",
        &format!("name={node}"),
        "--format",
        "{{.Status}} {{.ManagerStatus}}",
    ];
    lab.node(1)
        .unwrap()
        .docker(&line)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    assert!(until(PATIENCE, || condition().then_some(())).is_some(), "{what}");
}

/// Whether a directory or control group of this name is there.
fn traces(name: &str) -> Vec<PathBuf> {
    let mut places = vec![Path::new("/tmp").join(name)];
    let tops = std::fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    places.extend(tops.map(|top| top.path().join(name)));
    places.push(Path::new("/sys/fs/cgroup").join(name));
    places.retain(|place| place.exists());
    places
}

/// A swarm forms, nodes are cut off, switched off and on, another lab is beside it, and nothing stays.
#[test]
fn lab_of_a_swarm() {
    let lab = Lab::builder().nodes(3).swarm(1).start().unwrap();
    let other = Lab::builder()
        .names(["alone"])
        .engine_args(["--experimental"])
        .start()
        .unwrap();
    assert_ne!(lab.net(), other.net());
    let alone = other.node_named("alone").unwrap();
    assert_eq!(alone.exec(&["hostname"]).unwrap(), "alone");
    assert_eq!(
        alone
            .docker(&["version", "--format", "{{.Server.Experimental}}"])
            .unwrap(),
        "true"
    );
    let error = other.node_named("n9").unwrap_err();
    assert_eq!(error.to_string(), "no node `n9` in this lab; it has alone");

    // Inside, the engine is at its usual place, and nodes know each other and the host.
    let (first, third) = (lab.node(1).unwrap(), lab.node(3).unwrap());
    let id = |socket: &str| {
        let words = ["docker", "-H", socket, "info", "--format", "{{.Name}}"];
        third.exec(&words).unwrap()
    };
    assert_eq!(id("unix:///var/run/docker.sock"), "n3");
    let hosts = third.exec(&["cat", "/etc/hosts"]).unwrap();
    assert!(hosts.contains(&format!("{} n1", first.ip())), "{hosts}");
    let host = TcpListener::bind((lab.gateway(), 0)).unwrap();
    let port = host.local_addr().unwrap().port();
    let script = format!("echo hello > /dev/tcp/{}/{port}", lab.gateway());
    third.exec(&["bash", "-c", &script]).unwrap();
    let mut greeting = String::new();
    host.accept().unwrap().0.read_to_string(&mut greeting).unwrap();
    assert_eq!(greeting, "hello\n");

    // What hangs ends at its deadline.
    let late = third.try_exec(&["sleep", "1000"], Duration::from_millis(300));
    assert!(matches!(late, Err(LabError::Late { .. })));
    let failed = third.exec(&["cat", "/no/such/file"]).unwrap_err().to_string();
    assert!(failed.contains("No such file"), "{failed}");

    // A power cut, and a start with the same disk and address.
    third.docker(&["volume", "create", "kept"]).unwrap();
    let ip = third.ip();
    third.kill().unwrap();
    assert!(!third.runs());
    assert!(matches!(third.exec(&["true"]), Err(LabError::NotRunning(_))));
    third.start().unwrap();
    assert_eq!(third.ip(), ip);
    assert_eq!(third.docker(&["volume", "ls", "--quiet"]).unwrap(), "kept");
    wait_until("n3 is back", || seen(&lab, "n3") == "Ready");
    third.stop().unwrap();
    let log = std::fs::read_to_string(third.log()).unwrap();
    assert!(log.contains("Processing signal 'terminated'"), "{log}");
    third.start().unwrap();
    wait_until("n3 is back", || seen(&lab, "n3") == "Ready");

    // A pulled cable: the engine goes on, the swarm misses the node.
    let second = lab.node(2).unwrap();
    second.partition().unwrap();
    assert!(!second.status().connected);
    second.docker(&["info"]).unwrap();
    wait_until("n2 is missed", || seen(&lab, "n2") == "Down");
    second.heal().unwrap();
    wait_until("n2 is back", || seen(&lab, "n2") == "Ready");

    // A worker leaves and comes back as a manager.
    second.docker(&["swarm", "leave"]).unwrap();
    wait_until("n2 has left", || seen(&lab, "n2") == "Down");
    lab.join(2, Role::Manager).unwrap();
    // The node that left is still in the list, under the same name.
    wait_until("n2 is a manager", || {
        seen(&lab, "n2").lines().any(|line| line == "Ready Reachable")
    });
    let status = first.status();
    assert!(
        status.running && status.connected && status.memory > 0,
        "{status:?}"
    );
    assert_eq!(status.swarm.as_deref(), Some("active"));

    let names: Vec<String> = [&lab, &other]
        .iter()
        .map(|lab| lab.directory().file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    drop((lab, other));
    for name in names {
        assert_eq!(traces(&name), Vec::<PathBuf>::new());
    }
}

/// What a privileged container needs is there, also where root lacks a capability.
#[test]
fn lab_runs_privileged_containers() {
    let lab = Lab::up(1).unwrap();
    let node = lab.node(1).unwrap();
    let busybox = Path::new("/bin/busybox");
    assert!(
        busybox.exists(),
        "`/bin/busybox` is missing: install package busybox-static"
    );
    let archive = lab.directory().join("image.tar");
    let tar = Command::new("tar")
        .arg("-cf")
        .arg(&archive)
        .args(["-C", "/bin", "busybox"])
        .status();
    assert!(tar.unwrap().success());
    node.docker(&["import", archive.to_str().unwrap(), "busybox"])
        .unwrap();
    let image = lab.directory().join("saved.tar");
    node.docker(&["save", "-o", image.to_str().unwrap(), "busybox"])
        .unwrap();
    node.docker(&["rmi", "busybox"]).unwrap();
    lab.load_images(&image).unwrap();
    let run = [
        "run",
        "--rm",
        "--privileged",
        "busybox",
        "/busybox",
        "echo",
        "ran",
    ];
    assert_eq!(node.docker(&run).unwrap(), "ran");
    // A container that mounts the socket has its own node's engine.
    let mounted = [
        "run",
        "--rm",
        "--volume",
        "/var/run/docker.sock:/s",
        "busybox",
        "/busybox",
        "ls",
        "/s",
    ];
    assert_eq!(node.docker(&mounted).unwrap(), "/s");
}

/// A lab whose program is killed is gone but for its directory, which the next one removes.
#[test]
fn lab_of_a_killed_program() {
    let own = std::env::current_exe().unwrap();
    let mut holder = Command::new(own)
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find_map(|line| {
        let (_, said) = line.split_once("lab in ")?;
        Some(said.to_owned())
    });
    let (directory, link) = line.as_deref().unwrap().split_once(" with ").unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    wait_until("its link is gone", || {
        !Path::new("/sys/class/net").join(link).exists()
    });
    let name = Path::new(directory).file_name().unwrap().to_str().unwrap();
    assert!(Path::new(directory).exists(), "the kill left it");
    let next = Lab::up(1).unwrap();
    assert_eq!(traces(name), Vec::<PathBuf>::new());
    drop(next);
}

/// Not a test: holds a lab until it is killed.
#[test]
#[ignore = "started by lab_of_a_killed_program"]
fn holder() {
    let lab = Lab::up(1).unwrap();
    let third = lab.net().split('.').nth(2).unwrap().to_owned();
    println!("lab in {} with mkelab{third}", lab.directory().display());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

/// A lab that is kept is found again, and ended.
#[test]
fn lab_that_is_kept() {
    let directory = tempfile::Builder::new()
        .prefix("mke-kept-")
        .tempdir_in("/tmp")
        .unwrap();
    let place = directory.path().join("lab");
    assert!(matches!(Lab::attach(&place), Err(LabError::Absent(_))));
    drop(Lab::builder().nodes(2).keep(&place).start().unwrap());
    let lab = Lab::attach(&place).unwrap();
    let second = lab.node_named("n2").unwrap();
    second.docker(&["volume", "create", "kept"]).unwrap();
    second.kill().unwrap();
    drop(lab);
    let lab = Lab::attach(&place).unwrap();
    let second = lab.node_named("n2").unwrap();
    assert!(!second.runs(), "it was switched off");
    second.start().unwrap();
    assert_eq!(second.docker(&["volume", "ls", "--quiet"]).unwrap(), "kept");
    let twice = Lab::builder().nodes(1).keep(&place).start();
    assert!(matches!(twice, Err(LabError::Present(_))));
    drop(lab);
    Lab::end_kept(&place).unwrap();
    assert!(!place.exists());
    assert!(matches!(Lab::end_kept(&place), Err(LabError::Absent(_))));
}
