//! What `ucp-reconcile` does: look, plan, check, apply, until there is nothing left to do that it can do.
//!
//! Some things show only after others: a manager's keys come from the store, which it may ask only with its certificate.
//! So it looks again after each round, for at most [`ROUNDS`] of them.

use mke_core::causes::chain;

use crate::life::report::OutcomeReport;
use crate::node::{Desired, Outcome, Progress, Purpose, Runtime, StepResult, WireSpec, apply, check, plan};

/// Most rounds. A promotion takes three: the certificate, the keys, what is made with the keys.
pub const ROUNDS: usize = 5;

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The node cannot be seen.
    #[error("{0}")]
    Observe(String),
    /// A plan is refused.
    #[error("refused: {0}")]
    Refused(String),
    /// Steps failed.
    #[error("{failed} of {steps} steps failed, first: {first}")]
    Steps {
        /// How many.
        failed: usize,
        /// Out of how many.
        steps: usize,
        /// The first.
        first: String,
    },
}

/// Brings a node to what is wanted. `said` is told after each step what was done so far.
///
/// # Errors
/// [`ReconcileError`]; what was done by then was said.
pub async fn reconcile<R: Runtime>(
    runtime: &R,
    spec: &WireSpec,
    said: &mut (dyn FnMut(&OutcomeReport) + Send),
) -> Result<(), ReconcileError> {
    let desired = Desired::of(&spec.cluster, &spec.node);
    for round in 1..=ROUNDS {
        let observed = runtime
            .observe()
            .await
            .map_err(|error| ReconcileError::Observe(chain(&error)))?;
        let plan = plan(&desired, &observed, &spec.state, Purpose::Converge);
        for blocked in &plan.blocked {
            tracing::info!(object = blocked.object, "left alone: {}", blocked.why);
        }
        if plan.is_empty() {
            tracing::info!(rounds = round - 1, "the node is as wanted");
            return Ok(());
        }
        tracing::info!(round, steps = plan.steps.len(), "planned");
        let checked = check(plan, &desired, &observed, &spec.state).map_err(|refusals| {
            let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            ReconcileError::Refused(reasons.join("; "))
        })?;
        let outcomes = apply(runtime, checked, |progress| match progress {
            Progress::Begun(place, total, step) => {
                tracing::info!("step {} of {total}: {step}", place + 1);
            }
            Progress::Ended(_, _, outcome) => {
                match &outcome.result {
                    StepResult::Done => tracing::info!("{outcome}"),
                    StepResult::Failed(_) | StepResult::Skipped(_) => tracing::warn!("{outcome}"),
                }
                said(&report_of(outcome));
            }
        })
        .await;
        let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_done()).collect();
        if let Some(first) = failed.first() {
            return Err(ReconcileError::Steps {
                failed: failed.len(),
                steps: outcomes.len(),
                first: first.to_string(),
            });
        }
    }
    // Whether more is needed is seen by the agent, which starts it again.
    tracing::info!(rounds = ROUNDS, "there may be more to do");
    Ok(())
}

fn report_of(outcome: &Outcome) -> OutcomeReport {
    OutcomeReport {
        step: outcome.step.action.to_string(),
        error: match &outcome.result {
            StepResult::Done => None,
            StepResult::Failed(why) => Some(why.clone()),
            StepResult::Skipped(needed) => Some(format!("step {} did not succeed", needed + 1)),
        },
    }
}
