//! Ways to root through Swarm: what containers, services and volumes may do to the node under them.

use std::collections::BTreeMap;

use mke_core::ids::CollectionId;

use super::{EscalationPath, PathNeed, PathOutcome, PathStep, Paths};
use crate::decision::{AllowReason, Check, Decision, Evidence, Subject};
use crate::demand::{Access, ObjectKind};
use crate::inquiry::{InquiryError, Scene};
use crate::model::{GrantObject, User, builtin};
use crate::operation::{Modifier, ModifierSet, Operation};
use crate::question::Resource;
use crate::role::Rights;

use Operation::{
    ContainerCreate, ContainerExec, NodeSchedule, ServiceCreate, ServiceUpdate, VolumeCreateAttach,
};

type Needed = (Operation, Option<Modifier>);

/// Something new that reaches the node on which it starts.
struct Creation {
    edge: &'static str,
    does: &'static str,
    needs: Needed,
    outcome: PathOutcome,
}

const fn root(edge: &'static str, does: &'static str, needs: Needed) -> Creation {
    Creation {
        edge,
        does,
        needs,
        outcome: PathOutcome::Root,
    }
}

const fn foothold(edge: &'static str, does: &'static str, needs: Needed) -> Creation {
    Creation {
        edge,
        does,
        needs,
        outcome: PathOutcome::Foothold,
    }
}

/// What one new container or service is enough for. The guide gives the reasons.
const CREATIONS: &[Creation] = &[
    root(
        "privileged-container",
        "run a privileged container, which has every device and capability of its node",
        (ContainerCreate, Some(Modifier::Privileged)),
    ),
    root(
        "host-mount-container",
        "run a container that mounts the disk or the engine socket of its node",
        (ContainerCreate, Some(Modifier::HostBindMounts)),
    ),
    root(
        "host-mount-service",
        "run a service that mounts the disk or the engine socket of its nodes",
        (ServiceCreate, Some(Modifier::HostBindMounts)),
    ),
    root(
        "kernel-capabilities",
        "run a container with capabilities such as SYS_ADMIN or SYS_MODULE",
        (ContainerCreate, Some(Modifier::AdditionalKernelCapabilities)),
    ),
    foothold(
        "host-processes",
        "run a container that sees and signals the processes of its node",
        (ContainerCreate, Some(Modifier::PidMode)),
    ),
    foothold(
        "host-memory",
        "run a container that shares memory with the processes of its node",
        (ContainerCreate, Some(Modifier::IpcMode)),
    ),
    foothold(
        "host-users",
        "run a container whose root is not mapped to another user",
        (ContainerCreate, Some(Modifier::UserNamespaceMode)),
    ),
    foothold(
        "host-network-container",
        "run a container on the network of its node, with what listens there for local programs",
        (ContainerCreate, Some(Modifier::HostNetworkingMode)),
    ),
    foothold(
        "host-network-service",
        "run a service on the network of its nodes, with what listens there for local programs",
        (ServiceCreate, Some(Modifier::HostNetworkingMode)),
    ),
];

/// Modifiers with which a running workload is as good as root on its node.
const STRONG: [Modifier; 3] = [
    Modifier::Privileged,
    Modifier::HostBindMounts,
    Modifier::AdditionalKernelCapabilities,
];

/// Operations that put another image under a known name.
const IMAGES: [Operation; 4] = [
    Operation::ImageLoad,
    Operation::ImageTag,
    Operation::ImageBuild,
    Operation::ImageCommit,
];

/// The ways of every user that is meant, by name.
pub(super) fn search(
    scene: &Scene<'_>,
    asked: &Paths,
) -> Result<Vec<(String, Vec<EscalationPath>)>, InquiryError> {
    let users: Vec<&User> = match asked.who.as_deref().map(|who| (who, who.split_once(':'))) {
        None => scene.policy.users().collect(),
        Some((_, Some(("user", name)))) => {
            let found = scene.names().user(name);
            let found = found.ok_or_else(|| InquiryError::unknown("who", "user", name))?;
            match found {
                Subject::Account(id) => scene.policy.user(id.as_str()).into_iter().collect(),
                Subject::Anonymous => Vec::new(),
            }
        }
        Some((_, Some(("service-account" | "group" | "kubernetes-user", _)))) => Vec::new(),
        Some((who, _)) => {
            let problem = format!(
                "`{who}` is nobody; write user:NAME, service-account:NAMESPACE/NAME, group:NAME or kubernetes-user:NAME"
            );
            return Err(InquiryError::field("who", problem));
        }
    };
    let found = users.into_iter().map(|user| {
        let search = Search::new(scene, user);
        (format!("user:{}", user.name), search.paths())
    });
    Ok(found.collect())
}

