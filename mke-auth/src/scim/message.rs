//! A request and its answer, without the types of any HTTP server, so that every server can mount the service.

use mke_core::ids::AccountId;
use mke_core::store::Revision;
use serde_json::Value;

use super::error::ScimError;
use super::version;

/// The media type of SCIM (RFC 7644, section 8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// Largest body that is read, in bytes. Judgement: a group of 10,000 members.
pub const MAX_BODY: usize = 1024 * 1024;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Make, or search.
    Post,
    /// Replace.
    Put,
    /// Change in part.
    Patch,
    /// Delete.
    Delete,
    /// Anything else, which is possible nowhere.
    Other,
}

impl Method {
    /// The method with this name, as it stands in a request line.
    pub fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// One request, as far as SCIM looks at it. Whoever mounts the service has checked the token.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is to be done.
    pub method: Method,
    /// The decoded elements of the path below the base, such as `["Users", "7f1b…"]`.
    pub path: &'a [String],
    /// The decoded parameters of the query.
    pub query: &'a [(String, String)],
    /// `Content-Type`, if it was sent.
    pub content_type: Option<&'a str>,
    /// `Content-Encoding`, if it was sent.
    pub content_encoding: Option<&'a str>,
    /// `If-Match`, if it was sent.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`, if it was sent.
    pub if_none_match: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// The URL of the base as clients reach it, without a slash at its end. Locations begin with it.
    pub base: &'a str,
}

impl Request<'_> {
    /// The answer to a client that has the resource in this version already: 304 with its tag (RFC 7644, section 3.14).
    /// Nothing for all others.
    pub(super) fn unchanged(&self, version: &str) -> Option<Response> {
        let has_it = self
            .if_none_match
            .is_some_and(|condition| version::names(condition, version));
        has_it.then(|| Response {
            etag: Some(version.to_owned()),
            ..Response::status(304)
        })
    }

    /// The value of a parameter of the query.
    ///
    /// # Errors
    ///
    /// 400 when it comes more than once: which of them counts would be a guess.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<&str>, ScimError> {
        let mut values = self
            .query
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            _ => Err(ScimError::bad(
                super::ScimType::InvalidValue,
                format!("parameter `{name}` is given more than once"),
            )),
        }
    }
}

/// The answer to a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, always of the type [`MEDIA_TYPE`]; `None` for none at all.
    pub body: Option<Value>,
    /// The header `Location`.
    pub location: Option<String>,
    /// The header `ETag`.
    pub etag: Option<String>,
    /// The header `Allow`.
    pub allow: Option<&'static str>,
    /// The ids of what was made, changed or deleted, for the audit record.
    pub changed: Vec<String>,
    /// The revision of the write. Wait for it before answering, so that the next request sees it.
    pub revision: Option<Revision>,
    /// The user that was deleted, for whoever keeps more for users than accounts do.
    pub deleted_user: Option<AccountId>,
    /// For the log only: why a fault of this side happened.
    pub cause: Option<String>,
}

impl Response {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
            ..Self::default()
        }
    }

    pub(super) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

impl From<ScimError> for Response {
    fn from(error: ScimError) -> Self {
        Self {
            status: error.status,
            body: Some(error.to_value()),
            cause: error.cause,
            ..Self::default()
        }
    }
}
