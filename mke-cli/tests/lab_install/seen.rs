//! What is seen on a cluster that is installed: plans, health, the port for classic clients.

use std::collections::BTreeSet;

use mke_core::config::Config;
use mke_test_support::lab::{Node, until};

use super::admin::{Admin, Bundle, said};

/// What a node's own `ucp` plans, and whether nothing is to be done.
fn planned(node: Node<'_>, words: &[&str]) -> (String, bool) {
    let program = env!("CARGO_BIN_EXE_ucp");
    said(node.command(program).arg("plan").args(words).output().unwrap())
}

/// What is planned for nodes that are as wanted, and for one whose configuration is another: on the nodes themselves and through
/// the control plane.
pub(crate) fn plans_are_shown(manager: Node<'_>, worker: Node<'_>, admin: &Admin) {
    for node in [manager, worker] {
        let told = until("nothing is left to do on the node", || {
            let (told, settled) = planned(node, &[]);
            settled.then_some(told)
        });
        assert!(told.contains(node.name()), "{told}");
        // What only the managers know was asked of them.
        assert!(!told.contains("taken from the swarm"), "{told}");
    }
    let names = [
        "config",
        "ls",
        "--filter",
        "name=com.docker.ucp.config",
        "--quiet",
    ];
    let id = manager.docker(&names);
    let format = "{{printf \"%s\" .Spec.Data}}";
    let text = manager.docker(&[
        "config",
        "inspect",
        "--format",
        format,
        id.lines().next().unwrap(),
    ]);
    let mut config = Config::parse(&text).unwrap();
    config.cluster.controller_port = 8443;
    config.cluster.dns = vec!["10.9.9.9".to_owned()];
    let file = admin.path().join("other.toml");
    std::fs::write(&file, config.to_toml()).unwrap();
    let other = ["--config", file.to_str().unwrap()];
    for (node, component) in [(manager, "ucp-controller"), (worker, "ucp-proxy")] {
        let (told, settled) = planned(node, &other);
        assert!(!settled && told.contains(component), "{told}");
    }
    for name in [manager.name(), worker.name()] {
        let (told, settled) = admin.run(&["node", "plan", name], "");
        assert!(settled && told.contains(name), "{told}");
    }
    let (told, well) = admin.run(&["node", "plan", "n9"], "");
    assert!(!well && told.contains("n9"), "{told}");
}

/// Health of a manager before, while and after one of its components is broken: in public and for administrators with a
/// certificate.
pub(crate) fn health_is_told(manager: Node<'_>, bundle: &Bundle) {
    let ok = ("200".to_owned(), "OK".to_owned());
    for with_certificate in [false, true] {
        assert_eq!(bundle.ping(manager, with_certificate, &[]), ok);
        let head = bundle.ping(manager, with_certificate, &["--head"]);
        assert_eq!(head.0, "404");
    }
    let pause = "com.docker.ucp.agent-pause";
    let update = |words: &[&str]| manager.docker(&[&["node", "update"], words, &[manager.name()]].concat());
    update(&["--label-add", &format!("{pause}=true")]);
    manager.docker(&["stop", "--time", "1", "ucp-metrics"]);
    let why = until("the manager says what is broken", || {
        let (status, why) = bundle.ping(manager, true, &[]);
        (status == "500" && why.contains("ucp-metrics")).then_some(why)
    });
    let public = ("500".to_owned(), "unhealthy".to_owned());
    assert_eq!(bundle.ping(manager, false, &[]), public, "{why}");
    for with_certificate in [false, true] {
        assert_eq!(bundle.ping(manager, with_certificate, &["--head"]).0, "404");
    }
    update(&["--label-rm", pause]);
    until("the manager is healthy again", || {
        (bundle.ping(manager, false, &[]) == ok).then_some(())
    });
}

/// The port for classic clients lists the nodes, and a copied engine is told from a good one with what to do about it.
pub(crate) fn classic_port_and_twins(manager: Node<'_>, worker: Node<'_>, bundle: &Bundle) {
    let nodes = || {
        bundle.docker(
            manager,
            2376,
            &["node", "ls", "--format", "{{.Hostname}} {{.Status}}"],
        )
    };
    let (listed, well) = nodes();
    let rows: BTreeSet<&str> = listed.lines().collect();
    assert!(well && rows == ["n1 Ready", "n2 Ready"].into(), "{listed}");
    let (info, well) = bundle.docker(manager, 2376, &["info"]);
    assert!(well && info.contains("n1") && info.contains("n2"), "{info}");
    let key = "/etc/docker/key.json";
    let original = manager.exec(&["cat", key]);
    worker.exec(&["sh", "-c", &format!("printf %s '{}' > {key}", original.trim())]);
    worker.stop();
    worker.start();
    let states = || manager.try_docker(&["exec", "ucp-controller", "/bin/ucp-agent", "nodes"]);
    let told = until("the copied engine is seen", || {
        let told = states();
        (told.stdout.matches("has status Pending").count() == 2).then_some(told.stdout)
    });
    assert!(
        told.contains("another node has the same engine id") && told.contains(key),
        "{told}"
    );
    worker.exec(&["rm", key]);
    worker.stop();
    worker.start();
    until("both are healthy", || states().success().then_some(()));
}
