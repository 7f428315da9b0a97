//! Which steps an installation takes, in which order. Pure; carrying them out is `run.rs`.

use std::fmt;

/// One step. It is displayed as its title, which is what people read, in the words that existing logs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The authority of nodes and components.
    ClusterAuthority,
    /// The authority of users.
    ClientAuthority,
    /// The secret with the key of the store.
    AuthKey,
    /// The config objects that agents read.
    Configuration,
    /// Bridge network and volumes of this node.
    NodeObjects,
    /// Everything that runs on this node, its store, its first administrator.
    ManagerComponents,
    /// The agent of managers.
    ManagerAgent,
    /// The agent of Linux workers.
    WorkerAgent,
    /// The agent of the cluster.
    ClusterAgent,
    /// The port of the authentication API.
    AuthApi,
    /// What runs the jobs of the authentication service.
    AuthWorker,
    /// The licence's config object.
    License,
    /// The controller answers.
    Controller,
    /// Every node is ready.
    Nodes,
}

/// Every step, in the order in which they are taken, with its title.
const STEPS: [(Step, &str); 14] = [
    (Step::ClusterAuthority, "Setup Internal Cluster CA"),
    (Step::ClientAuthority, "Setup Internal Client CA"),
    (Step::AuthKey, "Create Auth Service Encryption Key Secret"),
    (Step::Configuration, "Set Initial Config"),
    (Step::NodeObjects, "Create Node Network and Volumes"),
    (Step::ManagerComponents, "Deploy Manager Components"),
    (Step::ManagerAgent, "Deploy Manager Node Agent Service"),
    (Step::WorkerAgent, "Deploy Worker Node Agent Service"),
    (Step::ClusterAgent, "Deploy Cluster Agent Service"),
    (Step::AuthApi, "Deploy Auth API Server"),
    (Step::AuthWorker, "Deploy Auth Worker Server"),
    (Step::License, "Set License"),
    // It is healthy once the agent of its node has said that the node is, so this comes after the agents.
    (Step::Controller, "Wait for Healthy MKE Controller"),
    (Step::Nodes, "Wait for All Nodes to be Ready"),
];

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = STEPS
            .iter()
            .find(|(step, _)| step == self)
            .map(|(_, title)| *title);
        f.write_str(title.unwrap_or_default())
    }
}

/// The steps of an installation.
pub fn plan(with_license: bool) -> Vec<Step> {
    let steps = STEPS.iter().map(|(step, _)| *step);
    steps
        .filter(|step| with_license || *step != Step::License)
        .collect()
}

/// What is on a cluster before an installation begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing of the product, or only configuration that an earlier installation left.
    Free,
    /// A whole installation, of this version when it is known.
    Installed(Option<String>),
    /// What a run left that was broken off.
    Broken,
}

/// Judges what is there. `abandoned`: the operation of a run that was broken off, when its mark was found.
pub fn standing(
    inventory: &super::inventory::Inventory,
    instance: &str,
    abandoned: Option<&str>,
) -> Standing {
    use super::inventory::Kind;
    let live = |object: &&super::inventory::Object| {
        matches!(
            object.kind,
            Kind::Service | Kind::Container | Kind::Network | Kind::Volume | Kind::Secret
        )
    };
    let there = inventory
        .objects
        .iter()
        .filter(live)
        .any(|object| object.is_of(instance));
    let whole = inventory
        .named(Kind::Service, "ucp-manager-agent")
        .is_some_and(|service| service.is_of(instance));
    match (there, whole, abandoned) {
        (false, _, _) => Standing::Free,
        // An upgrade or a backup that was broken off is still an installation.
        (true, true, None | Some("upgrade" | "backup")) => {
            Standing::Installed(inventory.installed_version(instance).map(str::to_owned))
        }
        (true, _, _) => Standing::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::super::inventory::examples::object;
    use super::super::inventory::{Inventory, Kind};
    use super::*;

    #[test]
    fn the_store_comes_before_what_reads_it() {
        let steps = plan(true);
        let place = |step| steps.iter().position(|other| *other == step).unwrap();
        assert!(place(Step::ClusterAuthority) < place(Step::ManagerComponents));
        assert!(place(Step::AuthKey) < place(Step::ManagerAgent));
        assert!(place(Step::NodeObjects) < place(Step::ManagerComponents));
        assert!(place(Step::ManagerComponents) < place(Step::ManagerAgent));
        assert!(place(Step::ManagerAgent) < place(Step::Controller));
        assert_eq!(steps.last(), Some(&Step::Nodes));
        assert_eq!(plan(false).len() + 1, steps.len());
    }

    /// A second installation sees the first; what a killed one left is told from a whole one.
    #[test]
    fn what_is_there() {
        let of = |names: &[(Kind, &str, &str)], abandoned| {
            let inventory = Inventory {
                objects: names
                    .iter()
                    .map(|(kind, name, instance)| object(*kind, name, instance))
                    .collect(),
                ..Inventory::default()
            };
            standing(&inventory, "c", abandoned)
        };
        let service = (Kind::Service, "ucp-manager-agent", "c");
        let container = (Kind::Container, "ucp-kv", "c");
        let config = (Kind::Config, "com.docker.ucp.config-1", "c");
        assert_eq!(of(&[], None), Standing::Free);
        assert_eq!(of(&[config], None), Standing::Free);
        assert_eq!(of(&[(Kind::Volume, "ucp-kv", "")], None), Standing::Free);
        assert_eq!(
            of(&[(Kind::Service, "ucp-manager-agent", "other")], None),
            Standing::Free
        );
        assert_eq!(of(&[container], None), Standing::Broken);
        assert_eq!(of(&[container], Some("install")), Standing::Broken);
        assert_eq!(of(&[service, container], None), Standing::Installed(None));
        assert_eq!(
            of(&[service, container], Some("upgrade")),
            Standing::Installed(None)
        );
        assert_eq!(
            of(&[service, container], Some("backup")),
            Standing::Installed(None)
        );
        assert_eq!(of(&[service, container], Some("restore")), Standing::Broken);
        assert_eq!(of(&[service, container], Some("install")), Standing::Broken);
        assert_eq!(of(&[service, container], Some("uninstall")), Standing::Broken);
    }
}
