//! What a node is told, from what the swarm and the store say. Pure, so that every manager tells the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use mke_core::config::Config;
use mke_core::product::labels;
use mke_core::product::{Os, ProductVersion, Role};
use sha2::{Digest as _, Sha256};

use crate::life::{Contact, Roll, SwarmNode};
use crate::node::{
    ClusterSpec, ClusterState, EngineFacts, ManagerFacts, ManagerState, NodeFacts, StoreHealth, StoreMember,
    WireSpec,
};

/// What is known of the whole cluster at one moment.
#[derive(Debug, Clone)]
pub struct Sight<'s> {
    /// The swarm's id.
    pub cluster_id: &'s str,
    /// The version of the manager that tells. Every agent puts its own there: its image is what its node shall have.
    pub version: ProductVersion,
    /// Where images come from.
    pub organisation: &'s str,
    /// The configuration in force.
    pub config: &'s Arc<Config>,
    /// The nodes of the swarm.
    pub nodes: &'s [SwarmNode],
    /// What the store knows of them.
    pub roll: &'s Roll,
    /// The members of the replicated store; `None` as long as nobody wrote them down.
    pub store_members: Option<&'s [StoreMember]>,
    /// The manager whose turn it is.
    pub turn: Option<&'s str>,
}

/// Labels of nodes that agents act on. The others are nobody's business but the managers'.
const LABELS: [&str; 6] = [
    labels::SANS,
    labels::AGENT_PAUSE,
    labels::UPGRADE_HOLD,
    labels::KERNEL_PARAMETERS,
    labels::ORCHESTRATOR_SWARM,
    labels::ORCHESTRATOR_KUBERNETES,
];

impl Sight<'_> {
    /// What one node is told; nothing when the swarm does not have it, or does not know where it is reached. Workers are
    /// told nothing that only managers must know.
    pub fn of(&self, id: &str) -> Option<WireSpec> {
        let node = self.nodes.iter().find(|node| node.id == id)?;
        let managers = self.managers();
        let known: Vec<StoreMember> = match self.store_members {
            Some(members) => members.iter().map(|member| self.told(member)).collect(),
            // The first manager of a cluster has the store before anybody could write that down.
            None => match managers.as_slice() {
                [only] => vec![StoreMember {
                    id: only.id.clone(),
                    address: only.address,
                    member: None,
                }],
                _ => Vec::new(),
            },
        };
        let cluster = ClusterSpec {
            cluster_id: self.cluster_id.to_owned(),
            version: self.version,
            organisation: self.organisation.to_owned(),
            config: self.config.clone(),
            managers,
            store_members: known.clone(),
            // Layer 7 routing runs as services of its own; agents have nothing to do for it.
            interlock: false,
            store_alone: false,
        };
        let cluster = match node.role {
            Role::Manager => cluster,
            Role::Worker => cluster.for_workers(),
        };
        let facts = NodeFacts {
            id: node.id.clone(),
            hostname: node.hostname.clone(),
            role: node.role,
            os: if node.os == "windows" {
                Os::Windows
            } else {
                Os::Linux
            },
            address: node.address.or_else(|| self.roll.node(id)?.address)?,
            labels: node
                .labels
                .iter()
                .filter(|(name, _)| LABELS.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<BTreeMap<_, _>>(),
            engine: EngineFacts::default(),
            cores: None,
        };
        let state = self.state(&known);
        Some(WireSpec {
            revision: revision(&cluster, &facts)?,
            cluster,
            node: facts,
            state,
        })
    }

    /// A member's id is told while it is about to be replaced, so that whoever waits for another one learns of it at once. At
    /// other times it would be news for nobody, and every news lets all managers look into their volumes.
    fn told(&self, member: &StoreMember) -> StoreMember {
        let report = self.roll.report(&member.id);
        let is_lost = report.is_some_and(|stored| stored.report.lost_member.is_some());
        StoreMember {
            member: member.member.clone().filter(|_| is_lost),
            ..member.clone()
        }
    }

    fn managers(&self) -> Vec<ManagerFacts> {
        let mut managers: Vec<ManagerFacts> = self
            .nodes
            .iter()
            .filter(|node| node.role == Role::Manager)
            .filter_map(|node| {
                Some(ManagerFacts {
                    id: node.id.clone(),
                    hostname: node.hostname.clone(),
                    address: node.address.or_else(|| self.roll.node(&node.id)?.address)?,
                    sans: node.labels.get(labels::SANS).cloned().unwrap_or_default(),
                })
            })
            .collect();
        managers.sort();
        managers
    }

    /// How the managers do, and those who are none any more and whose members the store still counts on. Workers are told too:
    /// one that was a manager keeps its member until it is taken out, and its data as long as nobody else has the same.
    fn state(&self, members: &[StoreMember]) -> ClusterState {
        let managers = self.nodes.iter().filter(|node| node.role == Role::Manager);
        let is_manager = |id: &str| {
            self.nodes
                .iter()
                .any(|node| node.id == id && node.role == Role::Manager)
        };
        let former = members.iter().filter(|member| !is_manager(&member.id));
        let of_manager = |node: &SwarmNode| ManagerState {
            id: node.id.clone(),
            store: if !members.iter().any(|member| member.id == node.id) {
                StoreHealth::NoMember
            } else if node.is_lost() {
                StoreHealth::Unhealthy
            } else {
                // Its controller is heard of through the store.
                match self.roll.controller(&node.id) {
                    Contact::Alive => StoreHealth::Healthy,
                    Contact::Lost => StoreHealth::Unhealthy,
                    Contact::Never => StoreHealth::Unknown,
                }
            },
            healthy: !node.is_lost() && self.roll.controller(&node.id) == Contact::Alive,
        };
        let of_former = |member: &StoreMember| ManagerState {
            id: member.id.clone(),
            store: match self.nodes.iter().find(|node| node.id == member.id) {
                Some(node) if !node.is_lost() => StoreHealth::Unknown,
                _ => StoreHealth::Unhealthy,
            },
            healthy: false,
        };
        ClusterState {
            managers: managers.map(of_manager).chain(former.map(of_former)).collect(),
            turn: self.turn.map(str::to_owned),
        }
    }
}

