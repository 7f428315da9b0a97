//! What is kept about a job.

use std::collections::BTreeMap;
use std::fmt;

use mke_core::ids::{AccountId, JobId};
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::records::Record;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits until no other job of its action runs.
    Waiting,
    /// A manager works on it.
    Running,
    /// It did what it should.
    Done,
    /// It could not, or the manager that ran it stopped.
    Failed,
    /// Somebody stopped it.
    Canceled,
}

impl JobState {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing more will happen.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Canceled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who wants something done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requester {
    /// The name of an account, or what else it is, such as `schedule`.
    pub name: String,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

impl Requester {
    /// The schedule of an action.
    pub fn schedule() -> Self {
        Self {
            name: "schedule".to_owned(),
            account: None,
        }
    }
}

/// A job: something that takes a while and that one manager does for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is done, such as `ldap-sync`.
    pub action: String,
    /// Whether it only says what it would do.
    pub dry_run: bool,
    /// Whether an administrator accepts what it would otherwise refuse to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
    /// How far it is.
    pub state: JobState,
    /// Who asked for it.
    pub by: Requester,
    /// When somebody asked for it.
    pub created: Timestamp,
    /// When a manager began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The manager that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// What was done how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Why it failed or was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Record for Job {
    const WHAT: &'static str = "job";
}

/// How much a line of a log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What was done.
    Info,
    /// What was left out, and why.
    Warn,
    /// What made it fail.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// One line of text.
    pub text: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.at, self.level, self.text)
    }
}

/// Lines that were written together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogPart {
    pub(super) lines: Vec<LogLine>,
}

impl Record for LogPart {
    const WHAT: &'static str = "job log";
}

/// When the schedule of an action was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Looked {
    pub(super) at: Timestamp,
}

impl Record for Looked {
    const WHAT: &'static str = "job schedule";
}
