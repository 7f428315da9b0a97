//! Three managers of which one loses power, and then one its cable, while somebody writes.

use std::time::Instant;

use mke_test_support::lab::Node;
use mke_test_support::recorder::Recorder;
use serde_json::json;

use super::request::{From, says_why};
use super::world::{Cluster, eventually, measured};

/// ARCH-001, HA-002, MON-004, NOD-001, NOD-005, NST-008: machines that join with a manager's token become managers. When the first
/// of three loses power, API, `docker` and applications go on through the others, what there is one of comes to another manager, no
/// other manager may be demoted, and when it is back all is as it was. A manager that is cut off tells what it knows, refuses writes
/// with the reason, and says that it is not well. One that was demoted is a manager once more with a new member of the store beside its
/// old data. No write that was acknowledged is lost.
#[test]
fn lab_a_cluster_survives_power_cuts_and_partitions() {
    let cluster = Cluster::install(4);
    let [first, second, third, worker] = [1, 2, 3, 4].map(|number| cluster.node(number));
    cluster.join_managers(&[2, 3], 3, 3);
    cluster.join_workers(&[4], 4, 3);
    let bundle = cluster.bundle(first);
    let app = [
        "service",
        "create",
        "--detach",
        "--name",
        "app",
        "--constraint",
        "node.role==worker",
        "mirantis/ucp-etcd:3.4.15",
    ];
    bundle.docker(first, &app).unwrap();
    let before = runs_on(worker, "app");
    cluster.prepare_writes();
    let recorder = Recorder::start(cluster.writer(&[1, 2, 3]));
    recorder.gets_through(10);

    // A power cut at the manager that leads everything there is to lead.
    assert_eq!(cluster.tasks(second, "ucp-cluster-agent"), ["n1"]);
    let begun = Instant::now();
    first.kill();
    recorder.gets_through(10);
    measured("writes after the power cut", begun);
    let unreachable = "Unhealthy MKE Controller: node is unreachable";
    for via in [second, third] {
        cluster.shows(via, "n1", "the others miss the manager", |shown| {
            shown.state == "error" && shown.message == unreachable
        });
        let nodes = bundle
            .docker(via, &["node", "ls", "--format", "{{.Hostname}} {{.Status}}"])
            .unwrap();
        assert!(nodes.contains("n1 Down") && nodes.contains("n4 Ready"), "{nodes}");
        cluster.answers(via);
    }
    let made = [
        "service",
        "create",
        "--detach",
        "--name",
        "made-meanwhile",
        "--constraint",
        "node.role==worker",
        "mirantis/ucp-etcd:3.4.15",
    ];
    bundle.docker(second, &made).unwrap();
    runs_on(worker, "made-meanwhile");
    assert_eq!(runs_on(worker, "app"), before);
    // Nobody takes another vote away now.
    let refused = bundle.docker(second, &["node", "demote", "n3"]).unwrap_err();
    assert!(
        refused.contains("1 of 2 managers would work") && refused.contains("bring back n1 first"),
        "{refused}"
    );
    eventually("the cluster's agent comes to another manager", || {
        let on = cluster.tasks(second, "ucp-cluster-agent");
        let moved = on.len() == 1 && on[0] != "n1";
        if moved { Ok(()) } else { Err(format!("{on:?}")) }
    });

    let begun = Instant::now();
    first.start();
    is_whole_again(&cluster, first);
    measured("healthy after power is back", begun);

    // A cut cable: who is behind it knows what was, and must not decide anything.
    recorder.gets_through(10);
    third.partition();
    let refused = cluster.write(third, From::Inside, "never");
    says_why(&refused);
    for path in [
        "/accounts",
        "/accounts/writers/teams",
        "/api/ucp/nodes",
        "/collections",
    ] {
        let read = cluster.ask(third, From::Inside, "GET", path, None);
        assert!(read.is_success(), "{path}: {read:?}");
    }
    eventually("who is cut off says that it is not well", || {
        let ping = cluster.ask(third, From::Inside, "GET", "/_ping", None);
        if ping.status == 500 {
            Ok(())
        } else {
            Err(format!("{ping:?}"))
        }
    });
    let login = json!({ "username": "admin", "password": "correct horse" });
    says_why(&cluster.ask(third, From::Inside, "POST", "/auth/login", Some(login)));
    cluster.shows(first, "n3", "the others miss the manager", |shown| {
        shown.message == unreachable
    });
    recorder.gets_through(10);

    let begun = Instant::now();
    third.heal();
    is_whole_again(&cluster, third);
    measured("healthy after the cable is whole", begun);
    recorder.gets_through(10);
    let record = recorder.finish();
    eprintln!(
        "longest time without an acknowledgement: {:.1} s",
        record.longest_gap.as_secs_f64()
    );
    for via in [first, second, third] {
        let written = cluster.written(via);
        assert_eq!(
            record.lost(|number| written.contains(&number)),
            Vec::<u64>::new(),
            "via {}",
            via.name()
        );
    }
    assert!(!cluster.get(first, "/accounts/writers/teams/never").is_success());

    manager_again(&cluster, third);
    let written = cluster.written(third);
    assert_eq!(record.lost(|number| written.contains(&number)), Vec::<u64>::new());
}

/// A manager that was demoted and whose old data nobody removed is promoted again: it becomes a new member of the store, and the
/// old data is kept aside.
fn manager_again(cluster: &Cluster, node: Node<'_>) {
    let first = cluster.node(1);
    let begun = Instant::now();
    let place = node.docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", "ucp-kv"]);
    let is_there = |path: &str| {
        let path = format!("{}/{path}", place.trim());
        node.try_exec(&["test", "-d", &path]).success()
    };
    assert!(is_there("member/wal") && !is_there("member.former"));
    let pause = "com.docker.ucp.agent-pause";
    let update = |words: &[&str]| first.docker(&[&["node", "update"], words, &[node.name()]].concat());
    // While it is paused its agent removes nothing.
    update(&["--label-add", &format!("{pause}=true")]);
    cluster.shows(first, node.name(), "the pause is known", |shown| {
        shown.message.contains("not reconciled")
    });
    first.docker(&["node", "demote", node.name()]);
    cluster.store_has(first, 2);
    first.docker(&["node", "promote", node.name()]);
    assert!(is_there("member/wal"), "its data was removed");
    update(&["--label-rm", pause]);
    is_whole_again(cluster, node);
    assert!(is_there("member.former/wal"), "its old data is not kept");
    measured("a manager once more, with old data", begun);
}

/// Waits until everybody agrees that the cluster is as it was before a manager was away.
fn is_whole_again(cluster: &Cluster, back: Node<'_>) {
    cluster.runs_all(back, true);
    for number in [1, 2, 3] {
        cluster.is_healthy(cluster.node(number), 4, 3);
    }
    cluster.answers(back);
    cluster.store_has(back, 3);
}

/// The container that runs of a service of one task.
fn runs_on(node: Node<'_>, service: &str) -> String {
    eventually("the service runs", || {
        let id = node.docker(&["ps", "--quiet", "--filter", &format!("name=^{service}\\.")]);
        if id.is_empty() {
            Err(format!("nothing on {}", node.name()))
        } else {
            Ok(id)
        }
    })
}