/// One user with the rights on the collections where they change.
struct Search<'s> {
    scene: &'s Scene<'s>,
    user: &'s User,
    subject: Subject,
    /// By number of ancestors and id, so that parents come first.
    places: BTreeMap<(usize, CollectionId), Rights>,
}

impl<'s> Search<'s> {
    fn new(scene: &'s Scene<'s>, user: &'s User) -> Self {
        let subject = Subject::Account(user.id.clone());
        let mut places = BTreeMap::new();
        for grant in scene.policy.grants_of(&subject) {
            let GrantObject::Collection(id) = grant.object else {
                continue;
            };
            if let Some(info) = scene.policy.collection(id.as_str()) {
                let rights = *scene.policy.effective(&subject, &id).rights();
                places.insert((info.parent_ids.len(), id), rights);
            }
        }
        Self {
            scene,
            user,
            subject,
            places,
        }
    }

    fn paths(&self) -> Vec<EscalationPath> {
        if !self.user.active {
            return Vec::new();
        }
        if self.user.admin {
            return vec![self.administrator()];
        }
        let mut paths: Vec<_> = CREATIONS
            .iter()
            .flat_map(|creation| self.creation(creation))
            .collect();
        paths.extend(self.local_volume());
        paths.extend(self.mapped_volumes());
        paths.extend(self.service_update());
        paths.extend(self.privileged_exec());
        paths.extend(self.strong_workloads());
        paths.extend(self.node_update());
        paths
    }

    fn administrator(&self) -> EscalationPath {
        EscalationPath {
            outcome: PathOutcome::Root,
            steps: vec![PathStep {
                edge: "administrator".to_owned(),
                does: "use the rights of an administrator, who passes every check".to_owned(),
                acting_as: None,
                needs: Vec::new(),
                by: vec!["the administrator flag of the account".to_owned()],
            }],
            conditions: Vec::new(),
            nodes: self.scene.inventory.nodes.keys().cloned().collect(),
        }
    }

    /// The topmost collections on which all of this is held.
    fn where_held(&self, needed: &[Needed]) -> Vec<&CollectionId> {
        let mut found: Vec<&CollectionId> = Vec::new();
        for ((_, id), rights) in &self.places {
            let held = needed.iter().all(|(operation, modifier)| {
                rights.allows(*operation, modifier.map_or(ModifierSet::EMPTY, ModifierSet::of))
            });
            if held && !found.iter().any(|top| self.scene.policy.covers(top, id)) {
                found.push(id);
            }
        }
        found
    }

    fn step(&self, edge: &str, does: &str, needed: &[(Needed, &CollectionId)]) -> PathStep {
        let names = self.scene.names();
        let mut by = Vec::new();
        for ((operation, modifier), collection) in needed {
            let check = Check {
                operation: *operation,
                modifiers: modifier.map_or(ModifierSet::EMPTY, ModifierSet::of),
                collection: (*collection).clone(),
            };
            if let Decision::Allowed(permit) =
                self.scene
                    .policy
                    .decide(&self.subject, Access::Operation, &[check])
                && let AllowReason::Granted(evidence) = permit.reason()
            {
                let grants = evidence.iter().flat_map(Evidence::grants);
                by.extend(
                    grants
                        .filter_map(|grant| names.grant(&grant))
                        .map(|grant| grant.to_string()),
                );
            }
        }
        by.sort();
        by.dedup();
        PathStep {
            edge: edge.to_owned(),
            does: does.to_owned(),
            acting_as: None,
            needs: needed
                .iter()
                .map(|((operation, modifier), collection)| PathNeed::Operation {
                    operation: *operation,
                    modifiers: modifier.iter().copied().collect(),
                    collection: names.path(collection),
                })
                .collect(),
            by,
        }
    }

    /// The nodes on which something in the collection may start. An inventory without nodes says nothing about them.
    fn nodes(&self, collection: &CollectionId) -> (Vec<String>, Vec<String>) {
        let all = &self.scene.inventory.nodes;
        let Ok(schedule) = self.scene.policy.schedule(&self.subject, collection) else {
            return (Vec::new(), Vec::new());
        };
        let admitted = all.iter().filter(|(_, path)| {
            let home = self.scene.names().collection(path);
            home.is_some_and(|info| {
                let home = crate::demand::Home::Collection(info.id.clone());
                schedule.admits(&home, self.scene.policy)
            })
        });
        let nodes: Vec<_> = admitted.map(|(name, _)| name.clone()).collect();
        let mut conditions = Vec::new();
        if nodes.is_empty() && !all.is_empty() {
            let root = self.scene.names().path(&schedule.root);
            conditions.push(format!("a node lies in {root} or below it; none does now"));
        }
        (nodes, conditions)
    }

