//! A second evaluator, slow and obvious: it reads the model each time, follows parents by id, and keeps no index.
//! It is written from the rules alone, so that the fast one can be compared with it.

use std::collections::{BTreeMap, BTreeSet};

use mke_core::ids::{AccountId, CollectionId};
use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model};
use mke_rbac::operation::{ModifierSet, ObjectType, Operation};
use mke_rbac::role::{Rights, builtin_roles};

/// The collection and all above it, nearest first; nothing if the way up does not end at the root.
pub(crate) fn ancestors(model: &Model, collection: &CollectionId) -> Vec<CollectionId> {
    let mut way = Vec::new();
    let mut at = Some(collection.clone());
    while let Some(id) = at {
        let found = model.collections.iter().find(|known| known.id == id);
        let Some(found) = found.filter(|_| !way.contains(&id)) else {
            return Vec::new();
        };
        way.push(id);
        at = found.parent.clone();
    }
    match way.last() {
        Some(root) if root.as_str() == "swarm" => way,
        _ => Vec::new(),
    }
}

pub(crate) fn reaches(model: &Model, user: &AccountId, subject: &GrantSubject) -> bool {
    // A team of an organization that is gone is gone too, and so are grants for it (R7).
    let exists = |id: &AccountId| model.organizations.iter().any(|known| known.id == *id);
    match subject {
        GrantSubject::User(id) => id == user,
        GrantSubject::Authenticated => true,
        GrantSubject::Anonymous => false,
        GrantSubject::Team(id) => model
            .teams
            .iter()
            .any(|team| team.id == *id && exists(&team.organization) && team.members.contains(user)),
        GrantSubject::Organization(id) => {
            let in_team = model
                .teams
                .iter()
                .any(|team| team.organization == *id && team.members.contains(user));
            (in_team && exists(id))
                || model.organizations.iter().any(|organization| {
                    organization.id == *id
                        && (organization.name == "docker-datacenter" || organization.members.contains(user))
                })
        }
    }
}

fn private_grants(model: &Model) -> Vec<Grant> {
    model
        .users
        .iter()
        .filter(|user| !user.admin)
        .filter_map(|user| {
            Some(Grant {
                subject: GrantSubject::User(user.id.clone()),
                object: GrantObject::Collection(user.private_collection.clone()?),
                role: model.settings.default_new_user_role.clone(),
            })
        })
        .collect()
}

/// The grants that reach an active user who is no administrator, with what they allow.
pub(crate) fn grants(model: &Model, user: &AccountId) -> Vec<(Grant, CollectionId, Rights)> {
    let roles: BTreeMap<_, _> = model
        .roles
        .iter()
        .cloned()
        .chain(builtin_roles())
        .map(|role| (role.id.clone(), *role.operations.rights()))
        .collect();
    let made = model.grants.iter().cloned().map(|grant| (grant, false));
    let implied = private_grants(model).into_iter().map(|grant| (grant, true));
    made.chain(implied)
        .filter(|(grant, _)| reaches(model, user, &grant.subject))
        .filter_map(|(grant, implied)| {
            let GrantObject::Collection(place) = grant.object.clone() else {
                return None;
            };
            let rights = match grant.role.as_str() {
                // As a setting, not as a role (R14).
                "admin" if implied => Rights::all(),
                _ => *roles.get(&grant.role)?,
            };
            Some((grant, place, rights))
        })
        .collect()
}

fn is(model: &Model, user: &AccountId) -> (bool, bool) {
    let found = model.users.iter().find(|known| known.id == *user);
    found.map_or((false, false), |user| (user.active, user.active && user.admin))
}

/// R5, R6, R20, R21, R23.
pub(crate) fn allows(
    model: &Model,
    user: &AccountId,
    operation: Operation,
    modifiers: ModifierSet,
    at: &CollectionId,
) -> bool {
    let (active, admin) = is(model, user);
    if !active || admin {
        return admin;
    }
    effective(model, user, at).allows(operation, modifiers)
}

/// R22, for users who are no administrators.
pub(crate) fn effective(model: &Model, user: &AccountId, at: &CollectionId) -> Rights {
    let above = ancestors(model, at);
    grants(model, user)
        .iter()
        .filter(|(_, place, _)| above.contains(place))
        .fold(Rights::NONE, |union, (_, _, rights)| union.union(rights))
}

/// R40, for users who are no administrators: of all collections on the way with Node Schedule, the highest.
pub(crate) fn schedule_root(model: &Model, user: &AccountId, at: &CollectionId) -> Option<CollectionId> {
    let mut way = ancestors(model, at);
    way.reverse();
    way.into_iter()
        .find(|place| allows(model, user, Operation::NodeSchedule, ModifierSet::EMPTY, place))
}

/// R16.
pub(crate) fn visible(model: &Model, user: &AccountId) -> BTreeSet<CollectionId> {
    let (active, admin) = is(model, user);
    let grants = grants(model, user);
    model
        .collections
        .iter()
        .map(|collection| &collection.id)
        .filter(|id| {
            let above = ancestors(model, id);
            let shown = grants.iter().any(|(_, place, rights)| {
                let here_or_below = ancestors(model, place).contains(id);
                let inherited = above.contains(place);
                let beyond = rights.operations().iter().any(|operation| {
                    !matches!(operation.object_type(), ObjectType::Node | ObjectType::Image)
                });
                (here_or_below && !rights.is_empty()) || (inherited && beyond)
            });
            !above.is_empty() && active && (admin || shown)
        })
        .cloned()
        .collect()
}
