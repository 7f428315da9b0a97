//! Why something cannot be rendered: every reason at once.

use std::fmt;

use serde::Serialize;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{place}: {message}")]
pub struct RenderProblem {
    /// The key of the configuration, or the field of the node's facts.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl RenderProblem {
    /// A reason with its place.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

/// Every reason, in the order in which they were found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct RenderProblems(pub Vec<RenderProblem>);

impl RenderProblems {
    pub(super) fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.0.push(RenderProblem::new(place, message));
    }

    /// The value, when there is no reason against it.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl std::error::Error for RenderProblems {}

impl fmt::Display for RenderProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            let line = if position > 0 { "\n" } else { "" };
            write!(f, "{line}{problem}")?;
        }
        Ok(())
    }
}
