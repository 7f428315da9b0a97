//! What does not belong on a node any more, and what goes when the product leaves it.

use std::collections::BTreeSet;

use mke_core::product::{self, Component, Kind, Placement, Role, objects};

use super::Work;
use super::container::{STORE, is_active};
use crate::node::cluster::StoreHealth;
use crate::node::observed::{ContainerState, ObservedContainer};
use crate::node::step::Action;

/// How many seconds a component gets to end that is not wanted any more.
const STOP_SECONDS: u32 = 10;

impl Work<'_> {
    /// Containers, volumes and networks of ours that do not belong on this node.
    pub(super) fn leftovers(&mut self) {
        let desired = self.desired;
        let mut kept: BTreeSet<&str> = desired.containers.iter().map(|spec| spec.name.as_str()).collect();
        kept.extend(desired.waiting.iter().map(|waiting| waiting.component.as_str()));
        let mut gone = Vec::new();
        for (name, component) in self.ours() {
            // Whoever started it looks after it, and ends it.
            let is_on_demand = component.placement == Placement::OnDemand;
            if is_on_demand || kept.contains(component.name) {
                continue;
            }
            if component.name == STORE && !self.may_drop_store() {
                let why = "it does not belong on this node, and is still a member of the store: the cluster agent takes it out first";
                self.block(format!("container {name}"), why, true);
                continue;
            }
            gone.push(self.take_away(&name, STOP_SECONDS, "it does not belong on this node", Vec::new()));
        }
        self.stray_volumes(&gone);
    }

    /// Volumes of ours that nodes with this role do not have.
    fn stray_volumes(&mut self, gone: &[usize]) {
        let role = self.desired.role;
        let observed = self.observed;
        for (name, found) in &observed.volumes {
            let Some(volume) = product::volume(name).filter(|volume| volume.made) else {
                continue;
            };
            let is_wanted = self.desired.volumes.iter().any(|wanted| wanted.name == *name);
            if is_wanted || volume.roles.contains(&role) || !self.is_ours(&found.labels) {
                continue;
            }
            let object = format!("volume {name}");
            if volume.precious() && !self.has_other_managers() {
                let why = "nodes of this role do not have it, and no manager is known that keeps the same: nothing is lost while it stays";
                self.block(object, why, true);
                continue;
            }
            if volume.name == STORE && !self.may_drop_store() {
                let why = "nodes of this role do not have it, and it holds a member of the store: the cluster agent takes that out first";
                self.block(object, why, true);
                continue;
            }
            let users = self.users(name, gone);
            if let Some(user) = users.1 {
                // The swarm ends a task of ours by itself, and keeps what is left of it for as long as it likes: nobody waits for
                // that. When it goes, that is an event, and the volume goes too.
                let ends = self.observed.containers.get(&user).is_some_and(|found| {
                    self.is_ours(&found.labels) && found.state == ContainerState::Running
                });
                self.block(
                    object,
                    format!("nodes of this role do not have it, and container {user} uses it"),
                    ends,
                );
                continue;
            }
            let remove = Action::RemoveVolume { name: name.clone() };
            self.step(remove, "nodes of this role do not have it", users.0);
        }
    }

    /// Everything of ours: the product leaves the node.
    pub(super) fn everything(&mut self) {
        let why = "the product leaves this node";
        let mut gone = Vec::new();
        let mut ours = self.ours();
        // Whoever is needed by others goes after them.
        ours.sort_by_key(|(_, component)| std::cmp::Reverse(depth(component)));
        for (name, component) in ours {
            let found = self.observed.containers.get(&name);
            let runs = found.is_some_and(is_active);
            if component.placement == Placement::OnDemand && runs {
                // It may be what carries this plan out.
                self.block(
                    format!("container {name}"),
                    "it is at work: it is removed when it is done",
                    true,
                );
                continue;
            }
            gone.push(self.take_away(&name, STOP_SECONDS, why, Vec::new()));
        }
        let observed = self.observed;
        for (name, found) in &observed.networks {
            if name == objects::BRIDGE && self.is_ours(&found.labels) {
                let remove = Action::RemoveNetwork { name: name.clone() };
                self.step(remove, why, gone.clone());
            }
        }
        for (name, found) in &observed.volumes {
            if product::volume(name).is_none() || !self.is_ours(&found.labels) {
                continue;
            }
            let (needs, user) = self.users(name, &gone);
            if let Some(user) = user {
                self.block(
                    format!("volume {name}"),
                    format!("container {user} uses it"),
                    true,
                );
                continue;
            }
            self.step(Action::RemoveVolume { name: name.clone() }, why, needs);
        }
    }

    /// Containers of ours that the agents make, with what they are; tasks of services and containers of pods are not
    /// among them.
    fn ours(&self) -> Vec<(String, &'static Component)> {
        let mut ours = Vec::new();
        for (name, found) in &self.observed.containers {
            let plain = name.strip_suffix(objects::NEXT).unwrap_or(name);
            let Some(component) = product::component(plain) else {
                continue;
            };
            if component.kind == Kind::Container && self.is_ours(&found.labels) && !is_going(found) {
                ours.push((name.clone(), component));
            }
        }
        ours
    }

    /// The removals among `gone` of containers that use a volume, and one that uses it and stays.
    fn users(&self, volume: &str, gone: &[usize]) -> (Vec<usize>, Option<String>) {
        let mut needs = Vec::new();
        for (name, found) in &self.observed.containers {
            if !found.volumes.contains(volume) {
                continue;
            }
            let removal = gone.iter().copied().find(|place| {
                self.steps.get(*place).is_some_and(
                    |step| matches!(&step.action, Action::RemoveContainer { name: other } if other == name),
                )
            });
            match removal {
                Some(place) => needs.push(place),
                None => return (needs, Some(name.clone())),
            }
        }
        (needs, None)
    }

    /// Whether the store does without the member on this node already.
    fn may_drop_store(&self) -> bool {
        self.state
            .manager(&self.desired.node_id)
            .is_none_or(|manager| manager.store == StoreHealth::NoMember)
            && self.has_other_managers()
    }

    fn has_other_managers(&self) -> bool {
        self.desired.role == Role::Worker
            && self
                .state
                .managers
                .iter()
                .any(|manager| manager.id != self.desired.node_id && manager.store == StoreHealth::Healthy)
    }
}

/// Whether the engine is removing it already.
fn is_going(found: &ObservedContainer) -> bool {
    found.state == ContainerState::Removing
}

/// How many components must be there before this one.
fn depth(component: &Component) -> usize {
    component
        .depends_on
        .iter()
        .filter_map(|name| product::component(name))
        .map(|needed| depth(needed) + 1)
        .max()
        .unwrap_or_default()
}
