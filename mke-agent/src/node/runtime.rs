//! What plans are made about and carried out on. One adapter speaks to an engine, one is a node in memory; both pass the
//! same suite.

use super::observed::Observed;
use super::step::Step;

/// A node whose containers, volumes and networks can be looked at and changed.
pub trait Runtime: Send + Sync {
    /// Looks at what is there.
    ///
    /// # Errors
    /// When it cannot be seen whole: half a picture would make a wrong plan.
    fn observe(&self) -> impl Future<Output = Result<Observed, ObserveError>> + Send;

    /// Does one thing. Doing again what is done already succeeds.
    ///
    /// # Errors
    /// When it could not be done, or nobody knows whether it was.
    fn apply(&self, step: &Step) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// Why a node cannot be seen.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {what} of this node: {source}")]
pub struct ObserveError {
    /// What was looked at.
    pub what: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// What is wrong, where, and what to do.
    pub message: String,
    /// What caused it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StepError {
    /// A reason.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }
}
