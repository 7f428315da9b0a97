//! This engine.

use mke_rbac::Policy;
use mke_rbac::change::Change;
use mke_rbac::model::Grant;

use super::Peer;
use crate::error::BenchError;
use crate::shapes::{Question, Shape};

/// In tables.
pub const NAME: &str = "mke-rbac";

/// A compiled policy.
pub struct Ours {
    /// The policy.
    pub policy: Policy,
    questions: Vec<Question>,
    last: Option<Grant>,
    removed: bool,
}

/// Compiles the policy.
///
/// # Errors
///
/// None; the signature is that of the other engines.
pub fn make(shape: &Shape) -> Result<Box<dyn Peer>, BenchError> {
    Ok(Box::new(new(shape)))
}

/// Compiles the policy.
pub fn new(shape: &Shape) -> Ours {
    Ours {
        policy: Policy::compile(shape.model.clone()),
        questions: Vec::new(),
        last: shape.model.grants.last().cloned(),
        removed: false,
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&mut self, questions: &[Question]) -> Result<(), BenchError> {
        self.questions = questions.to_vec();
        Ok(())
    }

    fn decide(&mut self, number: usize) -> bool {
        let Some(question) = self.questions.get(number) else {
            return false;
        };
        self.policy.allows(&question.subject, &question.check)
    }

    fn change(&mut self) -> Result<(), BenchError> {
        let Some(grant) = &self.last else { return Ok(()) };
        let change = if self.removed {
            Change::PutGrant(grant.clone())
        } else {
            Change::RemoveGrant(grant.clone())
        };
        self.policy = self
            .policy
            .with(&change)
            .map_err(BenchError::engine(NAME, "a change"))?;
        self.removed = !self.removed;
        Ok(())
    }
}
