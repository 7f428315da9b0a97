//! Whether a plan for Kubernetes may be carried out. This shares no code with what makes plans: it judges each step by what is wanted
//! and what is there, and refuses whatever it cannot account for.

use std::collections::BTreeSet;

use mke_core::product::labels;

use super::manifest::{KINDS, Manifest, Place};
use super::nodes::Taint;
use super::observed::Objects;
use super::plan::{AddonPlan, Change};
use super::wanted::Wanted;
use crate::node::Refusal;

/// Everything that speaks against a plan; empty when nothing does. It refuses to touch what is not ours, kinds that add-ons are
/// not made of, taints that are not the product's, namespaces that would take others' objects along, and whatever is not wanted.
pub fn check(plan: &AddonPlan, wanted: &Wanted, there: &Objects) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if plan.cluster_id.is_empty() || plan.cluster_id != wanted.cluster_id {
        refusals.push(Refusal {
            step: None,
            why: "it is for another installation".to_owned(),
        });
    }
    let mut touched = BTreeSet::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let mut refuse = |why: String| {
            refusals.push(Refusal {
                step: Some(place),
                why,
            });
        };
        if !touched.insert(object(&step.change)) {
            refuse("another step acts on the same".to_owned());
        }
        if let Err(why) = allows(&step.change, wanted, there) {
            refuse(why);
        }
    }
    refusals
}

/// What is acted upon.
fn object(change: &Change) -> String {
    match change {
        Change::Create(manifest) | Change::Replace(manifest) => manifest.place.to_string(),
        Change::Remove(place) => place.to_string(),
        Change::Taint { node, taint } | Change::Untaint { node, taint } => format!("{node} {taint}"),
    }
}

fn allows(change: &Change, wanted: &Wanted, there: &Objects) -> Result<(), String> {
    match change {
        Change::Create(manifest) => {
            is_wanted(manifest, wanted)?;
            match there.objects.contains_key(&manifest.place) {
                true => Err(format!("{} is there", manifest.place)),
                false => Ok(()),
            }
        }
        Change::Replace(manifest) => {
            is_wanted(manifest, wanted)?;
            is_ours(&manifest.place, wanted, there)
        }
        Change::Remove(place) => {
            is_of_addons(place)?;
            is_ours(place, wanted, there)?;
            if place.kind == "Namespace" {
                return Err(format!("{place} may hold objects of others"));
            }
            match wanted.objects.iter().any(|object| object.place == *place) {
                true => Err(format!("{place} is wanted")),
                false => Ok(()),
            }
        }
        Change::Taint { node, taint } => is_said(node, taint, true, wanted, there),
        Change::Untaint { node, taint } => is_said(node, taint, false, wanted, there),
    }
}

fn is_of_addons(place: &Place) -> Result<(), String> {
    match KINDS.iter().any(|(kind, _)| *kind == place.kind) {
        true => Ok(()),
        false => Err(format!("{place} is of no kind that add-ons are made of")),
    }
}

fn is_wanted(manifest: &Manifest, wanted: &Wanted) -> Result<(), String> {
    is_of_addons(&manifest.place)?;
    if !wanted.objects.contains(manifest) {
        return Err(format!("{} is not wanted so", manifest.place));
    }
    let mark = ["metadata", "labels", labels::INSTANCE_ID];
    let mark = mark
        .iter()
        .try_fold(&manifest.object, |value, field| value.get(*field));
    match mark.and_then(serde_json::Value::as_str) == Some(wanted.cluster_id.as_str()) {
        true => Ok(()),
        false => Err(format!("{} would not be marked as ours", manifest.place)),
    }
}

fn is_ours(place: &Place, wanted: &Wanted, there: &Objects) -> Result<(), String> {
    let ours = there.objects.get(place).is_some_and(|seen| {
        let id = seen.labels.get(labels::INSTANCE_ID);
        !wanted.cluster_id.is_empty() && id == Some(&wanted.cluster_id)
    });
    match ours {
        true => Ok(()),
        false => Err(format!("{place} is not known to be ours")),
    }
}

fn is_said(node: &str, taint: &Taint, wish: bool, wanted: &Wanted, there: &Objects) -> Result<(), String> {
    if !taint.is_ours() {
        return Err(format!("taint {taint} is none of the product's"));
    }
    let Some(seen) = there.nodes.get(node) else {
        return Err(format!("Kubernetes has no node {node}"));
    };
    let mut nodes = wanted.nodes.iter().filter(|known| known.node == node);
    let said = nodes.find_map(|known| known.taints.get(taint));
    if said.is_none_or(|said| said.wanted != wish) {
        return Err(format!(
            "node {node} is not known to {} taint {taint}",
            if wish { "need" } else { "be free of" }
        ));
    }
    match seen.taints.contains(taint) == wish {
        true => Err(format!("node {node} is so already")),
        false => Ok(()),
    }
}
