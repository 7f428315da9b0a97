//! Carrying out a checked plan: step by step, in order. A step that fails stops those that need it and nothing else, and
//! every step is answered for.

use std::time::Instant;

use super::check::Checked;
use super::outcome::{Outcome, Progress, StepResult};
use super::runtime::Runtime;

/// Carries out a plan. The answer has one outcome for each step, in the order of the plan.
pub async fn apply<R: Runtime>(
    runtime: &R,
    plan: Checked,
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> Vec<Outcome> {
    let steps = plan.into_steps();
    let total = steps.len();
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(total);
    for (place, step) in steps.into_iter().enumerate() {
        let missing = step
            .needs
            .iter()
            .copied()
            .find(|needed| !outcomes.get(*needed).is_some_and(Outcome::is_done));
        let (result, millis) = match missing {
            Some(needed) => (StepResult::Skipped(needed), 0),
            None => {
                progress(Progress::Begun(place, total, &step));
                let begun = Instant::now();
                let result = match runtime.apply(&step).await {
                    Ok(()) => StepResult::Done,
                    Err(error) => StepResult::Failed(error.to_string()),
                };
                (
                    result,
                    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                )
            }
        };
        let outcome = Outcome { step, result, millis };
        progress(Progress::Ended(place, total, &outcome));
        outcomes.push(outcome);
    }
    outcomes
}
