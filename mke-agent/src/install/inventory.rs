//! What is on an engine and in its swarm, and which of it belongs to an installation. Pure but for reading the lists.
//!
//! Something is ours when its name stands in the product's catalogue and its label names the instance. Everything else is
//! never touched, whatever it is called.

use std::collections::{BTreeMap, BTreeSet};

use mke_core::product::{self, labels, objects};
use serde_json::Value;

use super::daemon::Daemon;
use super::error::InstallError;

/// Label of everything that one run of the bootstrapper made, so that a later run knows what a killed one left.
pub const RUN: &str = "com.docker.ucp.run";

/// What kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Of the swarm.
    Service,
    /// Of the engine.
    Container,
    /// Of the engine or the swarm.
    Network,
    /// Of the engine.
    Volume,
    /// Of the swarm.
    Config,
    /// Of the swarm.
    Secret,
}

impl Kind {
    /// The word in messages, and where the Engine API keeps such objects.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Service => ("service", "services"),
            Self::Container => ("container", "containers"),
            Self::Network => ("network", "networks"),
            Self::Volume => ("volume", "volumes"),
            Self::Config => ("config", "configs"),
            Self::Secret => ("secret", "secrets"),
        }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// What kind.
    pub kind: Kind,
    /// Its id; a volume's is its name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Object {
    /// The instance that its label names.
    pub fn instance(&self) -> Option<&str> {
        self.labels.get(labels::INSTANCE_ID).map(String::as_str)
    }

    /// Whether the name is one that the product gives.
    pub fn has_catalogue_name(&self) -> bool {
        let name = self.name.as_str();
        match self.kind {
            Kind::Service => name.starts_with("ucp-"),
            Kind::Container => name.starts_with("ucp-") || name.starts_with("k8s_"),
            Kind::Network => name == objects::BRIDGE || name == objects::INTERLOCK_NETWORK,
            Kind::Volume => product::volume(name).is_some(),
            Kind::Config => [
                objects::CONFIG,
                objects::CONFIG_OTHER_SPELLING,
                objects::LICENSE,
                objects::CLUSTER_CA_CONFIG,
                objects::INTERLOCK_CONFIG,
                super::lock::NAME,
            ]
            .iter()
            .any(|object| objects::version_of(object, name).is_some()),
            Kind::Secret => objects::version_of(objects::AUTH_KEY_SECRET, name).is_some(),
        }
    }

    /// Whether it belongs to this instance.
    pub fn is_of(&self, instance: &str) -> bool {
        self.has_catalogue_name() && self.instance() == Some(instance)
    }
}

/// A node as the swarm knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its host name.
    pub name: String,
    /// Whether it is a manager.
    pub manager: bool,
    /// `linux` or `windows`.
    pub os: String,
    /// Whether the swarm sees it, `ready`.
    pub ready: bool,
    /// Where it is.
    pub address: String,
    /// Version of its engine.
    pub engine: String,
    /// Processors in billionths.
    pub nano_cpus: i64,
    /// Bytes of memory.
    pub memory: i64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Objects of the engine, and on a manager of the swarm.
    pub objects: Vec<Object>,
    /// The swarm's nodes, on a manager.
    pub nodes: Vec<Node>,
}

impl Inventory {
    /// Reads the lists of one engine, and on a manager those of its swarm.
    ///
    /// # Errors
    /// The engine's.
    pub async fn read(daemon: &Daemon, manager: bool) -> Result<Self, InstallError> {
        let mut inventory = Self::default();
        for item in daemon.list("/containers/json?all=1").await? {
            inventory.add(Kind::Container, &item, "/Id", "/Names/0", "/Labels");
        }
        for item in daemon.list("/networks").await? {
            inventory.add(Kind::Network, &item, "/Id", "/Name", "/Labels");
        }
        let volumes = daemon.get("/volumes").await?;
        for item in volumes
            .get("Volumes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            inventory.add(Kind::Volume, item, "/Name", "/Name", "/Labels");
        }
        if manager {
            for kind in [Kind::Service, Kind::Config, Kind::Secret] {
                let (_, place) = kind.words();
                for item in daemon.list(&format!("/{place}")).await? {
                    inventory.add(kind, &item, "/ID", "/Spec/Name", "/Spec/Labels");
                }
            }
            inventory.nodes = daemon.list("/nodes").await?.iter().map(node).collect();
        }
        inventory.objects.sort();
        Ok(inventory)
    }

    fn add(&mut self, kind: Kind, item: &Value, id: &str, name: &str, labels: &str) {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        self.objects.push(Object {
            kind,
            id: text(id).to_owned(),
            name: text(name).trim_start_matches('/').to_owned(),
            labels: texts(item.pointer(labels)),
        });
    }

