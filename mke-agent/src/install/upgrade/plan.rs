//! What an upgrade does, in which order. Pure.
//!
//! Managers first, one after the other, in the order of their ids; then workers all at once, without those that are held
//! back. A step that is done already is left out, so that an upgrade that was broken off goes on where it stopped.
//!
//! Which worker agents there are during an upgrade is decided by the agent of the cluster, once it has the new version.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mke_core::product::{ProductVersion, labels};

use super::super::inventory::{Inventory, Kind, Node};
use super::super::services::Generation;

/// Services of managers besides their agent. The agent of the cluster comes last: while it has the old version, so does the
/// cluster.
const ON_MANAGERS: [&str; 3] = ["ucp-auth-api", "ucp-auth-worker", "ucp-cluster-agent"];
/// Services of earlier versions that nothing uses any more (UPG-011).
const OBSOLETE: [&str; 3] = ["ucp-agent", "ucp-agent-win", "ucp-agent-s390x"];

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Keeps nodes on what they have: the label `com.docker.ucp.upgrade-hold`.
    Hold(Vec<NodeName>),
    /// The agent of managers gets the new image; held managers go on as they are.
    ManagerAgent,
    /// One manager is let go, and must be healthy with the new version before the next one.
    Manager(NodeName),
    /// Another service gets the new image.
    Service(&'static str),
    /// A service that the earlier version did not have is made.
    Create(&'static str),
    /// Every worker that is not held has the new version.
    AwaitWorkers(Vec<NodeName>),
    /// Services without nodes go.
    Remove(String),
}

/// A node in a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName {
    /// Its id.
    pub id: String,
    /// Its host name.
    pub name: String,
}

impl From<&Node> for NodeName {
    fn from(node: &Node) -> Self {
        Self {
            id: node.id.clone(),
            name: node.name.clone(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold(nodes) => {
                let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
                write!(f, "Hold {}", names.join(", "))
            }
            Self::ManagerAgent => f.write_str("Upgrade Manager Node Agent Service"),
            Self::Manager(node) => write!(f, "Upgrade Manager {}", node.name),
            Self::Service("ucp-cluster-agent") => f.write_str("Upgrade Cluster Agent Service"),
            Self::Service(name) => write!(f, "Upgrade Service {name}"),
            Self::Create(name) => write!(f, "Create Service {name}"),
            Self::AwaitWorkers(_) => f.write_str("Wait for Workers to be Upgraded"),
            Self::Remove(service) => write!(f, "Remove {service}"),
        }
    }
}

/// What an upgrade looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation<'a> {
    /// What is there.
    pub inventory: &'a Inventory,
    /// The instance.
    pub instance: &'a str,
    /// The version to go to.
    pub target: ProductVersion,
    /// The version that each node has, by its id, as far as it is known.
    pub versions: &'a BTreeMap<String, ProductVersion>,
    /// Whether workers wait until their label is taken off.
    pub manual: bool,
}

impl Situation<'_> {
    fn service_version(&self, name: &str) -> Option<&str> {
        let service = self.inventory.named(Kind::Service, name)?;
        service.is_of(self.instance).then_some(())?;
        service.labels.get(labels::VERSION).map(String::as_str)
    }

    fn is_done(&self, node: &Node) -> bool {
        self.versions.get(&node.id) == Some(&self.target)
    }
}

