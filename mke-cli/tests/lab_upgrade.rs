//! Upgrading a cluster of real engines from the version before. Needs root, the packages docker.io, iptables, iproute2 and
//! util-linux, and the archives that `cargo xtask test` makes; what is missing fails the test and is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

use std::collections::BTreeMap;

use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, Role, until};

const OLD: &str = "3.4.14";
const NEW: &str = "3.4.15";
/// Machines that run tests are small, and nobody has made a backup there.
const FORCED: [&str; 2] = ["--force-minimums", "--force-recent-backup"];
const HOLD: &str = "com.docker.ucp.upgrade-hold";

/// What the bootstrapper of a version says, and whether it ended well. It runs as a container, as the documents show.
fn bootstrapper(node: Node<'_>, version: &str, says_it_is: &str, words: &[&str]) -> (String, bool) {
    let output = node
        .docker_command()
        .args(["run", "--rm", "--name", "ucp", "--env"])
        .arg(format!("UCP_VERSION={says_it_is}"))
        .args(["--volume", "/var/run/docker.sock:/var/run/docker.sock"])
        .arg(format!("mirantis/ucp:{version}"))
        .args(words)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (said.concat(), output.status.success())
}

fn install(node: Node<'_>) {
    let words = [
        "install",
        "--swarm-only",
        "--force-minimums",
        "--admin-password=correct horse",
    ];
    let (said, well) = bootstrapper(node, OLD, OLD, &words);
    assert!(well, "{said}");
}

/// Version and id of the components that run on a node, by name.
fn components(node: Node<'_>) -> BTreeMap<String, (String, String)> {
    let format = "{{.Names}} {{.Label \"com.docker.ucp.version\"}} {{.ID}}";
    let list = node.docker(&["ps", "--filter", "name=^ucp-", "--format", format]);
    list.lines()
        .filter_map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            Some((words.next()?, (words.next()?, words.next()?)))
        })
        // Tasks of services have numbers behind their names, and what runs once is no component.
        .filter(|(name, _)| !name.contains('.') && name != "ucp-reconcile")
        .collect()
}

/// Waits until a node has all components of its role, each with this version.
fn await_version(node: Node<'_>, manager: bool, version: &str) {
    let needed: &[&str] = match manager {
        true => &["ucp-controller", "ucp-kv", "ucp-proxy"],
        false => &["ucp-proxy"],
    };
    until(&format!("{} has {version}", node.name()), || {
        let there = components(node);
        let all = needed.iter().all(|name| there.contains_key(*name))
            && there.values().all(|(found, _)| found == version);
        all.then_some(())
    });
}

/// The names of the worker agents' services and their images.
fn generations(manager: Node<'_>) -> BTreeMap<String, String> {
    let list = manager.docker(&[
        "service",
        "ls",
        "--filter",
        "name=ucp-worker-agent",
        "--format",
        "{{.Name}} {{.Image}}",
    ]);
    list.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, image)| (name.to_owned(), image.to_owned()))
        .collect()
}

