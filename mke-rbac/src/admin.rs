//! Rules for changing roles, collections and grants (R17, R27, R28), checked against the policy in force.
//!
//! Only administrators make such changes: ask [`Policy::decide`] with [`crate::demand::Access::Admin`] first. These
//! functions say whether the change itself is possible, for administrators too, and what goes with it. They change
//! nothing; [`crate::model::Model`] has the edits.

use mke_core::ids::{AccountId, CollectionId, RoleId};
use mke_core::names::{CollectionPath, MAX_NAME_CHARS, NameError};
use serde_json::Value;

use crate::decision::Subject;
use crate::demand::{ObjectKind, ObjectRef};
use crate::model::{Grant, GrantObject, GrantSubject, builtin};
use crate::policy::Policy;
use crate::role::{RoleBody, RoleProblem};

/// Why a role cannot be created, changed or deleted (R27).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RoleRefusal {
    /// The name is empty, too long or holds control characters.
    #[error("a role's name has 1 to {MAX_NAME_CHARS} characters, none of them a control character")]
    Name,
    /// The operations are wrong; all problems.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Body(Vec<RoleProblem>),
    /// There is no such role.
    #[error("role `{0}` does not exist")]
    Unknown(RoleId),
    /// Roles stay as they were created.
    #[error("role `{0}` cannot be changed; create another one")]
    NotEditable(RoleId),
    /// Built-in roles stay.
    #[error("role `{0}` is built in and cannot be deleted")]
    BuiltIn(RoleId),
    /// Grants use it.
    #[error("role `{role}` is used by {} grants; delete them first", grants.len())]
    InUse {
        /// The role.
        role: RoleId,
        /// The grants.
        grants: Vec<Grant>,
    },
}

/// Why a collection cannot be created or deleted (R17).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectionRefusal {
    /// The name cannot stand in a path.
    #[error("this is no name for a collection")]
    Name(#[source] NameError),
    /// There is no such collection.
    #[error("collection `{0}` does not exist")]
    Unknown(CollectionId),
    /// The path is taken.
    #[error("collection `{0}` exists already")]
    Exists(CollectionPath),
    /// Built-in collections stay, and private ones as long as their user.
    #[error("collection `{0}` is built in and cannot be deleted")]
    BuiltIn(CollectionPath),
    /// Collections lie below it.
    #[error("collection `{path}` holds {} collections; delete them first", children.len())]
    HasChildren {
        /// The collection.
        path: CollectionPath,
        /// Those directly below it.
        children: Vec<CollectionPath>,
    },
    /// Objects lie in it, nodes named first.
    #[error("collection `{path}` holds {first} and {} other objects; move or delete them first", count - 1)]
    InUse {
        /// The collection.
        path: CollectionPath,
        /// One of them.
        first: ObjectRef,
        /// How many they are.
        count: usize,
    },
}

/// Why a grant cannot be made (R28).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefusal {
    /// Nobody has this id.
    #[error("the subject {0:?} of the grant does not exist")]
    UnknownSubject(GrantSubject),
    /// There is no such collection.
    #[error("collection `{0}` does not exist")]
    UnknownCollection(CollectionId),
    /// There is no such role.
    #[error("role `{0}` does not exist")]
    UnknownRole(RoleId),
}

/// Why a collection cannot be somebody's default (R13).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefaultCollectionRefusal {
    /// There is no such user.
    #[error("user `{0}` does not exist")]
    UnknownUser(AccountId),
    /// The collection does not exist, or the user does not see it. Which of the two is not told.
    #[error("collection `{0}` does not exist or is not visible to the user")]
    NotVisible(CollectionId),
}

/// Checks a new role and reads its operations.
pub fn check_create_role(name: &str, operations: Value) -> Result<RoleBody, RoleRefusal> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(RoleRefusal::Name);
    }
    RoleBody::parse(operations).map_err(RoleRefusal::Body)
}

/// Why this role cannot be changed: none can.
pub fn check_change_role(policy: &Policy, role: &RoleId) -> RoleRefusal {
    match policy.role(role.as_str()) {
        None => RoleRefusal::Unknown(role.clone()),
        Some(_) => RoleRefusal::NotEditable(role.clone()),
    }
}