/// The steps from here to the target.
pub fn plan(situation: &Situation<'_>) -> Vec<Step> {
    let target = situation.target.to_string();
    let is_held = |node: &Node| node.labels.contains_key(labels::UPGRADE_HOLD);
    let nodes = |manager: bool| {
        let mut nodes: Vec<&Node> = situation
            .inventory
            .nodes
            .iter()
            .filter(|node| node.manager == manager && node.os == "linux")
            .collect();
        nodes.sort_by(|one, other| one.id.cmp(&other.id));
        nodes
    };
    let mut steps = Vec::new();
    let managers: Vec<&Node> = nodes(true)
        .into_iter()
        .filter(|node| !situation.is_done(node))
        .collect();
    let workers = nodes(false);
    let mut held: Vec<NodeName> = managers
        .iter()
        .filter(|node| !is_held(node))
        .map(|node| (*node).into())
        .collect();
    if situation.manual {
        let more = workers
            .iter()
            .filter(|node| !is_held(node) && !situation.is_done(node));
        held.extend(more.map(|node| NodeName::from(*node)));
    }
    if !held.is_empty() {
        steps.push(Step::Hold(held));
    }
    if situation.service_version("ucp-manager-agent") != Some(&target) {
        steps.push(Step::ManagerAgent);
    }
    steps.extend(managers.into_iter().map(|node| Step::Manager(node.into())));
    for name in ON_MANAGERS {
        match situation.service_version(name) {
            Some(version) if version == target => {}
            Some(_) => steps.push(Step::Service(name)),
            // Earlier versions did not have all of them; without its agent there would be no cluster to upgrade.
            None if name != "ucp-cluster-agent" => steps.push(Step::Create(name)),
            None => {}
        }
    }
    let waiting: Vec<NodeName> = workers
        .iter()
        .filter(|node| !situation.is_done(node) && !situation.manual && !is_held(node))
        .map(|node| (*node).into())
        .collect();
    if !waiting.is_empty() {
        steps.push(Step::AwaitWorkers(waiting));
    }
    for name in OBSOLETE {
        let there = situation.inventory.named(Kind::Service, name);
        if there.is_some_and(|service| service.is_of(situation.instance)) {
            steps.push(Step::Remove(name.to_owned()));
        }
    }
    steps
}

/// The generations of worker agents that have nodes to look after: more than one is an upgrade that has not ended.
pub fn active_generations(inventory: &Inventory, instance: &str) -> BTreeSet<String> {
    let held = inventory
        .nodes
        .iter()
        .filter(|node| !node.manager && node.labels.contains_key(labels::UPGRADE_HOLD))
        .count();
    let there: BTreeSet<String> = [Generation::X, Generation::Y]
        .into_iter()
        .map(|generation| generation.service(false))
        .filter(|name| {
            inventory
                .named(Kind::Service, name)
                .is_some_and(|service| service.is_of(instance))
        })
        .map(str::to_owned)
        .collect();
    // Without held nodes the older of two has nothing to do: it only waits to be removed.
    if held == 0 && there.len() > 1 {
        return there.into_iter().take(1).collect();
    }
    there
}

#[cfg(test)]
mod tests {
    use super::super::super::inventory::examples::object;
    use super::*;

    const OLD: &str = "3.4.14";
    const NEW: &str = "3.4.15";

    fn node(id: &str, manager: bool, held: bool) -> Node {
        Node {
            id: id.to_owned(),
            name: format!("name-{id}"),
            manager,
            os: "linux".to_owned(),
            ready: true,
            address: String::new(),
            engine: String::new(),
            nano_cpus: 0,
            memory: 0,
            labels: held
                .then(|| (labels::UPGRADE_HOLD.to_owned(), "true".to_owned()))
                .into_iter()
                .collect(),
        }
    }

    fn inventory(services: &[(&str, &str)], nodes: Vec<Node>) -> Inventory {
        let service = |(name, version): &(&str, &str)| {
            let mut service = object(Kind::Service, name, "c");
            service
                .labels
                .insert(labels::VERSION.to_owned(), (*version).to_owned());
            service
        };
        Inventory {
            objects: services.iter().map(service).collect(),
            nodes,
        }
    }

    fn titles(inventory: &Inventory, versions: &[(&str, &str)], manual: bool) -> Vec<String> {
        let versions = versions
            .iter()
            .map(|(node, version)| ((*node).to_owned(), version.parse().unwrap()))
            .collect();
        let situation = Situation {
            inventory,
            instance: "c",
            target: NEW.parse().unwrap(),
            versions: &versions,
            manual,
        };
        plan(&situation).iter().map(ToString::to_string).collect()
    }

