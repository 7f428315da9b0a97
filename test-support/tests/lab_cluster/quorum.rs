//! Two of three managers are lost for good.

use std::time::{Duration, Instant};

use mke_test_support::lab::{Ended, Node, Role};
use mke_test_support::recorder::Recorder;

use super::request::{From, says_why};
use super::world::{Cluster, eventually, measured};

/// HA-001, HA-002, HA-003, DBS-003, DBS-004: a manager whose member of the store lost its data gets a new one. When two of three managers are lost, what is known can still be read, and writes fail in bounded time, name the
/// managers that are missing and the way out. After `docker swarm init --force-new-cluster` on the one that is left, an emergency repair of the
/// store keeps the users and all that was acknowledged, table by table; the cluster forgets the others once they are removed, and new machines
/// make it what it was. When one of two is lost then, the store goes on alone without being told.
#[test]
fn lab_a_lost_majority_is_recovered_from_one_manager() {
    let cluster = Cluster::install(4);
    let [first, second, third, fresh] = [1, 2, 3, 4].map(|number| cluster.node(number));
    cluster.join_managers(&[2, 3], 3, 3);
    let replicas = maintain(first, &["--debug", "reconfigure-db", "--num-replicas", "3"]);
    assert!(
        replicas.success()
            && replicas
                .stdout
                .contains("Reconfigured Replication of Table \"accounts\""),
        "{replicas:?}"
    );
    let too_many = maintain(first, &["reconfigure-db", "--num-replicas", "5"]);
    assert!(
        !too_many.success() && too_many.stderr.contains("each of the 3 managers"),
        "{too_many:?}"
    );
    let status = maintain(first, &["db-status"]);
    for node in [first, second, third] {
        let at = format!("https://{}:12379", node.ip());
        assert!(status.success() && status.stdout.contains(&at), "{status:?}");
    }
    loses_its_data(&cluster, third);
    cluster.prepare_writes();
    let recorder = Recorder::start(cluster.writer(&[1, 2, 3]));
    recorder.gets_through(20);

    // What two of three acknowledge once the other is gone, each of the two has, with everything before.
    second.kill();
    recorder.gets_through(10);
    third.kill();
    recorder.is_refused(4);
    let refused = cluster.write(first, From::Host, "never");
    says_why(&refused);
    for missing in [second, third] {
        assert!(refused.body.contains(missing.name()), "{refused:?}");
    }
    assert!(
        refused.body.contains("bring one of them back") && refused.body.contains("--force-new-cluster"),
        "{refused:?}"
    );
    for path in [
        "/accounts",
        "/accounts/writers/teams",
        "/api/ucp/nodes",
        "/collections",
        "/containers/json",
    ] {
        let read = cluster.get(first, path);
        assert!(read.is_success(), "{path}: {read:?}");
    }
    eventually("the manager says that it is not well", || {
        let ping = cluster.ask(first, From::Host, "GET", "/_ping", None);
        if ping.status == 500 {
            Ok(())
        } else {
            Err(format!("{ping:?}"))
        }
    });
    let swarm = cluster.get(first, "/services");
    assert!(
        !swarm.is_success() && swarm.took < Duration::from_secs(50),
        "{swarm:?}"
    );
    assert!(
        swarm.body.contains(second.name()) && swarm.body.contains("bring one of them back"),
        "{swarm:?}"
    );

    let status = || first.try_docker(&["exec", "ucp-controller", "ucp-agent", "kv", "status"]);
    let told = status();
    assert!(
        !told.success() && told.stdout.contains("2 must be: no writes are taken"),
        "{told:?}"
    );

    let begun = Instant::now();
    go_on_alone(first);
    let repaired = maintain(first, &["reconfigure-db", "--emergency-repair"]);
    assert!(
        repaired.success()
            && repaired.stdout.contains("takes writes")
            && repaired.stdout.contains("Table \"accounts\""),
        "{repaired:?}"
    );
    cluster.store_has(first, 1);
    eventually("writes are taken again", || {
        cluster.write(first, From::Host, "again").success()
    });
    measured("writes after the recovery", begun);
    let told = status();
    assert!(
        told.success() && told.stdout.contains(&format!("https://{}:12379", first.ip())),
        "{told:?}"
    );
    recorder.gets_through(10);
    let record = recorder.finish();
    let written = cluster.written(first);
    assert_eq!(record.lost(|number| written.contains(&number)), Vec::<u64>::new());
    assert!(!cluster.get(first, "/accounts/writers/teams/never").is_success());

    for lost in [second, third] {
        eventually("the swarm lets the lost node go", || {
            let removed = first.try_docker(&["node", "rm", "--force", lost.name()]);
            if removed.success() {
                Ok(())
            } else {
                Err(removed.stderr)
            }
        });
    }
    cluster.is_healthy(first, 1, 1);
    cluster.answers(first);

    cluster.lab.join(4, Role::Worker);
    cluster.runs_all(fresh, false);
    cluster.promote(4, 2, 2);
    let written = cluster.written(fresh);
    assert_eq!(record.lost(|number| written.contains(&number)), Vec::<u64>::new());

    fresh.kill();
    eventually("writes are refused", || {
        let refused = cluster.write(first, From::Host, "once more");
        if refused.status == 503 && refused.body.contains("bring it back") {
            Ok(())
        } else {
            Err(format!("{refused:?}"))
        }
    });
    let begun = Instant::now();
    go_on_alone(first);
    cluster.store_has(first, 1);
    eventually("writes are taken again", || {
        cluster.write(first, From::Host, "at last").success()
    });
    measured("writes after the recovery by itself", begun);
    let written = cluster.written(first);
    assert_eq!(record.lost(|number| written.contains(&number)), Vec::<u64>::new());
}

/// The member of a node's store loses its data: it is not started as it was, a new one takes its place.
fn loses_its_data(cluster: &Cluster, node: Node<'_>) {
    let first = cluster.node(1);
    let member = || {
        let listed = first
            .try_docker(&["exec", "ucp-kv", "etcdctl", "member", "list"])
            .stdout;
        let url = format!("https://{}:12380", node.ip());
        let line = listed.lines().find(|line| line.contains(&url)).map(str::to_owned);
        line.ok_or(listed)
    };
    let id = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
    let before = id(&member().unwrap());
    let begun = Instant::now();
    let data = node.docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", "ucp-kv"]);
    node.exec(&["rm", "-r", &format!("{}/member", data.trim())]);
    node.docker(&["kill", "ucp-kv"]);
    eventually("another member is in its place", || {
        let now = member()?;
        match id(&now) != before && now.contains("started") {
            true => Ok(()),
            false => Err(now),
        }
    });
    cluster.store_has(first, 3);
    cluster.is_healthy(first, 3, 3);
    measured("a member without its data is replaced", begun);
}

/// Maintains the authentication store as scripts do.
pub(super) fn maintain(node: Node<'_>, words: &[&str]) -> Ended {
    let at = format!("--db-addr={}:12383", node.ip());
    let image = "mirantis/ucp-auth:3.4.15";
    let run = ["run", "--rm", "--volume", "ucp-auth-store-certs:/tls", image, &at];
    node.try_docker(&[&run, words].concat())
}

/// Makes a swarm of one manager.
fn go_on_alone(node: Node<'_>) {
    let address = node.ip().to_string();
    node.docker(&[
        "swarm",
        "init",
        "--force-new-cluster",
        "--advertise-addr",
        &address,
        "--listen-addr",
        &format!("{address}:2377"),
    ]);
}
