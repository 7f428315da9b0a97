//! Whether a plan may be carried out now. This shares no code with what makes plans: it walks through the steps over a picture
//! of the node and refuses whatever it cannot account for.
//!
//! It refuses to touch what is not ours, to act on a paused node, to bring in what is not wanted, to remove data outside
//! of a demotion or an uninstallation, to take the store below its quorum or two managers down at once, and to take a
//! component down without bringing it back.

mod picture;

use std::fmt;

use mke_core::product::{self, Content, Role, objects};
use serde::{Deserialize, Serialize};

use super::cluster::{ClusterState, Purpose, StoreHealth};
use super::container::ContainerSpec;
use super::desired::Desired;
use super::observed::Observed;
use super::plan::Plan;
use super::step::{Action, Step};
use picture::Picture;

/// A plan that may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    plan: Plan,
}

/// Why a plan may not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The place of the step in the plan; `None` is the plan as a whole.
    pub step: Option<usize>,
    /// What is wrong with it.
    pub why: String,
}

impl Checked {
    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.plan.steps
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(place) => write!(f, "step {}: {}", place + 1, self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// Whether a plan may be carried out now.
///
/// # Errors
/// Every reason against it.
pub fn check(
    plan: Plan,
    desired: &Desired,
    observed: &Observed,
    state: &ClusterState,
) -> Result<Checked, Vec<Refusal>> {
    let mut refusals = Vec::new();
    if plan.cluster_id.is_empty() || plan.cluster_id != desired.cluster_id {
        whole(&mut refusals, "it is for another installation");
    }
    if plan.node_id != desired.node_id {
        whole(&mut refusals, "it is for another node");
    }
    if desired.paused && plan.purpose == Purpose::Converge && !plan.steps.is_empty() {
        whole(&mut refusals, "the node is paused");
    }
    let judge = Judge {
        desired,
        observed,
        state,
        purpose: plan.purpose,
    };
    let mut picture = Picture::of(observed, &desired.cluster_id);
    for (place, step) in plan.steps.iter().enumerate() {
        let mut refuse = |why: String| {
            refusals.push(Refusal {
                step: Some(place),
                why,
            });
        };
        if let Some(later) = step.needs.iter().find(|needed| **needed >= place) {
            refuse(format!("it needs step {}, which comes after it", later + 1));
        }
        if let Err(why) = judge.allows(&step.action, &picture) {
            refuse(why);
        }
        if let Err(why) = picture.after(&step.action) {
            refuse(why);
        }
    }
    if plan.purpose == Purpose::Converge {
        for spec in &desired.containers {
            if picture.was_taken_down(&spec.name) && !picture.is_running(&spec.name) {
                whole(
                    &mut refusals,
                    &format!("it takes {} down and does not bring it back", spec.name),
                );
            }
        }
    }
    if refusals.is_empty() {
        Ok(Checked { plan })
    } else {
        Err(refusals)
    }
}

fn whole(refusals: &mut Vec<Refusal>, why: &str) {
    refusals.push(Refusal {
        step: None,
        why: why.to_owned(),
    });
}

/// What steps are judged by.
struct Judge<'j> {
    desired: &'j Desired,
    observed: &'j Observed,
    state: &'j ClusterState,
    purpose: Purpose,
}

impl Judge<'_> {
    fn allows(&self, action: &Action, picture: &Picture) -> Result<(), String> {
        match action {
            Action::Pull(image) => {
                let wanted = self.desired.containers.iter().any(|spec| spec.image == *image);
                self.wanted(wanted)
            }
            Action::CreateNetwork(network) => self.wanted(self.desired.networks.contains(network)),
            Action::CreateVolume(volume) => self.wanted(self.desired.volumes.contains(volume)),
            Action::WriteFile(file) => self.wanted(self.desired.files.contains(file)),
            Action::Certificate(need) => {
                let has_place = self
                    .desired
                    .volumes
                    .iter()
                    .any(|volume| volume.name == need.volume);
                self.wanted(has_place && self.observed.certificates.contains(need))
            }
            Action::CreateContainer { name, spec } => {
                let own = name.strip_suffix(objects::NEXT).unwrap_or(name);
                self.wanted(own == spec.name && self.desired.containers.contains(spec))
            }
            Action::StartContainer { name } | Action::UnpauseContainer { name } => {
                self.wanted(self.desired.containers.iter().any(|spec| spec.name == *name))?;
                component(name)
            }
            Action::RenameContainer { from, to } => {
                component(from)?;
                component(to)
            }
            Action::RemoveContainer { name } => component(name),
            Action::StopContainer { name, .. } => {
                component(name)?;
                self.may_stop(name, picture)
            }
            Action::RemoveVolume { name } => self.may_remove_volume(name, picture),
            Action::CopyStore { volume } => {
                let forgets = |spec: &ContainerSpec| {
                    spec.name == "ucp-kv"
                        && spec.command.iter().any(|word| word == "--force-new-cluster=true")
                };
                self.wanted(volume == "ucp-kv" && self.desired.containers.iter().any(forgets))?;
                if picture.is_running("ucp-kv") {
                    return Err(
                        "ucp-kv writes to its volume: it must be stopped before a copy is made".to_owned(),
                    );
                }
                Ok(())
            }
            Action::VetStore { volume, .. } => {
                let has_store = self.desired.containers.iter().any(|spec| spec.name == "ucp-kv");
                self.wanted(volume == "ucp-kv" && has_store)?;
                if picture.is_running("ucp-kv") {
                    return Err(
                        "ucp-kv writes to its volume: it must be stopped before its data is looked at"
                            .to_owned(),
                    );
                }
                Ok(())
            }
            Action::RemoveNetwork { name } => match self.purpose {
                Purpose::Uninstall if name == objects::BRIDGE => Ok(()),
                Purpose::Uninstall => Err(format!("network {name} is none of the product's")),
                Purpose::Converge => Err("networks are removed only when the product leaves".to_owned()),
            },
        }
    }

