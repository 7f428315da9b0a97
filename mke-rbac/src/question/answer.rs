//! Answering: a question becomes checks or a demand, and the verdict becomes names and paths again.

use std::collections::BTreeMap;

use mke_core::ids::CollectionId;

use super::forms::{Ask, Question, ResourceName, Use};
use super::inventory::{Inventory, home};
use super::ruling::{Ruling, Unanswered};
use super::{Answer, DecidedBy, Missing, Names, Verdict};
use crate::decision::{AllowReason, Decision, Denial, Evidence, Subject};
use crate::demand::{Access, ObjectKind, ObjectRef, Target, Want};
use crate::operation::{Modifier, ObjectType, Operation};
use crate::policy::Policy;
use crate::role::ordered;
use crate::schedule::Schedule;

impl Policy {
    /// Answers a question about the subject. The user that the question names is not looked at, except in
    /// Kubernetes questions, whose users are not accounts.
    pub fn answer(&self, subject: &Subject, question: &Question, inventory: &Inventory) -> Answer {
        let asked = Asked {
            policy: self,
            subject,
            inventory,
        };
        asked
            .answer(question)
            .unwrap_or_else(|error| Answer::error(&error.code, error.message))
    }
}

/// A question with everything it is asked of.
pub(crate) struct Asked<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) subject: &'a Subject,
    pub(crate) inventory: &'a Inventory,
}

impl Asked<'_> {
    fn answer(&self, question: &Question) -> Result<Answer, Unanswered> {
        match &question.ask {
            Ask::Check(_) | Ask::Create(_) | Ask::Update(_) | Ask::Api(_) => {
                match self.rule(&question.ask)? {
                    Some(ruling) => Ok(self.ruled(ruling)),
                    None => Err(Unanswered::new("nothing-asked", "the question asks for nothing")),
                }
            }
            Ask::List(ask) => Ok(self.list(ask.kind)),
            Ask::Collections(_) => {
                let collections = self.policy.visible_collections(self.subject);
                let mut visible: Vec<_> = collections.iter().map(|info| info.path.to_string()).collect();
                visible.sort();
                Ok(self.filtered(visible))
            }
            Ask::Schedule(ask) => {
                let collection = self.collection(&ask.collection)?;
                Ok(self.schedule(&collection))
            }
            Ask::Effective(ask) => {
                let collection = self.collection(&ask.collection)?;
                let mut answer = self.standing();
                let role = self.policy.effective(self.subject, &collection);
                let operations = role.rights().iter().map(|(operation, modifiers)| {
                    let modifiers = ordered(operation, modifiers).collect();
                    (operation.name().to_owned(), modifiers)
                });
                answer.operations = Some(operations.collect());
                Ok(answer)
            }
            Ask::K8s(ask) => self.kubernetes(question.user.as_deref(), ask),
            Ask::Rights(ask) => self.rights(ask),
        }
    }

    fn list(&self, kind: ObjectKind) -> Answer {
        let view = match kind {
            ObjectKind::Task => Operation::ServiceViewTasks,
            kind => kind.object_type().view_operation(),
        };
        let shown = self.inventory.of_kind(kind).into_iter().filter(|(_, path)| {
            home(self.policy, path).is_ok_and(|home| self.policy.may(self.subject, view, &home))
        });
        let mut visible: Vec<_> = shown.map(|(name, _)| name.to_owned()).collect();
        visible.sort();
        self.filtered(visible)
    }

    fn schedule(&self, collection: &CollectionId) -> Answer {
        match self.policy.schedule(self.subject, collection) {
            Err(denial) => self.denied(&denial),
            Ok(schedule) => {
                let mut answer = Answer::new(Verdict::Allow);
                self.put_schedule(&mut answer, &schedule);
                let eligible = self.inventory.nodes.iter().filter(|(_, path)| {
                    home(self.policy, path).is_ok_and(|home| schedule.admits(&home, self.policy))
                });
                answer.eligible_nodes = Some(eligible.map(|(name, _)| name.clone()).collect());
                answer
            }
        }
    }

    fn put_schedule(&self, answer: &mut Answer, schedule: &Schedule) {
        answer.schedule_root = Some(self.path(&schedule.root));
        answer.constraint = Some(schedule.constraint.clone());
    }

    /// Whether the subject may ask for lists at all.
    pub(super) fn standing(&self) -> Answer {
        match self.policy.decide(self.subject, Access::Filter, &[]) {
            Decision::Allowed(_) => Answer::new(Verdict::Allow),
            Decision::Denied(denial) => self.denied(&denial),
        }
    }

    fn filtered(&self, visible: Vec<String>) -> Answer {
        Answer {
            visible: Some(visible),
            ..self.standing()
        }
    }

    /// The decision of a ruling in names, with everything beside it.
    pub(crate) fn ruled(&self, ruling: Ruling) -> Answer {
        let mut answer = match ruling.decision {
            Decision::Denied(denial) => self.denied(&denial),
            Decision::Allowed(permit) => self.allowed(permit.reason(), &ruling.own),
        };
        answer.access = (ruling.access != Access::Operation).then_some(ruling.access);
        if let Some(placed) = ruling.placed {
            answer.collection = Some(self.path(&placed.collection));
            if let (Verdict::Allow, Some(schedule)) = (answer.decision, &placed.schedule) {
                self.put_schedule(&mut answer, schedule);
            }
        }
        answer
    }

    /// `own` are the operations whose grants are named; all when it is empty.
    fn allowed(&self, reason: &AllowReason, own: &[Operation]) -> Answer {
        let names = Names::of(self.policy);
        let is_own = |evidence: &&Evidence| own.is_empty() || own.contains(&evidence.check().operation);
        let decided_by = match reason {
            AllowReason::Public | AllowReason::Authenticated => None,
            AllowReason::Administrator => Some(vec![DecidedBy::Word(DecidedBy::ADMIN.to_owned())]),
            AllowReason::Granted(evidence) => {
                let grants = evidence.iter().filter(is_own).flat_map(Evidence::grants);
                let mut deciders: Vec<_> = grants
                    .filter_map(|grant| Some(DecidedBy::Grant(names.grant(&grant)?)))
                    .collect();
                deciders.sort();
                deciders.dedup();
                Some(deciders)
            }
        };
        Answer {
            decided_by,
            ..Answer::new(Verdict::Allow)
        }
    }

    pub(super) fn denied(&self, denial: &Denial) -> Answer {
        let mut answer = Answer {
            message: Some(denial.message()),
            ..Answer::new(Verdict::Deny)
        };
        match denial {
            Denial::Missing(missing) => {
                let missing = missing.iter().map(|check| Missing {
                    operation: check.operation,
                    collection: match check.path() {
                        Some(path) => path.to_string(),
                        None => check.collection.to_string(),
                    },
                    modifier: check.modifier,
                });
                answer.missing = Some(missing.collect());
            }
            other => answer.reason = Some(other.code().to_owned()),
        }
        answer
    }

    fn path(&self, collection: &CollectionId) -> String {
        Names::of(self.policy).path(collection)
    }
}

