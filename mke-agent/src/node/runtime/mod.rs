//! What plans are made about and carried out on. One adapter speaks to an engine ([`engine`]), one is a node in memory that
//! can be told to fail ([`fake`]); both pass the same suite.

mod container;
pub mod engine;
pub mod fake;
mod look;
pub mod material;
mod store_data;

use std::time::Duration;

use super::observed::Observed;
use super::step::Step;

/// How long a container that ended by itself must run until it is believed that it stays: as long as the engine takes to believe
/// it, after which it starts it again without waiting.
pub const STEADY: Duration = Duration::from_secs(10);

pub use engine::EngineRuntime;
pub use fake::{FakeNode, Faults, Random};
pub use material::{Material, NoMaterial};

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

/// What goes wrong below.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a node cannot be seen.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {what} of this node")]
pub struct ObserveError {
    /// What was looked at.
    pub what: String,
    /// Why.
    #[source]
    pub source: Cause,
}

impl ObserveError {
    /// A reason.
    pub fn of(what: impl Into<String>) -> impl FnOnce(Cause) -> Self {
        let what = what.into();
        move |source| Self { what, source }
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// What is wrong, where, and what to do.
    pub message: String,
    /// What caused it.
    #[source]
    pub source: Option<Cause>,
}

impl StepError {
    /// A reason.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// A reason with what caused it. The message names the cause as well: outcomes keep the text only.
    pub fn caused(message: &str, source: impl Into<Cause>) -> Self {
        let source = source.into();
        Self {
            message: format!("{message}: {source}"),
            source: Some(source),
        }
    }
}
