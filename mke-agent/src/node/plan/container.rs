//! Containers: what is missing is made, what stopped is started, what differs is replaced.
//!
//! A replacement is made beside the old container under a name of its own, so that the component is away only while one
//! ends and the other starts. Each of its steps leaves something that the next plan goes on from.

use std::fmt::Write as _;

use mke_core::product::{Role, labels, objects};

use super::Work;
use crate::node::container::{ContainerSpec, NetworkMode};
use crate::node::desired::{is_alone, reads_list};
use crate::node::observed::{ContainerState, ObservedContainer};
use crate::node::step::Action;

/// The component that holds the manager's member of the replicated store. It is replaced last.
pub(super) const STORE: &str = "ucp-kv";
/// The volume of the node's certificate.
const NODE_CERTS_VOLUME: &str = "ucp-node-certs";
/// The component that answers users.
const CONTROLLER: &str = "ucp-controller";

/// Whether other managers rely on this component.
pub(super) fn is_shared(name: &str) -> bool {
    name == STORE || name == CONTROLLER
}

/// The name that a component has until it takes the place of the old one.
pub(super) fn next_name(name: &str) -> String {
    format!("{name}{}", objects::NEXT)
}

/// What is to be done about a container.
enum Move {
    Nothing,
    Start(String),
    /// It ends again and again: it is looked at before it is started once more.
    Mend,
    Unpause,
    Create(String),
    /// Its replacement is made and only lacks the name.
    TakeOver,
    Replace(String),
    Leave(String, bool),
    /// It is replaced in this manager's turn, and runs until then.
    Wait(String),
}

/// What counts about the store's member that is about to be started.
#[derive(Clone, Copy)]
struct Member {
    /// Whether it was started with its data and ended by itself again and again.
    ends: bool,
    /// Whether it reads a list of revoked certificates.
    reads_list: bool,
}

impl Member {
    /// Of a container that is made as it is wanted.
    fn of(wanted: &ContainerSpec) -> Self {
        Self {
            ends: false,
            reads_list: reads_list(wanted),
        }
    }
}

