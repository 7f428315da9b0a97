//! `simulate`: changes applied in memory, and every decision that flips because of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::change::{Changed, WhatIf};
use super::difference::{self, Difference, Options, Same};
use super::{Inquiry, InquiryError, Report, Scene};

/// Most entries that a report lists unless it is told otherwise.
pub const LIMIT: usize = 100;

/// Most changes outside Kubernetes: one that moves much compiles the policy anew, and each is applied alone.
const MOST_CHANGES: usize = 1000;

/// What would these changes do?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulate {
    /// The changes, in their order. At least one, and at most 1000 beside those of Kubernetes.
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
        let applied_alone = |change: &&WhatIf| !matches!(change, WhatIf::Kubernetes(_));
        let alone = self.changes.iter().filter(applied_alone).count();
        if alone > MOST_CHANGES {
            let problem = format!(
                "are {alone}, at most {MOST_CHANGES} are applied one after the other; compare two whole states with `diff`"
            );
            return Err(InquiryError::field("changes", problem));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::policy::Policy;
    use crate::question::Inventory;

    /// A list of changes cannot keep a machine at work for hours.
    #[test]
    fn changes_are_bounded() {
        let policy = Policy::compile(Model::with_builtin_collections());
        let inventory = Inventory::default();
        let ask = |many: usize| {
            let changes = (0..many).map(|number| WhatIf::AddCollection(format!("/c{number}")));
            let simulate = Simulate {
                changes: changes.collect(),
                limit: LIMIT,
            };
            simulate.ask(&Scene::new(&policy, &inventory))
        };
        assert_eq!(ask(MOST_CHANGES).unwrap().changes.len(), MOST_CHANGES);
        let error = ask(MOST_CHANGES + 1).unwrap_err().to_string();
        assert!(error.contains("are 1001, at most 1000"), "{error}");
    }
}
