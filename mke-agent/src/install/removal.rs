//! Which objects go, in which order: the plan of uninstalling and of undoing an installation that failed. Pure.

use std::collections::BTreeSet;

use mke_core::product::{labels, objects};

use super::inventory::{Inventory, Kind, Object, RUN};

/// Labels of nodes that the product writes. Those that an operator writes for it (extra names, a pause) stay.
pub const NODE_LABELS: [&str; 4] = [
    labels::ORCHESTRATOR_SWARM,
    labels::ORCHESTRATOR_KUBERNETES,
    labels::UPGRADE_HOLD,
    labels::ACCESS_LABEL,
];

/// What begins with this is written by the product too.
const COLLECTION_LABELS: &str = labels::COLLECTION;

/// What stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Configuration and licence, for the next installation.
    pub configuration: bool,
    /// Secrets.
    pub secrets: bool,
}

/// One thing to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// An object.
    Object(Object),
    /// Labels of a node.
    NodeLabels {
        /// Its id.
        node: String,
        /// Its name.
        name: String,
        /// Their names.
        labels: BTreeSet<String>,
    },
}

impl Removal {
    /// Whether it lies on one engine, and not in the swarm.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Object(object) => matches!(object.kind, Kind::Container | Kind::Volume | Kind::Network),
            Self::NodeLabels { .. } => false,
        }
    }

    /// In messages.
    pub fn name(&self) -> String {
        match self {
            Self::Object(object) => format!("{} {}", object.kind.words().0, object.name),
            Self::NodeLabels { name, .. } => format!("labels of node {name}"),
        }
    }
}

/// What of an instance goes when it is uninstalled.
pub fn of_instance(inventory: &Inventory, instance: &str, keep: Keep) -> Vec<Removal> {
    let goes = |object: &&Object| {
        let configuration = object.kind == Kind::Config && is_configuration(&object.name);
        let ours = object.is_of(instance);
        // Files that an operator made for the installer have no label; whoever asks for a purge means them too.
        let named_so = configuration && object.instance().is_none();
        match object.kind {
            Kind::Config if configuration => !keep.configuration && (ours || named_so),
            Kind::Config => ours && object.name != super::lock::NAME,
            Kind::Secret => ours && !keep.secrets,
            _ => ours,
        }
    };
    let mut removals = in_order(inventory.objects.iter().filter(goes));
    for node in &inventory.nodes {
        let written: BTreeSet<String> = node
            .labels
            .keys()
            .filter(|label| is_written(label))
            .cloned()
            .collect();
        if !written.is_empty() {
            removals.push(Removal::NodeLabels {
                node: node.id.clone(),
                name: node.name.clone(),
                labels: written,
            });
        }
    }
    removals
}

/// What a run that failed or was killed has made: what is there now and was not before. Objects of the engine count by the
/// instance, because components are made by others than the run itself; those of the swarm that survive an uninstallation
/// count by the run.
pub fn of_run(before: &Inventory, now: &Inventory, instance: &str, run: &str) -> Vec<Removal> {
    let was = |object: &Object| {
        before
            .objects
            .iter()
            .any(|other| other.kind == object.kind && other.id == object.id)
    };
    let goes = |object: &&Object| {
        let made = match object.kind {
            Kind::Config | Kind::Secret => {
                object.has_catalogue_name() && object.labels.get(RUN).is_some_and(|label| label == run)
            }
            _ => object.is_of(instance),
        };
        made && object.name != super::lock::NAME && !was(object)
    };
    let mut removals = in_order(now.objects.iter().filter(goes));
    for node in &now.nodes {
        let had = before
            .nodes
            .iter()
            .find(|other| other.id == node.id)
            .map(|other| &other.labels);
        let new: BTreeSet<String> = node
            .labels
            .keys()
            .filter(|label| is_written(label) && had.is_none_or(|had| !had.contains_key(*label)))
            .cloned()
            .collect();
        if !new.is_empty() {
            removals.push(Removal::NodeLabels {
                node: node.id.clone(),
                name: node.name.clone(),
                labels: new,
            });
        }
    }
    removals
}

/// Services first, because agents would make everything anew; what others need comes after them.
fn in_order<'o>(objects: impl Iterator<Item = &'o Object>) -> Vec<Removal> {
    let mut objects: Vec<_> = objects.cloned().collect();
    objects.sort_by(|one, other| {
        let agent_first = |object: &Object| !object.name.contains("agent");
        (one.kind, agent_first(one), &one.name).cmp(&(other.kind, agent_first(other), &other.name))
    });
    objects.into_iter().map(Removal::Object).collect()
}

fn is_configuration(name: &str) -> bool {
    [objects::CONFIG, objects::CONFIG_OTHER_SPELLING, objects::LICENSE]
        .iter()
        .any(|object| objects::version_of(object, name).is_some())
}