impl Answer {
    pub(super) fn new(decision: Verdict) -> Self {
        Self {
            decision,
            access: None,
            reason: None,
            error: None,
            message: None,
            decided_by: None,
            missing: None,
            collection: None,
            schedule_root: None,
            constraint: None,
            eligible_nodes: None,
            visible: None,
            operations: None::<BTreeMap<String, Vec<Modifier>>>,
            rights: None,
            rules: None,
        }
    }

    /// A question that has no answer for anybody.
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self {
            error: Some(code.to_owned()),
            message: Some(message.into()),
            ..Self::new(Verdict::Error)
        }
    }
}

pub(super) fn object_ref(resource: &ResourceName) -> ObjectRef {
    ObjectRef::new(resource.kind, resource.name.clone())
}

/// What a request does to its own object, then what it does to the objects it refers to (R30).
pub(super) fn wants(operation: Operation, modifiers: &[Modifier], own: Target, uses: &[Use]) -> Vec<Want> {
    let own = Want::with(operation, modifiers.iter().copied(), own);
    let references = uses.iter().filter_map(|reference| match reference {
        Use::NewVolume(_) => Some(Want::plain(Operation::VolumeCreateAttach, Target::Workload)),
        Use::Existing(resource) => {
            let object = object_ref(resource);
            let (operation, on) = match resource.kind {
                ObjectKind::Secret => (Operation::SecretUse, Target::Object(object)),
                ObjectKind::Config => (Operation::ConfigUse, Target::Object(object)),
                ObjectKind::Network => (Operation::NetworkConnect, Target::Network(object)),
                ObjectKind::Volume => (Operation::VolumeCreateAttach, Target::VolumeOrWorkload(object)),
                ObjectKind::Container => (Operation::ContainerConnect, Target::Object(object)),
                // Running an image needs no right to it (R35), and nothing refers to the rest.
                ObjectKind::Image
                | ObjectKind::Node
                | ObjectKind::Service
                | ObjectKind::Task
                | ObjectKind::Exec => return None,
            };
            Some(Want::plain(operation, on))
        }
    });
    [own].into_iter().chain(references).collect()
}

/// The operation that makes an object. Nodes join, tasks and exec instances belong to others.
pub(super) const fn create_operation(kind: ObjectKind) -> Option<Operation> {
    match kind {
        ObjectKind::Config => Some(Operation::ConfigCreate),
        ObjectKind::Container => Some(Operation::ContainerCreate),
        ObjectKind::Image => Some(Operation::ImageCreate),
        ObjectKind::Network => Some(Operation::NetworkCreate),
        ObjectKind::Secret => Some(Operation::SecretCreate),
        ObjectKind::Service => Some(Operation::ServiceCreate),
        ObjectKind::Volume => Some(Operation::VolumeCreateAttach),
        ObjectKind::Exec | ObjectKind::Node | ObjectKind::Task => None,
    }
}

/// The operation that changes an object, if anything does.
pub(super) const fn update_operation(object_type: ObjectType) -> Option<Operation> {
    match object_type {
        ObjectType::Config => Some(Operation::ConfigUpdate),
        ObjectType::Container => Some(Operation::ContainerCreate),
        ObjectType::Node => Some(Operation::NodeUpdate),
        ObjectType::Secret => Some(Operation::SecretUpdate),
        ObjectType::Service => Some(Operation::ServiceUpdate),
        ObjectType::Image | ObjectType::Network | ObjectType::Volume => None,
    }
}
