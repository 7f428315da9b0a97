//! What became of each step of a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::Step;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The step.
    pub step: Step,
    /// What became of it.
    pub result: StepResult,
    /// How many milliseconds it took.
    pub millis: u64,
}

/// What can become of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// It is done.
    Done,
    /// It failed, for this reason.
    Failed(String),
    /// It was not tried, because a step that it needs did not succeed: its place in the plan.
    Skipped(usize),
}

/// What an onlooker is told while a plan is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'p> {
    /// A step begins: its place, how many there are, the step.
    Begun(usize, usize, &'p Step),
    /// A step ended, or was not tried.
    Ended(usize, usize, &'p Outcome),
}

impl Outcome {
    /// Whether it is done.
    pub const fn is_done(&self) -> bool {
        matches!(self.result, StepResult::Done)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            StepResult::Done => write!(f, "done: {} ({} ms)", self.step.action, self.millis),
            StepResult::Failed(why) => write!(f, "failed: {}: {why}", self.step.action),
            StepResult::Skipped(needed) => {
                write!(
                    f,
                    "not tried: {}: step {} did not succeed",
                    self.step.action,
                    needed + 1
                )
            }
        }
    }
}