impl Work<'_> {
    pub(super) fn containers(&mut self) {
        let desired = self.desired;
        let mut replacements: Vec<(&ContainerSpec, String)> = Vec::new();
        for wanted in &desired.containers {
            match self.judge(wanted) {
                Move::Nothing => self.tidy(wanted),
                Move::Start(why) => {
                    self.tidy(wanted);
                    let vetted = self.vet(wanted, self.of_found(wanted), Vec::new());
                    self.start(wanted, &wanted.name, why, vetted);
                }
                Move::Mend => {
                    self.tidy(wanted);
                    let stop = Action::StopContainer {
                        name: wanted.name.clone(),
                        stop_seconds: wanted.stop_seconds,
                    };
                    let why = "it ends by itself again and again";
                    let stopped = self.step(stop, why, Vec::new());
                    let member = Member {
                        ends: true,
                        ..self.of_found(wanted)
                    };
                    let vetted = self.vet(wanted, member, vec![stopped]);
                    self.start(wanted, &wanted.name, why, vetted);
                }
                Move::Unpause => {
                    let name = wanted.name.clone();
                    self.tidy(wanted);
                    let place = self.step(Action::UnpauseContainer { name }, "it is paused", Vec::new());
                    self.started.insert(wanted.name.clone(), place);
                }
                Move::Create(why) => self.create_and_start(wanted, why),
                Move::TakeOver => {
                    let kept = self.keep_copy(wanted, Vec::new());
                    let rename = self.rename(wanted, kept);
                    let why = "it takes the place of the one that is gone";
                    let vetted = match self.next_runs(wanted) {
                        true => vec![rename],
                        false => self.vet(wanted, Member::of(wanted), vec![rename]),
                    };
                    self.start(wanted, &wanted.name, why, vetted);
                }
                Move::Replace(why) => replacements.push((wanted, why)),
                Move::Wait(why) => {
                    self.block(format!("container {}", wanted.name), why, true);
                    self.wants_turn = true;
                }
                Move::Leave(why, later) => {
                    self.block(format!("container {}", wanted.name), why, later);
                    self.unusable.insert(wanted.name.clone());
                }
            }
        }
        // The store last: everything else of this version must already be able to work with it.
        replacements.sort_by_key(|(wanted, _)| wanted.name == STORE);
        for (wanted, why) in replacements {
            self.replace(wanted, why);
        }
    }

    fn judge(&self, wanted: &ContainerSpec) -> Move {
        let containers = &self.observed.containers;
        let next = containers.get(&next_name(&wanted.name));
        if next.is_some_and(|next| !self.is_ours(&next.labels)) {
            let name = next_name(&wanted.name);
            return Move::Leave(
                format!("a container of somebody else has the name {name}: rename it"),
                false,
            );
        }
        let found = containers.get(&wanted.name);
        if let Some(found) = found
            && !self.is_ours(&found.labels)
        {
            let why = "a container of somebody else has its name: rename or remove that one";
            return Move::Leave(why.to_owned(), false);
        }
        let is_usable = |name: &String| !self.unusable.contains(name);
        let missing = wanted.needs.iter().find(|name| !is_usable(name));
        let network = match &wanted.network {
            NetworkMode::Bridge(name) => Some(name).filter(|name| !is_usable(name)),
            NetworkMode::Host => None,
        };
        let obstacle = missing.or(network);
        let Some(found) = found else {
            if let Some(obstacle) = obstacle {
                return Move::Leave(format!("it needs {obstacle}"), true);
            }
            if next.is_some_and(|next| is_as_wanted(wanted, next)) {
                return Move::TakeOver;
            }
            return Move::Create("it is missing".to_owned());
        };
        if let Some(why) = difference(wanted, found)
            && !self.is_kept(wanted, found)
        {
            if found.state == ContainerState::Removing {
                return Move::Leave("the engine is removing it".to_owned(), true);
            }
            return self.may_replace(wanted, found, why);
        }
        // A member that did not begin before the members changed never will: it is told others than there are. One that has begun
        // does not look at these arguments any more.
        let is_idle = matches!(
            found.state,
            ContainerState::Created | ContainerState::Exited | ContainerState::Restarting
        );
        if wanted.name == STORE && is_idle && begins_otherwise(wanted, found) {
            return Move::Replace("it was told other members of the store than there are now".to_owned());
        }
        match found.state {
            ContainerState::Restarting if wanted.name == STORE && found.looping && !is_alone(wanted) => {
                Move::Mend
            }
            ContainerState::Running | ContainerState::Restarting => Move::Nothing,
            ContainerState::Paused => Move::Unpause,
            ContainerState::Removing => Move::Leave("the engine is removing it".to_owned(), true),
            ContainerState::Dead => Move::Replace("the engine could not remove it".to_owned()),
            ContainerState::Created => Move::Start("it was made and never started".to_owned()),
            ContainerState::Exited => Move::Start(format!("it ended with code {}", found.exit_code)),
        }
    }

    /// Whether a member of the store is started as it was made although it would be made otherwise now: a node that is no manager any
    /// more only keeps it until it is taken out, and has no key that signs what a newer one may need besides.
    fn is_kept(&self, wanted: &ContainerSpec, found: &ObservedContainer) -> bool {
        let can_go_on = !matches!(
            found.state,
            ContainerState::Running | ContainerState::Dead | ContainerState::Removing
        );
        wanted.name == STORE && self.desired.role == Role::Worker && can_go_on
    }

    /// Whether what runs may be taken down for a replacement now.
    fn may_replace(&self, wanted: &ContainerSpec, found: &ObservedContainer, why: String) -> Move {
        let id = &self.desired.node_id;
        // One that is paused or fails again and again serves nobody: nothing is lost with it.
        if found.state != ContainerState::Running {
            return Move::Replace(why);
        }
        if wanted.name == STORE && self.desired.role == Role::Worker {
            let why = format!(
                "{why}, and stays as it is: this node is no manager any more, and the cluster agent takes its member out of the store"
            );
            return Move::Leave(why, true);
        }
        if wanted.name == STORE && !self.state.store_can_spare(id) {
            let why = "it must be replaced, and the store has no quorum without it: bring the other members back first";
            return Move::Leave(why.to_owned(), true);
        }
        if !is_shared(&wanted.name) || self.state.has_turn(id) {
            return Move::Replace(why);
        }
        let turn = match &self.state.turn {
            Some(other) => format!("it is the turn of manager {other}"),
            None => "this manager must have its turn for that".to_owned(),
        };
        Move::Wait(format!("it must be replaced, and {turn}"))
    }

    /// Removes what an earlier replacement left beside a container that is as it should be.
    fn tidy(&mut self, wanted: &ContainerSpec) {
        let name = next_name(&wanted.name);
        if self.observed.containers.contains_key(&name) {
            self.take_away(&name, 0, "its place is taken", Vec::new());
        }
    }

    fn create_and_start(&mut self, wanted: &ContainerSpec, why: String) {
        let next = next_name(&wanted.name);
        let mut needs = Vec::new();
        if self.observed.containers.contains_key(&next) {
            let stale = "it was made for another description";
            needs.push(self.take_away(&next, 0, stale, Vec::new()));
        }
        let create = self.create(wanted, &wanted.name, why, needs);
        let vetted = self.vet(wanted, Member::of(wanted), vec![create]);
        self.start(wanted, &wanted.name, "it was made just now", vetted);
    }

    fn replace(&mut self, wanted: &ContainerSpec, why: String) {
        let next = next_name(&wanted.name);
        let mut made = Vec::new();
        let mut made_before = false;
        match self.observed.containers.get(&next) {
            Some(found) if is_as_wanted(wanted, found) => made_before = true,
            Some(_) => {
                let stale = "it was made for another description";
                let gone = self.take_away(&next, 0, stale, Vec::new());
                made.push(self.create(wanted, &next, &*why, vec![gone]));
            }
            None => made.push(self.create(wanted, &next, &*why, Vec::new())),
        }
        // What runs stays until everything is there that the new one reads.
        made.extend(self.of_volumes(wanted));
        made.sort_unstable();
        made.dedup();
        let gone = self.take_away(&wanted.name, wanted.stop_seconds, &why, made);
        let kept = self.keep_copy(wanted, vec![gone]);
        let rename = self.rename(wanted, kept);
        let why = "it takes the place of the old one";
        let needs = match self.observed.containers.get(&wanted.name) {
            // One that runs is a member, and has its data.
            Some(found) if found.state == ContainerState::Running => vec![rename],
            _ if self.next_runs(wanted) && made_before => vec![rename],
            found => {
                let member = Member {
                    ends: found.is_some_and(|found| found.state == ContainerState::Restarting),
                    ..Member::of(wanted)
                };
                self.vet(wanted, member, vec![rename])
            }
        };
        self.start(wanted, &wanted.name, why, needs);
    }

    fn create(
        &mut self,
        wanted: &ContainerSpec,
        name: &str,
        why: impl Into<String>,
        mut needs: Vec<usize>,
    ) -> usize {
        if !self.observed.images.contains(&wanted.image.to_string()) {
            let place = match self.images.get(&wanted.image) {
                Some(place) => *place,
                None => {
                    let pull = Action::Pull(wanted.image.clone());
                    let place = self.step(pull, format!("{} needs it", wanted.name), Vec::new());
                    self.images.insert(wanted.image.clone(), place);
                    place
                }
            };
            needs.push(place);
        }
        if let NetworkMode::Bridge(network) = &wanted.network {
            needs.extend(self.networks.get(network));
        }
        needs.extend(self.of_volumes(wanted));
        needs.sort_unstable();
        needs.dedup();
        let create = Action::CreateContainer {
            name: name.to_owned(),
            spec: Box::new(wanted.clone()),
        };
        self.step(create, why, needs)
    }

    /// What a member knows is kept before it forgets the others. Says what the next step must wait for.
    fn keep_copy(&mut self, wanted: &ContainerSpec, needs: Vec<usize>) -> Vec<usize> {
        if !is_alone(wanted) {
            return needs;
        }
        let copy = Action::CopyStore {
            volume: STORE.to_owned(),
        };
        vec![self.step(copy, "its member is about to forget the others", needs)]
    }

    /// Whether somebody started a replacement before it has its name.
    fn next_runs(&self, wanted: &ContainerSpec) -> bool {
        let next = self.observed.containers.get(&next_name(&wanted.name));
        next.is_some_and(is_active)
    }

    /// The store's member is not started with data that it must not have. Says what its start must wait for.
    fn vet(&mut self, wanted: &ContainerSpec, member: Member, mut needs: Vec<usize>) -> Vec<usize> {
        // Whoever goes on alone does so with what it has.
        if wanted.name != STORE || is_alone(wanted) {
            return needs;
        }
        // The others are asked with the node's certificate.
        for volume in wanted.volumes().chain([NODE_CERTS_VOLUME]) {
            needs.extend(self.volumes.get(volume).into_iter().flatten());
        }
        needs.sort_unstable();
        needs.dedup();
        let vet = Action::VetStore {
            volume: STORE.to_owned(),
            ends: member.ends,
            reads_list: member.reads_list,
        };
        vec![self.step(
            vet,
            "a member that lost its data or was taken out must not begin",
            needs,
        )]
    }

    /// The steps about the volumes of a container, and about what lies in them.
    fn of_volumes(&self, wanted: &ContainerSpec) -> Vec<usize> {
        let steps = wanted.volumes().filter_map(|volume| self.volumes.get(volume));
        steps.flatten().copied().collect()
    }

    /// What is known of the member in the container that is there: one that was made for another description may read no list.
    fn of_found(&self, wanted: &ContainerSpec) -> Member {
        let found = self.observed.containers.get(&wanted.name);
        let is_wanted = found.is_some_and(|found| difference(wanted, found).is_none());
        Member {
            ends: false,
            reads_list: is_wanted && reads_list(wanted),
        }
    }

    fn rename(&mut self, wanted: &ContainerSpec, needs: Vec<usize>) -> usize {
        let rename = Action::RenameContainer {
            from: next_name(&wanted.name),
            to: wanted.name.clone(),
        };
        self.step(rename, "the old one is gone", needs)
    }

    fn start(&mut self, wanted: &ContainerSpec, name: &str, why: impl Into<String>, mut needs: Vec<usize>) {
        needs.extend(wanted.needs.iter().filter_map(|other| self.started.get(other)));
        // What lies in its volumes counts also for a container that is there already.
        needs.extend(self.of_volumes(wanted));
        needs.sort_unstable();
        needs.dedup();
        let start = Action::StartContainer {
            name: name.to_owned(),
        };
        let place = self.step(start, why, needs);
        self.started.insert(wanted.name.clone(), place);
    }

    /// Ends a container if it must be ended, and removes it. Says the place of the removal.
    pub(super) fn take_away(
        &mut self,
        name: &str,
        stop_seconds: u32,
        why: &str,
        mut needs: Vec<usize>,
    ) -> usize {
        if self.observed.containers.get(name).is_some_and(is_active) {
            let stop = Action::StopContainer {
                name: name.to_owned(),
                stop_seconds,
            };
            needs = vec![self.step(stop, why, needs)];
        }
        let remove = Action::RemoveContainer {
            name: name.to_owned(),
        };
        self.step(remove, why, needs)
    }
}

