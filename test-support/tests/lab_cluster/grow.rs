//! A cluster that grows to three managers and a worker, loses every component on every node, and becomes smaller again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mke_test_support::lab::{Node, Role};
use serde_json::json;

use super::quorum::maintain;
use super::request::{From, Request};
use super::world::{Cluster, eventually, measured, names, running};

/// ARCH-002, ARCH-003, ARCH-024, ARCH-028, HA-003, NOD-004, NOD-006, ORC-005, SWO-003: `install` from a container makes a manager, machines that join
/// the swarm become workers, and promoted workers become managers with a member of the store that has a vote. Each node runs exactly
/// the components of its role and none of Kubernetes, and what is killed or removed comes back. Demoted, a manager has the
/// components of a worker and answers no health checks; removed, it is forgotten; joined again, it is healthy. The cluster agent keeps a
/// member of the store and a replica of the authentication store on each manager and the same nodes in every inventory; what it keeps in
/// Kubernetes is planned only (`from_nothing_to_another_configuration` and `whatever_is_there` in `mke-agent/tests/node/addons_plan.rs`).
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

    the_cluster_agent_follows(&cluster);
    licences_replace_each_other(&cluster);

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

/// What the cluster agent keeps: a member of the store and a replica of the authentication store on each manager, and the same nodes
/// with the same roles wherever somebody asks, SwarmKit, the classic endpoint or the inventory.
fn the_cluster_agent_follows(cluster: &Cluster) {
    let first = cluster.node(1);
    let of_swarm: BTreeMap<String, String> = first
        .docker(&["node", "ls", "--format", "{{.Hostname}}={{.ManagerStatus}}"])
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, status)| {
            let role = if status.trim().is_empty() {
                "worker"
            } else {
                "manager"
            };
            (name.to_owned(), role.to_owned())
        })
        .collect();
    assert_eq!(of_swarm.len(), 4, "{of_swarm:?}");
    let managers: Vec<&String> = of_swarm
        .iter()
        .filter(|(_, role)| *role == "manager")
        .map(|(name, _)| name)
        .collect();
    for number in 1..=3 {
        let node = cluster.node(number);
        eventually("the inventory is the swarm's", || {
            let shown = cluster.shown(node, From::Host)?;
            let shown = shown.into_iter().map(|(name, shown)| (name, shown.role));
            let shown: BTreeMap<String, String> = shown.collect();
            match shown == of_swarm {
                true => Ok(()),
                false => Err(format!("{} shows {shown:?}", node.name())),
            }
        });
    }
    eventually("the classic endpoint lists the same nodes", || {
        let info = cluster.get(first, "/info").success()?;
        let rows = info["SystemStatus"].as_array().cloned().unwrap_or_default();
        let listed: BTreeSet<String> = rows
            .iter()
            .filter_map(|row| row[0].as_str()?.strip_prefix(' '))
            .filter(|name| !name.starts_with(' '))
            .map(str::to_owned)
            .collect();
        match listed.iter().eq(of_swarm.keys()) {
            true => Ok(()),
            false => Err(format!("{rows:?}")),
        }
    });
    // As many replicas as managers, in the words that scripts have for it.
    let replicas = managers.len().to_string();
    let settled = maintain(first, &["reconfigure-db", "--num-replicas", &replicas]);
    assert!(settled.success(), "{settled:?}");
    let status = maintain(first, &["db-status"]);
    for number in 1..=managers.len() {
        let at = format!("https://{}:12379", cluster.node(number).ip());
        assert!(status.success() && status.stdout.contains(&at), "{status:?}");
    }
    cluster.store_has(first, managers.len());
}

/// A new licence is a new config object, and the cluster agent removes the one that it replaces.
fn licences_replace_each_other(cluster: &Cluster) {
    let first = cluster.node(1);
    // Ends in 2100; who signed it is not checked.
    let signed = "eyJwYXlsb2FkIjoiZXlKbGVIQnBjbUYwYVc5dUlqb2lNakV3TUMwd01TMHdNbFF3TXpvd05Eb3dOVm9pZlEiLCJzaWduYXR1cmVzIjpbXX0=";
    let license = json!({ "key_id": "k1", "authorization": signed });
    for number in [1, 2] {
        let path = "/api/ucp/config/license";
        let stored = cluster.ask(first, From::Host, "PUT", path, Some(license.clone()));
        let stored = stored.success().unwrap();
        assert_eq!(stored["object"], format!("com.docker.license-{number}"));
    }
    eventually("one licence is left", || {
        let listed = first.docker(&["config", "ls", "--format", "{{.Name}}"]);
        let licences: Vec<&str> = listed.lines().filter(|name| name.contains("license")).collect();
        match licences == ["com.docker.license-2"] {
            true => Ok(()),
            false => Err(format!("{licences:?}")),
        }
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