    /// New things come only from what is wanted, and never while the product leaves.
    fn wanted(&self, is_wanted: bool) -> Result<(), String> {
        if self.purpose == Purpose::Uninstall {
            return Err("nothing is made while the product leaves".to_owned());
        }
        if is_wanted {
            Ok(())
        } else {
            Err("it is not wanted on this node".to_owned())
        }
    }

    /// The quorum of the store, and one manager at a time.
    fn may_stop(&self, name: &str, picture: &Picture) -> Result<(), String> {
        if self.purpose == Purpose::Uninstall || !picture.is_serving(name) {
            return Ok(());
        }
        let me = self.desired.node_id.as_str();
        let others: Vec<_> = self
            .state
            .managers
            .iter()
            .filter(|manager| manager.id != me)
            .collect();
        let mine = self.state.managers.iter().find(|manager| manager.id == me);
        if name == "ucp-kv" {
            let is_member = mine.map_or(self.desired.role == Role::Manager, |manager| {
                manager.store != StoreHealth::NoMember
            });
            let other_members = others
                .iter()
                .filter(|manager| manager.store != StoreHealth::NoMember);
            let all = other_members.count() + usize::from(is_member);
            let answering = others
                .iter()
                .filter(|manager| manager.store == StoreHealth::Healthy)
                .count();
            // More than half of all members, without this one. One or two members can never spare one: there every other
            // one must answer.
            let goes_on = answering * 2 > all || (all <= 2 && answering + 1 >= all);
            if is_member && !goes_on {
                return Err(format!(
                    "the store has {all} members, and without this one only {answering} answer: it would lose its quorum"
                ));
            }
        }
        let is_relied_on = name == "ucp-kv" || name == "ucp-controller";
        let is_turn = self.state.turn.as_deref() == Some(me);
        if is_relied_on && self.desired.role == Role::Manager && !others.is_empty() && !is_turn {
            return Err(format!(
                "{name} of one manager at a time may be down, and it is not this one's turn"
            ));
        }
        Ok(())
    }

    fn may_remove_volume(&self, name: &str, picture: &Picture) -> Result<(), String> {
        let Some(volume) = product::volume(name) else {
            return Err(format!("volume {name} is none of the product's"));
        };
        let found = self.observed.volumes.get(name);
        let labels = found.map(|found| &found.labels);
        if !labels.is_some_and(|labels| Observed::is_ours(labels, &self.desired.cluster_id)) {
            return Err(format!("volume {name} is not known to be ours"));
        }
        for (container, seen) in &self.observed.containers {
            if seen.volumes.contains(name) && picture.has(container) {
                return Err(format!("container {container} still uses volume {name}"));
            }
        }
        if self.purpose == Purpose::Uninstall {
            return Ok(());
        }
        if volume.roles.contains(&self.desired.role)
            || self.desired.volumes.iter().any(|wanted| wanted.name == name)
        {
            return Err(format!("nodes with this role have volume {name}"));
        }
        let me = self.desired.node_id.as_str();
        let keeps =
            |manager: &&super::ManagerState| manager.id != me && manager.store == StoreHealth::Healthy;
        if matches!(volume.content, Content::Data | Content::RootAuthority)
            && !self.state.managers.iter().any(|manager| keeps(&manager))
        {
            return Err(format!(
                "volume {name} holds data, and no other manager is known to have it"
            ));
        }
        let mine = self.state.managers.iter().find(|manager| manager.id == me);
        if name == "ucp-kv" && mine.is_some_and(|manager| manager.store != StoreHealth::NoMember) {
            return Err("volume ucp-kv holds a member that the store still counts on".to_owned());
        }
        Ok(())
    }
}

/// Only containers under the product's names are touched, and no tasks of services.
fn component(name: &str) -> Result<(), String> {
    if product::is_component_name(name) && !name.contains('.') {
        Ok(())
    } else {
        Err(format!("container {name} is none of the product's"))
    }
}
