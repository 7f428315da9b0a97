//! What an agent says about its own node: how far it is, what runs, what was done last.
//!
//! A report is a claim of one node about itself. It never decides what the node may do: role, labels and version are
//! taken from the swarm and the store.

use std::fmt;

use mke_core::product::Role;
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most components and outcomes in one report; a node has some dozens.
pub const MAX_LINES: usize = 200;
/// Most characters of a text in a report.
pub const MAX_TEXT: usize = 1000;

/// The engine's own view of its part in the swarm: `LocalNodeState` of `docker info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocalSwarm {
    /// It is no part of a swarm.
    #[default]
    Inactive,
    /// It tries to reach a manager.
    Pending,
    /// It is.
    Active,
    /// Swarm did not start.
    Error,
    /// It waits for the key that unlocks it.
    Locked,
}

/// How far the agent of a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase")]
pub enum Phase {
    /// It has just begun and has not looked yet.
    Starting,
    /// Something is to be done, and `ucp-reconcile` has not begun: another manager has its turn, or it rests after a
    /// failure.
    Waiting,
    /// `ucp-reconcile` was started and has not said anything yet.
    Beginning,
    /// `ucp-reconcile` works.
    Reconciling,
    /// Everything is as wanted.
    Settled,
    /// `ucp-reconcile` failed and is tried again.
    Failed {
        /// What failed, and why.
        why: String,
        /// How often since it last worked.
        attempts: u32,
    },
    /// What would have to be done is refused.
    Refused {
        /// Every reason.
        why: String,
    },
    /// The node's label says that nothing is to be done.
    Paused,
}

/// How a component's container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComponentState {
    /// It runs, and says nothing bad of itself.
    Running,
    /// It runs and says that it is not well.
    Unhealthy,
    /// It does not run.
    Stopped,
}

/// One component on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentReport {
    /// Its name, such as `ucp-proxy`.
    pub name: String,
    /// How it does.
    pub state: ComponentState,
    /// The version that made its container; empty when the container does not say.
    #[serde(default)]
    pub version: String,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeReport {
    /// What was to be done, such as `start ucp-proxy`.
    pub step: String,
    /// Why it failed; nothing when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Everything that an agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The role whose components the node carries. After a promotion it lags behind the swarm until `ucp-reconcile` is
    /// done.
    pub role: Role,
    /// The engine's own id, which must be unique (NST-010).
    pub engine_id: String,
    /// The engine's version.
    pub engine_version: String,
    /// The version of the agent.
    pub agent_version: String,
    /// The engine's part in the swarm.
    pub swarm: LocalSwarm,
    /// How far it is.
    #[serde(flatten)]
    pub phase: Phase,
    /// Its components.
    #[serde(default)]
    pub components: Vec<ComponentReport>,
    /// What the last reconciliation did, in order.
    #[serde(default)]
    pub outcomes: Vec<OutcomeReport>,
    /// The revision of the specification that it works for; 0 while it has none.
    #[serde(default)]
    pub spec: u64,
    /// Whether containers of a trusted registry run there (ORC-006).
    #[serde(default)]
    pub msr: bool,
    /// The id, hexadecimal, of the store's member on this node that lost its data and waits to be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_member: Option<String>,
}

/// A report in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReport {
    /// What was said.
    pub report: Report,
    /// When a manager took it.
    pub at: Timestamp,
}

/// What is wrong with a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Too many components or outcomes.
    #[error("the report has {0} lines, at most {MAX_LINES} are taken")]
    Lines(usize),
    /// A text that is too long or holds control characters.
    #[error("`{0}` of the report is longer than {MAX_TEXT} characters or holds control characters")]
    Text(&'static str),
}

impl Report {
    /// Refuses what no agent sends: it would end up in lists, logs and terminals.
    ///
    /// # Errors
    /// [`ReportError`], the first that is found.
    pub fn check(&self) -> Result<(), ReportError> {
        for lines in [self.components.len(), self.outcomes.len()] {
            if lines > MAX_LINES {
                return Err(ReportError::Lines(lines));
            }
        }
        let why = match &self.phase {
            Phase::Failed { why, .. } | Phase::Refused { why } => why,
            _ => "",
        };
        let mut texts = vec![
            ("engine_id", self.engine_id.as_str()),
            ("engine_version", &self.engine_version),
            ("agent_version", &self.agent_version),
            ("why", why),
            ("lost_member", self.lost_member.as_deref().unwrap_or_default()),
        ];
        for component in &self.components {
            texts.push(("components.name", &component.name));
            texts.push(("components.version", &component.version));
        }
        for outcome in &self.outcomes {
            texts.push(("outcomes.step", &outcome.step));
            texts.push(("outcomes.error", outcome.error.as_deref().unwrap_or_default()));
        }
        match texts.iter().find(|(_, text)| !is_line(text)) {
            Some((name, _)) => Err(ReportError::Text(name)),
            None => Ok(()),
        }
    }

    /// The same report as it can be sent: texts in one line and cut, lists cut at their end.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        self.components.truncate(MAX_LINES);
        self.outcomes.truncate(MAX_LINES);
        if let Phase::Failed { why, .. } | Phase::Refused { why } = &mut self.phase {
            *why = line(why);
        }
        for outcome in &mut self.outcomes {
            outcome.step = line(&outcome.step);
            outcome.error = outcome.error.as_deref().map(line);
        }
        self
    }

    /// The first component that does not run as it should.
    pub fn unwell(&self) -> Option<&ComponentReport> {
        self.components
            .iter()
            .find(|component| component.state != ComponentState::Running)
    }
}

fn is_line(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// A text in one line, cut to what a report takes.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_TEXT)
        .collect()
}

impl fmt::Display for ComponentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
        })
    }
}
