//! Changes in names, as people write them; [`apply`] makes them in memory.

mod apply;
mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) use apply::Changed;
pub use apply::changed;
pub(crate) use apply::changed_scene;
pub use parse::{FlagError, changes};

use crate::kubernetes::{Binding, BindingKind, KubernetesChange, RoleKind};
use crate::role::RoleBody;

/// One change, such as `{"grant": {"subject": "user:jane", "role": "viewonly", "collection": "/Prod"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhatIf {
    /// A grant is made.
    Grant(GrantForm),
    /// A grant is taken back. It must be there.
    Revoke(GrantForm),
    /// Somebody joins a team or an organization.
    AddMember {
        /// The name of the user.
        user: String,
        /// `team:<org>/<name>` or `org:<name>`.
        to: String,
    },
    /// Somebody leaves a team or an organization.
    RemoveMember {
        /// The name of the user.
        user: String,
        /// `team:<org>/<name>` or `org:<name>`.
        from: String,
    },
    /// A user changes, or is made when there is none of this name.
    User(UserForm),
    /// A user is removed with its grants.
    RemoveUser(String),
    /// An organization is made.
    AddOrganization(String),
    /// An organization is removed with its teams and their grants.
    RemoveOrganization(String),
    /// A team is made: `<org>/<name>`.
    AddTeam(String),
    /// A team is removed with its grants: `<org>/<name>`.
    RemoveTeam(String),
    /// A collection is made at this path, below one that exists.
    AddCollection(String),
    /// A collection moves with everything below it.
    MoveCollection {
        /// Its path.
        from: String,
        /// Its new path; all but the last element must exist.
        to: String,
    },
    /// A collection is removed with everything below it.
    RemoveCollection(String),
    /// A custom role is made or replaced.
    Role {
        /// Its name.
        name: String,
        /// What it allows: type, operation, modifiers.
        operations: RoleBody,
    },
    /// A custom role is removed with its grants.
    RemoveRole(String),
    /// Switches change; those that are absent stay.
    Settings(SettingsForm),
    /// A Kubernetes role or binding is put or removed, with one of the keys `put_role`, `remove_role`, `put_binding` and
    /// `remove_binding`.
    Kubernetes(KubernetesChange),
}

/// A grant in names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantForm {
    /// `user:<name>`, `org:<name>`, `team:<org>/<name>`, `authenticated` or `anonymous`.
    pub subject: String,
    /// The id or the name of the role.
    pub role: String,
    /// The path of the collection.
    pub collection: String,
}

/// What changes of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserForm {
    /// The name.
    pub name: String,
    /// Whether it is an administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// Whether it is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// What changes of the switches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsForm {
    /// The role on private collections (R14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_new_user_role: Option<String>,
    /// Whether workloads of administrators may run on managers (R45).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_admin_ucp_scheduling: Option<bool>,
}

fn object(kind: &str, namespace: &Option<String>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} `{namespace}/{name}`"),
        None => format!("{kind} `{name}`"),
    }
}

fn binding_name(binding: &Binding) -> String {
    object(
        match binding.kind {
            BindingKind::RoleBinding => "RoleBinding",
            BindingKind::ClusterRoleBinding => "ClusterRoleBinding",
        },
        &binding.namespace,
        binding.name.as_deref().unwrap_or(&binding.role.name),
    )
}

impl fmt::Display for GrantForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} on {}", self.role, self.subject, self.collection)
    }
}

/// For people: what would happen.
impl fmt::Display for WhatIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(grant) => write!(f, "grant {grant}"),
            Self::Revoke(grant) => write!(f, "revoke {grant}"),
            Self::AddMember { user, to } => write!(f, "add {user} to {to}"),
            Self::RemoveMember { user, from } => write!(f, "remove {user} from {from}"),
            Self::User(user) => {
                write!(f, "user {}", user.name)?;
                match user.admin {
                    Some(true) => f.write_str(" becomes an administrator")?,
                    Some(false) => f.write_str(" is no administrator")?,
                    None => {}
                }
                match user.active {
                    Some(true) => f.write_str(" is active"),
                    Some(false) => f.write_str(" is deactivated"),
                    None => Ok(()),
                }
            }
            Self::RemoveUser(name) => write!(f, "remove user {name}"),
            Self::AddOrganization(name) => write!(f, "add organization {name}"),
            Self::RemoveOrganization(name) => write!(f, "remove organization {name}"),
            Self::AddTeam(name) => write!(f, "add team {name}"),
            Self::RemoveTeam(name) => write!(f, "remove team {name}"),
            Self::AddCollection(path) => write!(f, "add collection {path}"),
            Self::MoveCollection { from, to } => write!(f, "move collection {from} to {to}"),
            Self::RemoveCollection(path) => write!(f, "remove collection {path}"),
            Self::Role { name, .. } => write!(f, "put role {name}"),
            Self::RemoveRole(name) => write!(f, "remove role {name}"),
            Self::Settings(_) => f.write_str("change settings"),
            Self::Kubernetes(change) => match change {
                KubernetesChange::PutRole(role) => {
                    let kind = match role.kind {
                        RoleKind::Role => "Role",
                        RoleKind::ClusterRole => "ClusterRole",
                    };
                    write!(f, "put {}", object(kind, &role.namespace, &role.name))
                }
                KubernetesChange::RemoveRole(key) => {
                    write!(f, "remove {}", object(key.kind.word(), &key.namespace, &key.name))
                }
                KubernetesChange::PutBinding(binding) => write!(f, "put {}", binding_name(binding)),
                KubernetesChange::RemoveBinding(key) => {
                    write!(f, "remove {}", object(key.kind.word(), &key.namespace, &key.name))
                }
            },
        }
    }
}
