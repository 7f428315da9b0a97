//! The way from the objects and taints that are there to those that are wanted: ordered steps, each with its reason. Pure and
//! total; doing them and asking again gives none.
//!
//! Taints come first, so that nothing is placed where it must not run; then objects in the order in which they need each other;
//! what is not wanted any more goes last, in the opposite order. Namespaces stay: what others put into them would go with them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::manifest::{Manifest, Place, rank};
use super::nodes::Taint;
use super::observed::Objects;
use super::wanted::Wanted;
use crate::node::plan::Blocked;

/// What to do in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonPlan {
    /// The installation.
    pub cluster_id: String,
    /// What to do, in order.
    pub steps: Vec<AddonStep>,
    /// What is not as it should be and is left alone, with the reason.
    pub blocked: Vec<Blocked>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonStep {
    /// What to do.
    pub change: Change,
    /// Why.
    pub reason: String,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Make an object.
    Create(Manifest),
    /// Let an object of ours say something else.
    Replace(Manifest),
    /// Remove an object of ours.
    Remove(Place),
    /// Give a node a taint of the product.
    Taint {
        /// The node.
        node: String,
        /// The taint.
        taint: Taint,
    },
    /// Take a taint of the product from a node.
    Untaint {
        /// The node.
        node: String,
        /// The taint.
        taint: Taint,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(manifest) => write!(f, "create {}", manifest.place),
            Self::Replace(manifest) => write!(f, "replace {}", manifest.place),
            Self::Remove(place) => write!(f, "remove {place}"),
            Self::Taint { node, taint } => write!(f, "taint node {node} with {taint}"),
            Self::Untaint { node, taint } => write!(f, "take taint {taint} from node {node}"),
        }
    }
}

impl fmt::Display for AddonStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.change, self.reason)
    }
}

/// What to do. Without the id of an installation nothing can be told to be ours, and nothing is planned.
pub fn plan(wanted: &Wanted, there: &Objects) -> AddonPlan {
    let mut work = Work {
        wanted,
        there,
        steps: Vec::new(),
        blocked: Vec::new(),
    };
    if wanted.cluster_id.is_empty() {
        work.block(
            "add-ons",
            "the installation has no id, so nothing can be told to be ours",
            false,
        );
    } else {
        work.taints();
        work.objects();
        work.leftovers();
    }
    for waiting in &wanted.waiting {
        work.block(&waiting.component, &waiting.why, true);
    }
    AddonPlan {
        cluster_id: wanted.cluster_id.clone(),
        steps: work.steps,
        blocked: work.blocked,
    }
}

/// A plan under way.
struct Work<'w> {
    wanted: &'w Wanted,
    there: &'w Objects,
    steps: Vec<AddonStep>,
    blocked: Vec<Blocked>,
}

impl Work<'_> {
    fn step(&mut self, change: Change, reason: &str) {
        self.steps.push(AddonStep {
            change,
            reason: reason.to_owned(),
        });
    }

    fn block(&mut self, object: &str, why: &str, later: bool) {
        self.blocked.push(Blocked {
            object: object.to_owned(),
            why: why.to_owned(),
            later,
        });
    }

    /// Nodes that Kubernetes does not know yet bring their taints along when they register.
    fn taints(&mut self) {
        for node in &self.wanted.nodes {
            let Some(seen) = self.there.nodes.get(&node.node) else {
                continue;
            };
            for (taint, said) in &node.taints {
                let (node, taint) = (node.node.clone(), taint.clone());
                match (said.wanted, seen.taints.contains(&taint)) {
                    (true, false) => self.step(Change::Taint { node, taint }, said.why),
                    (false, true) => self.step(Change::Untaint { node, taint }, said.why),
                    (true, true) | (false, false) => {}
                }
            }
        }
    }

    fn objects(&mut self) {
        for wanted in &self.wanted.objects {
            let Some(seen) = self.there.objects.get(&wanted.place) else {
                self.step(Change::Create(wanted.clone()), "it is missing");
                continue;
            };
            if !seen.is_ours(&self.wanted.cluster_id) {
                // Whoever made a namespace, objects can be put into it.
                if wanted.place.kind != "Namespace" {
                    let why = "it is not ours: its label names no installation, or another one; remove it, or give it another name";
                    self.block(&wanted.place.to_string(), why, false);
                }
            } else if seen.digest.as_ref() != Some(&wanted.digest) {
                self.step(
                    Change::Replace(wanted.clone()),
                    "it was made from another description",
                );
            }
        }
    }

    fn leftovers(&mut self) {
        let wanted = |place: &Place| self.wanted.objects.iter().any(|object| object.place == *place);
        let kept = |addon: Option<&str>| addon.is_some_and(|addon| self.wanted.kept.contains(addon));
        let mut gone: Vec<&Place> = self
            .there
            .objects
            .iter()
            .filter(|(place, seen)| {
                seen.is_ours(&self.wanted.cluster_id)
                    && place.kind != "Namespace"
                    && !wanted(place)
                    && !kept(seen.addon())
            })
            .map(|(place, _)| place)
            .collect();
        gone.sort_by_key(|place| std::cmp::Reverse(rank(&place.kind)));
        let gone: Vec<Place> = gone.into_iter().cloned().collect();
        for place in gone {
            self.step(
                Change::Remove(place),
                "this version and configuration do not want it",
            );
        }
    }
}