/// A number that tells one specification from another. How the managers do is no part of it: that changes all the time and
/// wants nothing new. The same everywhere, so that a node that goes from one manager to the next is not told again what it
/// knows.
fn revision(cluster: &ClusterSpec, facts: &NodeFacts) -> Option<u64> {
    let text = serde_json::to_vec(&(cluster, facts)).ok()?;
    let digest = Sha256::digest(&text);
    let first: [u8; 8] = digest.get(..8)?.try_into().ok()?;
    // Numbers in JSON are exact up to 2^53 only; and 0 means that there is none.
    Some((u64::from_be_bytes(first) >> 11).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(id: &str, role: &str, last: u8, labels: serde_json::Value) -> SwarmNode {
        SwarmNode::read(&json!({
            "ID": id,
            "Spec": { "Role": role, "Labels": labels },
            "Description": { "Hostname": id, "Platform": { "OS": "linux" } },
            "Status": { "State": "ready", "Addr": format!("10.0.0.{last}") },
        }))
        .unwrap()
    }

    fn sight<'s>(config: &'s Arc<Config>, nodes: &'s [SwarmNode], roll: &'s Roll) -> Sight<'s> {
        Sight {
            cluster_id: "c",
            version: ProductVersion::new(3, 4, 15),
            organisation: "mirantis",
            config,
            nodes,
            roll,
            store_members: None,
            turn: None,
        }
    }

    /// ARCH-004: a worker is told its components' settings and nobody's secrets; labels that mean nothing to agents stay with
    /// the managers.
    #[test]
    fn workers_are_told_no_secrets() {
        let mut config = Config::default();
        config.auth.backend = "ldap".to_owned();
        let (config, roll) = (Arc::new(config), Roll::default());
        let nodes = [
            node(
                "m",
                "manager",
                1,
                json!({ "team": "a", labels::SANS: "x.example.com" }),
            ),
            node(
                "w",
                "worker",
                2,
                json!({ "team": "b", labels::AGENT_PAUSE: "true" }),
            ),
        ];
        let sight = sight(&config, &nodes, &roll);
        let (manager, worker) = (sight.of("m").unwrap(), sight.of("w").unwrap());
        assert_eq!(manager.cluster.config.auth.backend, "ldap");
        assert_ne!(worker.cluster.config.auth.backend, "ldap");
        assert_eq!(worker.state, manager.state);
        assert_eq!(manager.state.managers.len(), 1);
        assert!(worker.node.is_paused() && !worker.node.labels.contains_key("team"));
        assert_eq!(manager.node.sans().collect::<Vec<_>>(), ["x.example.com"]);
        assert_eq!(sight.of("gone"), None);
    }

    /// The number changes with what is wanted, and with nothing else.
    #[test]
    fn revisions() {
        let (config, roll) = (Arc::new(Config::default()), Roll::default());
        let nodes = [
            node("m", "manager", 1, json!({})),
            node("w", "worker", 2, json!({})),
        ];
        let first = sight(&config, &nodes, &roll).of("w").unwrap().revision;
        assert_eq!(sight(&config, &nodes, &roll).of("w").unwrap().revision, first);
        let mut labelled = nodes.clone();
        labelled[1].labels.insert("team".to_owned(), "a".to_owned());
        labelled[0].availability = crate::life::swarm::Availability::Drain;
        assert_eq!(sight(&config, &labelled, &roll).of("w").unwrap().revision, first);
        let turn = Sight {
            turn: Some("m"),
            ..sight(&config, &nodes, &roll)
        };
        assert_eq!(turn.of("w").unwrap().revision, first);
        labelled[1]
            .labels
            .insert(labels::AGENT_PAUSE.to_owned(), "true".to_owned());
        assert_ne!(sight(&config, &labelled, &roll).of("w").unwrap().revision, first);
        let more = [
            nodes[0].clone(),
            nodes[1].clone(),
            node("n", "manager", 3, json!({})),
        ];
        assert_ne!(sight(&config, &more, &roll).of("w").unwrap().revision, first);
    }

    /// The first manager has the store before anybody could write that down; several have what was written down.
    #[test]
    fn members_of_the_store() {
        let (config, roll) = (Arc::new(Config::default()), Roll::default());
        let alone = [node("m", "manager", 1, json!({}))];
        assert_eq!(
            sight(&config, &alone, &roll)
                .of("m")
                .unwrap()
                .cluster
                .store_members
                .len(),
            1
        );
        let two = [alone[0].clone(), node("n", "manager", 2, json!({}))];
        assert_eq!(
            sight(&config, &two, &roll).of("n").unwrap().cluster.store_members,
            []
        );
        let members = [StoreMember {
            id: "m".to_owned(),
            address: [10, 0, 0, 1].into(),
            member: None,
        }];
        let written = Sight {
            store_members: Some(&members),
            ..sight(&config, &two, &roll)
        };
        let spec = written.of("n").unwrap();
        assert_eq!(spec.cluster.store_members, members);
        assert_eq!(
            spec.state.manager("n").map(|manager| manager.store),
            Some(StoreHealth::NoMember)
        );
    }

    /// A member whose node is no manager any more, or left the swarm, counts until it is taken out; nobody takes it for well.
    #[test]
    fn members_of_former_managers() {
        let (config, roll) = (Arc::new(Config::default()), Roll::default());
        let nodes = [
            node("m", "manager", 1, json!({})),
            node("demoted", "worker", 2, json!({})),
        ];
        let member = |id: &str, last: u8| StoreMember {
            id: id.to_owned(),
            address: [10, 0, 0, last].into(),
            member: None,
        };
        let members = [member("m", 1), member("demoted", 2), member("gone", 3)];
        let written = Sight {
            store_members: Some(&members),
            ..sight(&config, &nodes, &roll)
        };
        let before = written.of("demoted").unwrap();
        let health = |spec: &WireSpec, id: &str| spec.state.manager(id).map(|manager| manager.store);
        assert_eq!(health(&before, "demoted"), Some(StoreHealth::Unknown));
        assert_eq!(health(&before, "gone"), Some(StoreHealth::Unhealthy));
        assert!(!before.state.store_can_spare("m"));
        let taken_out = Sight {
            store_members: Some(&members[..1]),
            ..sight(&config, &nodes, &roll)
        };
        let after = taken_out.of("demoted").unwrap();
        assert_eq!(health(&after, "demoted"), None);
        // It hears of that.
        assert_ne!(after.revision, before.revision);
    }
}
