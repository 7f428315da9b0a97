//! What a question comes down to: the checks, the decision on them, and where the object lies.

use mke_core::ids::CollectionId;

use super::answer::{Asked, create_operation, object_ref, update_operation, wants};
use super::forms::{Ask, CheckQuestion, CreateQuestion, ScheduleQuestion, UpdateQuestion};
use super::inventory::{License, home};
use crate::decision::{Check, Decision};
use crate::demand::{Access, Demand, Home, ObjectKind, Placement, Target};
use crate::judge::{JudgeError, Judgement, Placed};
use crate::operation::{ModifierSet, ObjectType, Operation};

/// A decision with what it was about.
#[derive(Debug)]
pub(crate) struct Ruling {
    /// The class of the request.
    pub(crate) access: Access,
    /// Everything that was checked, as far as it came to checks.
    pub(crate) checks: Vec<Check>,
    /// The decision.
    pub(crate) decision: Decision,
    /// Where the object lies after the request.
    pub(crate) placed: Option<Placed>,
    /// The operations on the object itself; empty when all are.
    pub(crate) own: Vec<Operation>,
}

/// Why a question has no answer, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unanswered {
    /// The word for it in answers to scripts.
    pub(crate) code: String,
    /// What is wrong with the question.
    pub(crate) message: String,
}

impl Unanswered {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl From<JudgeError> for Unanswered {
    fn from(error: JudgeError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl Asked<'_> {
    /// Decides a question that can be allowed or denied on collections; nothing for the others.
    pub(crate) fn rule(&self, ask: &Ask) -> Result<Option<Ruling>, Unanswered> {
        Ok(Some(match ask {
            Ask::Check(ask) => self.rule_check(ask)?,
            Ask::Create(ask) => self.rule_create(ask)?,
            Ask::Update(ask) => self.rule_update(ask)?,
            Ask::Schedule(ask) => self.rule_schedule(ask)?,
            Ask::Api(ask) => self.rule_api(ask)?,
            Ask::List(_) | Ask::Collections(_) | Ask::Effective(_) | Ask::K8s(_) | Ask::Rights(_) => {
                return Ok(None);
            }
        }))
    }

    /// The collection with this path.
    pub(super) fn collection(&self, path: &str) -> Result<CollectionId, JudgeError> {
        match home(self.policy, path)? {
            Home::Collection(id) => Ok(id),
            Home::Conflicting => Err(JudgeError::UnknownCollection {
                label: path.to_owned(),
            }),
        }
    }

    fn rule_check(&self, ask: &CheckQuestion) -> Result<Ruling, Unanswered> {
        let check = Check {
            operation: ask.operation,
            modifiers: ask.modifiers.iter().copied().collect(),
            collection: self.collection(&ask.collection)?,
        };
        Ok(self.rule_one(check))
    }

    /// The right on which a placement rests (R41, R43).
    fn rule_schedule(&self, ask: &ScheduleQuestion) -> Result<Ruling, Unanswered> {
        let check = Check {
            operation: Operation::NodeSchedule,
            modifiers: ModifierSet::EMPTY,
            collection: self.collection(&ask.collection)?,
        };
        Ok(self.rule_one(check))
    }

    fn rule_one(&self, check: Check) -> Ruling {
        let checks = vec![check];
        Ruling {
            access: Access::Operation,
            decision: self.policy.decide(self.subject, Access::Operation, &checks),
            checks,
            placed: None,
            own: Vec::new(),
        }
    }

    fn rule_create(&self, ask: &CreateQuestion) -> Result<Ruling, Unanswered> {
        let Some(create) = create_operation(ask.kind) else {
            let message = format!("a {} is not created by a request", ask.kind.word());
            return Err(Unanswered::new("not-creatable", message));
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
        self.rule_demand(&demand, vec![create])
    }

    fn rule_update(&self, ask: &UpdateQuestion) -> Result<Ruling, Unanswered> {
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
                return Err(JudgeError::LabelNotEditable { object_type }.into());
            }
            let message = format!("a {} cannot be changed once it exists", ask.resource.kind.word());
            return Err(Unanswered::new("not-updatable", message));
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
        let own = [update].into_iter().chain(create_operation(ask.resource.kind));
        self.rule_demand(&demand, own.collect())
    }

    /// Judges a demand against what the inventory knows of its objects.
    pub(super) fn rule_demand(&self, demand: &Demand, own: Vec<Operation>) -> Result<Ruling, Unanswered> {
        let facts = self.inventory.facts(self.policy, demand.objects())?;
        let advanced = match self.inventory.license {
            None => self.policy.settings().advanced_license,
            Some(license) => license == License::Advanced,
        };
        let Judgement {
            decision,
            placed,
            checks,
        } = self
            .policy
            .judge_licensed(self.subject, demand, &facts, advanced)?;
        Ok(Ruling {
            access: demand.access,
            checks,
            decision,
            placed,
            own,
        })
    }
}
