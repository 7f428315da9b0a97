//! What would be done in Kubernetes, and what is against it, for people.

use std::collections::BTreeSet;
use std::fmt;

use mke_core::product::{ImageRef, image};
use serde::{Deserialize, Serialize};

use super::check::check;
use super::nodes::KubeNode;
use super::observed::Objects;
use super::plan::{AddonPlan, plan};
use super::wanted::Wanted;
use crate::node::{ClusterSpec, Refusal};

/// What would be done in Kubernetes, and what is against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonPreview {
    /// What would be done.
    pub plan: AddonPlan,
    /// Why it would not be done; nothing when it would.
    pub refusals: Vec<Refusal>,
    /// Whether somebody said what is there. Otherwise this is the plan for a cluster that was just made.
    pub looked: bool,
    /// Images that the steps need and that are no part of this version: nothing is done as long as there are any.
    pub missing_images: Vec<String>,
}

impl AddonPreview {
    /// Plans and checks; nothing is done. A cluster without Kubernetes has none.
    pub fn of(cluster: &ClusterSpec, nodes: &[KubeNode], there: Option<&Objects>) -> Option<Self> {
        if cluster.config.cluster.swarm_only {
            return None;
        }
        let wanted = Wanted::of(cluster, nodes);
        let fresh = Objects::fresh(nodes);
        let seen = there.unwrap_or(&fresh);
        let plan = plan(&wanted, seen);
        let images: BTreeSet<&str> = wanted
            .objects
            .iter()
            .flat_map(|object| object.images())
            .filter(|full| !is_made(full))
            .collect();
        Some(Self {
            refusals: check(&plan, &wanted, seen),
            plan,
            looked: there.is_some(),
            missing_images: images.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Whether there is nothing to do for anybody.
    pub fn is_settled(&self) -> bool {
        self.plan.steps.is_empty()
            && self.refusals.is_empty()
            && self.plan.blocked.iter().all(|blocked| blocked.later)
    }
}

fn is_made(full: &str) -> bool {
    full.parse::<ImageRef>()
        .is_ok_and(|known| image(&known.name).is_some_and(|image| image.made))
}

impl fmt::Display for AddonPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "add-ons of Kubernetes, for the whole cluster")?;
        if self.plan.steps.is_empty() {
            writeln!(f, "nothing to do")?;
        }
        let width = self.plan.steps.len().to_string().len();
        for (place, step) in self.plan.steps.iter().enumerate() {
            writeln!(f, "{:>width$}. {step}", place + 1)?;
        }
        for blocked in &self.plan.blocked {
            let word = if blocked.later { "later" } else { "left alone" };
            writeln!(f, "{word}: {blocked}")?;
        }
        for refusal in &self.refusals {
            writeln!(f, "refused: {refusal}")?;
        }
        if !self.looked {
            writeln!(
                f,
                "not looked into: Kubernetes; these are the steps of a cluster that was just made"
            )?;
        }
        if !self.missing_images.is_empty() {
            let images = self.missing_images.join(", ");
            writeln!(
                f,
                "later: none of this is done before there are images that this version does not have: {images}"
            )?;
        }
        Ok(())
    }
}
