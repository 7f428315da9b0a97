//! What goes wrong around an installation: rights, room on the disk, the engine itself.

use std::process::{Command, Stdio};

use mke_test_support::lab::{Node, until};

use super::{FLAGS, Running, listing, log, run};

/// Somebody who may not speak to the engine is told who may, and nothing is tried.
pub(crate) fn no_rights(node: Node<'_>) {
    let before = listing(node);
    for words in [&FLAGS[..], &["uninstall-ucp", "--id", "x"], &["id"]] {
        let refused = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(env!("CARGO_BIN_EXE_ucp"))
            .args(words)
            .env_clear()
            .env("MKE_ENGINE_SOCKET", node.sock())
            .env("MKE_DATA_DIR", "/nonexistent")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("`setpriv` ({error}): install package util-linux"));
        let told = log(&refused);
        assert!(!refused.status.success(), "{told}");
        for expected in [
            "permission denied",
            "docker.sock",
            "member of the group that owns it",
        ] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }
    assert_eq!(listing(node), before);
}

/// Without room for what volumes hold, all is taken back, and the reason is said with what helps.
pub(crate) fn full_disk(node: Node<'_>) {
    let before = listing(node);
    let volumes = "/var/lib/docker/volumes";
    node.exec(&["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", volumes]);
    let failed = run(node, &FLAGS);
    let left = listing(node);
    node.exec(&["umount", volumes]);
    let told = log(&failed);
    assert!(!failed.status.success(), "{told}");
    for expected in ["its disk is full: make room", "No space left on device"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(left, before, "{told}");
}

/// An engine that ends in the middle can take nothing back: that is said with what helps, and the next run cleans up.
pub(crate) fn engine_that_ends(node: Node<'_>) {
    let before = listing(node);
    let mut running = Running::start(node, &FLAGS);
    running.until("[Deploy Manager Components]");
    node.kill();
    let (told, well) = running.end();
    assert!(!well, "{told}");
    for expected in [
        "start the Docker Engine",
        "once the engine answers, run this again or `uninstall-ucp`",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    node.start();
    until("the swarm has its leader again", || {
        node.try_docker(&["node", "ls"]).success().then_some(())
    });
    assert_ne!(listing(node), before);
    let id = node.docker(&["info", "--format", "{{.Swarm.Cluster.ID}}"]);
    let removed = run(node, &["uninstall-ucp", "--id", id.trim(), "--purge-config"]);
    let told = log(&removed);
    assert!(
        removed.status.success() && told.contains("was broken off"),
        "{told}"
    );
    // Whoever takes the product off keeps the swarm.
    node.docker(&["swarm", "leave", "--force"]);
    node.docker(&["network", "rm", "docker_gwbridge"]);
    assert_eq!(listing(node), before, "{told}");
}
