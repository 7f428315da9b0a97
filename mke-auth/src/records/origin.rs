//! Where an account comes from when it was not made here, and what ties teams and organizations to a source of
//! people.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ScimPerson;

/// Longest id of a person or group at its source, in bytes. Judgement: far above any id or DN in use, and small
/// enough for a key of the store.
pub const MAX_ORIGIN_ID_BYTES: usize = 1024;

/// A source of people other than this cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An LDAP directory, which is read.
    Ldap,
    /// A SAML identity provider, which vouches for one login.
    Saml,
    /// A SCIM client, which writes.
    Scim,
}

impl Source {
    /// Its name in keys of the store, audit records and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ldap => "ldap",
            Self::Saml => "saml",
            Self::Scim => "scim",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who an imported account is at its source. At most one account has the same source and id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origin {
    /// Where it comes from.
    pub source: Source,
    /// What it is called there for as long as it exists, at most [`MAX_ORIGIN_ID_BYTES`]: the unique id of an
    /// LDAP entry, or its DN where the directory has no such id; the NameID of SAML; the `id` of SCIM.
    pub id: String,
    /// The DN of an LDAP entry, as the directory spells it; changes when the entry moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dn: Option<String>,
    /// What a SCIM client calls it (`externalId`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether a SAML login made the account an administrator, so that a later one may take that back (saml-39). What
    /// others granted is not the identity provider's to take.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin_by_saml: bool,
    /// What else a SCIM client says about the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim: Option<Box<ScimPerson>>,
    /// Whether the account is inactive because the LDAP directory does not list the person any more, or has switched
    /// it off. When it lists the person again, the account comes back; one that an administrator deactivated does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

impl Origin {
    /// An origin without anything optional.
    pub fn new(source: Source, id: impl Into<String>) -> Self {
        Self {
            source,
            id: id.into(),
            dn: None,
            external_id: None,
            admin_by_saml: false,
            scim: None,
            gone: false,
        }
    }
}

/// Which people of an LDAP directory are members of a team, or administrators of an organization (LDAP-018). The
/// fields of the way that is not chosen are kept, so that somebody can go back to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberSync {
    /// Whether it is done at all.
    pub enabled: bool,
    /// Whether the members of a group are taken, and not what a search finds.
    pub by_group: bool,
    /// The DN of that group.
    pub group_dn: String,
    /// The attribute of the group that lists the DNs of its members.
    pub group_member_attribute: String,
    /// The DN below which to search.
    pub search_base_dn: String,
    /// Whether all levels below it are searched, and not only the next.
    pub search_subtree: bool,
    /// The condition that entries must meet, as an LDAP filter; empty takes all.
    pub search_filter: String,
    /// Whether accounts that do not come from the directory may be members too. When they may not, the next
    /// synchronisation ends their membership.
    pub allow_others: bool,
}
