//! Answering: a question becomes checks or a demand, and the verdict becomes names and paths again.

use std::collections::BTreeMap;

use mke_core::ids::CollectionId;

use super::forms::{Ask, CreateQuestion, Question, ResourceName, UpdateQuestion, Use};
use super::inventory::{Inventory, License, home};
use super::{Answer, DecidedBy, Missing, Names, Verdict};
use crate::decision::{AllowReason, Check, Decision, Denial, Evidence, Subject};
use crate::demand::{Access, Demand, Home, ObjectKind, ObjectRef, Placement, Target, Want};
use crate::judge::{JudgeError, Judgement};
use crate::kubernetes::Authorizer;
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
            .unwrap_or_else(|error| Answer::error(error.code(), error.to_string()))
    }
}

/// A question with everything it is asked of.
pub(super) struct Asked<'a> {
    pub(super) policy: &'a Policy,
    pub(super) subject: &'a Subject,
    pub(super) inventory: &'a Inventory,
}

impl Asked<'_> {
    fn answer(&self, question: &Question) -> Result<Answer, JudgeError> {
        match &question.ask {
            Ask::Check(ask) => {
                let check = Check {
                    operation: ask.operation,
                    modifiers: ask.modifiers.iter().copied().collect(),
                    collection: self.collection(&ask.collection)?,
                };
                let decision = self.policy.decide(self.subject, Access::Operation, &[check]);
                Ok(self.decided(decision, |_| true))
            }
            Ask::Create(ask) => self.create(ask),
            Ask::Update(ask) => self.update(ask),
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
            Ask::Api(ask) => self.api(ask),
            Ask::K8s(ask) => {
                let request = ask.request(question.user.as_deref());
                let allowed = Authorizer::compile(&self.inventory.kubernetes).allows(&request);
                Ok(Answer::new(if allowed { Verdict::Allow } else { Verdict::Deny }))
            }
        }
    }

    fn collection(&self, path: &str) -> Result<CollectionId, JudgeError> {
        match home(self.policy, path)? {
            Home::Collection(id) => Ok(id),
            Home::Conflicting => Err(JudgeError::UnknownCollection {
                label: path.to_owned(),
            }),
        }
    }

    fn create(&self, ask: &CreateQuestion) -> Result<Answer, JudgeError> {
        let Some(create) = create_operation(ask.kind) else {
            let message = format!("a {} is not created by a request", ask.kind.word());
            return Ok(Answer::error("not-creatable", message));
        };
        let image = ask.kind == ObjectKind::Image;
        let placement = Placement {
            object_type: ask.kind.object_type(),
            existing: None,
            label: ask.label.clone(),
            node_bound: match ask.kind {
                ObjectKind::Service | ObjectKind::Container => true,
                ObjectKind::Volume => !ask.global_driver,
                ObjectKind::Network => ask.local,
                _ => false,
            },
        };
        let own = if image { Target::Root } else { Target::Workload };
        let demand = Demand {
            access: Access::Operation,
            placement: (!image).then_some(placement),
            wants: wants(create, &ask.modifiers, own, &ask.uses),
            admin_only: None,
        };
        let judgement = self.judge(&demand)?;
        Ok(self.judged(judgement, |evidence| evidence.check().operation == create))
    }

    fn update(&self, ask: &UpdateQuestion) -> Result<Answer, JudgeError> {
        let object_type = ask.resource.kind.object_type();
        let object = object_ref(&ask.resource);
        let existing = self.inventory.resource(&ask.resource);
        let uses = match (&ask.uses, existing) {
            (Some(uses), _) => &uses[..],
            (None, Some(existing)) => &existing.uses[..],
            (None, None) => &[],
        };
        let own = Target::Object(object.clone());
        let Some(update) = update_operation(object_type) else {
            if ask.label.is_some() {
                return Err(JudgeError::LabelNotEditable { object_type });
            }
            let message = format!("a {} cannot be changed once it exists", ask.resource.kind.word());
            return Ok(Answer::error("not-updatable", message));
        };
        let demand = Demand {
            access: Access::Operation,
            placement: Some(Placement {
                object_type,
                existing: Some(object),
                label: ask.label.clone(),
                node_bound: object_type == ObjectType::Service,
            }),
            wants: wants(update, &ask.modifiers, own, uses),
            admin_only: None,
        };
        let judgement = self.judge(&demand)?;
        let create = create_operation(ask.resource.kind);
        Ok(self.judged(judgement, |evidence| {
            evidence.check().operation == update || Some(evidence.check().operation) == create
        }))
    }

    pub(super) fn judge(&self, demand: &Demand) -> Result<Judgement, JudgeError> {
        let facts = self.inventory.facts(self.policy, demand.objects())?;
        let advanced = match self.inventory.license {
            None => self.policy.settings().advanced_license,
            Some(license) => license == License::Advanced,
        };
        self.policy.judge_licensed(self.subject, demand, &facts, advanced)
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
    fn standing(&self) -> Answer {
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

    pub(super) fn judged(&self, judgement: Judgement, own: impl Fn(&Evidence) -> bool) -> Answer {
        let mut answer = self.decided(judgement.decision, own);
        if let Some(placed) = judgement.placed {
            answer.collection = Some(self.path(&placed.collection));
            if let (Verdict::Allow, Some(schedule)) = (answer.decision, &placed.schedule) {
                self.put_schedule(&mut answer, schedule);
            }
        }
        answer
    }

    fn decided(&self, decision: Decision, own: impl Fn(&Evidence) -> bool) -> Answer {
        let permit = match decision {
            Decision::Denied(denial) => return self.denied(&denial),
            Decision::Allowed(permit) => permit,
        };
        let decided_by = match permit.reason() {
            AllowReason::Public | AllowReason::Authenticated => None,
            AllowReason::Administrator => Some(vec![DecidedBy::Word(DecidedBy::ADMIN.to_owned())]),
            AllowReason::Granted(evidence) => {
                let names = Names::of(self.policy);
                let own = evidence.iter().filter(|evidence| own(evidence));
                let grants = own.flat_map(Evidence::grants);
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
fn wants(operation: Operation, modifiers: &[Modifier], own: Target, uses: &[Use]) -> Vec<Want> {
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
const fn create_operation(kind: ObjectKind) -> Option<Operation> {
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
const fn update_operation(object_type: ObjectType) -> Option<Operation> {
    match object_type {
        ObjectType::Config => Some(Operation::ConfigUpdate),
        ObjectType::Container => Some(Operation::ContainerCreate),
        ObjectType::Node => Some(Operation::NodeUpdate),
        ObjectType::Secret => Some(Operation::SecretUpdate),
        ObjectType::Service => Some(Operation::ServiceUpdate),
        ObjectType::Image | ObjectType::Network | ObjectType::Volume => None,
    }
}
