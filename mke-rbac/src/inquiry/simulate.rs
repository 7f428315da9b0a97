//! `simulate`: changes applied in memory, and every decision that flips because of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::change::{Changed, WhatIf};
use super::difference::{self, Difference, Options, Same};
use super::{Inquiry, InquiryError, Report, Scene};

/// Most entries that a report lists unless it is told otherwise.
pub(super) const LIMIT: usize = 100;

/// What would these changes do?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulate {
    /// The changes, in their order. At least one.
    pub changes: Vec<WhatIf>,
    /// Most entries that are listed, of users with the same flips each; counts stay exact.
    #[serde(default = "limit")]
    pub limit: usize,
}

pub(super) const fn limit() -> usize {
    LIMIT
}

/// What they would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulateReport {
    /// The changes in words.
    pub changes: Vec<String>,
    /// The decisions that flip.
    pub difference: Difference,
}

impl Inquiry for Simulate {
    const NAME: &'static str = "simulate";
    type Report = SimulateReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<SimulateReport, InquiryError> {
        if self.changes.is_empty() {
            return Err(InquiryError::field("changes", "name at least one change"));
        }
        let changed = Changed::apply(scene, &self.changes)?;
        let after = Scene::new(&changed.policy, &changed.inventory);
        let options = Options {
            same: Same::Id,
            only: changed.affected.as_ref(),
            limit: self.limit,
        };
        Ok(SimulateReport {
            changes: self.changes.iter().map(ToString::to_string).collect(),
            difference: difference::compare(scene, &after, &options),
        })
    }
}

impl Report for SimulateReport {}

impl fmt::Display for SimulateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "What if: {change}")?;
        }
        self.difference.fmt(f)
    }
}
