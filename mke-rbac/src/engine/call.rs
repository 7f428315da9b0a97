//! A classified request: what it asks of the policy, and the parsed value that will be sent if it is allowed.

use serde_json::{Map, Value};

use super::endpoint::Endpoint;
use super::json::JsonError;
use super::labels::NearMiss;
use super::path::ApiVersion;
use super::query::{Query, QueryError};
use super::shape::ShapeError;
use super::wishes::Wishes;
use crate::demand::{Demand, ObjectRef};

/// What the classification needs to know of the request's headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallHeaders<'h> {
    /// `Content-Encoding`. A checked body must not be compressed.
    pub content_encoding: Option<&'h str>,
}

/// Why a request cannot be classified. It is then refused, whoever asks.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// A compressed body would be checked in one form and read in another.
    #[error("content encoding `{found}` is not accepted here; send the body as it is")]
    Encoding {
        /// The encoding as sent.
        found: String,
    },
    /// A body where there must be none.
    #[error("this call takes no request body")]
    UnexpectedBody,
    /// No body where there must be one.
    #[error("this call needs a JSON request body")]
    MissingBody,
    /// The body is no acceptable JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The body is JSON of another form.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A query parameter is unusable.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A label looks like the access label.
    #[error(transparent)]
    Label(#[from] NearMiss),
    /// A value that has no safe meaning.
    #[error("`{place}` {why}")]
    Value {
        /// Where, as in `HostConfig.Links` or `query dockerfile`.
        place: String,
        /// What is wrong and what to do instead.
        why: &'static str,
    },
    /// The object in the path does not exist.
    #[error("no such {0}")]
    NotFound(ObjectRef),
    /// There is nothing to roll back to.
    #[error("{0} has no previous specification to roll back to")]
    NoPreviousSpec(ObjectRef),
}

/// The body of a classified request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CallBody {
    None,
    Json(Value),
    Stream { content_type: &'static str },
}

/// Which part of a request is replaced by the full id of an object that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A query parameter.
    Query(&'static str),
    /// A query parameter behind a prefix.
    PrefixedQuery(&'static str, &'static str),
    /// One value of a filter in the query parameter `filters`.
    Filter(&'static str),
    /// The text at a JSON pointer (RFC 6901), between a prefix and a suffix.
    Text {
        pointer: String,
        prefix: &'static str,
        suffix: String,
    },
    /// A key of the object at a JSON pointer.
    Key { pointer: String },
}

/// A name in the request that becomes a full id, so that what is used is what was checked (proxy-18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Substitution {
    pub(super) object: ObjectRef,
    pub(super) place: Place,
}

/// What is written into the body before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rewrite {
    /// Nothing.
    Nothing,
    /// Labels of a new object, in its top-level `Labels`.
    Labels,
    /// Labels of a new container, and of the volumes that it brings into being.
    Container,
    /// Labels and placement of a service. With the stored spec on an update.
    Service { stored: Option<Box<Value>> },
    /// Nothing, but the restored spec must keep the service where the caller may schedule. With the stored spec.
    Rollback { stored: Box<Value> },
    /// Labels of an existing secret, config or node, over its stored ones.
    Stored { stored: Option<Map<String, Value>> },
}

/// A request that was read completely: the demand can be judged, the rest is what will be sent.
///
/// `Debug` shows neither body nor query: they may hold secrets.
#[derive(Clone)]
pub struct Call {
    pub(super) endpoint: &'static Endpoint,
    pub(super) own: Option<ObjectRef>,
    pub(super) version: ApiVersion,
    pub(super) query: Query,
    pub(super) body: CallBody,
    pub(super) demand: Demand,
    pub(super) substitutions: Vec<Substitution>,
    pub(super) rewrite: Rewrite,
    pub(super) unknown: Vec<String>,
    pub(super) limit: Option<usize>,
    pub(super) reasons: Vec<Reason>,
    pub(super) wishes: Wishes,
}

/// Why a call needs the modifier `Privileged` although it does not ask for a privileged container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The field of `HostConfig`.
    pub field: &'static str,
    /// What it would do to the node.
    pub why: &'static str,
}

impl Call {
    /// What must be allowed.
    pub const fn demand(&self) -> &Demand {
        &self.demand
    }

    /// The endpoint.
    pub const fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// The object in the path.
    pub const fn own_object(&self) -> Option<&ObjectRef> {
        self.own.as_ref()
    }

    /// The known parameters of the query.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// How many objects the caller wants of a list. The limit counts what the caller sees, so it is not sent to
    /// the Engine but handed to [`super::answer::list`].
    pub const fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// The settings of a container that make the call need `Privileged`.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// On which node the object is wanted that the call makes. Not sent to the Engine.
    pub const fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// The body as it was checked; nothing for a stream and where there is none.
    pub const fn body(&self) -> Option<&Value> {
        match &self.body {
            CallBody::Json(value) => Some(value),
            CallBody::None | CallBody::Stream { .. } => None,
        }
    }

    /// Fields of the body that are not part of the API version, for logs.
    pub fn unknown_fields(&self) -> &[String] {
        &self.unknown
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("endpoint", &self.endpoint.id)
            .field("own", &self.own)
            .field("version", &self.version)
            .field("demand", &self.demand)
            .finish_non_exhaustive()
    }
}
