//! A plan for people: numbered steps, then what is left alone.

use std::fmt;

use super::{Blocked, Plan};

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.why)
    }
}

/// ```
/// use mke_agent::node::{Plan, Purpose};
/// let plan = Plan {
///     cluster_id: "c".to_owned(),
///     node_id: "n".to_owned(),
///     purpose: Purpose::Converge,
///     steps: Vec::new(),
///     blocked: Vec::new(),
///     wants_turn: false,
/// };
/// assert_eq!(plan.to_string(), "nothing to do\n");
/// ```
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            let now = if self.wants_turn {
                " before this manager has its turn"
            } else {
                ""
            };
            writeln!(f, "nothing to do{now}")?;
        }
        let width = self.steps.len().to_string().len();
        for (place, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>width$}. {step}", place + 1)?;
        }
        for blocked in &self.blocked {
            let word = if blocked.later { "later" } else { "left alone" };
            writeln!(f, "{word}: {blocked}")?;
        }
        Ok(())
    }
}