    fn all_old() -> Inventory {
        inventory(
            &[
                ("ucp-manager-agent", OLD),
                ("ucp-auth-api", OLD),
                ("ucp-cluster-agent", OLD),
                ("ucp-worker-agent-x", OLD),
            ],
            vec![
                node("m2", true, false),
                node("m1", true, false),
                node("w1", false, false),
                node("w2", false, false),
            ],
        )
    }

    /// Managers first and one by one, workers after them. What the earlier version did not have is made.
    #[test]
    fn everything_in_order() {
        assert_eq!(
            titles(&all_old(), &[], false),
            [
                "Hold name-m1, name-m2",
                "Upgrade Manager Node Agent Service",
                "Upgrade Manager name-m1",
                "Upgrade Manager name-m2",
                "Upgrade Service ucp-auth-api",
                "Create Service ucp-auth-worker",
                "Upgrade Cluster Agent Service",
                "Wait for Workers to be Upgraded",
            ]
        );
    }

    /// With a phased upgrade workers are held, and nobody waits for them.
    #[test]
    fn phased() {
        let titles = titles(&all_old(), &[], true);
        assert_eq!(titles[0], "Hold name-m1, name-m2, name-w1, name-w2");
        assert_eq!(
            titles.last().map(String::as_str),
            Some("Upgrade Cluster Agent Service")
        );
    }

    /// An upgrade that was broken off goes on; one that ended has nothing to do.
    #[test]
    fn where_it_stopped() {
        let half = inventory(
            &[
                ("ucp-manager-agent", NEW),
                ("ucp-auth-api", NEW),
                ("ucp-auth-worker", NEW),
                ("ucp-cluster-agent", OLD),
                ("ucp-worker-agent-x", OLD),
            ],
            vec![
                node("m1", true, false),
                node("m2", true, true),
                node("w1", false, false),
            ],
        );
        assert_eq!(
            titles(&half, &[("m1", NEW), ("m2", OLD)], false),
            [
                "Upgrade Manager name-m2",
                "Upgrade Cluster Agent Service",
                "Wait for Workers to be Upgraded",
            ]
        );
        let done = inventory(
            &[
                ("ucp-manager-agent", NEW),
                ("ucp-auth-api", NEW),
                ("ucp-auth-worker", NEW),
                ("ucp-cluster-agent", NEW),
                ("ucp-worker-agent-y", NEW),
            ],
            vec![node("m1", true, false), node("w1", false, false)],
        );
        assert_eq!(
            titles(&done, &[("m1", NEW), ("w1", NEW)], false),
            Vec::<String>::new()
        );
    }

    /// Services of versions that are long gone are removed, those of somebody else are not.
    #[test]
    fn obsolete_services() {
        let mut there = all_old();
        there.objects.push(object(Kind::Service, "ucp-agent", "c"));
        there.objects.push(object(Kind::Service, "ucp-agent-win", ""));
        let titles = titles(&there, &[], false);
        assert!(titles.contains(&"Remove ucp-agent".to_owned()));
        assert!(!titles.contains(&"Remove ucp-agent-win".to_owned()));
    }

    /// UPG-012: two generations with nodes are an upgrade that has not ended; one without any is only left over.
    #[test]
    fn generations() {
        let of = |services: &[&str], held| {
            let services: Vec<(&str, &str)> = services.iter().map(|name| (*name, OLD)).collect();
            active_generations(&inventory(&services, vec![node("w1", false, held)]), "c").len()
        };
        assert_eq!(of(&["ucp-worker-agent-x"], true), 1);
        assert_eq!(of(&["ucp-worker-agent-x", "ucp-worker-agent-y"], true), 2);
        assert_eq!(of(&["ucp-worker-agent-x", "ucp-worker-agent-y"], false), 1);
    }
}
