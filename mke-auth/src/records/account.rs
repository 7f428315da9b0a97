//! Users and organizations: accounts of one name space (R1).

use mke_core::ids::AccountId;
use mke_core::names::{AccountName, DEFAULT_ORGANIZATION};
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MemberSync, Origin, Record};
use crate::password::PasswordHash;

/// Longest full name, in characters. Judgement: three times the longest account name.
pub const MAX_FULL_NAME_CHARS: usize = 300;

/// A user or an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// Its id; never changes.
    pub id: AccountId,
    /// Its name; changes only when an LDAP directory gives the same person another one.
    pub name: AccountName,
    /// The name for people, at most [`MAX_FULL_NAME_CHARS`] characters; may be empty.
    pub full_name: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it is.
    pub kind: AccountKind,
    /// Organizations only: which people of the LDAP directory are its administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_sync: Option<Box<MemberSync>>,
}

/// What an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AccountKind {
    /// A person or a program that logs in.
    User(User),
    /// A group of users.
    Organization,
}

/// What only users have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// Passes every operation check (R5).
    pub is_admin: bool,
    /// Passes nothing when false, administrator or not (R6).
    pub is_active: bool,
    /// Comes from a directory (LDAP, SAML, SCIM), which keeps its password.
    pub is_imported: bool,
    /// The password, hashed; none means that no password is right.
    pub password: Option<PasswordHash>,
    /// Counts changes of the password, so that what an older one opened can be told.
    pub password_version: u64,
    /// Who it is at the source that it comes from; records of imported accounts that are older than this field
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Whether its first login made it, and not a synchronisation or an administrator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_demand: bool,
}

impl Record for Account {
    const WHAT: &'static str = "account";
}

impl Account {
    /// The user part; `None` for an organization.
    pub fn user(&self) -> Option<&User> {
        match &self.kind {
            AccountKind::User(user) => Some(user),
            AccountKind::Organization => None,
        }
    }

    /// Who it is at the source that it comes from; `None` for organizations and accounts that were made here.
    pub fn origin(&self) -> Option<&Origin> {
        self.user()?.origin.as_ref()
    }

    /// Whether it is an organization.
    pub fn is_organization(&self) -> bool {
        matches!(self.kind, AccountKind::Organization)
    }

    /// Whether it is the organization that holds every user (R2).
    pub fn is_default_organization(&self) -> bool {
        self.is_organization() && self.name.as_str() == DEFAULT_ORGANIZATION
    }

    /// Whether it is a user that may log in.
    pub fn is_active_user(&self) -> bool {
        self.user().is_some_and(|user| user.is_active)
    }

    /// Whether it is an active administrator.
    pub fn is_active_admin(&self) -> bool {
        self.user().is_some_and(|user| user.is_active && user.is_admin)
    }
}