/// Whether its processes are there.
pub(super) fn is_active(found: &ObservedContainer) -> bool {
    matches!(
        found.state,
        ContainerState::Running | ContainerState::Restarting | ContainerState::Paused
    )
}

/// Whether a container was made to begin in another way than it would be made now.
fn begins_otherwise(wanted: &ContainerSpec, found: &ObservedContainer) -> bool {
    let made = found.labels.get(labels::FIRST_START);
    made.is_some_and(|made| *made != wanted.first_start_digest())
}

/// Whether a container that was not started yet is what would be made now.
fn is_as_wanted(wanted: &ContainerSpec, found: &ObservedContainer) -> bool {
    difference(wanted, found).is_none() && !begins_otherwise(wanted, found)
}

/// How a container differs from what is wanted.
fn difference(wanted: &ContainerSpec, found: &ObservedContainer) -> Option<String> {
    let mut why = String::new();
    let version = &wanted.image.tag;
    let label = found.labels.get(labels::VERSION).map_or("", String::as_str);
    if label != version {
        let _ = write!(why, "it has version {label:?} and shall have {version:?}");
    } else if found.image != wanted.image.to_string() {
        let _ = write!(
            why,
            "it has image {} and shall have {}",
            found.image, wanted.image
        );
    } else if found.labels.get(labels::SPEC) != Some(&wanted.digest()) {
        why.push_str("it was made for another description");
    }
    (!why.is_empty()).then_some(why)
}