/// Checks the deletion of a role.
pub fn check_delete_role(policy: &Policy, role: &RoleId) -> Result<(), RoleRefusal> {
    let found = policy
        .role(role.as_str())
        .ok_or_else(|| RoleRefusal::Unknown(role.clone()))?;
    if found.system_role {
        return Err(RoleRefusal::BuiltIn(role.clone()));
    }
    let grants: Vec<_> = policy.grants().filter(|grant| grant.role == *role).collect();
    if grants.is_empty() {
        return Ok(());
    }
    Err(RoleRefusal::InUse {
        role: role.clone(),
        grants,
    })
}

/// Checks a new collection and gives its path.
pub fn check_create_collection(
    policy: &Policy,
    parent: &CollectionId,
    name: &str,
) -> Result<CollectionPath, CollectionRefusal> {
    let parent = policy
        .collection(parent.as_str())
        .ok_or_else(|| CollectionRefusal::Unknown(parent.clone()))?;
    let path = parent.path.child(name).map_err(CollectionRefusal::Name)?;
    // Read again, a path also has to keep to the limit on its length.
    let path: CollectionPath = path.as_str().parse().map_err(CollectionRefusal::Name)?;
    match policy.collection_by_path(&path) {
        Some(_) => Err(CollectionRefusal::Exists(path)),
        None => Ok(path),
    }
}

/// Checks the deletion of a collection in which these objects lie, and gives the grants that go with it.
pub fn check_delete_collection(
    policy: &Policy,
    collection: &CollectionId,
    inside: &[ObjectRef],
) -> Result<Vec<Grant>, CollectionRefusal> {
    let info = policy
        .collection(collection.as_str())
        .ok_or_else(|| CollectionRefusal::Unknown(collection.clone()))?;
    let path = info.path.clone();
    let is_private = |id: &CollectionId| {
        policy
            .users()
            .any(|user| user.private_collection.as_ref() == Some(id))
    };
    if builtin::COLLECTIONS.contains(&info.id.as_str()) || is_private(&info.id) {
        return Err(CollectionRefusal::BuiltIn(path));
    }
    let children: Vec<_> = policy
        .children(collection)
        .map(|child| child.path.clone())
        .collect();
    if !children.is_empty() {
        return Err(CollectionRefusal::HasChildren { path, children });
    }
    let node = inside.iter().find(|object| object.kind == ObjectKind::Node);
    if let Some(first) = node.or_else(|| inside.first()) {
        return Err(CollectionRefusal::InUse {
            path,
            first: first.clone(),
            count: inside.len(),
        });
    }
    Ok(policy.grants_on(&GrantObject::Collection(collection.clone())))
}

/// Checks a new grant. Whether it exists already makes no difference: making it again is a success.
pub fn check_grant(policy: &Policy, grant: &Grant) -> Result<(), GrantRefusal> {
    let subject_exists = match &grant.subject {
        GrantSubject::User(id) => policy.user(id.as_str()).is_some(),
        GrantSubject::Organization(id) => policy.organization(id.as_str()).is_some(),
        GrantSubject::Team(id) => policy.team(id.as_str()).is_some(),
        GrantSubject::Authenticated | GrantSubject::Anonymous => true,
    };
    if !subject_exists {
        return Err(GrantRefusal::UnknownSubject(grant.subject.clone()));
    }
    if let GrantObject::Collection(id) = &grant.object
        && policy.collection(id.as_str()).is_none()
    {
        return Err(GrantRefusal::UnknownCollection(id.clone()));
    }
    match policy.role(grant.role.as_str()) {
        Some(_) => Ok(()),
        None => Err(GrantRefusal::UnknownRole(grant.role.clone())),
    }
}

/// Checks a user's choice of a default collection: it must be one that the user sees.
pub fn check_default_collection(
    policy: &Policy,
    user: &AccountId,
    collection: &CollectionId,
) -> Result<(), DefaultCollectionRefusal> {
    if policy.user(user.as_str()).is_none() {
        return Err(DefaultCollectionRefusal::UnknownUser(user.clone()));
    }
    if policy.sees_collection(&Subject::Account(user.clone()), collection) {
        return Ok(());
    }
    Err(DefaultCollectionRefusal::NotVisible(collection.clone()))
}
