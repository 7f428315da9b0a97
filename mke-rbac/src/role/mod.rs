//! Roles: named sets of operations (R23 to R27).
//!
//! A role says what may be done, never where or by whom; that is a [grant](crate::model::Grant). Roles are
//! not edited once they exist.

mod body;
pub mod builtin;
mod legacy;
mod rights;

use mke_core::ids::RoleId;
use serde::{Deserialize, Serialize};

pub use body::{RoleBody, RoleProblem};
pub use builtin::builtin_roles;
pub use rights::Rights;
pub(crate) use rights::ordered;

/// A role, in the form in which the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its id; a word for built-in roles, a random UUID otherwise.
    pub id: RoleId,
    /// Its name; several roles may have the same.
    pub name: String,
    /// Whether it is built in, so that it cannot be deleted.
    #[serde(default)]
    pub system_role: bool,
    /// What it allows.
    pub operations: RoleBody,
}
