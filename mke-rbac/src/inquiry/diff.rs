//! `diff`: two states compared: who gained, who lost.
//!
//! Ids differ between installations and files, so users are compared by name and collections by path.

use std::fmt;

use mke_core::causes::chain;
use serde::{Deserialize, Serialize};

use super::difference::{self, Difference, Options, Same};
use super::simulate::limit;
use super::{Inquiry, InquiryError, Report, Scene};
use crate::kubernetes::Rbac;
use crate::state::World;

/// How does another state differ from the one that is asked?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// The other state: the text of a state file, YAML or JSON. Without it only Kubernetes is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The world of that file, when it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// The other roles and bindings of Kubernetes: manifests as YAML or JSON. They take the place of those in the
    /// state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<String>,
    /// Compare from the other state to the one that is asked. Otherwise the other state is the newer one.
    #[serde(default)]
    pub reverse: bool,
    /// What makes the answer "no", so that a pipeline stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<FailOn>,
    /// Most entries that are listed; counts stay exact.
    #[serde(default = "limit")]
    pub limit: usize,
}

/// What a pipeline must not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Somebody gained something.
    Gained,
    /// Somebody lost something.
    Lost,
    /// Anything changed.
    Any,
}

/// Who gained and who lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffReport {
    /// The decisions that flip from the older to the newer state.
    pub difference: Difference,
    /// Whether something happened on which to fail.
    pub failed: bool,
}

impl Diff {
    /// The same of two scenes that are both at hand, with nothing to fail on.
    pub fn between(older: &Scene<'_>, newer: &Scene<'_>, limit: usize) -> DiffReport {
        let options = Options {
            same: Same::Path,
            only: None,
            limit,
        };
        DiffReport {
            difference: difference::compare(older, newer, &options),
            failed: false,
        }
    }
}

impl Inquiry for Diff {
    const NAME: &'static str = "diff";
    type Report = DiffReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<DiffReport, InquiryError> {
        let other = match &self.state {
            Some(text) => Some(
                World::parse(text, self.world.as_deref())
                    .map_err(|error| InquiryError::field("state", chain(&error)))?,
            ),
            None if self.manifests.is_none() => {
                return Err(InquiryError::field(
                    "state",
                    "name a state or manifests to compare with",
                ));
            }
            None => None,
        };
        let policy = other.as_ref().map_or(scene.policy, World::policy);
        let mut inventory = other.as_ref().map_or(scene.inventory, World::inventory).clone();
        if let Some(text) = &self.manifests {
            inventory.kubernetes = Rbac::from_manifests(text)
                .map_err(|error| InquiryError::field("manifests", chain(&error)))?;
        }
        let other = Scene::new(policy, &inventory);
        let DiffReport { difference, .. } = match self.reverse {
            false => Self::between(scene, &other, self.limit),
            true => Self::between(&other, scene, self.limit),
        };
        let failed = match self.fail_on {
            None => false,
            Some(FailOn::Gained) => difference.gains(),
            Some(FailOn::Lost) => difference.losses(),
            Some(FailOn::Any) => !difference.is_empty(),
        };
        Ok(DiffReport { difference, failed })
    }
}

impl Report for DiffReport {
    fn is_no(&self) -> bool {
        self.failed
    }
}

impl fmt::Display for DiffReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.difference.fmt(f)
    }
}