fn is_written(label: &str) -> bool {
    NODE_LABELS.contains(&label)
        || label
            .strip_prefix(COLLECTION_LABELS)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::inventory::Node;
    use super::super::inventory::examples::object;
    use super::*;

    fn everything() -> Inventory {
        let node_labels = [
            "com.docker.ucp.orchestrator.swarm",
            "com.docker.ucp.collection.shared",
            "com.docker.ucp.collections",
            "com.docker.ucp.SANs",
            "zone",
        ];
        Inventory {
            objects: vec![
                object(Kind::Service, "web", ""),
                object(Kind::Service, "ucp-auth-worker", "a"),
                object(Kind::Service, "ucp-manager-agent", "a"),
                object(Kind::Container, "ucp-proxy", "a"),
                object(Kind::Container, "ucp-proxy-of-b", "b"),
                object(Kind::Container, "web.1", ""),
                object(Kind::Network, "ucp-bridge", "a"),
                object(Kind::Volume, "ucp-kv", "a"),
                object(Kind::Volume, "ucp-kv-certs", ""),
                object(Kind::Config, "com.docker.ucp.config", ""),
                object(Kind::Config, "com.docker.ucp.config-1", "a"),
                object(Kind::Config, "com.docker.ucp.config-2", "b"),
                object(Kind::Config, "com.docker.ucp.cluster-ca", "a"),
                object(Kind::Config, "com.docker.ucp.lock", "a"),
                object(Kind::Secret, "ucp-auth-key", "a"),
                object(Kind::Secret, "of-mine", ""),
            ],
            nodes: vec![Node {
                id: "n".to_owned(),
                name: "one".to_owned(),
                manager: true,
                os: "linux".to_owned(),
                ready: true,
                address: String::new(),
                engine: String::new(),
                nano_cpus: 0,
                memory: 0,
                labels: node_labels
                    .map(|label| (label.to_owned(), "true".to_owned()))
                    .into(),
            }],
        }
    }

    fn names(removals: &[Removal]) -> Vec<String> {
        removals.iter().map(Removal::name).collect()
    }

    const KEEP_NOTHING: Keep = Keep {
        configuration: false,
        secrets: false,
    };

    /// Agents go first; configuration and secrets stay when they should; what belongs to
    /// somebody else always stays.
    #[test]
    fn what_goes_when_an_instance_goes() {
        let keep = Keep {
            configuration: true,
            secrets: false,
        };
        assert_eq!(
            names(&of_instance(&everything(), "a", keep)),
            [
                "service ucp-manager-agent",
                "service ucp-auth-worker",
                "container ucp-proxy",
                "network ucp-bridge",
                "volume ucp-kv",
                "config com.docker.ucp.cluster-ca",
                "secret ucp-auth-key",
                "labels of node one",
            ]
        );
        let purged = names(&of_instance(&everything(), "a", KEEP_NOTHING));
        assert!(purged.contains(&"config com.docker.ucp.config".to_owned()));
        assert!(purged.contains(&"config com.docker.ucp.config-1".to_owned()));
        assert!(
            !purged
                .iter()
                .any(|name| name.ends_with("config-2") || name.ends_with("of-mine"))
        );
        let secrets = Keep {
            secrets: true,
            ..KEEP_NOTHING
        };
        assert!(
            !names(&of_instance(&everything(), "a", secrets)).contains(&"secret ucp-auth-key".to_owned())
        );
    }

    /// Labels that operators write stay on their nodes.
    #[test]
    fn labels_of_nodes() {
        let removals = of_instance(&everything(), "a", KEEP_NOTHING);
        let Some(Removal::NodeLabels { labels, .. }) = removals.last() else {
            panic!("{removals:?}");
        };
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "com.docker.ucp.collection.shared",
                "com.docker.ucp.orchestrator.swarm"
            ]
        );
    }

    /// What was there before a run that failed is there afterwards, also a configuration of an earlier
    /// installation of the same instance.
    #[test]
    fn what_a_run_has_made() {
        let mut now = everything();
        let before = Inventory {
            objects: now
                .objects
                .iter()
                .filter(|object| object.kind != Kind::Service)
                .cloned()
                .collect(),
            nodes: now
                .nodes
                .iter()
                .map(|node| Node {
                    labels: BTreeMap::new(),
                    ..node.clone()
                })
                .collect(),
        };
        let mut config = object(Kind::Config, "com.docker.ucp.config-3", "a");
        config.labels.insert(RUN.to_owned(), "r1".to_owned());
        let mut other = config.clone();
        other.id = "another".to_owned();
        other.name = "com.docker.ucp.config-4".to_owned();
        other.labels.insert(RUN.to_owned(), "r2".to_owned());
        now.objects.extend([config, other]);
        assert_eq!(
            names(&of_run(&before, &now, "a", "r1")),
            [
                "service ucp-manager-agent",
                "service ucp-auth-worker",
                "config com.docker.ucp.config-3",
                "labels of node one",
            ]
        );
        assert!(of_run(&now, &now, "a", "r1").is_empty());
    }
}
