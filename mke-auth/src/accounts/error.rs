//! Why accounts, teams and memberships are not as asked.

use std::fmt;

use mke_core::ids::{AccountId, TeamId};
use mke_core::names::AccountName;

use crate::password::PasswordError;
use crate::records::Source;
use crate::storage::StorageError;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, as the API calls it.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// Everything that is wrong with a request; never empty in an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn note(&mut self, field: &'static str, message: impl fmt::Display) {
        self.0.push(Problem {
            field,
            message: message.to_string(),
        });
    }

    /// Keeps the value of a check, or what was wrong.
    pub(super) fn take<T, E: fmt::Display>(
        &mut self,
        field: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result.map_err(|error| self.note(field, error)).ok()
    }

    pub(super) fn into_result(self) -> Result<(), AccountError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(AccountError::Invalid(self))
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", problem.field, problem.message)?;
        }
        Ok(())
    }
}

/// Why an account, team or membership was not made, changed or deleted. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Some fields are not acceptable.
    #[error("{0}")]
    Invalid(Problems),
    /// Another account, or another team of the organization, has the name. Users and organizations share one
    /// name space (R1).
    #[error("name `{name}` is in use, choose another")]
    NameInUse {
        /// The name.
        name: String,
    },
    /// Another account is the same person of the same source.
    #[error("account {id} is this person of {source_name} already")]
    OriginInUse {
        /// The source.
        source_name: Source,
        /// The id of that account.
        id: AccountId,
    },
    /// There is no such account.
    #[error("no such account: {id}")]
    NoSuchAccount {
        /// The id that was asked for.
        id: AccountId,
    },
    /// The account is an organization, where a user is needed.
    #[error("`{name}` is an organization, not a user")]
    NotAUser {
        /// Its name.
        name: AccountName,
    },
    /// The account is a user, where an organization is needed.
    #[error("`{name}` is a user, not an organization")]
    NotAnOrganization {
        /// Its name.
        name: AccountName,
    },
    /// The organization has no such team.
    #[error("no such team: {id}")]
    NoSuchTeam {
        /// The id that was asked for.
        id: TeamId,
    },
    /// The user is no member.
    #[error("`{name}` is not a member")]
    NotAMember {
        /// Its name.
        name: AccountName,
    },
    /// Without this account nobody could administer the cluster.
    #[error("`{name}` is the last active administrator; make another one first")]
    LastAdministrator {
        /// Its name.
        name: AccountName,
    },
    /// The organization that holds every user stays, and so do its members (R2).
    #[error("organization `{name}` is built in and holds every user; it cannot be deleted or left")]
    BuiltIn {
        /// Its name.
        name: AccountName,
    },
    /// The first administrator was made before.
    #[error("the first administrator exists already; ask an administrator for an account")]
    AlreadyInitialized,
    /// The password is kept elsewhere (AUTH-008).
    #[error("`{name}` comes from a directory; change its password there")]
    Imported {
        /// Its name.
        name: AccountName,
    },
    /// The account was made here, so no source can say who it is.
    #[error("`{name}` is an account of this cluster's own, not one of a directory")]
    NotImported {
        /// Its name.
        name: AccountName,
    },
    /// The old password is not the right one.
    #[error("the old password is wrong")]
    WrongPassword,
    /// More than can be done in one transaction belongs to the account.
    #[error("{count} {what} belong to it, at most {max} can be deleted at once; delete some first")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// The password could not be hashed or checked.
    #[error("the password could not be processed")]
    Password(#[source] PasswordError),
    /// The store refused or failed.
    #[error("accounts could not be read or written")]
    Storage(#[from] StorageError),
}
