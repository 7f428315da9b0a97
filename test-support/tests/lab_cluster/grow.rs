//! A cluster that grows to three managers and a worker, loses every component on every node, and becomes smaller again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mke_test_support::lab::{Node, Role};

use super::request::{From, Request};
use super::world::{Cluster, eventually, measured, names, running};

/// ARCH-002, ARCH-024, ARCH-028, HA-003, NOD-004, NOD-006, ORC-005, SWO-003: `install` from a container makes a manager, machines that join
/// the swarm become workers, and promoted workers become managers with a member of the store that has a vote. Each node runs exactly
/// the components of its role and none of Kubernetes, and what is killed or removed comes back. Demoted, a manager has the
/// components of a worker and answers no health checks; removed, it is forgotten; joined again, it is healthy.
#[test]
fn lab_a_cluster_grows_heals_and_shrinks() {
    let cluster = Cluster::install(4);
    let first = cluster.node(1);
    cluster.runs_all(first, true);
    cluster.is_healthy(first, 1, 1);
    cluster.join_workers(&[2, 3, 4], 4, 1);
    cluster.promote(2, 4, 2);
    cluster.promote(3, 4, 3);

    services_have_their_tasks(&cluster);
    workers_manage_nothing(cluster.node(4));
    for (number, manager) in [(1, true), (2, true), (3, true), (4, false)] {
        let node = cluster.node(number);
        let all = node.docker(&["ps", "--all", "--format", "{{.Names}} {{.Image}}"]);
        assert!(!all.contains("k8s_") && !all.contains("kube"), "{all}");
        for word in ["kill", "rm"] {
            everything_comes_back(&cluster, node, manager, word);
        }
    }
    cluster.is_healthy(first, 4, 3);
    cluster.store_has(first, 3);
    services_have_their_tasks(&cluster);

    // Nothing that is served to browsers speaks of Kubernetes either.
    for path in ["/", "/manage", "/apidocs"] {
        let page = cluster.get(first, path).body.to_ascii_lowercase();
        assert!(!page.contains("kube"), "{path}: {page}");
    }

    demoted_removed_and_joined_again(&cluster, 3);
}

/// One task of the cluster's agent on a manager, one of every other service for managers on each of them, one of the workers' agent on
/// each worker, and no other service.
fn services_have_their_tasks(cluster: &Cluster) {
    let first = cluster.node(1);
    let managers = ["n1", "n2", "n3"].map(str::to_owned);
    let services = first.docker(&["service", "ls", "--format", "{{.Name}}"]);
    let services: BTreeSet<&str> = services.lines().collect();
    let on_managers = ["ucp-auth-api", "ucp-auth-worker", "ucp-manager-agent"];
    let others = ["ucp-cluster-agent", "ucp-worker-agent-x"];
    assert_eq!(services, on_managers.into_iter().chain(others).collect());
    eventually("each service has its tasks", || {
        let tasks: BTreeMap<&str, Vec<String>> = services
            .iter()
            .map(|service| (*service, cluster.tasks(first, service)))
            .collect();
        let one = &tasks["ucp-cluster-agent"];
        let right = one.len() == 1
            && managers.contains(&one[0])
            && on_managers.iter().all(|service| tasks[service] == managers)
            && tasks["ucp-worker-agent-x"] == ["n4"];
        if right { Ok(()) } else { Err(format!("{tasks:?}")) }
    });
}

/// A worker takes no orders about the swarm, and has no controller.
fn workers_manage_nothing(worker: Node<'_>) {
    for words in [
        &["node", "ls"][..],
        &["service", "ls"],
        &["service", "create", "mirantis/ucp-etcd:3.4.15"],
        &["swarm", "join-token", "worker"],
    ] {
        let refused = worker.try_docker(words);
        assert!(
            !refused.success() && refused.stderr.contains("not a swarm manager"),
            "{words:?}: {refused:?}"
        );
    }
    assert_eq!(Request::new(worker, "GET", "/_ping").send().status, 0);
}

/// Takes every component of a node away, and waits until each was started anew and the cluster is as it was.
fn everything_comes_back(cluster: &Cluster, node: Node<'_>, manager: bool, word: &str) {
    let before = running(node);
    assert!(before.keys().eq(&names(manager)), "{before:?}");
    let begun = Instant::now();
    for name in before.keys() {
        let words: &[&str] = match word {
            "kill" => &["kill", name],
            _ => &["rm", "--force", name],
        };
        // What another one pulls along in its fall is gone already.
        let taken = node.try_docker(words);
        assert!(
            taken.success() || taken.stderr.contains("is not running"),
            "{taken:?}"
        );
    }
    eventually("every component was started anew", || {
        let now = running(node);
        let anew = now.keys().eq(before.keys()) && now.iter().all(|(name, start)| before[name] != *start);
        if anew {
            Ok(())
        } else {
            Err(format!("{}: {now:?}", node.name()))
        }
    });
    measured(word, begun);
    let via = if node.name() == "n1" { 2 } else { 1 };
    cluster.is_healthy(cluster.node(via), 4, 3);
    if manager {
        cluster.answers(node);
    }
    // Who repaired it has gone again, and is content.
    let ended = node.docker(&[
        "ps",
        "--all",
        "--filter",
        "name=^ucp-reconcile$",
        "--format",
        "{{.Status}}",
    ]);
    assert!(ended.starts_with("Exited (0)"), "{ended}");
}

fn demoted_removed_and_joined_again(cluster: &Cluster, number: usize) {
    let (first, node) = (cluster.node(1), cluster.node(number));
    let begun = Instant::now();
    let bundle = cluster.bundle(first);
    bundle.docker(first, &["node", "demote", node.name()]).unwrap();
    cluster.runs_all(node, false);
    cluster.is_healthy(first, 4, 2);
    measured("demotion", begun);
    cluster.store_has(first, 2);
    // A load balancer that asks gets no answer at all.
    assert_eq!(Request::new(node, "GET", "/_ping").send().status, 0);
    let labels = first.docker(&[
        "node",
        "inspect",
        "--format",
        "{{json .Spec.Labels}}",
        node.name(),
    ]);
    for orchestrator in ["swarm", "kubernetes"] {
        let label = format!("\"com.docker.ucp.orchestrator.{orchestrator}\":\"true\"");
        assert!(labels.contains(&label), "{labels}");
    }

    node.docker(&["swarm", "leave"]);
    eventually("the swarm lets it go", || {
        let removed = first.try_docker(&["node", "rm", node.name()]);
        if removed.success() {
            Ok(())
        } else {
            Err(removed.stderr)
        }
    });
    cluster.is_healthy(first, 3, 2);
    let shown = cluster.shown(first, From::Host).unwrap();
    assert!(!shown.contains_key(node.name()), "{shown:?}");

    let begun = Instant::now();
    cluster.lab.join(number, Role::Worker);
    cluster.runs_all(node, false);
    cluster.is_healthy(first, 4, 2);
    measured("join again", begun);
    assert!(cluster.get(first, "/accounts").took < Duration::from_secs(60));
}
