//! A node in memory, for tests and simulations: it answers as an engine does, and can be told to fail.
//!
//! Faults follow from a seed alone, so that what went wrong once goes wrong again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mke_core::product::{self, labels};
use mke_core::time::Timestamp;

use super::{ObserveError, Runtime, StepError, container};
use crate::node::container::{ContainerSpec, NetworkMode};
use crate::node::desired::FileContent;
use crate::node::observed::{
    CertificateNeed, ContainerState, Observed, ObservedContainer, ObservedFile, ObservedNetwork,
    ObservedVolume,
};
use crate::node::step::{Action, Step};

/// How often what goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Where the sequence of faults begins.
    pub seed: u64,
    /// How many of a thousand steps fail and change nothing.
    pub fail: u32,
    /// How many of a thousand steps are done, and reported as failed.
    pub half_done: u32,
    /// How many of a thousand steps are the last ones before whoever carries them out dies; they may be done or not.
    pub crash: u32,
}

/// A node in memory.
#[derive(Debug)]
pub struct FakeNode {
    cluster_id: String,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    observed: Observed,
    /// What each container may see and which network it joins.
    networks: BTreeMap<String, Option<String>>,
    random: Random,
    faults: Faults,
    crashed: bool,
    /// Images that a registry has; `None` has all.
    registry: Option<BTreeSet<String>>,
    made: u64,
}

/// A sequence of numbers that follows from its seed (SplitMix64).
#[derive(Debug, Clone, Copy)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Whether the next one is among so many of a thousand.
    pub const fn hits(&mut self, of_thousand: u32) -> bool {
        self.next() % 1_000 < of_thousand as u64
    }
}

/// What becomes of a step.
enum Fate {
    Well,
    Fails,
    HalfDone,
    Crashes(bool),
}

impl FakeNode {
    /// An empty node, with a registry that has every image.
    pub fn new(cluster_id: impl Into<String>) -> Self {
        Self {
            cluster_id: cluster_id.into(),
            inner: Mutex::new(Inner {
                observed: Observed {
                    at: Timestamp::from_secs(1_700_000_000),
                    ..Observed::default()
                },
                networks: BTreeMap::new(),
                random: Random::new(0),
                faults: Faults::default(),
                crashed: false,
                registry: None,
                made: 0,
            }),
        }
    }

    /// From now on things go wrong.
    pub fn set_faults(&self, faults: Faults) {
        let mut inner = self.inner();
        inner.random = Random::new(faults.seed);
        inner.faults = faults;
    }

    /// From now on the registry has only these images.
    pub fn set_registry(&self, images: impl IntoIterator<Item = String>) {
        self.inner().registry = Some(images.into_iter().collect());
    }

    /// Whoever carried plans out died, and somebody else takes over. Says whether there was one.
    pub fn revive(&self) -> bool {
        std::mem::take(&mut self.inner().crashed)
    }

    /// Changes what is there behind the back of everybody: a person at work, a machine that fails.
    pub fn meddle(&self, change: impl FnOnce(&mut Observed)) {
        change(&mut self.inner().observed);
    }

    /// The engine starts again: what ran and is to run runs again, what was only made stays, and of so many of a thousand
    /// containers nothing is left.
    pub fn restart_engine(&self, lost_of_thousand: u32) {
        let inner = &mut *self.inner();
        let random = &mut inner.random;
        inner
            .observed
            .containers
            .retain(|_, _| !random.hits(lost_of_thousand));
    }

