//! Why a SCIM request was not done, and the body that says so (RFC 7644, section 3.12).

use serde_json::{Value, json};

use crate::StorageError;
use crate::accounts::AccountError;

/// The schema of error bodies.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The detail keywords of the RFC that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter cannot be read, or asks for what is not supported.
    InvalidFilter,
    /// The path of a change cannot be read, or names no attribute.
    InvalidPath,
    /// The body is no JSON, or not of the shape that is needed.
    InvalidSyntax,
    /// A value is missing or does not fit its attribute.
    InvalidValue,
    /// The attribute cannot be changed.
    Mutability,
    /// The path of a change selects nothing.
    NoTarget,
    /// More was asked for than is done at once.
    TooMany,
    /// Another resource has the value.
    Uniqueness,
}

impl ScimType {
    /// The keyword.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidPath => "invalidPath",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidValue => "invalidValue",
            Self::Mutability => "mutability",
            Self::NoTarget => "noTarget",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
        }
    }
}

/// Why a request was not done. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// The detail keyword, where the RFC has one.
    pub scim_type: Option<ScimType>,
    /// For people.
    pub detail: String,
    /// For the log only: what the client is not told.
    pub cause: Option<String>,
}

impl ScimError {
    /// An error with this status.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
            cause: None,
        }
    }

    /// A request that cannot be accepted as it is: 400 with a keyword.
    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            scim_type: Some(scim_type),
            ..Self::new(400, detail)
        }
    }

    /// 404. The same for what never was and for what SCIM does not keep (scim-05).
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, format!("no such {what}: {id}"))
    }

    /// 409: another resource has the value.
    pub fn taken(detail: impl Into<String>) -> Self {
        Self {
            scim_type: Some(ScimType::Uniqueness),
            ..Self::new(409, detail)
        }
    }

    /// 412: the resource is not the version that the client knows.
    pub fn changed() -> Self {
        Self::new(412, "the resource has another version by now, read it again")
    }

    /// A fault of this side. The client learns nothing but that it happened.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(500, "internal error")
        }
    }

    /// The body of the answer.
    pub fn to_value(&self) -> Value {
        let mut body = json!({
            "schemas": [SCHEMA],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(keyword) = self.scim_type {
            body["scimType"] = keyword.as_str().into();
        }
        body
    }
}

impl From<StorageError> for ScimError {
    fn from(error: StorageError) -> Self {
        match &error {
            StorageError::Contended => Self::new(503, error.to_string()),
            StorageError::Store(source) => Self {
                cause: Some(source.to_string()),
                ..Self::new(503, "accounts cannot be read or written now, try again")
            },
            StorageError::Record { .. } | StorageError::Encode(_) => Self::internal(error.to_string()),
        }
    }
}

impl From<AccountError> for ScimError {
    fn from(error: AccountError) -> Self {
        let detail = error.to_string();
        match error {
            AccountError::Storage(error) => error.into(),
            AccountError::Invalid(_) => Self::bad(ScimType::InvalidValue, detail),
            AccountError::NameInUse { .. } => Self::taken(detail),
            AccountError::TooMuch { .. } => Self {
                scim_type: Some(ScimType::TooMany),
                ..Self::new(413, detail)
            },
            AccountError::LastAdministrator { .. } => Self::new(409, detail),
            // Whoever was found a moment ago is gone.
            AccountError::NoSuchAccount { id } => Self::not_found("User", id.as_str()),
            AccountError::NoSuchTeam { id } => Self::not_found("Group", id.as_str()),
            _ => Self::internal(detail),
        }
    }
}
