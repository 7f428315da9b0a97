//! What callers ask for, as they ask for it, and the checks that find everything wrong with it at once.

use mke_core::names::{AccountName, DEFAULT_ORGANIZATION, TeamName};
use mke_core::secret::Secret;

use super::error::{AccountError, Problems};
use crate::password;
use crate::records::{MAX_DESCRIPTION_CHARS, MAX_FULL_NAME_CHARS};

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
    /// Whether it comes from a directory.
    pub is_imported: bool,
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
            is_imported: false,
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
            Some(_) if self.is_imported => {
                problems.note("password", "a user from a directory keeps its password there");
            }
            Some(password) => {
                problems.take("password", password::check(password));
            }
            None if self.is_imported => {}
            None => problems.note("password", "a password is needed"),
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

/// Free text goes into lists, logs and exported files: bounded, without control characters.
fn check_text(problems: &mut Problems, field: &'static str, text: &str, max: usize) {
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
