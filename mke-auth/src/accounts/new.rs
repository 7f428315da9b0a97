//! What callers ask for, as they ask for it, and the checks that find everything wrong with it at once.

use mke_core::names::{AccountName, DEFAULT_ORGANIZATION, TeamName};
use mke_core::secret::Secret;

use super::error::{AccountError, Problems};
use crate::password;
use crate::records::{MAX_DESCRIPTION_CHARS, MAX_FULL_NAME_CHARS, MAX_ORIGIN_ID_BYTES, MemberSync, Origin};

/// A user to make.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name (R8).
    pub name: String,
    /// The name for people.
    pub full_name: String,
    /// Its password; users from a directory have none, others must.
    pub password: Option<Secret>,
    /// Whether it is an administrator.
    pub is_admin: bool,
    /// Whether it may log in.
    pub is_active: bool,
    /// Who it is at the source that it comes from; none for an account of this cluster's own.
    pub origin: Option<Origin>,
    /// Whether its own first login makes it.
    pub on_demand: bool,
}

impl NewUser {
    /// An active user of this cluster's own, no administrator.
    pub fn local(name: impl Into<String>, password: Secret) -> Self {
        Self {
            name: name.into(),
            full_name: String::new(),
            password: Some(password),
            is_admin: false,
            is_active: true,
            origin: None,
            on_demand: false,
        }
    }

    /// An active user that comes from elsewhere, no administrator, without a password here.
    pub fn imported(name: impl Into<String>, origin: Origin) -> Self {
        Self {
            name: name.into(),
            full_name: String::new(),
            password: None,
            is_admin: false,
            is_active: true,
            origin: Some(origin),
            on_demand: false,
        }
    }
}

/// What to change about an account; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The name for people.
    pub full_name: Option<String>,
    /// Whether it is an administrator; users only.
    pub is_admin: Option<bool>,
    /// Whether it may log in; users only.
    pub is_active: Option<bool>,
    /// Who it is at its source now; imported users only.
    pub origin: Option<Origin>,
}

/// An organization to make.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Its name (R8).
    pub name: String,
    /// The name for people.
    pub full_name: String,
}

/// A team to make.
#[derive(Debug, Clone)]
pub struct NewTeam {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
}

/// What to change about a team; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamChange {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
}

impl NewUser {
    /// The checked name, or everything that is wrong.
    pub(super) fn check(&self) -> Result<AccountName, AccountError> {
        let mut problems = Problems::default();
        let name = problems.take("name", self.name.parse());
        check_text(&mut problems, "fullName", &self.full_name, MAX_FULL_NAME_CHARS);
        match &self.password {
            Some(_) if self.origin.is_some() => {
                problems.note("password", "a user from a directory keeps its password there");
            }
            Some(password) => {
                problems.take("password", password::check(password));
            }
            None if self.origin.is_some() => {}
            None => problems.note("password", "a password is needed"),
        }
        if let Some(origin) = &self.origin {
            check_origin(&mut problems, origin);
        }
        finish(name, problems)
    }
}

impl NewOrganization {
    pub(super) fn check(&self) -> Result<AccountName, AccountError> {
        let mut problems = Problems::default();
        let name = problems.take("name", self.name.parse());
        check_text(&mut problems, "fullName", &self.full_name, MAX_FULL_NAME_CHARS);
        finish(name, problems)
    }
}

impl NewTeam {
    pub(super) fn check(&self) -> Result<TeamName, AccountError> {
        let mut problems = Problems::default();
        let name = problems.take("name", self.name.parse());
        check_text(
            &mut problems,
            "description",
            &self.description,
            MAX_DESCRIPTION_CHARS,
        );
        finish(name, problems)
    }
}

impl UserChange {
    pub(super) fn check(&self) -> Result<(), AccountError> {
        let mut problems = Problems::default();
        if let Some(full_name) = &self.full_name {
            check_text(&mut problems, "fullName", full_name, MAX_FULL_NAME_CHARS);
        }
        if let Some(origin) = &self.origin {
            check_origin(&mut problems, origin);
        }
        problems.into_result()
    }
}

impl TeamChange {
    /// The checked new name, if there is one.
    pub(super) fn check(&self) -> Result<Option<TeamName>, AccountError> {
        let mut problems = Problems::default();
        let name = match &self.name {
            Some(name) => problems.take("name", name.parse()).map(Some),
            None => Some(None),
        };
        if let Some(description) = &self.description {
            check_text(&mut problems, "description", description, MAX_DESCRIPTION_CHARS);
        }
        finish(name, problems)
    }
}

/// The name of the organization that holds every user.
pub(super) fn default_organization_name() -> Result<AccountName, AccountError> {
    let mut problems = Problems::default();
    let name = problems.take("name", DEFAULT_ORGANIZATION.parse());
    finish(name, problems)
}

fn finish<T>(value: Option<T>, problems: Problems) -> Result<T, AccountError> {
    match value {
        Some(value) if problems.0.is_empty() => Ok(value),
        _ => Err(AccountError::Invalid(problems)),
    }
}

/// The id at the source becomes part of a key.
pub(super) fn check_origin(problems: &mut Problems, origin: &Origin) {
    let found = origin.id.len();
    if found == 0 || found > MAX_ORIGIN_ID_BYTES {
        let message =
            format_args!("the id at its source has {found} bytes, it must have 1 to {MAX_ORIGIN_ID_BYTES}");
        problems.note("origin", message);
    }
}

/// Longest DN, attribute or filter of a synchronisation, in characters. Judgement: a filter of a hundred groups.
const MAX_LDAP_TEXT_CHARS: usize = 8192;

/// While it is enabled, what the chosen way needs must be there. Whether a DN or filter can be read is the matter
/// of the LDAP module.
pub(super) fn check_sync(problems: &mut Problems, sync: &MemberSync) {
    for (field, text) in [
        ("groupDN", &sync.group_dn),
        ("groupMemberAttr", &sync.group_member_attribute),
        ("searchBaseDN", &sync.search_base_dn),
        ("searchFilter", &sync.search_filter),
    ] {
        check_text(problems, field, text, MAX_LDAP_TEXT_CHARS);
    }
    let mut need = |field, text: &str, when: &str| {
        if text.trim().is_empty() {
            problems.note(field, format_args!("must be given while members {when}"));
        }
    };
    if sync.enabled && sync.by_group {
        need("groupDN", &sync.group_dn, "are those of a group");
        need(
            "groupMemberAttr",
            &sync.group_member_attribute,
            "are those of a group",
        );
    } else if sync.enabled {
        need("searchBaseDN", &sync.search_base_dn, "are found by a search");
    }
}

/// The name of a group of an identity provider.
pub(super) fn check_group(problems: &mut Problems, field: &'static str, name: &str) {
    if name.trim().is_empty() {
        problems.note(field, "must name the group");
    }
    check_text(problems, field, name, MAX_LDAP_TEXT_CHARS);
}

/// Free text goes into lists, logs and exported files: bounded, without control characters.
pub(super) fn check_text(problems: &mut Problems, field: &'static str, text: &str, max: usize) {
    let found = text.chars().count();
    if found > max {
        problems.note(
            field,
            format_args!("{found} characters, at most {max} are allowed"),
        );
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        problems.note(field, format_args!("must not contain `{}`", c.escape_default()));
    }
}
