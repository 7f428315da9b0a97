//! Two of three managers are lost for good.

use std::time::{Duration, Instant};

use mke_test_support::lab::Role;
use mke_test_support::recorder::Recorder;

use super::request::{From, says_why};
use super::world::{Cluster, eventually, measured};

/// HA-001, HA-002: when two of three managers are lost, what is known can still be read, and writes fail in bounded time and say why. After
/// `docker swarm init --force-new-cluster` on the one that is left the store takes writes again and has all that was acknowledged, the
/// cluster forgets the others once they are removed, and new machines make it what it was.
#[test]
fn lab_a_lost_majority_is_recovered_from_one_manager() {
    let cluster = Cluster::install(4);
    let [first, second, third, fresh] = [1, 2, 3, 4].map(|number| cluster.node(number));
    cluster.join_managers(&[2, 3], 3, 3);
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

    let begun = Instant::now();
    let address = first.ip().to_string();
    first.docker(&[
        "swarm",
        "init",
        "--force-new-cluster",
        "--advertise-addr",
        &address,
        "--listen-addr",
        &format!("{address}:2377"),
    ]);
    cluster.store_has(first, 1);
    eventually("writes are taken again", || {
        cluster.write(first, From::Host, "again").success()
    });
    measured("writes after the recovery", begun);
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
}
