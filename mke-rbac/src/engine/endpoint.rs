//! What is known about one endpoint of the Engine API, as data. The list itself is in [`super::table`].

use crate::demand::{Access, ObjectKind};
use crate::operation::Operation;

/// What an endpoint needs before its query and body are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Nothing; the class of access says everything.
    Nothing,
    /// An operation on the object in the path.
    Own(Operation),
    /// An operation on `/`, where images live (R35).
    Root(Operation),
    /// An operation in the collection of the object that the request creates.
    New(Operation),
}

/// What an endpoint does with the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// It has none; one that holds anything but white space is refused.
    None,
    /// JSON that is read, checked and written again.
    Json {
        /// Largest accepted size, in bytes.
        max: usize,
        /// Whether it may be absent.
        optional: bool,
    },
    /// An archive, passed on as a stream with this content type.
    Raw {
        /// The content type sent to the Engine, whatever the caller claimed: a form would be read as
        /// parameters and escape the checks.
        content_type: &'static str,
    },
}

/// What an endpoint answers, as far as it must be looked at on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// A short answer that holds nothing of other objects.
    Plain,
    /// An unbounded stream.
    Stream,
    /// The connection becomes a two-way stream.
    Upgrade,
    /// One object; references to others in it are trimmed.
    Inspect(ObjectKind),
    /// A list of objects, filtered by their View operation (R50).
    List(ObjectKind),
    /// A stream of events, one JSON value each, filtered by the View operation of their object (R51).
    Events,
    /// Facts about the Engine and its swarm, without cluster secrets for users.
    Info,
    /// Removal of unused objects: never forwarded as it is, but made of a list call and single removals of
    /// those objects that the caller may remove.
    Prune {
        /// What is removed.
        kind: ObjectKind,
        /// The operation needed on each.
        each: Operation,
    },
}

/// How often a query parameter may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// At most once.
    One(&'static str),
    /// Any number of times.
    Many(&'static str),
}

impl Param {
    /// Its name, case sensitive.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One(name) | Self::Many(name) => name,
        }
    }
}

/// One method and path of the Engine API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Which one.
    pub id: super::EndpointId,
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, with at most one `{…}` element for the object. See [`super::route`] for how much it spans.
    pub template: &'static str,
    /// Who may call it at all.
    pub access: Access,
    /// What the `{…}` element names.
    pub own: Option<ObjectKind>,
    /// What it needs whatever the body says.
    pub base: Base,
    /// The query parameters that it knows. Others are not forwarded.
    pub query: &'static [Param],
    /// Its request body.
    pub body: BodyKind,
    /// Its answer.
    pub answer: AnswerKind,
    /// The request headers that are passed on, in lower case; all others are not.
    pub headers: &'static [&'static str],
    /// Why it cannot be called through the cluster, if it cannot.
    pub unavailable: Option<&'static str>,
}

impl Endpoint {
    pub(super) const fn new(
        id: super::EndpointId,
        method: &'static str,
        template: &'static str,
        access: Access,
    ) -> Self {
        Self {
            id,
            method,
            template,
            access,
            own: None,
            base: Base::Nothing,
            query: &[],
            body: BodyKind::None,
            answer: AnswerKind::Plain,
            headers: &[],
            unavailable: None,
        }
    }

    pub(super) const fn own(mut self, kind: ObjectKind) -> Self {
        self.own = Some(kind);
        self
    }

    pub(super) const fn base(mut self, base: Base) -> Self {
        self.base = base;
        self
    }

    pub(super) const fn query(mut self, query: &'static [Param]) -> Self {
        self.query = query;
        self
    }

    pub(super) const fn body(mut self, body: BodyKind) -> Self {
        self.body = body;
        self
    }

    pub(super) const fn answer(mut self, answer: AnswerKind) -> Self {
        self.answer = answer;
        self
    }

    pub(super) const fn headers(mut self, headers: &'static [&'static str]) -> Self {
        self.headers = headers;
        self
    }

    pub(super) const fn unavailable(mut self, why: &'static str) -> Self {
        self.unavailable = Some(why);
        self
    }

    /// Whether [`super::classify`] needs the facts of the object in the path: updates are judged by the
    /// difference to what is stored, and predefined networks are for everybody.
    pub const fn reads_own(&self) -> bool {
        use super::EndpointId::*;
        matches!(
            self.id,
            NodeUpdate | ServiceUpdate | SecretUpdate | ConfigUpdate | NetworkInspect
        )
    }
}
