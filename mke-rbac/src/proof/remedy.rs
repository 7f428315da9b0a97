//! The smallest set of grants that turns a denial into an allow.
//!
//! Grants are proposed to the subject itself and only on collections at which something is missing: a grant higher
//! up would open what nobody asked for. Of these collections the topmost get one grant each, since a grant reaches
//! everything below it (R21); fewer cannot do. Its role is the existing one with the fewest operations that adds all
//! that is missing there and below, on top of what the subject holds (R22); if there is none, a new role with exactly
//! that. Full Control is never proposed: it would fit always, and open everything.

use std::collections::BTreeMap;

use mke_core::ids::{CollectionId, RoleId};
use serde::{Deserialize, Serialize};

use super::swarm::alphabetical;
use crate::decision::{Check, Subject};
use crate::model::{Grant, GrantObject, GrantSubject};
use crate::operation::{Modifier, ModifierSet, Operation};
use crate::policy::{CollectionInfo, Policy};
use crate::role::{Rights, Role, builtin};

/// What would allow a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remedy {
    /// These grants, all of them, by the ids of their collections. None when nothing is missing.
    Grants(Vec<Proposal>),
    /// No grant would help, for all of these reasons.
    Impossible(Vec<Obstacle>),
}

/// A grant that does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// To whom.
    pub subject: GrantSubject,
    /// On what.
    pub collection: CollectionId,
    /// What it must add: operations with their modifiers, those in alphabetical order.
    pub needs: BTreeMap<Operation, Vec<Modifier>>,
    /// The existing role with the fewest operations that has it, Full Control left aside; nothing when a role with
    /// exactly `needs` must be made first.
    pub role: Option<RoleId>,
}

/// Why no grant would help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// The account does not exist.
    UnknownAccount,
    /// The account is deactivated (R6).
    Inactive,
    /// The request needs nothing that could be granted.
    NothingAsked,
    /// There is no such collection.
    Collection(CollectionId),
    /// The operation has no such modifier.
    Modifier(Operation, Modifier),
}

impl Proposal {
    /// What `needs` says, as rights.
    pub fn rights(&self) -> Rights {
        let needs = self.needs.iter();
        needs
            .map(|(operation, modifiers)| (*operation, modifiers.iter().copied().collect()))
            .collect()
    }

    /// The grant to make, with the id that the new role got if one had to be made.
    pub fn grant(&self, made: RoleId) -> Grant {
        Grant {
            subject: self.subject.clone(),
            object: GrantObject::Collection(self.collection.clone()),
            role: self.role.clone().unwrap_or(made),
        }
    }
}

/// An operation with the modifiers that the subject does not hold at a collection.
struct Lack<'p> {
    place: &'p CollectionInfo,
    operation: Operation,
    modifiers: ModifierSet,
}

impl Policy {
    /// The smallest set of grants with which the subject would pass all checks of a call of class
    /// [`Access::Operation`](crate::demand::Access::Operation). What smallest means is said in `docs/decisions`.
    pub fn remedy(&self, subject: &Subject, checks: &[Check]) -> Remedy {
        let itself = match subject {
            Subject::Anonymous => GrantSubject::Anonymous,
            Subject::Account(id) => match self.user(id.as_str()) {
                None => return Remedy::Impossible(vec![Obstacle::UnknownAccount]),
                Some(user) if !user.active => return Remedy::Impossible(vec![Obstacle::Inactive]),
                Some(user) if user.admin => return Remedy::Grants(Vec::new()),
                Some(_) => GrantSubject::User(id.clone()),
            },
        };
        if checks.is_empty() {
            return Remedy::Impossible(vec![Obstacle::NothingAsked]);
        }
        let mut obstacles = Vec::new();
        let mut lacks = Vec::new();
        for check in checks {
            match self.lack(subject, check) {
                Ok(lack) => lacks.extend(lack),
                Err(more) => {
                    for obstacle in more {
                        if !obstacles.contains(&obstacle) {
                            obstacles.push(obstacle);
                        }
                    }
                }
            }
        }
        if !obstacles.is_empty() {
            return Remedy::Impossible(obstacles);
        }
        let mut proposals: Vec<Proposal> = Vec::new();
        for Lack { place, .. } in &lacks {
            let below_another = lacks
                .iter()
                .any(|other| place.parent_ids.contains(&other.place.id));
            if below_another || proposals.iter().any(|proposal| proposal.collection == place.id) {
                continue;
            }
            let needs = needs(&lacks, &place.id);
            proposals.push(Proposal {
                subject: itself.clone(),
                collection: place.id.clone(),
                role: self.smallest_role(&needs).map(|role| role.id.clone()),
                needs: needs
                    .iter()
                    .map(|(operation, modifiers)| (operation, alphabetical(modifiers)))
                    .collect(),
            });
        }
        proposals.sort_by(|one, other| one.collection.cmp(&other.collection));
        Remedy::Grants(proposals)
    }

    /// What of a check the subject does not hold, or why it can never hold it.
    fn lack(&self, subject: &Subject, check: &Check) -> Result<Option<Lack<'_>>, Vec<Obstacle>> {
        let own: ModifierSet = check.operation.modifiers().iter().copied().collect();
        let foreign = check.modifiers.minus(own);
        let foreign = foreign
            .iter()
            .map(|modifier| Obstacle::Modifier(check.operation, modifier));
        let Some(place) = self.collection(check.collection.as_str()) else {
            let unknown = Obstacle::Collection(check.collection.clone());
            return Err(std::iter::once(unknown).chain(foreign).collect());
        };
        let obstacles: Vec<_> = foreign.collect();
        if !obstacles.is_empty() {
            return Err(obstacles);
        }
        let held = self
            .effective(subject, &place.id)
            .rights()
            .modifiers(check.operation);
        let modifiers = check.modifiers.minus(held.unwrap_or(ModifierSet::EMPTY));
        let lacking = held.is_none() || !modifiers.is_empty();
        Ok(lacking.then_some(Lack {
            place,
            operation: check.operation,
            modifiers,
        }))
    }

    fn smallest_role(&self, needs: &Rights) -> Option<&Role> {
        let fitting = self.roles().iter().filter(|role| {
            // Of roles with one id only the first counts.
            let counts = self.role(role.id.as_str()).is_some_and(|first| first == *role);
            counts && role.id.as_str() != builtin::FULL_CONTROL && role.operations.rights().covers(needs)
        });
        fitting.min_by_key(|role| {
            let rights = role.operations.rights();
            let modifiers = rights.iter().map(|(_, modifiers)| modifiers.iter().count());
            (rights.iter().count(), modifiers.sum::<usize>(), role.id.clone())
        })
    }
}

/// All that is missing at a collection and below it.
fn needs(lacks: &[Lack<'_>], at: &CollectionId) -> Rights {
    let reached = lacks
        .iter()
        .filter(|lack| lack.place.id == *at || lack.place.parent_ids.contains(at));
    reached.map(|lack| (lack.operation, lack.modifiers)).collect()
}
