//! Teams, and who is a member of what.

use mke_core::ids::{AccountId, TeamId};
use mke_core::names::TeamName;
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MemberSync, Record, ScimGroup, Source};

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
    /// Which people of the LDAP directory are its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<MemberSync>,
    /// The group of the SAML identity provider whose members are its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_link: Option<String>,
    /// The group of a SCIM client that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim: Option<ScimGroup>,
}

impl Team {
    /// Which source keeps the members of this team that come from one; such members are not added or removed by
    /// hand. Accounts made here are, unless the source says otherwise.
    pub fn is_kept_by_source(&self) -> Option<Source> {
        if self.sync.as_ref().is_some_and(|sync| sync.enabled) {
            Some(Source::Ldap)
        } else if self.group_link.is_some() {
            Some(Source::Saml)
        } else {
            self.scim.as_ref().map(|_| Source::Scim)
        }
    }
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
