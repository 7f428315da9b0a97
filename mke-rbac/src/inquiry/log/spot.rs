//! Where a recorded call used which operation, as far as that can still be found out.

use mke_core::ids::CollectionId;

use super::engine::{object, predefined};
use super::{EngineUse, KubernetesUse, LogUser, LoggedTarget};
use crate::decision::Subject;
use crate::demand::{Demand, Facts, Home};
use crate::inquiry::Scene;
use crate::kubernetes::Request;
use crate::model::builtin;
use crate::operation::{ModifierSet, Operation};
use crate::question::ResourceName;

/// One use of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inquiry) struct Spot {
    pub(in crate::inquiry) operation: Operation,
    pub(in crate::inquiry) modifiers: ModifierSet,
    /// Whether more modifiers may have been used.
    pub(in crate::inquiry) more_modifiers: bool,
    /// Where; nothing when it cannot be found out.
    pub(in crate::inquiry) collection: Option<CollectionId>,
}

const fn plain(operation: Operation, collection: Option<CollectionId>) -> Spot {
    Spot {
        operation,
        modifiers: ModifierSet::EMPTY,
        more_modifiers: false,
        collection,
    }
}

/// A recorded call, with what is known now of the objects that it named.
pub(in crate::inquiry) struct Spots<'s> {
    scene: &'s Scene<'s>,
    call: &'s EngineUse,
    pub(in crate::inquiry) demand: Demand,
    pub(in crate::inquiry) facts: Facts,
}

impl<'s> Spots<'s> {
    pub(in crate::inquiry) fn new(scene: &'s Scene<'s>, call: &'s EngineUse) -> Self {
        let demand = call.demand();
        // An object in a collection that does not exist is as good as unknown.
        let mut facts = scene
            .inventory
            .facts(scene.policy, demand.objects())
            .unwrap_or_default();
        predefined(&mut facts, &demand);
        Self {
            scene,
            call,
            demand,
            facts,
        }
    }

    /// Whether the record and the inventory say everything that a verdict depends on.
    pub(in crate::inquiry) fn complete(&self) -> bool {
        self.call.complete
            && self
                .demand
                .objects()
                .iter()
                .all(|object| self.facts.objects.contains_key(object))
    }

    /// Whether the call may have needed more than is known.
    pub(in crate::inquiry) fn may_need_more(&self) -> bool {
        self.call.may_need_more()
    }

    /// Every use of an operation in the call, also those by which it only filters what it shows.
    pub(in crate::inquiry) fn of(&self, subject: &Subject) -> Vec<Spot> {
        let mut spots = self.needs(subject);
        spots.extend(self.call.filters.iter().map(|operation| plain(*operation, None)));
        spots
    }

    /// Every use of an operation that the call needs.
    pub(in crate::inquiry) fn needs(&self, subject: &Subject) -> Vec<Spot> {
        let mut spots: Vec<_> = self
            .call
            .wants
            .iter()
            .map(|want| Spot {
                operation: want.operation,
                modifiers: want.modifiers(),
                more_modifiers: !self.call.complete,
                collection: self.place(&want.on, subject),
            })
            .collect();
        if let Some(placement) = &self.call.placement
            && placement.node_bound
        {
            let collection = self.place(&LoggedTarget::Workload, subject);
            spots.push(plain(Operation::NodeSchedule, collection));
        }
        spots
    }

    fn place(&self, target: &LoggedTarget, subject: &Subject) -> Option<CollectionId> {
        match target {
            LoggedTarget::Root => Some(builtin::ROOT.into()),
            LoggedTarget::Workload => self.workload(subject),
            LoggedTarget::Object(name) | LoggedTarget::Network(name) => self.home(name),
            LoggedTarget::VolumeOrWorkload(name) => self.home(name).or_else(|| self.workload(subject)),
            LoggedTarget::VolumesOf(_) => None,
        }
    }

    fn home(&self, name: &ResourceName) -> Option<CollectionId> {
        match &self.facts.objects.get(&object(name))?.home {
            Home::Collection(id) => Some(id.clone()),
            Home::Conflicting => None,
        }
    }

    fn workload(&self, subject: &Subject) -> Option<CollectionId> {
        let placement = self.call.placement.as_ref().filter(|placement| placement.known)?;
        if let Some(label) = &placement.label {
            return self.scene.policy.collection_of_label(label).ok();
        }
        if let Some(existing) = &placement.existing {
            return self.home(existing);
        }
        match subject {
            Subject::Anonymous => None,
            Subject::Account(id) => self
                .scene
                .policy
                .default_collection(id)
                .map(|info| info.id.clone()),
        }
    }
}

/// A recorded request to Kubernetes as one that can be asked.
pub(in crate::inquiry) fn request(user: &LogUser, asked: &KubernetesUse) -> Request {
    Request {
        user: user.name.clone(),
        groups: user.groups.clone(),
        verb: asked.verb.clone(),
        group: asked.group.clone(),
        resource: asked.resource.clone(),
        subresource: asked.subresource.clone(),
        name: asked.name.clone(),
        namespace: asked.namespace.clone(),
        path: asked.path.clone(),
    }
}