    fn path(&self, collection: &CollectionId) -> String {
        self.scene.names().path(collection)
    }

    fn creation(&self, creation: &Creation) -> Vec<EscalationPath> {
        let held = self.where_held(&[creation.needs, (NodeSchedule, None)]);
        held.into_iter()
            .map(|place| {
                let does = format!("{}, in {}", creation.does, self.path(place));
                let needed = [(creation.needs, place), ((NodeSchedule, None), place)];
                let (nodes, conditions) = self.nodes(place);
                EscalationPath {
                    outcome: creation.outcome,
                    steps: vec![self.step(creation.edge, &does, &needed)],
                    conditions,
                    nodes,
                }
            })
            .collect()
    }

    /// Where a container or service can be started: best beside the volume, containers first.
    fn starts(&self, volume_place: &CollectionId) -> Option<(Operation, CollectionId)> {
        let kinds = [ContainerCreate, ServiceCreate];
        let here = kinds.into_iter().find(|operation| {
            self.allows((*operation, None), volume_place) && self.allows((NodeSchedule, None), volume_place)
        });
        if let Some(operation) = here {
            return Some((operation, volume_place.clone()));
        }
        kinds.into_iter().find_map(|operation| {
            let held = self.where_held(&[(operation, None), (NodeSchedule, None)]);
            Some((operation, (*held.first()?).clone()))
        })
    }

    fn attach(&self, volume: &str, volume_place: &CollectionId) -> Option<(PathStep, CollectionId)> {
        let (operation, place) = self.starts(volume_place)?;
        let does = format!(
            "start something in {} that mounts {volume} and writes to the disk of the node",
            self.path(&place)
        );
        let needed = [
            ((operation, None), &place),
            ((VolumeCreateAttach, None), volume_place),
            ((NodeSchedule, None), &place),
        ];
        Some((self.step("attach-volume", &does, &needed), place))
    }

    fn local_volume(&self) -> Vec<EscalationPath> {
        let options = (VolumeCreateAttach, Some(Modifier::LocalDriverOptions));
        let held = self.where_held(&[options, (NodeSchedule, None)]);
        let found = held.into_iter().filter_map(|place| {
            let does = format!(
                "create a volume in {} whose options map any directory of the node",
                self.path(place)
            );
            let needed = [(options, place), ((NodeSchedule, None), place)];
            let first = self.step("local-volume", &does, &needed);
            let (second, started) = self.attach("it", place)?;
            let (nodes, mut conditions) = self.nodes(place);
            let (others, _) = self.nodes(&started);
            let both: Vec<_> = nodes
                .iter()
                .filter(|node| others.contains(node))
                .cloned()
                .collect();
            if both.is_empty() && !nodes.is_empty() {
                conditions.push("both are placed on the same node; no node takes both now".to_owned());
            }
            Some(EscalationPath {
                outcome: PathOutcome::Root,
                steps: vec![first, second],
                conditions,
                nodes: both,
            })
        });
        found.collect()
    }

