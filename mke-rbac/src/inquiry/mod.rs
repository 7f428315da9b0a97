//! Inquiries: what administrators ask about the whole policy. Who can do this, and why? What does somebody hold
//! here? What if?
//!
//! One question is one type and one file: [`Inquiry`] says what it is called, what it is asked of and what it
//! answers. The same type is the body of `POST /api/ucp/authz/<NAME>`, the command `ucp authz <NAME>`, and a call
//! of this library. Nothing is decided here; verdicts come from [`crate::Policy`] and [`crate::kubernetes`].
//!
//! ```
//! use mke_rbac::inquiry::{self, Inquiry as _, Scene, WhoCan};
//! use mke_rbac::state::World;
//!
//! let world = World::parse(r#"
//! format: rbac-scenarios/1
//! worlds: {bank: {users: {dina: {}, sam: {}},
//!   grants: [{id: g1, subject: "user:dina", role: fullcontrol, collection: /Shared}]}}
//! "#, None)?;
//! let body = serde_json::json!({"kind": "check", "operation": "Service Create", "collection": "/Shared"});
//! let who: WhoCan = inquiry::read(body)?;
//! let report = who.ask(&Scene::new(world.policy(), world.inventory()))?;
//! assert_eq!(report.users.len(), 1);
//! assert_eq!(report.users[0].name, "dina");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod access_kubernetes;
mod assertions;
mod change;
mod diff;
mod difference;
mod directory;
mod error;
mod explain;
mod explain_kubernetes;
mod graph;
mod identities;
mod layout;
pub mod log;
mod paths;

mod read;
mod replay;
mod scene;
mod simulate;
mod svg;
pub mod text;
mod unused;
mod who_can;
mod wording;

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use access::{AccessReport, AccessTo, Held, Row, Rows};
pub use access_kubernetes::by_verbs as verbs_and_resources;
pub use assertions::{
    Assertion, Counterexample, FORMAT as TEST_FORMAT, KubernetesAct, OneOrMany, PolicyTests, TestOutcome,
    TestReport, TestResult,
};
pub(crate) use change::changed_scene;
pub use change::{FlagError, GrantForm, SettingsForm, UserForm, WhatIf, changed, changes};
pub use diff::{Diff, DiffReport, FailOn};
pub use difference::{
    Difference, DifferenceCounts, KubernetesSubjectChange, Operations, PlaceChange, PlaceState, ScopeChange,
    SubjectChange,
};
pub use error::InquiryError;
pub use explain::{Checked, Explain, Explanation, KubernetesGrounds, Remedial, Through};
pub use graph::{Column, Edge, Graph, Node};
pub use paths::{
    EscalationPath, PathNeed, PathOutcome, PathStep, Paths, PathsReport, PodAdmission, SubjectPaths,
};
pub use read::{read, read_inventory};
pub use replay::{Flip, Replay, ReplayReport};
pub use scene::Scene;
pub use simulate::{LIMIT, Simulate, SimulateReport};
pub use unused::{Proposal, Unused, UnusedBinding, UnusedGrant, UnusedReport};
pub use who_can::{Holder, WhoCan, WhoCanReport};

/// A question about a whole policy.
///
/// Its JSON form refuses unknown fields, so that a misspelt condition is not ignored.
pub trait Inquiry: Serialize + DeserializeOwned {
    /// What it is called: the last element of the endpoint's path, and the name of the command.
    const NAME: &'static str;

    /// What comes back.
    type Report: Report;

    /// Answers from what is there. Reads nothing but the scene and changes nothing.
    ///
    /// # Errors
    /// When the question names what does not exist, or asks what has no answer.
    fn ask(&self, scene: &Scene<'_>) -> Result<Self::Report, InquiryError>;
}

/// The answer to an [`Inquiry`]: JSON for scripts, `Display` for people.
pub trait Report: Serialize + DeserializeOwned + Display {
    /// Whether the answer is "no", which a shell learns from the exit code 1.
    fn is_no(&self) -> bool {
        false
    }

    /// The answer as an image in SVG, for those that have one.
    fn image(&self) -> Option<String> {
        None
    }
}
