//! Teams, and who is a member of what.

use mke_core::ids::{AccountId, TeamId};
use mke_core::names::TeamName;
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Record;

/// Longest description of a team, in characters (AUTH-004).
pub const MAX_DESCRIPTION_CHARS: usize = 140;

/// A team of one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Team {
    /// Its id; never changes.
    pub id: TeamId,
    /// The organization that it belongs to; never changes.
    pub organization: AccountId,
    /// Its name, unique within the organization only (R3).
    pub name: TeamName,
    /// Free text, at most [`MAX_DESCRIPTION_CHARS`] characters; may be empty.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Record for Team {
    const WHAT: &'static str = "team";
}

/// That a user is a member of an organization or a team. Which ones is in the record's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Membership {
    /// Whether the member manages the members of the organization or team (R9).
    pub is_admin: bool,
}

impl Record for Membership {
    const WHAT: &'static str = "membership";
}
