//! The way from what is there to what is wanted: ordered steps, each with its reason. Pure and total; nothing to do is a
//! plan without steps.
//!
//! What is ours: a container, network or volume whose name is one of the product's and whose label names this
//! installation. Containers and networks of others are left alone even under our names, and said so. Volumes are taken
//! over as they are (VOL-003), and removed only when they are ours.

mod container;
mod files;
mod print;
mod remove;

use std::collections::{BTreeMap, BTreeSet};

use mke_core::product::ImageRef;
use serde::{Deserialize, Serialize};

use super::cluster::{ClusterState, Purpose};
use super::desired::Desired;
use super::observed::Observed;
use super::step::{Action, Step};

/// What to do on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The installation.
    pub cluster_id: String,
    /// The swarm's id of the node.
    pub node_id: String,
    /// What it is made for.
    pub purpose: Purpose,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What is not as it should be and is left alone, with the reason.
    pub blocked: Vec<Blocked>,
    /// Whether something is left for the turn of this manager ([`ClusterState::turn`]).
    #[serde(default)]
    pub wants_turn: bool,
}

/// Something that is not as it should be and is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// What it is, such as `container ucp-kv`.
    pub object: String,
    /// Why it is left alone, and what to do.
    pub why: String,
    /// Whether it becomes possible by itself: another node must be done first.
    pub later: bool,
}

impl Plan {
    /// Whether there is nothing to do, neither now nor in this manager's turn.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && !self.wants_turn
    }

    /// Whether nothing can be done before it is this manager's turn ([`ClusterState::turn`]). Whatever takes down nothing
    /// that other managers rely on is done before, and never waits: it may be what brings the store back, without which
    /// nobody is given a turn.
    pub const fn needs_turn(&self) -> bool {
        self.wants_turn && self.steps.is_empty()
    }
}

/// What to do on a node.
pub fn plan(desired: &Desired, observed: &Observed, state: &ClusterState, purpose: Purpose) -> Plan {
    let mut work = Work::new(desired, observed, state, purpose);
    if desired.cluster_id.is_empty() {
        work.block(
            "node",
            "the installation has no id, so nothing can be told to be ours",
            false,
        );
    } else if desired.paused && purpose == Purpose::Converge {
        let why = "its label com.docker.ucp.agent-pause is set: remove it to let the node converge";
        work.block("node", why, false);
    } else {
        match purpose {
            Purpose::Converge => {
                work.networks();
                work.volumes();
                work.files();
                work.certificates();
                work.containers();
                work.leftovers();
            }
            Purpose::Uninstall => work.everything(),
        }
    }
    work.finish()
}

/// A plan under way.
struct Work<'w> {
    desired: &'w Desired,
    observed: &'w Observed,
    state: &'w ClusterState,
    purpose: Purpose,
    steps: Vec<Step>,
    blocked: BTreeSet<Blocked>,
    /// Steps that what comes later may need: by image, network, volume (several) and component.
    images: BTreeMap<ImageRef, usize>,
    networks: BTreeMap<String, usize>,
    volumes: BTreeMap<String, Vec<usize>>,
    started: BTreeMap<String, usize>,
    wants_turn: bool,
    /// Networks and components that cannot be had now.
    unusable: BTreeSet<String>,
}

impl<'w> Work<'w> {
    fn new(desired: &'w Desired, observed: &'w Observed, state: &'w ClusterState, purpose: Purpose) -> Self {
        Self {
            desired,
            observed,
            state,
            purpose,
            steps: Vec::new(),
            blocked: BTreeSet::new(),
            images: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            started: BTreeMap::new(),
            wants_turn: false,
            unusable: BTreeSet::new(),
        }
    }

    /// Adds a step and says its place.
    fn step(&mut self, action: Action, reason: impl Into<String>, needs: Vec<usize>) -> usize {
        self.steps.push(Step {
            action,
            reason: reason.into(),
            needs,
        });
        self.steps.len() - 1
    }

    fn block(&mut self, object: impl Into<String>, why: impl Into<String>, later: bool) {
        self.blocked.insert(Blocked {
            object: object.into(),
            why: why.into(),
            later,
        });
    }

    fn is_ours(&self, labels: &BTreeMap<String, String>) -> bool {
        Observed::is_ours(labels, &self.desired.cluster_id)
    }

    fn networks(&mut self) {
        for wanted in &self.desired.networks {
            match self.observed.networks.get(&wanted.name) {
                None => {
                    let create = Action::CreateNetwork(wanted.clone());
                    let place = self.step(create, "it is missing", Vec::new());
                    self.networks.insert(wanted.name.clone(), place);
                }
                Some(found) if found.driver != wanted.driver => {
                    let why = format!(
                        "it has driver {:?} and must have {:?}: remove it",
                        found.driver, wanted.driver
                    );
                    self.block(format!("network {}", wanted.name), why, false);
                    self.unusable.insert(wanted.name.clone());
                }
                Some(_) => {}
            }
        }
    }

    fn volumes(&mut self) {
        for wanted in &self.desired.volumes {
            if !self.observed.volumes.contains_key(&wanted.name) {
                let create = Action::CreateVolume(wanted.clone());
                let place = self.step(create, "it is missing", Vec::new());
                self.volumes.insert(wanted.name.clone(), vec![place]);
            }
        }
    }

    fn finish(mut self) -> Plan {
        if self.purpose == Purpose::Converge {
            for waiting in &self.desired.waiting {
                self.blocked.insert(Blocked {
                    object: format!("container {}", waiting.component),
                    why: waiting.why.clone(),
                    later: true,
                });
            }
        }
        Plan {
            cluster_id: self.desired.cluster_id.clone(),
            node_id: self.desired.node_id.clone(),
            purpose: self.purpose,
            steps: self.steps,
            blocked: self.blocked.into_iter().collect(),
            wants_turn: self.wants_turn,
        }
    }
}
