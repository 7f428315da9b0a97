//! What a request fails with, and how that looks on the wire.
//!
//! Libraries name the condition; only this module knows status codes, and [`mapping`] is the one place that
//! maps conditions to them. Whatever the caller cannot act upon is logged and answered with a general text, so
//! that nothing of the inside leaks.

mod mapping;

use std::time::Duration;

use http::StatusCode;
use mke_auth::scim::{MEDIA_TYPE, ScimError};
use mke_rbac::Denial;
use serde_json::{Value, json};

use crate::controller::body::{self, Response};

/// The conditions that the API tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be understood.
    Malformed,
    /// No credential, or one that is not valid.
    Unauthenticated,
    /// A valid credential without the right.
    Forbidden,
    /// The named object does not exist.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The name is taken, or the object is in use.
    Conflict,
    /// The object is not at the version that the caller expects.
    PreconditionFailed,
    /// The body is larger than any valid one.
    TooLarge,
    /// More of something than the server does at once.
    TooMany,
    /// A fault of the server.
    Internal,
    /// The server speaks no such thing.
    NotImplemented,
    /// A part behind this server does not answer as it should.
    BadGateway,
    /// Something that is needed does not work now.
    Unavailable,
}

impl Kind {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code in identity error bodies.
    fn code(self) -> &'static str {
        match self {
            Self::Malformed => "INVALID_REQUEST",
            Self::Unauthenticated => "NOT_AUTHENTICATED",
            Self::Forbidden => "NOT_AUTHORIZED",
            Self::NotFound => "NO_SUCH_OBJECT",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::TooLarge => "REQUEST_TOO_LARGE",
            Self::TooMany => "TOO_MANY_REQUESTS",
            Self::Internal => "INTERNAL_ERROR",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::BadGateway => "BAD_GATEWAY",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// The code in errors for clients of registries.
    fn registry_code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHORIZED",
            Self::Forbidden => "DENIED",
            Self::TooMany => "TOOMANYREQUESTS",
            Self::MethodNotAllowed | Self::NotImplemented => "UNSUPPORTED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Malformed
            | Self::NotFound
            | Self::Conflict
            | Self::PreconditionFailed
            | Self::TooLarge
            | Self::Internal
            | Self::BadGateway => "UNKNOWN",
        }
    }
}

/// Which form an error body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// `{"errors":[{"code","message","detail"}]}`
    Identity,
    /// `{"message"}`
    Plain,
    /// `{"schemas","status","detail"}` (RFC 7644, section 3.12)
    Scim,
    /// As the identity API, with the codes of registries: their clients try again after codes that they do not know.
    Registry,
}

/// Why a request was not done.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

/// Boxed, so that every result on the way stays small.
#[derive(Debug, Clone)]
struct Parts {
    kind: Kind,
    /// For the caller.
    message: String,
    /// For programs among the callers.
    detail: Option<Value>,
    /// For the log only.
    cause: Option<String>,
    /// What was missing when access was denied, for the audit record.
    denial: Option<Denial>,
    retry_after: Option<Duration>,
    /// Whether the store that all managers share took no write.
    without_store: bool,
}

impl ApiError {
    /// An error with a text for the caller.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            detail: None,
            cause: None,
            denial: None,
            retry_after: None,
            without_store: false,
        }))
    }

    /// A fault of the server: the caller learns nothing but that it happened.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(Kind::Internal, "internal error, see the controller's log").because(cause)
    }

    /// A request that cannot be understood.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, message)
    }

    /// An object that does not exist.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new(Kind::NotFound, format!("no such {what}: {name}"))
    }

    /// No valid credential. The text never says which part was wrong (G-06).
    pub fn unauthenticated() -> Self {
        Self::new(
            Kind::Unauthenticated,
            "unauthorized: log in or present a client certificate",
        )
    }

    /// Adds what only the log shall show.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds machine-readable detail for the caller.
    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Adds what was missing, for the audit record.
    #[must_use]
    fn with_denial(mut self, denial: Denial) -> Self {
        self.0.denial = Some(denial);
        self
    }

    /// Adds when the caller may try again.
    #[must_use]
    fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Says that the store which all managers share took no write.
    #[must_use]
    fn without_store(mut self) -> Self {
        self.0.without_store = true;
        self
    }

    /// Whether the store which all managers share took no write, so that whoever asked is helped by who is missing.
    pub(super) fn is_without_store(&self) -> bool {
        self.0.without_store
    }

    /// Adds to the text for the caller.
    #[must_use]
    pub(super) fn with_more(mut self, more: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(more);
        self
    }

    /// The condition.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The text for the caller.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What only the log shows.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// What was missing, when access was denied.
    pub fn denial(&self) -> Option<&Denial> {
        self.0.denial.as_ref()
    }

    /// One error in the form of the identity API.
    pub fn to_identity_value(&self) -> Value {
        json!({ "code": self.0.kind.code(), "message": self.0.message, "detail": self.0.detail })
    }

    /// The answer. Denials of credentials name the schemes that would do (RFC 9110, section 11.6.1).
    pub fn to_response(&self, surface: Surface) -> Response {
        let value = match surface {
            Surface::Identity => json!({ "errors": [self.to_identity_value()] }),
            Surface::Registry => {
                let mut value = self.to_identity_value();
                value["code"] = self.0.kind.registry_code().into();
                json!({ "errors": [value] })
            }
            Surface::Scim => ScimError::new(self.0.kind.status().as_u16(), &self.0.message).to_value(),
            Surface::Plain => match &self.0.detail {
                None => json!({ "message": self.0.message }),
                Some(detail) => json!({ "message": self.0.message, "detail": detail }),
            },
        };
        let status = self.0.kind.status();
        let mut response = match surface {
            Surface::Scim => body::bytes(status, MEDIA_TYPE, value.to_string()),
            Surface::Identity | Surface::Registry | Surface::Plain => body::json(status, &value),
        };
        if self.0.kind == Kind::Unauthenticated {
            response.headers_mut().insert(
                http::header::WWW_AUTHENTICATE,
                http::HeaderValue::from_static("Bearer"),
            );
        }
        if let Some(wait) = self.0.retry_after {
            response
                .headers_mut()
                .insert(http::header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ApiError {}
