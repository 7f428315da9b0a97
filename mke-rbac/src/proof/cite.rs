//! Which grants a proof cites for a check, and how each reaches the subject and the collection.

use mke_core::ids::{AccountId, CollectionId};

use super::swarm::{Citation, Right};
use crate::decision::{Evidence, Subject};
use crate::model::{Grant, GrantObject, GrantSubject, builtin};
use crate::operation::ModifierSet;
use crate::policy::Policy;
use crate::role::Rights;

/// A sufficient set of grants for one check, none of which can be left out: one that carries everything, if there is
/// one, else the nearest that add the most.
pub(super) fn citations(policy: &Policy, subject: &Subject, evidence: &Evidence) -> Vec<Citation> {
    let check = evidence.check();
    let held: Vec<_> = evidence
        .grants()
        .filter_map(|grant| Some((grant, rights(policy, grant).modifiers(check.operation)?)))
        .collect();
    let chosen = cover(&held, check.modifiers);
    let cited = chosen.into_iter().filter_map(|(grant, modifiers)| {
        Some(Citation {
            grant: grant.clone(),
            rule: Right {
                operation: check.operation,
                modifiers,
            },
            membership: membership(policy, subject, &grant.subject)?,
            inheritance: inheritance(policy, &check.collection, &grant.object)?,
        })
    });
    cited.collect()
}

/// Chooses grants until the wanted modifiers are there, then leaves out those that later ones made needless.
fn cover<'g>(held: &[(&'g Grant, ModifierSet)], wanted: ModifierSet) -> Vec<(&'g Grant, ModifierSet)> {
    if let Some(alone) = held.iter().find(|(_, modifiers)| modifiers.covers(wanted)) {
        return vec![*alone];
    }
    let mut chosen: Vec<(&Grant, ModifierSet)> = Vec::new();
    let mut open = wanted;
    while !open.is_empty() {
        let gain = |modifiers: ModifierSet| open.iter().filter(|one| modifiers.contains(*one)).count();
        // Of equal ones the first, which is the nearest.
        let best = held.iter().rev().max_by_key(|(_, modifiers)| gain(*modifiers));
        match best {
            Some(best) if gain(best.1) > 0 => {
                open = open.minus(best.1);
                chosen.push(*best);
            }
            _ => break,
        }
    }
    let mut position = 0;
    while position < chosen.len() {
        let others = chosen.iter().enumerate().filter(|(other, _)| *other != position);
        let union = others.fold(ModifierSet::EMPTY, |union, (_, (_, more))| union.union(*more));
        if union.covers(wanted) {
            chosen.remove(position);
        } else {
            position += 1;
        }
    }
    chosen
}

/// What a grant allows. The setting's `admin` is no role and allows everything (R14).
fn rights(policy: &Policy, grant: &Grant) -> Rights {
    match policy.role(grant.role.as_str()) {
        Some(role) => *role.operations.rights(),
        None if grant.role.as_str() == super::facts::EVERYTHING => Rights::all(),
        None => Rights::NONE,
    }
}

/// The shortest way from the subject to that of a grant (R2).
fn membership(policy: &Policy, subject: &Subject, reached: &GrantSubject) -> Option<Vec<GrantSubject>> {
    let Subject::Account(user) = subject else {
        return Some(vec![GrantSubject::Anonymous]);
    };
    let itself = GrantSubject::User(user.clone());
    Some(match reached {
        GrantSubject::User(_) => vec![itself],
        GrantSubject::Team(_) | GrantSubject::Authenticated => vec![itself, reached.clone()],
        GrantSubject::Organization(organization) => match through(policy, user, organization)? {
            None => vec![itself, reached.clone()],
            Some(team) => vec![itself, team, reached.clone()],
        },
        GrantSubject::Anonymous => return None,
    })
}

/// The team through which a user is in an organization; no team when it is a member itself, or when the organization
/// holds everybody.
fn through(policy: &Policy, user: &AccountId, organization: &AccountId) -> Option<Option<GrantSubject>> {
    let model = policy.model();
    let known = model
        .organizations
        .iter()
        .filter(|known| known.id == *organization);
    let mut known = known.clone();
    if known.any(|known| known.name == builtin::DEFAULT_ORGANIZATION || known.members.contains(user)) {
        return Some(None);
    }
    let mut teams = model
        .teams
        .iter()
        .filter(|team| team.organization == *organization);
    let team = teams.find(|team| team.members.contains(user))?;
    Some(Some(GrantSubject::Team(team.id.clone())))
}

/// The way up from a collection to that of a grant.
fn inheritance(policy: &Policy, from: &CollectionId, object: &GrantObject) -> Option<Vec<CollectionId>> {
    let GrantObject::Collection(to) = object else {
        return None;
    };
    let info = policy.collection(from.as_str())?;
    let mut way = Vec::new();
    for id in std::iter::once(&info.id).chain(info.parent_ids.iter().rev()) {
        way.push(id.clone());
        if id == to {
            return Some(way);
        }
    }
    None
}
