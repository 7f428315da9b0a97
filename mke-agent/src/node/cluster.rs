//! What is the same for all nodes of a cluster: what it shall be, and how it does.

use std::net::IpAddr;
use std::sync::Arc;

use mke_core::config::Config;
use mke_core::product::{ProductVersion, quorum};
use serde::{Deserialize, Serialize};

/// What a cluster shall be. The same for all its nodes, except that [`Self::for_workers`] leaves out what workers must not
/// know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// The swarm's id, which is the id of the installation.
    pub cluster_id: String,
    /// The version that its nodes shall have.
    pub version: ProductVersion,
    /// Where images come from: `mirantis`, or `registry.example.com/mirantis`.
    pub organisation: String,
    /// The configuration.
    pub config: Arc<Config>,
    /// The managers of the swarm.
    pub managers: Vec<ManagerFacts>,
    /// The members that the replicated store has or is about to have: a manager's store is started once it is among them.
    pub store_members: Vec<StoreMember>,
    /// Whether layer 7 routing of Swarm services is on.
    #[serde(default)]
    pub interlock: bool,
    /// Whether the node's member of the store is started once as a cluster of its own, with what it knows: the majority is lost
    /// for good ([`crate::kv::alone`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub store_alone: bool,
}

/// One manager, as its fellow nodes know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagerFacts {
    /// The swarm's id of the node.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// The address at which other nodes reach it.
    pub address: IpAddr,
    /// Its label with further names for the server certificate, which all managers have in common.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sans: String,
}

/// One member of the replicated store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreMember {
    /// The swarm's id of its node, which is also its name in the store.
    pub id: String,
    /// The address of its node.
    pub address: IpAddr,
    /// Its id in the store, hexadecimal, where it matters: another one is another member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// How the rest of the cluster does, as far as a plan for one node must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ClusterState {
    /// Every manager, the node itself included when it is one.
    pub managers: Vec<ManagerState>,
    /// The manager whose turn it is: while there are several, only that one may take its running store or controller
    /// down. Whoever wants the turn takes a lease in the store.
    #[serde(default)]
    pub turn: Option<String>,
}

/// How one manager does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagerState {
    /// The swarm's id of the node.
    pub id: String,
    /// Its member of the replicated store.
    pub store: StoreHealth,
    /// Whether its controller answers.
    pub healthy: bool,
}

/// How a member of the replicated store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreHealth {
    /// It answers, and counts in votes.
    Healthy,
    /// It is a member and does not answer.
    Unhealthy,
    /// Nobody could find out.
    Unknown,
    /// It is no member.
    NoMember,
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The node shall be as it is wanted.
    #[default]
    Converge,
    /// The product shall leave the node, with everything of its own.
    Uninstall,
}

impl ClusterState {
    /// The state of one manager.
    pub fn manager(&self, id: &str) -> Option<&ManagerState> {
        self.managers.iter().find(|manager| manager.id == id)
    }

    /// Whether the store can spare its member on node `id`: it is no member, or enough of the others answer. Members of
    /// which nobody knows anything do not answer. A store of one or two members can never spare one; there it is enough
    /// that all others answer, because waiting would never end.
    pub fn store_can_spare(&self, id: &str) -> bool {
        let members = || {
            self.managers
                .iter()
                .filter(|manager| manager.store != StoreHealth::NoMember)
        };
        if !members().any(|member| member.id == id) {
            return self.manager(id).is_some() || self.managers.is_empty();
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let others = members().filter(|member| member.id != id && member.store == StoreHealth::Healthy);
        let (all, others) = (count(members().count()), count(others.count()));
        others >= quorum(all) || (all <= 2 && others + 1 == all)
    }

    /// Whether a manager may take what the others rely on down now.
    pub fn has_turn(&self, id: &str) -> bool {
        !self.managers.iter().any(|manager| manager.id != id) || self.turn.as_deref() == Some(id)
    }
}

impl ClusterSpec {
    /// The same without what workers have no use for: they get the settings of components and nobody's secrets.
    #[must_use]
    pub fn for_workers(&self) -> Self {
        let config = Config {
            cluster: self.config.cluster.clone(),
            hardening: self.config.hardening.clone(),
            log: self.config.log.clone(),
            scheduling: self.config.scheduling.clone(),
            ..Config::default()
        };
        Self {
            config: Arc::new(config),
            store_members: self
                .store_members
                .iter()
                .map(|member| StoreMember {
                    member: None,
                    ..member.clone()
                })
                .collect(),
            ..self.clone()
        }
    }
}

/// What a node is told about itself and its cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireSpec {
    /// Grows with every change.
    pub revision: u64,
    /// What the cluster shall be.
    pub cluster: ClusterSpec,
    /// What the managers know about the node.
    pub node: super::NodeFacts,
    /// How the other managers do.
    pub state: ClusterState,
}
