//! The conversion as a question that can be asked of a server or a file, and its report: text for people, manifests for
//! `kubectl`.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Conversion, convert};
use crate::inquiry::{Inquiry, InquiryError, Report, Scene};

/// What becomes of organizations, teams, roles and bindings in MKE 4?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToMke4 {}

impl Inquiry for ToMke4 {
    const NAME: &'static str = "to-mke4";

    type Report = Conversion;

    fn ask(&self, scene: &Scene<'_>) -> Result<Conversion, InquiryError> {
        Ok(convert(&scene.policy.to_model(), scene.kubernetes()))
    }
}

impl Report for Conversion {}

impl Conversion {
    /// Roles and bindings as a stream of manifests for `kubectl apply -f`.
    ///
    /// # Errors
    /// When a manifest cannot be written as YAML, which no conversion makes.
    pub fn to_yaml(&self) -> Result<String, serde_yaml_ng::Error> {
        let list = self.rbac.to_manifests();
        let mut text = String::new();
        for item in list
            .get("items")
            .and_then(|items| items.as_array())
            .into_iter()
            .flatten()
        {
            text.push_str("---\n");
            text.push_str(&serde_yaml_ng::to_string(item)?);
        }
        Ok(text)
    }
}

/// The sections on people and rights of the upgrade summary.
impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(f, "Users: {}", counts.users)?;
        writeln!(f, "Organizations: {}", counts.organizations)?;
        writeln!(f, "Teams: {}", counts.teams)?;
        writeln!(f, "Swarm roles, kept without permissions: {}", counts.swarm_roles)?;
        writeln!(f, "Kubernetes roles written: {}", self.rbac.roles.len())?;
        writeln!(f, "Kubernetes bindings written: {}", self.rbac.bindings.len())?;
        for renamed in &self.renamed {
            writeln!(
                f,
                "renamed: {} is {}: {}",
                renamed.what, renamed.name, renamed.why
            )?;
        }
        // A reason that many share is said once.
        let mut said = BTreeSet::new();
        for left in &self.left {
            if !said.insert(&left.why) {
                continue;
            }
            writeln!(f, "left, because {}:", left.why)?;
            for same in self.left.iter().filter(|same| same.why == left.why) {
                writeln!(f, "  {}", same.what)?;
            }
        }
        Ok(())
    }
}