    /// What is there.
    pub fn look(&self) -> Observed {
        self.inner().observed.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic of another thread leaves a state that is as good as any after a fault.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for FakeNode {
    async fn observe(&self) -> Result<Observed, ObserveError> {
        Ok(self.look())
    }

    async fn apply(&self, step: &Step) -> Result<(), StepError> {
        let inner = &mut *self.inner();
        if inner.crashed {
            return Err(StepError::new("whoever carried the plan out is gone"));
        }
        match inner.fate() {
            Fate::Well => inner.act(&step.action, &self.cluster_id),
            Fate::Fails => Err(StepError::new("the engine failed")),
            Fate::HalfDone => {
                inner.act(&step.action, &self.cluster_id)?;
                Err(StepError::new("the engine did not answer in time"))
            }
            Fate::Crashes(is_done) => {
                inner.crashed = true;
                if is_done {
                    inner.act(&step.action, &self.cluster_id)?;
                }
                Err(StepError::new("whoever carried the plan out died"))
            }
        }
    }
}

impl Inner {
    fn fate(&mut self) -> Fate {
        let Faults {
            fail,
            half_done,
            crash,
            ..
        } = self.faults;
        if self.random.hits(fail) {
            Fate::Fails
        } else if self.random.hits(half_done) {
            Fate::HalfDone
        } else if self.random.hits(crash) {
            Fate::Crashes(self.random.hits(500))
        } else {
            Fate::Well
        }
    }

    fn act(&mut self, action: &Action, cluster_id: &str) -> Result<(), StepError> {
        let ours = || BTreeMap::from([(labels::INSTANCE_ID.to_owned(), cluster_id.to_owned())]);
        match action {
            Action::Pull(image) => {
                let image = image.to_string();
                let is_there = self
                    .registry
                    .as_ref()
                    .is_none_or(|images| images.contains(&image));
                if !is_there && !self.observed.images.contains(&image) {
                    return Err(StepError::new(format!("image {image} cannot be pulled")));
                }
                self.observed.images.insert(image);
            }
            Action::CreateNetwork(network) => {
                let made = ObservedNetwork {
                    id: self.id(),
                    driver: network.driver.clone(),
                    labels: ours(),
                };
                self.observed.networks.entry(network.name.clone()).or_insert(made);
            }
            Action::CreateVolume(volume) => {
                let made = new_volume(&volume.name, ours());
                self.observed.volumes.entry(volume.name.clone()).or_insert(made);
            }
            Action::WriteFile(file) => {
                let digest = file.digest().unwrap_or_default();
                let files = self.files(&file.volume)?;
                match (&file.content, files.get_mut(&file.path)) {
                    (FileContent::Held(_), Some(found)) => found.mode = file.mode,
                    _ => {
                        let mode = file.mode;
                        files.insert(file.path.clone(), ObservedFile { digest, mode });
                    }
                }
            }
            Action::Certificate(need) => {
                self.files(&need.volume)?;
                self.observed.certificates.retain(|other| !is_same(other, need));
            }
            Action::CreateContainer { name, spec } => self.create(name, spec, cluster_id)?,
            Action::StartContainer { name } => {
                let network = self.networks.get(name).cloned().flatten();
                if let Some(network) = network.filter(|network| !self.observed.networks.contains_key(network))
                {
                    return Err(StepError::new(format!("network {network} not found")));
                }
                self.own(name, cluster_id)?.state = ContainerState::Running;
            }
            Action::UnpauseContainer { name } => {
                let found = self.own(name, cluster_id)?;
                if found.state == ContainerState::Paused {
                    found.state = ContainerState::Running;
                }
            }
            Action::StopContainer { name, .. } => {
                if self.observed.containers.contains_key(name) {
                    let found = self.own(name, cluster_id)?;
                    if is_active(found) {
                        found.state = ContainerState::Exited;
                    }
                }
            }
            Action::RenameContainer { from, to } => self.rename(from, to, cluster_id)?,
            Action::RemoveContainer { name } => {
                if self.observed.containers.contains_key(name) {
                    if is_active(self.own(name, cluster_id)?) {
                        return Err(StepError::new(format!("container {name} runs")));
                    }
                    self.observed.containers.remove(name);
                    self.networks.remove(name);
                }
            }
            Action::RemoveVolume { name } => {
                let mut users = self.observed.containers.iter();
                if let Some((user, _)) = users.find(|(_, container)| container.volumes.contains(name)) {
                    return Err(StepError::new(format!(
                        "volume {name} is in use by container {user}"
                    )));
                }
                let found = self.observed.volumes.get(name).map(|volume| &volume.labels);
                owned(found, "volume", name, cluster_id)?;
                self.observed.volumes.remove(name);
            }
            Action::CopyStore { volume } | Action::VetStore { volume, .. } => {
                if !self.observed.volumes.contains_key(volume) {
                    return Err(StepError::new(format!("there is no volume {volume}")));
                }
            }
            Action::RemoveNetwork { name } => {
                let uses =
                    |container: &String| self.networks.get(container).and_then(Option::as_ref) == Some(name);
                let mut users = self.observed.containers.iter();
                if let Some((user, _)) = users.find(|(user, found)| uses(user) && is_active(found)) {
                    return Err(StepError::new(format!(
                        "network {name} is in use by container {user}"
                    )));
                }
                let found = self.observed.networks.get(name).map(|network| &network.labels);
                owned(found, "network", name, cluster_id)?;
                self.observed.networks.remove(name);
            }
        }
        Ok(())
    }

    fn create(&mut self, name: &str, spec: &ContainerSpec, cluster_id: &str) -> Result<(), StepError> {
        if let Some(found) = self.observed.containers.get(name) {
            let is_it = found.labels.get(labels::SPEC) == Some(&spec.digest());
            return if is_it && Observed::is_ours(&found.labels, cluster_id) {
                Ok(())
            } else {
                Err(StepError::new(format!("the name {name} is in use")))
            };
        }
        let image = spec.image.to_string();
        if !self.observed.images.contains(&image) {
            return Err(StepError::new(format!("No such image: {image}")));
        }
        // An engine makes volumes that are missing, without labels.
        for volume in spec.volumes() {
            let made = || new_volume(volume, BTreeMap::new());
            self.observed
                .volumes
                .entry(volume.to_owned())
                .or_insert_with(made);
        }
        let network = match &spec.network {
            NetworkMode::Bridge(name) => Some(name.clone()),
            NetworkMode::Host => None,
        };
        self.networks.insert(name.to_owned(), network);
        let made = ObservedContainer {
            id: self.id(),
            image,
            labels: container::labels(spec, cluster_id),
            state: ContainerState::Created,
            exit_code: 0,
            looping: false,
            volumes: spec.volumes().map(str::to_owned).collect(),
        };
        self.observed.containers.insert(name.to_owned(), made);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str, cluster_id: &str) -> Result<(), StepError> {
        if !self.observed.containers.contains_key(from) {
            return self.own(to, cluster_id).map(drop);
        }
        self.own(from, cluster_id)?;
        if self.observed.containers.contains_key(to) {
            return Err(StepError::new(format!("the name {to} is in use")));
        }
        if let Some(found) = self.observed.containers.remove(from) {
            self.observed.containers.insert(to.to_owned(), found);
        }
        if let Some(network) = self.networks.remove(from) {
            self.networks.insert(to.to_owned(), network);
        }
        Ok(())
    }

    fn own(&mut self, name: &str, cluster_id: &str) -> Result<&mut ObservedContainer, StepError> {
        match self.observed.containers.get_mut(name) {
            Some(found) if Observed::is_ours(&found.labels, cluster_id) => Ok(found),
            Some(_) => Err(StepError::new(format!(
                "container {name} is not ours: it is left alone"
            ))),
            None => Err(StepError::new(format!("there is no container {name} any more"))),
        }
    }

    fn files(&mut self, volume: &str) -> Result<&mut BTreeMap<String, ObservedFile>, StepError> {
        match self.observed.volumes.get_mut(volume) {
            Some(found) => Ok(found.files.get_or_insert_default()),
            None => Err(StepError::new(format!("there is no volume {volume}"))),
        }
    }

    fn id(&mut self) -> String {
        self.made += 1;
        format!("{:064x}", self.made)
    }
}

fn new_volume(name: &str, labels: BTreeMap<String, String>) -> ObservedVolume {
    ObservedVolume {
        driver: "local".to_owned(),
        mountpoint: product::volume(name)
            .map(|volume| volume.default_path("/var/lib/docker"))
            .unwrap_or_default(),
        labels,
        files: Some(BTreeMap::new()),
    }
}

fn owned(
    labels: Option<&BTreeMap<String, String>>,
    what: &str,
    name: &str,
    cluster_id: &str,
) -> Result<(), StepError> {
    match labels {
        Some(labels) if !Observed::is_ours(labels, cluster_id) => Err(StepError::new(format!(
            "{what} {name} is not ours: it is left alone"
        ))),
        _ => Ok(()),
    }
}

fn is_active(found: &ObservedContainer) -> bool {
    matches!(
        found.state,
        ContainerState::Running | ContainerState::Restarting | ContainerState::Paused
    )
}

fn is_same(one: &CertificateNeed, other: &CertificateNeed) -> bool {
    one.volume == other.volume && one.what == other.what
}
