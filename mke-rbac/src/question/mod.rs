//! Questions asked by hand: the forms in which a person, a script or a conformance case asks the policy.
//!
//! A [`Question`] is written in names and paths; an [`Inventory`] says which objects exist and where, because the
//! policy knows only collections. The [`Answer`] is made for people as much as for scripts. Every decision in it
//! comes from [`crate::Policy::decide`] or [`crate::Policy::judge`]; nothing is decided here.
//!
//! ```
//! use mke_rbac::question::{Question, Verdict};
//! use mke_rbac::state::World;
//!
//! let world = World::parse(r#"
//! format: rbac-scenarios/1
//! worlds: {bank: {users: {dina: {}},
//!   grants: [{id: g1, subject: "user:dina", role: restrictedcontrol, collection: /Shared}]}}
//! "#, None)?;
//! let dina = world.subject(Some("dina")).ok_or("no such user")?;
//! let question: Question = serde_json::from_value(serde_json::json!({"kind": "check",
//!     "operation": "Container Create", "modifiers": ["Privileged"], "collection": "/Shared"}))?;
//! let answer = world.policy().answer(&dina, &question, world.inventory());
//! assert_eq!(answer.decision, Verdict::Deny);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod api;
mod forms;
mod inventory;
mod kubernetes;
mod names;
mod rights;
mod ruling;

pub(crate) use answer::Asked;
pub use forms::{
    ApiQuestion, Ask, CheckQuestion, CollectionsQuestion, CreateQuestion, EffectiveQuestion,
    KubernetesQuestion, ListQuestion, Question, ResourceName, RightsQuestion, ScheduleQuestion,
    UpdateQuestion, Use,
};
pub use inventory::{Inventory, License, Resource};
pub(crate) use kubernetes::refusal;
pub use names::Names;
pub use rights::CollectionRights;
pub(crate) use ruling::{Ruling, Unanswered};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

use crate::demand::Access;
use crate::kubernetes::Rule;
use crate::operation::{Modifier, Operation};

/// Yes, no, or a question that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
    /// The request is wrong whoever asks.
    Error,
}

/// The answer to a [`Question`]. Fields that do not apply are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The verdict. Questions that list something are allowed for every active account.
    pub decision: Verdict,
    /// The class of the endpoint, when no operation is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The kind of denial, when no operation is missing: `inactive`, `node-in-system-collection`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The kind of error: `unknown-collection`, `label-not-editable`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What a caller would read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Every grant that carries what the request does to its own object; [`DecidedBy::ADMIN`] for
    /// administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Vec<DecidedBy>>,
    /// Every failed check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<Missing>>,
    /// The path of the collection that the object is in, after the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The path of the schedule root (R40).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_root: Option<String>,
    /// The placement constraint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The known nodes that satisfy the constraint, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligible_nodes: Option<Vec<String>>,
    /// The names, or the collection paths, that the list shows, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<Vec<String>>,
    /// The effective role (R22).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<BTreeMap<String, Vec<Modifier>>>,
    /// Everything that the user can do in collections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<CollectionRights>>,
    /// The Kubernetes rules that the user holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DecidedBy {
    /// A grant.
    Grant(GrantTriple),
    /// A word: [`DecidedBy::ADMIN`].
    Word(String),
}

impl DecidedBy {
    /// How the administrator's right to everything (R5) is written.
    pub const ADMIN: &str = "admin";
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(grant) => grant.fmt(f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// A grant in names and paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTriple {
    /// `user:<name>`, `org:<name>`, `team:<org>/<name>`, `authenticated` or `anonymous`.
    pub subject: String,
    /// The id of the role.
    pub role: String,
    /// The name of the role.
    pub role_name: String,
    /// The path of the collection.
    pub collection: String,
}

impl fmt::Display for GrantTriple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {} on {}",
            self.role_name, self.subject, self.collection
        )
    }
}

/// A failed check in names and paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// The operation.
    pub operation: Operation,
    /// The path of the collection.
    pub collection: String,
    /// The modifier, when only that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifier: Option<Modifier>,
}
