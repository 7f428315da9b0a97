//! What a review answers: the object as it will be stored, or every reason against it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plugin::Plugin;
use super::read::Unreadable;
use super::request::AdmissionRequest;

/// The answer to an [`AdmissionRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub enum Outcome {
    /// The write may go on.
    Allowed(Admitted),
    /// It may not.
    Denied(Refused),
}

/// What is stored, and what was done to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admitted {
    /// The object after all plugins; absent when an object is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    /// The changes from the object that was sent, as RFC 6902 writes them.
    pub patch: json_patch::Patch,
    /// What plugins did or want to be known.
    pub notes: Vec<Note>,
}

/// Why not: all reasons that were found, the one that the API would answer with first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// At least one.
    pub refusals: Vec<Refusal>,
    /// What plugins did or want to be known.
    pub notes: Vec<Note>,
}

/// What a plugin did, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The plugin.
    pub plugin: Plugin,
    /// The sentence.
    pub text: String,
}

/// The no of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The plugin.
    pub plugin: Plugin,
    /// What kind of no.
    pub status: Status,
    /// The whole sentence, as the API would answer.
    pub message: String,
    /// Each single fault with its place, where there can be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Fault>,
}

/// One fault of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where, such as `spec.hostNetwork`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

/// The kinds of refusal, with the HTTP status of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// 403: the requester may not do this.
    Forbidden,
    /// 404: something that must be there is not.
    NotFound,
    /// 409: it contradicts something.
    Conflict,
    /// 422: the object cannot be read.
    Invalid,
}

impl Status {
    /// The HTTP status code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Invalid => 422,
        }
    }
}

impl Outcome {
    /// Whether the write may go on.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The refusal that the API would answer with.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Allowed(_) => None,
            Self::Denied(refused) => refused.refusals.first(),
        }
    }

    /// What plugins did or want to be known.
    pub fn notes(&self) -> &[Note] {
        match self {
            Self::Allowed(admitted) => &admitted.notes,
            Self::Denied(refused) => &refused.notes,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.message)
    }
}

/// A no that does not know yet which plugin says it.
#[derive(Debug)]
pub(super) struct No {
    status: Status,
    message: String,
    reasons: Vec<Fault>,
}

impl No {
    /// The requester may not do this: `pods "web" is forbidden: <why>`.
    pub(super) fn forbidden(request: &AdmissionRequest, why: impl fmt::Display) -> Self {
        Self {
            status: Status::Forbidden,
            message: format!(
                "{} \"{}\" is forbidden: {why}",
                request.target.qualified(),
                request.shown_name()
            ),
            reasons: Vec::new(),
        }
    }

    /// A no of another kind.
    pub(super) fn plain(status: Status, message: String) -> Self {
        Self {
            status,
            message,
            reasons: Vec::new(),
        }
    }

    /// The same with every fault listed.
    pub(super) fn because(self, reasons: Vec<Fault>) -> Self {
        Self { reasons, ..self }
    }

    pub(super) fn by(self, plugin: Plugin) -> Refusal {
        Refusal {
            plugin,
            status: self.status,
            message: self.message,
            reasons: self.reasons,
        }
    }
}

impl From<Unreadable> for No {
    fn from(unreadable: Unreadable) -> Self {
        Self::plain(Status::Invalid, unreadable.to_string())
    }
}
