//! `ucp kernel` on a copy of a machine's files and in a network namespace, with the watcher as the process that it is.

#![cfg(test)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{UCP, eventually};

/// A machine's files: 4 parameters, all but one of them wrong.
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("kernel/panic", "0"),
        ("kernel/panic_on_oops", "1"),
        ("vm/overcommit_memory", "0"),
        ("net/ipv4/ip_local_reserved_ports", "22"),
    ] {
        let path = root.path().join("proc/sys").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{value}\n")).unwrap();
    }
    root
}

fn ucp(root: &Path, args: &[&str]) -> Output {
    Command::new(UCP)
        .arg("kernel")
        .args(args)
        .arg("--root")
        .arg(root)
        .env_remove("MKE_OUTPUT")
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn value(root: &Path, name: &str) -> String {
    std::fs::read_to_string(root.join("proc/sys").join(name))
        .unwrap()
        .trim()
        .to_owned()
}

/// SYS-002, SYS-007, NET-015: plan, apply, confirm, drift and revert from the shell, with their exit codes.
#[test]
fn from_the_shell() {
    let root = machine();
    let root = root.path();
    let plan = ucp(root, &["plan"]);
    assert_eq!(code(&plan), 1, "{}", text(&plan));
    assert!(text(&plan).contains("net.ipv4.ip_local_reserved_ports: 22 becomes 22,32768-35535\n"));
    let json: Value = serde_json::from_slice(&ucp(root, &["plan", "--output", "json"]).stdout).unwrap();
    assert_eq!(json["steps"][0]["key"], "kernel.panic");
    assert_eq!(code(&ucp(root, &["confirm"])), 1);

    assert_eq!(code(&ucp(root, &["apply", "--confirm-within", "3600"])), 0);
    let waiting = ucp(root, &["status"]);
    assert!(
        text(&waiting).starts_with("a change waits for its confirmation, 3"),
        "{}",
        text(&waiting)
    );
    assert_eq!(code(&ucp(root, &["apply"])), 0, "there is nothing more to write");
    assert_eq!(
        code(&ucp(root, &["apply", "--set", "kernel.panic=7"])),
        1,
        "a change waits"
    );
    assert_eq!(text(&ucp(root, &["confirm"])), "3 values kept\n");
    assert!(root.join("etc/sysctl.d/95-ucp.conf").exists());
    assert_eq!(code(&ucp(root, &["plan"])), 0);

    std::fs::write(root.join("proc/sys/vm/overcommit_memory"), "2\n").unwrap();
    let drifted = ucp(root, &["status"]);
    assert_eq!(code(&drifted), 1);
    assert!(text(&drifted).contains("drifted: vm.overcommit_memory was set to `1` and is `2`\n"));
    let reverted = ucp(root, &["revert", "--all"]);
    assert_eq!(code(&reverted), 1);
    assert_eq!(
        text(&reverted),
        "2 values taken back\nleft alone, because others have changed it: vm.overcommit_memory\n"
    );
    assert_eq!(code(&ucp(root, &["revert", "--all", "--force"])), 0);
    assert_eq!(value(root, "vm/overcommit_memory"), "0");
    assert_eq!(value(root, "net/ipv4/ip_local_reserved_ports"), "22");
    assert!(!root.join("etc/sysctl.d/95-ucp.conf").exists());
    assert_eq!(text(&ucp(root, &["status"])), "nothing is changed\n");
}

/// SYS-002: arguments without meaning are told as such, and change nothing.
#[test]
fn wrong_arguments() {
    let root = machine();
    for args in [
        &["plan", "--set", "kernel.panic"] as &[&str],
        &["plan", "--set", "/etc/passwd=1"],
        &["plan", "--node-ports", "9-8"],
        &["apply", "--confirm-within", "0"],
        &["status", "--netns", "no-such-namespace"],
        &["plan", "--config", "/nonexistent.toml", "--netns", "1x"],
    ] {
        assert!(matches!(code(&ucp(root.path(), args)), 2 | 3), "{args:?}");
    }
    assert_eq!(value(root.path(), "kernel/panic"), "0");
    assert!(!root.path().join("var").exists());
}

/// SYS-001: nobody confirms, and the watcher takes the values back although the program that wrote them is long gone.
#[tokio::test]
async fn the_watcher_takes_back() {
    let root = machine();
    let root = root.path();
    let applied = ucp(root, &["apply", "--confirm-within", "1"]);
    assert_eq!(code(&applied), 0);
    assert!(
        text(&applied).ends_with("run `ucp kernel confirm` within 1 seconds, or everything is taken back\n")
    );
    // Nothing but the watcher looks here.
    eventually("the watcher", async || {
        (value(root, "kernel/panic") == "0" && value(root, "net/ipv4/ip_local_reserved_ports") == "22")
            .then_some(())
    })
    .await;
    eventually("an empty journal", async || {
        let names = std::fs::read_dir(root.join("var/lib/mke/kernel/host"))
            .unwrap()
            .flatten();
        names
            .map(|entry| entry.file_name())
            .all(|name| name == "lock")
            .then_some(())
    })
    .await;
    let late = ucp(root, &["confirm"]);
    assert_eq!(code(&late), 1);
}

/// A namespace that is removed on drop.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// SYS-004: a namespace is changed and nothing but it.
#[test]
fn in_a_namespace() {
    let name = format!("mke-ucp-{}", std::process::id());
    let made = Command::new("ip")
        .args(["netns", "add", &name])
        .status()
        .expect("Debian package iproute2");
    assert!(made.success());
    let namespace = Namespace(name);
    let inside = |args: &[&str]| {
        let output = Command::new("ip")
            .args(["netns", "exec", &namespace.0])
            .args(args)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let outside = std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap();
    inside(&["sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"]);
    let root = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/proc", root.path().join("proc")).unwrap();
    let forward = || inside(&["cat", "/proc/sys/net/ipv4/ip_forward"]);
    let here = |args: &[&str]| ucp(root.path(), &[args, &["--netns", &namespace.0]].concat());
    let applied = here(&["apply", "--swarm-only", "--confirmed"]);
    assert_eq!(code(&applied), 0, "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(forward(), "1\n");
    assert!(!root.path().join("etc").exists(), "a namespace has no next start");
    assert_eq!(code(&here(&["revert", "--all"])), 0);
    assert_eq!(forward(), "0\n");
    assert_eq!(
        std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(),
        outside
    );
}
