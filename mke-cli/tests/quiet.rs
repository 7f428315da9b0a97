//! What a control plane never does by itself: call out.

#![cfg(test)]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use support::{PASSWORD, UCP, eventually};

/// One number of a protocol from `/proc/<pid>/net/snmp`: a line of names, then a line of values.
fn counted(pid: u32, protocol: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/net/snmp")).unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(protocol));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs
        .find(|(found, _)| *found == name)
        .unwrap()
        .1
        .parse()
        .unwrap()
}

/// TEL-001: with every analytics switch as it is by default, which means on, a control plane that starts and serves opens no
/// connection and sends no datagram. It has a network of its own here, whose kernel counts everything that leaves it.
#[tokio::test]
async fn nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready.json");
    let mut child = Command::new("unshare")
        .args([
            "--net",
            "--",
            "sh",
            "-c",
            "ip link set lo up && exec \"$@\"",
            "sh",
            UCP,
        ])
        .args([
            "serve",
            "--listen",
            "127.0.0.1:8443",
            "--host-address",
            "127.0.0.1",
        ])
        .args([
            "--engine",
            "unix:///nonexistent/docker.sock",
            "--registry-certs-dir",
            "",
        ])
        .arg("--data-dir")
        .arg(dir.path().join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("UCP_ADMIN_PASSWORD", PASSWORD)
        .env_remove("DOCKER_HOST")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(dir.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    eventually("the control plane serves", async || ready.exists().then_some(())).await;
    let pid = child.id();
    let sent = (
        counted(pid, "Tcp:", "ActiveOpens"),
        counted(pid, "Udp:", "OutDatagrams"),
    );
    let listening = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(sent, (0, 0), "connections opened and datagrams sent");
    // State 0A is listening: the port of the API, in its own network and not in that of the machine.
    let own: Vec<_> = listening.lines().skip(1).collect();
    assert!(
        own.len() == 1 && own[0].contains(":20FB ") && own[0].contains(" 0A "),
        "{listening}"
    );
}

/// TEL-001: no part of the program can send a report: only engines, other parts of the same cluster, the remote syslog
/// and, for recovery from the shell, the socket in the data directory are called.
#[test]
fn who_calls_out() {
    fn files(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../mke-agent/src");
    let mut all = Vec::new();
    files(&root, &mut all);
    let calls = [
        "TcpStream::connect",
        "UdpSocket::bind",
        "UnixStream::connect",
        "reqwest",
        "HttpConnector",
    ];
    let mut callers: Vec<_> = all
        .iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            // Tests that stand below the code may call.
            let code = text.split("#[cfg(test)]").next().unwrap();
            calls.iter().any(|call| code.contains(call))
        })
        .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    callers.sort();
    assert_eq!(
        callers,
        [
            "controller/live/syslog/sender.rs",
            "controller/recovery.rs",
            // Engines: the socket of this node's, and the proxies of the others.
            "engine/way.rs",
            // The installer asks whether the node that it installs answers.
            "install/ping.rs",
            "install/probe.rs",
            "install/wait.rs",
            // Components of one cluster among each other.
            "mtls/caller.rs",
            // A change of kernel parameters looks whether managers are still reached.
            "programs/kernel.rs",
            "relay/mod.rs",
        ]
    );
}
