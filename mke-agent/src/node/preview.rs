//! What would be done on a node, and what is against it: for whoever looks before anything is done. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use mke_core::config::Config;
use mke_core::product::{DEFAULT_ORGANISATION, ProductVersion, Role};
use serde::{Deserialize, Serialize};

use super::check::{Refusal, check};
use super::cluster::{ClusterSpec, ClusterState, ManagerFacts, Purpose, StoreMember, WireSpec};
use super::desired::Desired;
use super::facts::{FactsProblems, NodeFacts};
use super::observed::Observed;
use super::plan::{Plan, plan};
use crate::addons::{AddonPreview, KubeNode, Objects};

/// One node and its cluster, without the configuration, which is a file of its own. A file of it is JSON; unknown fields
/// are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// The node.
    pub node: NodeFacts,
    /// Its cluster.
    pub cluster: ClusterFacts,
    /// How the managers do. What is not said is not known, and nothing that needs it is allowed.
    #[serde(default)]
    pub state: ClusterState,
    /// All nodes of the cluster, as far as Kubernetes has to know. What is not said is not known, and changes nothing there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<KubeNode>,
}

/// What is the same for all nodes of a cluster, without the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterFacts {
    /// The swarm's id, which is the id of the installation.
    pub cluster_id: String,
    /// The version that nodes shall have.
    pub version: ProductVersion,
    /// Where images come from.
    #[serde(default = "default_organisation")]
    pub organisation: String,
    /// The managers of the swarm.
    pub managers: Vec<ManagerFacts>,
    /// The members that the replicated store has or is about to have.
    pub store_members: Vec<StoreMember>,
    /// Whether layer 7 routing of Swarm services is on.
    #[serde(default)]
    pub interlock: bool,
}

fn default_organisation() -> String {
    DEFAULT_ORGANISATION.to_owned()
}

impl Situation {
    /// Reads one from JSON.
    ///
    /// # Errors
    /// When the text is not of this form, or says what cannot be.
    pub fn parse(text: &str) -> Result<Self, FactsProblems> {
        let read: Self =
            serde_json::from_str(text).map_err(|error| FactsProblems(vec![error.to_string()]))?;
        let problems = read.node.problems();
        match problems.is_empty() {
            true => Ok(read),
            false => Err(FactsProblems(problems)),
        }
    }

    /// What a node is told, apart from the configuration.
    pub fn of(spec: &WireSpec) -> Self {
        let cluster = spec.cluster.clone();
        Self {
            node: spec.node.clone(),
            cluster: ClusterFacts {
                cluster_id: cluster.cluster_id,
                version: cluster.version,
                organisation: cluster.organisation,
                managers: cluster.managers,
                store_members: cluster.store_members,
                interlock: cluster.interlock,
            },
            state: spec.state.clone(),
            nodes: Vec::new(),
        }
    }

    /// The cluster with a configuration.
    pub fn cluster(&self, config: Arc<Config>) -> ClusterSpec {
        let cluster = self.cluster.clone();
        ClusterSpec {
            cluster_id: cluster.cluster_id,
            version: cluster.version,
            organisation: cluster.organisation,
            config,
            managers: cluster.managers,
            store_members: cluster.store_members,
            interlock: cluster.interlock,
            store_alone: false,
        }
    }

    /// What would be done with this configuration on a node where this is there; `objects` is what is there in Kubernetes, when
    /// somebody said so.
    pub fn preview(&self, config: Arc<Config>, observed: &Observed, objects: Option<&Objects>) -> Preview {
        let spec = self.cluster(config);
        Preview::of(&spec, &self.node, &self.state, observed).with_addons(&spec, &self.nodes, objects)
    }
}

/// What would be done on a node, and what is against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The host name of the node.
    pub hostname: String,
    /// Its part in the cluster.
    pub role: Role,
    /// The version that it shall have.
    pub version: ProductVersion,
    /// What would be done.
    pub plan: Plan,
    /// Why it would not be done now; nothing when it would.
    pub refusals: Vec<Refusal>,
    /// Volumes with wanted files into which nobody could look: what is to be written there stands in no step.
    pub unseen: Vec<String>,
    /// What would be done in Kubernetes: the cluster agent does that, which runs on some manager. Nothing for workers, and in a
    /// cluster without Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addons: Option<AddonPreview>,
}

impl Preview {
    /// Plans and checks; nothing is done.
    pub fn of(cluster: &ClusterSpec, node: &NodeFacts, state: &ClusterState, observed: &Observed) -> Self {
        let desired = Desired::of(cluster, node);
        let plan = plan(&desired, observed, state, Purpose::Converge);
        let is_unseen = |name: &str| {
            observed
                .volumes
                .get(name)
                .is_some_and(|volume| volume.files.is_none())
        };
        let unseen: BTreeSet<&str> = desired.files.iter().map(|file| file.volume.as_str()).collect();
        Self {
            hostname: node.hostname.clone(),
            role: node.role,
            version: cluster.version,
            refusals: check(plan.clone(), &desired, observed, state)
                .err()
                .unwrap_or_default(),
            unseen: unseen
                .into_iter()
                .filter(|name| is_unseen(name))
                .map(str::to_owned)
                .collect(),
            plan,
            addons: None,
        }
    }

    /// The same with what would be done in Kubernetes, when the node is a manager.
    #[must_use]
    pub fn with_addons(mut self, cluster: &ClusterSpec, nodes: &[KubeNode], there: Option<&Objects>) -> Self {
        self.addons = match self.role {
            Role::Manager => AddonPreview::of(cluster, nodes, there),
            Role::Worker => None,
        };
        self
    }

    /// Whether there is nothing to do for anybody: no step, now or in the manager's turn, and nothing that waits for a person.
    pub fn is_settled(&self) -> bool {
        self.plan.is_empty()
            && self.refusals.is_empty()
            && self.plan.blocked.iter().all(|blocked| blocked.later)
            && self.addons.as_ref().is_none_or(AddonPreview::is_settled)
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Manager => "manager",
            Role::Worker => "worker",
        };
        let (id, hostname, version) = (&self.plan.node_id, &self.hostname, self.version);
        writeln!(f, "node {hostname} ({id}), {role}, version {version}")?;
        write!(f, "{}", self.plan)?;
        for refusal in &self.refusals {
            writeln!(f, "refused: {refusal}")?;
        }
        if !self.unseen.is_empty() {
            writeln!(f, "not looked into: {}", self.unseen.join(", "))?;
        }
        match &self.addons {
            Some(addons) => write!(f, "{addons}"),
            None => Ok(()),
        }
    }
}