    fn strong<'r>(&self, resource: &'r Resource) -> Option<&'r Modifier> {
        resource
            .modifiers
            .iter()
            .find(|modifier| STRONG.contains(modifier))
    }

    /// Listed objects of a kind with the collections in which they lie.
    fn objects(&self, kinds: &'s [ObjectKind]) -> impl Iterator<Item = (&'s Resource, CollectionId)> {
        let names = self.scene.names();
        let listed = self.scene.inventory.resources.iter();
        listed
            .filter(|resource| kinds.contains(&resource.kind))
            .filter_map(move |resource| {
                let info = names.collection(&resource.collection)?;
                Some((resource, info.id.clone()))
            })
    }

    fn allows(&self, (operation, modifier): Needed, collection: &CollectionId) -> bool {
        let check = Check {
            operation,
            modifiers: modifier.map_or(ModifierSet::EMPTY, ModifierSet::of),
            collection: collection.clone(),
        };
        self.scene.policy.allows(&self.subject, &check)
    }

    fn mapped_volumes(&self) -> Vec<EscalationPath> {
        let volumes = self.objects(&[ObjectKind::Volume]);
        let mapped = volumes.filter(|(volume, place)| {
            volume.modifiers.contains(&Modifier::LocalDriverOptions)
                && self.allows((VolumeCreateAttach, None), place)
        });
        let found = mapped.filter_map(|(volume, place)| {
            let (mut step, _) = self.attach(&format!("volume/{}", volume.name), &place)?;
            step.edge = "mapped-volume".to_owned();
            Some(EscalationPath {
                outcome: PathOutcome::Root,
                steps: vec![step],
                conditions: vec![format!(
                    "volume/{} maps a directory that matters to the node",
                    volume.name
                )],
                nodes: Vec::new(),
            })
        });
        found.collect()
    }

    /// Objects on which all of this is held: listed ones, else an assumed one in each collection where it is.
    fn existing(
        &self,
        kind: &'s [ObjectKind],
        word: &str,
        needed: &[Needed],
    ) -> Vec<(CollectionId, String, Vec<String>)> {
        if self.scene.inventory.resources.is_empty() {
            let held = self.where_held(needed).into_iter();
            return held
                .map(|place| {
                    let condition = format!("a {word} lies in {} or below it", self.path(place));
                    (place.clone(), format!("a {word}"), vec![condition])
                })
                .collect();
        }
        let mut found: BTreeMap<CollectionId, String> = BTreeMap::new();
        for (resource, place) in self.objects(kind) {
            if needed.iter().all(|one| self.allows(*one, &place)) {
                let name = format!("{}/{}", resource.kind.word(), resource.name);
                found.entry(place).or_insert(name);
            }
        }
        found
            .into_iter()
            .map(|(place, name)| (place, name, Vec::new()))
            .collect()
    }

    fn service_update(&self) -> Vec<EscalationPath> {
        let needs = (ServiceUpdate, Some(Modifier::HostBindMounts));
        let found = self
            .existing(&[ObjectKind::Service], "service", &[needs])
            .into_iter();
        found
            .map(|(place, name, conditions)| {
                let does = format!(
                    "update {name} in {} to mount the disk or the engine socket of its nodes",
                    self.path(&place)
                );
                EscalationPath {
                    outcome: PathOutcome::Root,
                    steps: vec![self.step("host-mount-update", &does, &[(needs, &place)])],
                    conditions,
                    nodes: Vec::new(),
                }
            })
            .collect()
    }

    fn privileged_exec(&self) -> Vec<EscalationPath> {
        let needs = [
            (ContainerExec, None),
            (ContainerCreate, Some(Modifier::Privileged)),
        ];
        let found = self
            .existing(&[ObjectKind::Container], "running container", &needs)
            .into_iter();
        found
            .map(|(place, name, conditions)| {
                let does = format!("run a privileged command inside {name} in {}", self.path(&place));
                EscalationPath {
                    outcome: PathOutcome::Root,
                    steps: vec![self.step("privileged-exec", &does, &needs.map(|one| (one, &place)))],
                    conditions,
                    nodes: Vec::new(),
                }
            })
            .collect()
    }

    /// Ways into workloads that are strong already.
    fn strong_workloads(&self) -> Vec<EscalationPath> {
        let mut found = Vec::new();
        for (resource, place) in self.objects(&[ObjectKind::Container, ObjectKind::Service]) {
            let Some(modifier) = self.strong(resource) else {
                continue;
            };
            let name = format!("{}/{}", resource.kind.word(), resource.name);
            if self.allows((ContainerExec, None), &place) {
                let does = format!(
                    "run a command inside {name} in {}, which has {modifier}",
                    self.path(&place)
                );
                found.push(EscalationPath {
                    outcome: PathOutcome::Root,
                    steps: vec![self.step("exec-into-privileged", &does, &[((ContainerExec, None), &place)])],
                    conditions: Vec::new(),
                    nodes: Vec::new(),
                });
            }
            let swarm = CollectionId::from(builtin::ROOT);
            if let Some(operation) = IMAGES.into_iter().find(|one| self.allows((*one, None), &swarm)) {
                let does =
                    format!("put another image under the name of the image of {name}, which has {modifier}");
                found.push(EscalationPath {
                    outcome: PathOutcome::Root,
                    steps: vec![self.step("replace-image", &does, &[((operation, None), &swarm)])],
                    conditions: vec![
                        format!(
                            "{name} names its image by a tag and starts again on a node that has the new one"
                        ),
                        "content trust is off".to_owned(),
                    ],
                    nodes: Vec::new(),
                });
            }
        }
        found
    }

    fn node_update(&self) -> Vec<EscalationPath> {
        let held = self.where_held(&[(Operation::NodeUpdate, None)]).into_iter();
        held.map(|place| {
            let does = format!(
                "pause or drain nodes of {}, or label them so that other workloads move",
                self.path(place)
            );
            EscalationPath {
                outcome: PathOutcome::Foothold,
                steps: vec![self.step("node-update", &does, &[((Operation::NodeUpdate, None), place)])],
                conditions: Vec::new(),
                nodes: Vec::new(),
            }
        })
        .collect()
    }
}
