//! The written form of a decision on collections, and how it is made from the decision.

use mke_core::ids::CollectionId;
use serde::{Deserialize, Serialize};

use super::cite;
use super::remedy::{Proposal, Remedy};
use crate::decision::{AllowReason, Check, Decision, Denial, Subject};
use crate::demand::Access;
use crate::model::{Grant, GrantSubject};
use crate::operation::{Modifier, ModifierSet, Operation};
use crate::policy::Policy;

/// A question about collections, its decision, and what the decision rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwarmProof {
    /// Who asked.
    pub subject: Subject,
    /// The class of the call.
    pub access: Access,
    /// What the call needs.
    pub checks: Vec<Check>,
    /// The [code](Denial::code) of the rule about the object that the call meets, whatever the grants are: a node
    /// that may not move, labels that contradict each other. Like the checks it is part of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What was decided.
    pub decision: Claim,
}

/// Yes or no, each with its grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// Yes.
    Allowed(Reason),
    /// No.
    Denied(Refusal),
}

/// Why the answer is yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Anybody may.
    Public,
    /// Every active account may.
    Authenticated,
    /// The subject is an active administrator (R5).
    Administrator,
    /// For each check of the question, in its order, grants that carry it together. None of them can be left out.
    Granted(Vec<Vec<Citation>>),
}

/// One grant, and why it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    /// The grant.
    pub grant: Grant,
    /// What its role says about the operation of the check.
    pub rule: Right,
    /// From the user to the subject of the grant: itself, `user → team`, `user → organization`,
    /// `user → team → organization`, `user → authenticated` (R2), or `anonymous` alone (R4).
    pub membership: Vec<GrantSubject>,
    /// From the collection of the check to that of the grant, each the parent of the one before (R21).
    pub inheritance: Vec<CollectionId>,
}

/// What a role says about an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// The operation.
    pub operation: Operation,
    /// All modifiers with which the role allows it, in alphabetical order.
    pub modifiers: Vec<Modifier>,
}

/// Why the answer is no.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The [code](Denial::code) of the denial.
    pub reason: String,
    /// Everything that no grant carries: in the order of the checks, of each the modifiers in alphabetical order.
    /// Empty when the reason is no lack of grants.
    pub missing: Vec<Missing>,
    /// The [smallest set of grants](Policy::remedy) that would have allowed it; nothing when none would.
    pub remedy: Option<Vec<Proposal>>,
}

/// One thing that no grant carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// The operation.
    pub operation: Operation,
    /// The modifier, when the operation itself is there.
    pub modifier: Option<Modifier>,
    /// Where.
    pub collection: CollectionId,
}

impl SwarmProof {
    pub(crate) fn of(
        policy: &Policy,
        subject: &Subject,
        access: Access,
        checks: &[Check],
        decision: &Decision,
    ) -> Self {
        let claim = match decision {
            Decision::Allowed(permit) => Claim::Allowed(match permit.reason() {
                AllowReason::Public => Reason::Public,
                AllowReason::Authenticated => Reason::Authenticated,
                AllowReason::Administrator => Reason::Administrator,
                AllowReason::Granted(evidence) => {
                    let cited = evidence.iter().map(|one| cite::citations(policy, subject, one));
                    Reason::Granted(cited.collect())
                }
            }),
            Decision::Denied(denial) => Claim::Denied(refusal(policy, subject, access, checks, denial)),
        };
        let rule = match decision {
            Decision::Denied(denial) => rule(access, denial),
            Decision::Allowed(_) => None,
        };
        Self {
            subject: subject.clone(),
            access,
            checks: checks.to_vec(),
            rule: rule.map(str::to_owned),
            decision: claim,
        }
    }

    /// Whether the answer is yes.
    pub const fn is_allowed(&self) -> bool {
        matches!(self.decision, Claim::Allowed(_))
    }
}

/// The denials that come from the object, not from the subject and its grants.
fn rule(access: Access, denial: &Denial) -> Option<&'static str> {
    match denial {
        Denial::AdministratorOnly { .. } if access == Access::Admin => None,
        Denial::Rule(crate::decision::RuleDenial::NothingAsked) => None,
        Denial::AdministratorOnly { .. } | Denial::Rule(_) | Denial::ConflictingLabels => Some(denial.code()),
        Denial::Unauthenticated | Denial::Inactive | Denial::UnknownAccount | Denial::Missing(_) => None,
    }
}

fn refusal(policy: &Policy, subject: &Subject, access: Access, checks: &[Check], denial: &Denial) -> Refusal {
    let about_grants = match denial {
        Denial::Missing(_) => true,
        // Grants for `anonymous` would open it (R4).
        Denial::Unauthenticated => access == Access::Operation && !checks.is_empty(),
        _ => false,
    };
    let (missing, remedy) = match about_grants.then(|| policy.remedy(subject, checks)) {
        None => (Vec::new(), None),
        Some(Remedy::Impossible(_)) => (missing(policy, subject, checks), None),
        Some(Remedy::Grants(proposals)) => (missing(policy, subject, checks), Some(proposals)),
    };
    Refusal {
        reason: denial.code().to_owned(),
        missing,
        remedy,
    }
}

/// What is missing, computed anew: a denial for lack of credentials does not say it.
fn missing(policy: &Policy, subject: &Subject, checks: &[Check]) -> Vec<Missing> {
    let mut all = Vec::new();
    for check in checks {
        let held = policy
            .effective(subject, &check.collection)
            .rights()
            .modifiers(check.operation);
        let missing = |modifier| Missing {
            operation: check.operation,
            modifier,
            collection: check.collection.clone(),
        };
        match held {
            None => all.push(missing(None)),
            Some(held) => {
                let lacks = alphabetical(check.modifiers.minus(held)).into_iter();
                all.extend(lacks.map(|modifier| missing(Some(modifier))));
            }
        }
    }
    all
}

/// The modifiers by name.
pub(super) fn alphabetical(modifiers: ModifierSet) -> Vec<Modifier> {
    let mut list: Vec<_> = modifiers.iter().collect();
    list.sort_by_key(|modifier| modifier.name());
    list
}
