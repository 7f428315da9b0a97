//! What is to be done about the inventory and the labels of nodes, from what the swarm and the store say. Pure.

use mke_core::product::Role;
use mke_core::product::labels::{ORCHESTRATOR_KUBERNETES, ORCHESTRATOR_SWARM};
use mke_core::time::Timestamp;

use crate::life::{NodeRecord, Roll, SwarmNode};

/// One thing to do about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeChange {
    /// Take it into the inventory, or write down what is different about it.
    Register(NodeRecord),
    /// It has left the swarm: forget it.
    Forget(String),
    /// Both orchestrators may use it from now on.
    Mix {
        /// Its id.
        id: String,
        /// Why, for the log.
        why: &'static str,
    },
}

/// What is to be done. Doing it and asking again gives nothing.
///
/// A node that was promoted becomes mixed before the inventory knows its new role, so that a cluster agent that dies in
/// between does it again (ORC-005). Demotion changes nothing, and neither does joining as a manager. Nodes of MSR are
/// always mixed (ORC-006).
pub fn plan(nodes: &[SwarmNode], roll: &Roll, now: Timestamp) -> Vec<NodeChange> {
    let mut changes = Vec::new();
    for node in nodes {
        let known = roll.node(&node.id);
        if known.is_none() && node.hostname.is_empty() {
            // The swarm made it a moment ago and has not heard of its engine yet.
            continue;
        }
        let promoted = node.role == Role::Manager && known.is_some_and(|record| record.role == Role::Worker);
        let carries_msr = roll.report(&node.id).is_some_and(|stored| stored.report.msr);
        let mixed = node.has(ORCHESTRATOR_SWARM) && node.has(ORCHESTRATOR_KUBERNETES);
        let why = match (promoted, carries_msr) {
            _ if mixed => None,
            (true, _) => Some("it was promoted"),
            (false, true) => Some("it carries MSR"),
            (false, false) => None,
        };
        if let Some(why) = why {
            changes.push(NodeChange::Mix {
                id: node.id.clone(),
                why,
            });
        }
        let record = NodeRecord {
            id: node.id.clone(),
            hostname: node.hostname.clone(),
            // A node that is lost for a moment keeps the address at which it was reached.
            address: node.address.or_else(|| known.and_then(|record| record.address)),
            role: node.role,
            registered_at: known.map_or(now, |record| record.registered_at),
        };
        if known != Some(&record) {
            changes.push(NodeChange::Register(record));
        }
    }
    let gone = roll
        .ids()
        .into_iter()
        .filter(|id| nodes.iter().all(|node| node.id != *id));
    changes.extend(gone.map(|id| NodeChange::Forget(id.to_owned())));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::report::{LocalSwarm, Phase, Report, StoredReport};
    use mke_core::store::{Entry, Event, Revision, layout};
    use serde_json::json;

    fn node(id: &str, role: &str, labels: &[&str]) -> SwarmNode {
        let labels: serde_json::Map<_, _> = labels
            .iter()
            .map(|label| ((*label).to_owned(), json!("true")))
            .collect();
        SwarmNode::read(&json!({
            "ID": id,
            "Spec": { "Role": role, "Labels": labels },
            "Description": { "Hostname": format!("host-{id}") },
            "Status": { "State": "ready", "Addr": "10.0.0.9" },
        }))
        .unwrap()
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

    fn report(roll: &mut Roll, id: &str, msr: bool) {
        let stored = StoredReport {
            report: Report {
                role: Role::Worker,
                engine_id: id.to_owned(),
                engine_version: String::new(),
                agent_version: String::new(),
                swarm: LocalSwarm::Active,
                phase: Phase::Settled,
                components: Vec::new(),
                outcomes: Vec::new(),
                spec: 0,
                msr,
                lost_member: None,
            },
            at: Timestamp::default(),
        };
        put(
            roll,
            layout::node_report(id),
            crate::controller::records::encode(&stored).unwrap(),
        );
    }

    /// Does what is planned, as the store and the swarm would.
    fn carry_out(nodes: &mut [SwarmNode], roll: &mut Roll) -> Vec<NodeChange> {
        let changes = plan(nodes, roll, Timestamp::from_secs(100));
        for change in &changes {
            match change {
                NodeChange::Register(record) => put(
                    roll,
                    layout::node(&record.id),
                    crate::controller::records::encode(record).unwrap(),
                ),
                NodeChange::Forget(id) => {
                    for key in [layout::node(id), layout::node_report(id)] {
                        let revision = Revision(2);
                        roll.apply(&Event::Delete { key, revision }).unwrap();
                    }
                }
                NodeChange::Mix { id, .. } => {
                    for node in nodes.iter_mut().filter(|node| node.id == *id) {
                        for label in [ORCHESTRATOR_SWARM, ORCHESTRATOR_KUBERNETES] {
                            node.labels.insert(label.to_owned(), "true".to_owned());
                        }
                    }
                }
            }
        }
        assert_eq!(
            plan(nodes, roll, Timestamp::from_secs(200)),
            [],
            "the second plan is empty"
        );
        changes
    }

    fn is_mixed(node: &SwarmNode) -> bool {
        node.has(ORCHESTRATOR_SWARM) && node.has(ORCHESTRATOR_KUBERNETES)
    }

    /// ORC-005: promotion makes a node mixed, demotion leaves it; joining as a manager does not.
    #[test]
    fn promotion_mixes() {
        let mut roll = Roll::default();
        let mut nodes = [
            node("w", "worker", &[ORCHESTRATOR_SWARM]),
            node("m", "manager", &[ORCHESTRATOR_SWARM]),
        ];
        carry_out(&mut nodes, &mut roll);
        assert!(!nodes.iter().any(is_mixed));
        nodes[0].role = Role::Manager;
        carry_out(&mut nodes, &mut roll);
        assert!(is_mixed(&nodes[0]) && !is_mixed(&nodes[1]));
        nodes[0].role = Role::Worker;
        carry_out(&mut nodes, &mut roll);
        assert!(is_mixed(&nodes[0]));
        assert_eq!(roll.node("w").map(|record| record.role), Some(Role::Worker));
        // Somebody takes the label off a demoted node: that is theirs to decide.
        nodes[0].labels.remove(ORCHESTRATOR_KUBERNETES);
        carry_out(&mut nodes, &mut roll);
        assert!(!is_mixed(&nodes[0]));
    }

    /// ORC-006: a node of MSR is put back, others are left as they are.
    #[test]
    fn nodes_of_msr_are_mixed() {
        let mut roll = Roll::default();
        let mut nodes = [
            node("msr", "worker", &[ORCHESTRATOR_SWARM]),
            node("other", "worker", &[ORCHESTRATOR_SWARM]),
        ];
        report(&mut roll, "msr", true);
        report(&mut roll, "other", false);
        carry_out(&mut nodes, &mut roll);
        assert!(is_mixed(&nodes[0]) && !is_mixed(&nodes[1]));
        nodes[0].labels.remove(ORCHESTRATOR_SWARM);
        carry_out(&mut nodes, &mut roll);
        assert!(is_mixed(&nodes[0]));
    }

    /// NOD-004: a node that left is forgotten with what it said; what changes about one is written, nothing else is.
    #[test]
    fn the_inventory_follows_the_swarm() {
        let mut roll = Roll::default();
        let mut nodes = vec![node("a", "worker", &[]), node("b", "worker", &[])];
        report(&mut roll, "b", false);
        assert_eq!(carry_out(&mut nodes, &mut roll).len(), 2);
        assert_eq!(carry_out(&mut nodes, &mut roll), []);
        nodes[0].hostname = "renamed".to_owned();
        nodes[0].address = None;
        nodes.pop();
        let mut unheard = node("c", "worker", &[]);
        unheard.hostname = String::new();
        nodes.push(unheard);
        let changes = carry_out(&mut nodes, &mut roll);
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[1], NodeChange::Forget("b".to_owned()));
        let record = roll.node("a").unwrap();
        assert_eq!(record.hostname, "renamed");
        assert_eq!(record.address, Some([10, 0, 0, 9].into()));
        assert_eq!(record.registered_at, Timestamp::from_secs(100));
    }
}
