//! Which grants a proof cites for a check, and how each reaches the subject and the collection.

use mke_core::ids::CollectionId;

use super::swarm::{Citation, Right, alphabetical};
use crate::decision::{Evidence, Subject};
use crate::model::{Grant, GrantObject, GrantSubject};
use crate::operation::ModifierSet;
use crate::policy::{Policy, Reach};
use crate::role::Rights;

/// A sufficient set of grants for one check, none of which can be left out: one that carries everything, if there is
/// one, else the nearest that add the most.
pub(super) fn citations(policy: &Policy, subject: &Subject, evidence: &Evidence) -> Vec<Citation> {
    let check = evidence.check();
    let held: Vec<_> = evidence
        .grants()
        .filter_map(|grant| {
            let modifiers = rights(policy, &grant).modifiers(check.operation)?;
            Some((grant, modifiers))
        })
        .collect();
    let chosen = cover(&held, check.modifiers);
    let cited = chosen.into_iter().filter_map(|(grant, modifiers)| {
        Some(Citation {
            grant: grant.clone(),
            rule: Right {
                operation: check.operation,
                modifiers: alphabetical(*modifiers),
            },
            membership: membership(policy, subject, &grant.subject)?,
            inheritance: inheritance(policy, &check.collection, &grant.object)?,
        })
    });
    cited.collect()
}

/// Chooses grants until the wanted modifiers are there, then leaves out those that later ones made needless.
fn cover(held: &[(Grant, ModifierSet)], wanted: ModifierSet) -> Vec<&(Grant, ModifierSet)> {
    if let Some(alone) = held.iter().find(|(_, modifiers)| modifiers.covers(wanted)) {
        return vec![alone];
    }
    let mut chosen: Vec<&(Grant, ModifierSet)> = Vec::new();
    let mut open = wanted;
    while !open.is_empty() {
        let gain = |modifiers: ModifierSet| open.iter().filter(|one| modifiers.contains(*one)).count();
        // Of equal ones the first, which is the nearest.
        let best = held.iter().rev().max_by_key(|(_, modifiers)| gain(*modifiers));
        match best {
            Some(best) if gain(best.1) > 0 => {
                open = open.minus(best.1);
                chosen.push(best);
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
    Some(match policy.reach(user, reached)? {
        Reach::Itself => vec![itself],
        Reach::Team | Reach::Authenticated | Reach::Everybody | Reach::Organization { listed: true, .. } => {
            vec![itself, reached.clone()]
        }
        Reach::Organization { listed: false, teams } => {
            let team = GrantSubject::Team(teams.first()?.clone());
            vec![itself, team, reached.clone()]
        }
    })
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
