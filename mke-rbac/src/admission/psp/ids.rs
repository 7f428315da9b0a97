//! Which users and groups a policy lets containers run as.

use super::spec::{IdRule, IdStrategy};
use crate::admission::outcome::Fault;
use crate::admission::read::{At, Unreadable};

impl IdStrategy {
    /// The id for a pod that says nothing, when the rule gives one.
    pub(super) fn default_id(&self) -> Option<i64> {
        match self.rule {
            IdRule::MustRunAs => self.ranges.first().map(|range| range.min),
            _ => None,
        }
    }

    fn holds(&self, id: i64) -> bool {
        self.ranges
            .iter()
            .any(|range| (range.min..=range.max).contains(&id))
    }

    fn describe(&self) -> String {
        let ranges: Vec<String> = self
            .ranges
            .iter()
            .map(|range| format!("{}-{}", range.min, range.max))
            .collect();
        ranges.join(", ")
    }

    /// Judges groups. `path` is where they are, or would be.
    pub(super) fn judge_groups(&self, path: &str, groups: &[i64]) -> Option<Fault> {
        let bounded = matches!(self.rule, IdRule::MustRunAs | IdRule::MayRunAs);
        let outside = groups.iter().find(|group| bounded && !self.holds(**group));
        let message = match outside {
            Some(group) => format!("group {group} must be in the ranges {}", self.describe()),
            None if self.rule == IdRule::MustRunAs && groups.is_empty() => {
                format!("a group in the ranges {} is required", self.describe())
            }
            None => return None,
        };
        Some(Fault {
            path: path.to_owned(),
            message,
        })
    }

    /// Judges the user of a container, with what it says about not being root.
    pub(super) fn judge_user(
        &self,
        path: &str,
        user: Option<&At<'_>>,
        non_root: Option<&At<'_>>,
    ) -> Result<Option<Fault>, Unreadable> {
        let id = user.map(At::integer).transpose()?;
        let non_root = non_root.map(|at| at.flag().map(|flag| (at, flag))).transpose()?;
        let fault = |path: String, message: String| Some(Fault { path, message });
        let place = |field: &str| format!("{path}.securityContext.{field}");
        let at = |field: &str| user.map_or_else(|| place(field), |user| user.path.clone());
        Ok(match self.rule {
            IdRule::MustRunAs => match id {
                None => fault(
                    at("runAsUser"),
                    format!("a user in the ranges {} is required", self.describe()),
                ),
                Some(id) if !self.holds(id) => fault(
                    at("runAsUser"),
                    format!("user {id} must be in the ranges {}", self.describe()),
                ),
                Some(_) => None,
            },
            IdRule::MustRunAsNonRoot => match (non_root, id) {
                (Some((place, false)), _) => fault(place.path.clone(), "must be true".to_owned()),
                (_, Some(0)) => fault(
                    at("runAsUser"),
                    "running with the root user is forbidden".to_owned(),
                ),
                (None, None) => fault(place("runAsNonRoot"), "must be true".to_owned()),
                _ => None,
            },
            IdRule::MayRunAs | IdRule::RunAsAny => None,
        })
    }
}