    /// Objects of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(move |object| object.kind == kind)
    }

    /// An object by its name.
    pub fn named(&self, kind: Kind, name: &str) -> Option<&Object> {
        self.of_kind(kind).find(|object| object.name == name)
    }

    /// The instances whose services or containers are here. One is the rule.
    pub fn instances(&self) -> BTreeSet<&str> {
        self.objects
            .iter()
            .filter(|object| {
                matches!(object.kind, Kind::Service | Kind::Container) && object.has_catalogue_name()
            })
            .filter_map(Object::instance)
            .collect()
    }

    /// The number that the next version of a config object gets.
    pub fn next_number(&self, config: &str) -> u64 {
        self.of_kind(Kind::Config)
            .filter_map(|object| objects::version_of(config, &object.name))
            .max()
            .unwrap_or(0)
            .saturating_add(1)
    }

    /// The version that is installed: what the controller's container here says, else the one of another component.
    pub fn installed_version(&self, instance: &str) -> Option<&str> {
        let of = |object: &Object| object.labels.get(labels::VERSION).cloned();
        let ours = || {
            self.objects
                .iter()
                .filter(|object| object.is_of(instance) && of(object).is_some())
        };
        let shown = |name: &str| ours().find(|object| object.name == name);
        shown("ucp-controller")
            .or_else(|| shown("ucp-proxy"))
            .or_else(|| ours().find(|object| object.kind == Kind::Service))
            .and_then(|object| object.labels.get(labels::VERSION))
            .map(String::as_str)
    }
}

fn node(item: &Value) -> Node {
    let text = |pointer: &str| {
        item.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = |pointer: &str| item.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let manager = text("/Spec/Role") == "manager";
    let reported = text("/ManagerStatus/Addr");
    let host = reported
        .rsplit_once(':')
        .map_or("", |(host, _)| host)
        .trim_matches(['[', ']']);
    Node {
        id: text("/ID"),
        name: text("/Description/Hostname"),
        manager,
        os: text("/Description/Platform/OS"),
        ready: text("/Status/State") == "ready",
        // A manager's own word is better: the other one is what the leader sees, which may be 0.0.0.0.
        address: if host.is_empty() {
            text("/Status/Addr")
        } else {
            host.to_owned()
        },
        engine: text("/Description/Engine/EngineVersion"),
        nano_cpus: number("/Description/Resources/NanoCPUs"),
        memory: number("/Description/Resources/MemoryBytes"),
        labels: texts(item.pointer("/Spec/Labels")),
    }
}

/// A JSON object of texts.
pub(super) fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
pub(super) mod examples {
    use super::*;

    /// An object with the labels of an instance; of none when it is empty.
    pub(in crate::install) fn object(kind: Kind, name: &str, instance: &str) -> Object {
        let labels = (!instance.is_empty()).then(|| (labels::INSTANCE_ID.to_owned(), instance.to_owned()));
        Object {
            kind,
            id: format!("id-{name}"),
            name: name.to_owned(),
            labels: labels.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::examples::object;
    use super::*;

    /// Test table: what belongs to an installation and what only looks like it.
    #[test]
    fn what_is_ours() {
        for (kind, name, instance, ours) in [
            (Kind::Container, "ucp-proxy", "a", true),
            (Kind::Container, "ucp-proxy", "b", false),
            (Kind::Container, "ucp-proxy", "", false),
            (Kind::Container, "web", "a", false),
            (Kind::Container, "k8s_POD_coredns-1", "a", true),
            (Kind::Volume, "ucp-kv", "a", true),
            (Kind::Volume, "ucp-kv", "", false),
            (Kind::Volume, "ucp-of-mine", "a", false),
            (Kind::Network, "ucp-bridge", "a", true),
            (Kind::Network, "bridge", "a", false),
            (Kind::Config, "com.docker.ucp.config-7", "a", true),
            (Kind::Config, "com.docker.ucp.config-x", "a", false),
            (Kind::Config, "my.config", "a", false),
            (Kind::Secret, "ucp-auth-key", "a", true),
            (Kind::Secret, "ucp-auth-key-of-mine", "a", false),
            (Kind::Service, "ucp-manager-agent", "a", true),
            (Kind::Service, "web", "a", false),
        ] {
            assert_eq!(
                object(kind, name, instance).is_of("a"),
                ours,
                "{kind:?} {name} {instance}"
            );
        }
    }

    #[test]
    fn numbers_of_config_objects_grow() {
        let mut inventory = Inventory::default();
        assert_eq!(inventory.next_number(objects::CONFIG), 1);
        for name in [
            "com.docker.ucp.config",
            "com.docker.ucp.config-4",
            "com.docker.license-9",
        ] {
            inventory.objects.push(object(Kind::Config, name, ""));
        }
        assert_eq!(inventory.next_number(objects::CONFIG), 5);
    }

    #[test]
    fn nodes_as_the_swarm_describes_them() {
        let item = serde_json::json!({
            "ID": "n1", "Spec": { "Role": "manager", "Labels": { "a": "b" } },
            "Description": {
                "Hostname": "one", "Platform": { "OS": "linux" },
                "Engine": { "EngineVersion": "20.10.24" },
                "Resources": { "NanoCPUs": 2_000_000_000_i64, "MemoryBytes": 1024 },
            },
            "Status": { "State": "ready", "Addr": "0.0.0.0" },
            "ManagerStatus": { "Addr": "10.0.0.1:2377" },
        });
        let node = node(&item);
        assert_eq!(
            (node.address.as_str(), node.manager, node.ready),
            ("10.0.0.1", true, true)
        );
        assert_eq!(node.labels.get("a").map(String::as_str), Some("b"));
    }
}