/// UPG-001, UPG-002, UPG-005, UPG-008, UPG-009, UPG-010, UPG-011, UPG-013, UPG-015: refused versions name those that are allowed, what an
/// earlier upgrade left stops the next one before it changes anything, and so do another instance and another address; then
/// one command upgrades all nodes, and in another cluster only the manager: held workers keep their version, each gets the new
/// one when its label goes and the old one when it comes back, and a new worker that begins with the new version takes the
/// place of an old one. Applications go on.
#[test]
fn lab_upgraded_in_place_and_by_hand() {
    let lab = Lab::swarm(4, 1);
    lab.load_images(&images::previous_archive());
    lab.load_images(&images::archive());
    let (manager, workers, fresh) = (lab.node(1), [lab.node(2), lab.node(3)], lab.node(4));
    // It comes later.
    leave(manager, fresh);
    let etcd = "mirantis/ucp-etcd:3.4.14";
    manager.docker(&[
        "service", "create", "--detach", "--mode", "global", "--name", "app", etcd,
    ]);
    let applications = || -> Vec<String> {
        [manager, workers[0], workers[1]]
            .iter()
            .map(|node| node.docker(&["ps", "--quiet", "--filter", "name=^app\\."]))
            .collect()
    };
    until("the application runs", || {
        applications()
            .iter()
            .all(|ids| !ids.trim().is_empty())
            .then_some(())
    });
    let before = applications();
    let everybody = |version: &str| {
        await_version(manager, true, version);
        for worker in workers {
            await_version(worker, false, version);
        }
    };

    install(manager);
    everybody(OLD);
    for (target, allowed) in [("3.4.13", "3.4.15"), ("3.6.1", "3.5.6"), ("3.5.5", "3.5.6")] {
        let (said, well) = bootstrapper(manager, NEW, target, &[&["upgrade"], &FORCED[..]].concat());
        assert!(!well && said.contains(target) && said.contains(allowed), "{said}");
    }
    manager.docker(&["create", "--name", "ucp-upgrader", etcd]);
    let (said, well) = bootstrapper(manager, NEW, NEW, &[&["upgrade"], &FORCED[..]].concat());
    assert!(!well && said.contains("ucp-upgrader"), "{said}");
    manager.docker(&["rm", "ucp-upgrader"]);
    everybody(OLD);

    let (said, well) = bootstrapper(manager, NEW, NEW, &["upgrade", "checks"]);
    for told in [
        "no backup of this cluster is known",
        "--force-recent-backup",
        "BY HAND",
    ] {
        assert!(!well && said.contains(told), "{told}: {said}");
    }
    let id = manager.docker(&["info", "--format", "{{.Swarm.Cluster.ID}}"]);
    let address = manager.ip().to_string();
    for (flag, wrong, told) in [
        ("--id", "other", "not `other`"),
        ("--host-address", "203.0.113.9", "the swarm knows this node as"),
    ] {
        let (said, well) = bootstrapper(
            manager,
            NEW,
            NEW,
            &[&["upgrade", flag, wrong], &FORCED[..]].concat(),
        );
        assert!(!well && said.contains(told), "{said}");
    }
    everybody(OLD);

    // As with a version that did not have it.
    manager.docker(&["service", "rm", "ucp-auth-worker"]);
    let named = ["--id", id.trim(), "--host-address", &address, "--pull", "never"];
    let words = [&["upgrade"], &FORCED[..], &named].concat();
    let (said, well) = bootstrapper(manager, NEW, NEW, &words);
    assert!(well, "{said}");
    let (managers, agents) = (said.find("Upgrade Manager n1"), said.find("Wait for Workers"));
    assert!(managers.is_some() && managers < agents, "{said}");
    everybody(NEW);
    assert_eq!(applications(), before);
    assert!(said.contains("Create Service ucp-auth-worker"), "{said}");
    until("the service that was missing is there", || {
        let format = "{{.Replicas}} {{.Image}}";
        let words = [
            "service",
            "ls",
            "--filter",
            "name=ucp-auth-worker",
            "--format",
            format,
        ];
        let shown = manager.docker(&words);
        (shown.starts_with("1/1 ") && shown.trim().ends_with(NEW)).then_some(())
    });

    let (said, well) = bootstrapper(
        manager,
        NEW,
        NEW,
        &["uninstall-ucp", "--id", id.trim(), "--purge-config"],
    );
    assert!(well, "{said}");
    install(manager);
    everybody(OLD);
    let words = [&["upgrade", "--manual-worker-upgrade"], &FORCED[..]].concat();
    let (said, well) = bootstrapper(manager, NEW, NEW, &words);
    assert!(well, "{said}");
    await_version(manager, true, NEW);
    let images = until("there are two generations", || {
        let found = generations(manager);
        let images: Vec<&str> = found.values().map(String::as_str).collect();
        (images.len() == 2 && images.iter().any(|image| image.ends_with(NEW))).then_some(found)
    });
    assert!(images.values().any(|image| image.ends_with(OLD)), "{images:?}");
    // What held workers lose comes back as it was.
    for worker in workers {
        let lost = components(worker)["ucp-proxy"].1.clone();
        worker.docker(&["rm", "--force", "ucp-proxy"]);
        until("the proxy comes back", || {
            let there = components(worker);
            there.get("ucp-proxy").filter(|(_, id)| *id != lost).map(drop)
        });
        await_version(worker, false, OLD);
    }
    let [first, second] = workers;
    let held = components(second);
    manager.docker(&["node", "update", "--label-rm", HOLD, first.name()]);
    await_version(first, false, NEW);
    assert_eq!(components(second), held);
    // What goes wrong on a worker is answered with the label.
    let labelled = format!("{HOLD}=true");
    manager.docker(&["node", "update", "--label-add", &labelled, first.name()]);
    await_version(first, false, OLD);
    manager.docker(&["node", "update", "--label-rm", HOLD, first.name()]);
    await_version(first, false, NEW);

    lab.join(4, Role::Worker);
    await_version(fresh, false, NEW);
    assert_eq!(components(second), held);
    let others = applications();
    for availability in ["pause", "drain"] {
        manager.docker(&["node", "update", "--availability", availability, second.name()]);
    }
    until("the old worker has no applications", || {
        applications()[2].trim().is_empty().then_some(())
    });
    leave(manager, second);
    until("one generation is left", || {
        let found = generations(manager);
        (found.len() == 1 && found.values().all(|image| image.ends_with(NEW))).then_some(())
    });
    await_version(fresh, false, NEW);
    assert_eq!(applications()[..2], others[..2]);
    assert_eq!(others, before);
}

/// Takes a worker out of the swarm.
fn leave(manager: Node<'_>, worker: Node<'_>) {
    worker.docker(&["swarm", "leave"]);
    manager.docker(&["node", "rm", "--force", worker.name()]);
}
