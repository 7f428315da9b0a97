//! The containers of a node while the steps of a plan are walked through: what would be there, and whose it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::observed::{ContainerState, Observed};
use crate::node::step::Action;

/// One container in the picture.
#[derive(Debug, Clone, Copy)]
struct Seen {
    ours: bool,
    running: bool,
    /// Whether it may answer anybody: it runs, and neither is paused nor fails again and again.
    serving: bool,
}

/// The containers of a node.
#[derive(Debug)]
pub(super) struct Picture {
    containers: BTreeMap<String, Seen>,
    taken_down: BTreeSet<String>,
}

impl Picture {
    pub(super) fn of(observed: &Observed, cluster_id: &str) -> Self {
        let containers = observed.containers.iter().map(|(name, found)| {
            let idle = matches!(
                found.state,
                ContainerState::Created
                    | ContainerState::Exited
                    | ContainerState::Dead
                    | ContainerState::Removing
            );
            let seen = Seen {
                ours: Observed::is_ours(&found.labels, cluster_id),
                running: !idle,
                serving: found.state == ContainerState::Running,
            };
            (name.clone(), seen)
        });
        Self {
            containers: containers.collect(),
            taken_down: BTreeSet::new(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.containers.contains_key(name)
    }

    pub(super) fn is_running(&self, name: &str) -> bool {
        self.containers.get(name).is_some_and(|seen| seen.running)
    }

    pub(super) fn is_serving(&self, name: &str) -> bool {
        self.containers
            .get(name)
            .is_some_and(|seen| seen.running && seen.serving)
    }

    pub(super) fn was_taken_down(&self, name: &str) -> bool {
        self.taken_down.contains(name)
    }

    /// Goes on to what is there after an action, which must make sense on what is there before.
    pub(super) fn after(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::CreateContainer { name, .. } => {
                self.free(name)?;
                self.containers.insert(
                    name.clone(),
                    Seen {
                        ours: true,
                        running: false,
                        serving: false,
                    },
                );
            }
            Action::StartContainer { name } | Action::UnpauseContainer { name } => {
                let seen = self.own(name)?;
                (seen.running, seen.serving) = (true, true);
            }
            Action::StopContainer { name, .. } => {
                let seen = self.own(name)?;
                if seen.running {
                    seen.running = false;
                    self.taken_down.insert(name.clone());
                }
            }
            Action::RemoveContainer { name } => {
                if self.own(name)?.running {
                    return Err(format!("container {name} runs: it must be stopped before"));
                }
                self.containers.remove(name);
            }
            Action::RenameContainer { from, to } => {
                self.free(to)?;
                let seen = *self.own(from)?;
                self.containers.remove(from);
                self.containers.insert(to.clone(), seen);
            }
            Action::Pull(_)
            | Action::CreateNetwork(_)
            | Action::CreateVolume(_)
            | Action::WriteFile(_)
            | Action::Certificate(_)
            | Action::RemoveVolume { .. }
            | Action::CopyStore { .. }
            | Action::VetStore { .. }
            | Action::RemoveNetwork { .. } => {}
        }
        Ok(())
    }

    fn own(&mut self, name: &str) -> Result<&mut Seen, String> {
        match self.containers.get_mut(name) {
            Some(seen) if seen.ours => Ok(seen),
            Some(_) => Err(format!("container {name} is not ours")),
            None => Err(format!("there is no container {name} then")),
        }
    }

    fn free(&self, name: &str) -> Result<(), String> {
        if self.has(name) {
            return Err(format!("there is a container {name} already"));
        }
        Ok(())
    }
}
