//! What leads to a state on its way through the store: what agents and controllers write, and what becomes of it on a manager.

use std::time::Duration;

use mke_core::product::Role;
use mke_core::store::{Entry, Event, Revision, layout};
use mke_core::time::Timestamp;
use serde_json::json;

use super::*;
use crate::controller::records::encode;
use crate::life::board::Swarm;
use crate::life::report::{LocalSwarm, Phase, Report};

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn put(roll: &mut Roll, key: String, value: Vec<u8>) {
    let entry = Entry {
        key,
        value,
        created: Revision(1),
        modified: Revision(1),
        version: 1,
        lease: None,
    };
    assert!(roll.apply(&Event::Put(entry)).unwrap());
}

fn delete(roll: &mut Roll, key: String) {
    let revision = Revision(2);
    assert!(roll.apply(&Event::Delete { key, revision }).unwrap());
}

/// A swarm of a manager `m`, a manager `n` and a worker `w`.
fn swarm() -> Swarm {
    let node = |id: &str, role: &str, last: u8| {
        json!({
            "ID": id,
            "Spec": { "Role": role },
            "Description": { "Hostname": format!("host-{id}"), "Platform": { "OS": "linux" } },
            "Status": { "State": "ready", "Addr": format!("10.0.0.{last}") },
        })
    };
    let nodes = [
        node("m", "manager", 1),
        node("n", "manager", 2),
        node("w", "worker", 3),
    ];
    let running = TaskState::Running;
    Swarm {
        nodes: nodes.iter().filter_map(SwarmNode::read).collect(),
        tasks: ["m", "n", "w"].map(|id| (id.to_owned(), running)).into(),
    }
}

fn register(roll: &mut Roll, swarm: &Swarm, id: &str) {
    let node = swarm.nodes.iter().find(|node| node.id == id).unwrap();
    let record = NodeRecord {
        id: id.to_owned(),
        hostname: node.hostname.clone(),
        address: node.address,
        role: node.role,
        registered_at: now(),
    };
    put(roll, layout::node(id), encode(&record).unwrap());
}

fn report(roll: &mut Roll, id: &str, role: Role, engine_id: &str) {
    let report = Report {
        role,
        engine_id: engine_id.to_owned(),
        engine_version: "26.1.5".to_owned(),
        agent_version: "3.4.15".to_owned(),
        swarm: LocalSwarm::Active,
        phase: Phase::Settled,
        components: Vec::new(),
        outcomes: Vec::new(),
        spec: 1,
        msr: false,
        lost_member: None,
    };
    let stored = StoredReport {
        report,
        at: now().minus(Duration::from_secs(60)),
    };
    put(roll, layout::node_report(id), encode(&stored).unwrap());
    put(roll, layout::node_beat(id), b"{}".to_vec());
}

fn whole(swarm: &Swarm) -> Roll {
    let mut roll = Roll::default();
    for (id, role) in [("m", Role::Manager), ("n", Role::Manager), ("w", Role::Worker)] {
        register(&mut roll, swarm, id);
        report(&mut roll, id, role, &format!("engine-{id}"));
        if role == Role::Manager {
            put(&mut roll, layout::controller_beat(id), b"{}".to_vec());
        }
    }
    roll
}

fn said(swarm: &Swarm, roll: &Roll, id: &str) -> String {
    swarm.states(roll, now())[id].message.to_string()
}

/// NST-002: a node that joined is pending until it is in the inventory of the store and its agent has said something; nobody else
/// is.
#[test]
fn a_node_joins() {
    let swarm = swarm();
    let mut roll = whole(&swarm);
    delete(&mut roll, layout::node("w"));
    delete(&mut roll, layout::node_report("w"));
    delete(&mut roll, layout::node_beat("w"));
    let registering = "[Pending] Completing node registration";
    assert_eq!(said(&swarm, &roll, "w"), registering);
    assert_eq!(said(&swarm, &roll, "m"), "Healthy MKE manager");
    // The agent may be first, or the cluster agent.
    let mut agent_first = roll.clone();
    report(&mut agent_first, "w", Role::Worker, "engine-w");
    assert_eq!(said(&swarm, &agent_first, "w"), registering);
    register(&mut roll, &swarm, "w");
    assert_eq!(said(&swarm, &roll, "w"), registering);
    report(&mut roll, "w", Role::Worker, "engine-w");
    assert_eq!(said(&swarm, &roll, "w"), "Healthy MKE worker");
}

/// NST-008: the store forgets the beats of a manager that has not been heard of for the heartbeat's time, and all other managers
/// say so; NST-009: when its agent goes on and its controller does not, that is said; it is healthy when both are back.
#[test]
fn managers_miss_a_manager() {
    let swarm = swarm();
    let mut roll = whole(&swarm);
    delete(&mut roll, layout::controller_beat("n"));
    assert_eq!(
        said(&swarm, &roll, "n"),
        "Unhealthy MKE Controller: unable to reach controller"
    );
    delete(&mut roll, layout::node_beat("n"));
    assert_eq!(
        said(&swarm, &roll, "n"),
        "Unhealthy MKE Controller: node is unreachable"
    );
    for id in ["m", "w"] {
        assert!(said(&swarm, &roll, id).starts_with("Healthy"), "{id}");
    }
    put(&mut roll, layout::node_beat("n"), b"{}".to_vec());
    put(&mut roll, layout::controller_beat("n"), b"{}".to_vec());
    assert_eq!(said(&swarm, &roll, "n"), "Healthy MKE manager");
    // It comes and goes: the latency between managers is to be looked at.
    let hint = |roll: &Roll| swarm.states(roll, now())["n"].hint.unwrap_or_default();
    delete(&mut roll, layout::controller_beat("n"));
    assert!(hint(&roll).contains("latency"), "{}", hint(&roll));
    // A worker that is lost has no controller that anybody could miss.
    delete(&mut roll, layout::node_beat("w"));
    assert_eq!(said(&swarm, &roll, "w"), "heartbeat failure");
}

/// NST-010: two nodes that are heard of with the same engine id are both named, with what to do; once one of them has another id
/// both are healthy again. An id that nobody told is no id.
#[test]
fn copied_machines() {
    let swarm = swarm();
    let mut roll = whole(&swarm);
    report(&mut roll, "w", Role::Worker, "engine-n");
    for (id, address) in [("n", "10.0.0.2"), ("w", "10.0.0.3")] {
        assert_eq!(
            said(&swarm, &roll, id),
            format!(
                "Unhealthy MKE Controller: Docker Swarm Cluster: Local node {address} has status Pending"
            )
        );
        let hint = swarm.states(&roll, now())[id].hint.unwrap_or_default();
        assert!(hint.contains("/etc/docker/key.json"), "{hint}");
    }
    assert_eq!(said(&swarm, &roll, "m"), "Healthy MKE manager");
    // The other one has gone: nobody is in its way any more.
    let mut gone = roll.clone();
    delete(&mut gone, layout::node_beat("n"));
    assert_eq!(said(&swarm, &gone, "w"), "Healthy MKE worker");
    report(&mut roll, "w", Role::Worker, "engine-w");
    for id in ["n", "w"] {
        assert!(said(&swarm, &roll, id).starts_with("Healthy"), "{id}");
    }
    for id in ["n", "w"] {
        report(
            &mut roll,
            id,
            if id == "n" { Role::Manager } else { Role::Worker },
            "",
        );
        assert!(said(&swarm, &roll, id).starts_with("Healthy"), "{id}");
    }
}
