//! Audit logs, read line by line and condensed: what was asked, by whom, how often, and what came of it.
//!
//! Both kinds of records are understood: those of this product's controller, and events of Kubernetes
//! (`audit.k8s.io/v1`). A condensed log holds each different request once, so it is small enough to be sent to a
//! server, and it holds neither bodies nor secrets.

mod engine;
mod read;
mod spot;

use serde::{Deserialize, Serialize};

pub use engine::{EngineUse, LoggedPlacement, LoggedTarget, LoggedWant};
pub use read::LogReader;
pub(super) use spot::{Spots, request};

use crate::operation::{Modifier, Operation};

/// A condensed audit log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditLog {
    /// What was read, and what was not.
    pub coverage: Coverage,
    /// The requests, those of the same kind by the same user together.
    pub entries: Vec<LogEntry>,
}

/// What a log covers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Coverage {
    /// The time of the first record, as it is written in the log.
    pub first: Option<String>,
    /// The time of the last record.
    pub last: Option<String>,
    /// Lines that are not empty.
    pub lines: u64,
    /// Requests to the Engine or to Kubernetes, each counted once.
    pub requests: u64,
    /// Records of requests to the control plane itself, such as logins, which no grant decides.
    pub control_plane: u64,
    /// Records of requests before their end; the record of the end counts.
    pub repeated: u64,
    /// Requests at a level without queries and bodies: modifiers, access labels and objects in bodies do not show.
    pub without_bodies: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// The first of them, each with what is wrong.
    pub complaints: Vec<String>,
}

/// One kind of request by one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// Who asked.
    pub user: LogUser,
    /// For what.
    #[serde(flatten)]
    pub request: Logged,
    /// What came of it.
    pub outcome: Outcome,
    /// How often.
    pub count: u64,
    /// When last, as it is written in the log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last: String,
}

/// Who asked, as the log knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogUser {
    /// The id of the account; empty without credentials, and in records of Kubernetes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The name. In records of Kubernetes the name that Kubernetes sees.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The groups that Kubernetes saw.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Logged {
    /// A call of the Engine API.
    Engine(EngineUse),
    /// A request to Kubernetes.
    Kubernetes(KubernetesUse),
}

/// A request to Kubernetes, without its user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesUse {
    /// The verb.
    pub verb: String,
    /// The API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource; absent for a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The path of a request that is not about a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was allowed.
    Allowed,
    /// It was refused. With what was missing, when the record says so.
    Denied(Vec<LoggedCheck>),
    /// The record does not say: it failed for another reason, perhaps before or after it was judged.
    Unclear,
}

/// A check that failed, as a record names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedCheck {
    /// The operation.
    pub operation: Operation,
    /// The modifier, when only that was missing.
    #[serde(default)]
    pub modifier: Option<Modifier>,
    /// The id of the collection.
    pub collection: String,
    /// The path that it had.
    #[serde(default)]
    pub path: Option<String>,
}

/// For people: `get secrets/db in blue`.
impl std::fmt::Display for KubernetesUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(resource) = &self.resource else {
            return write!(f, "{} {}", self.verb, self.path.as_deref().unwrap_or_default());
        };
        write!(f, "{} {resource}", self.verb)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}

impl Coverage {
    /// What the log says about itself, for people.
    pub(super) fn text(&self) -> String {
        let period = match (&self.first, &self.last) {
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => "no time".to_owned(),
        };
        let mut text = format!(
            "Log: {period}, {} from {}",
            super::difference::plural(self.requests, "request"),
            super::difference::plural(self.lines, "line"),
        );
        if self.without_bodies > 0 {
            text.push_str(&format!(
                "\n{} without query and body: modifiers, access labels and the objects that a body names do not show",
                super::difference::plural(self.without_bodies, "request"),
            ));
        }
        if self.unreadable > 0 {
            text.push_str(&format!(
                "\n{} not read: {}",
                super::difference::plural(self.unreadable, "line"),
                self.complaints.join("; "),
            ));
        }
        text
    }
}
