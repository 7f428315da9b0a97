//! What SCIM clients say about people and groups beyond what accounts and teams have anyway. Only what is given back
//! to them is kept.

use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, TokenHash};

/// What a SCIM client says about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimPerson {
    /// The `userName` as the client spells it, where that is not the account's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Whether the client gave the account's full name as `name.formatted`, and it was not put together here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub formatted: bool,
    /// `name.familyName`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// `name.givenName`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// `displayName`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `emails`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<ScimEmail>,
    /// When a SCIM client last changed something.
    #[serde(default)]
    pub modified: Timestamp,
}

/// An address of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimEmail {
    /// The address.
    pub value: String,
    /// What it is for, such as `work`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

/// What a SCIM client says about a group that is a team here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimGroup {
    /// The name that the client gave it (`displayName`).
    pub display_name: String,
    /// What the client calls it (`externalId`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether the team was there before and was linked to the group, so that deleting the group leaves it
    /// (SCIM-014).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
    /// When a SCIM client last changed something, members included.
    #[serde(default)]
    pub modified: Timestamp,
}

/// The token of the SCIM client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimToken {
    /// Its id, which opens nothing; audit records name it (scim-19).
    pub id: String,
    /// The hash of the token that opens the SCIM endpoints.
    pub hash: TokenHash,
    /// When it was made.
    pub created: Timestamp,
}

impl Record for ScimToken {
    const WHAT: &'static str = "SCIM token";
}
