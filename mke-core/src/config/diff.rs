//! What differs between two configurations, and what a change from one to the other touches.
//!
//! The same type says what an edit would do, what an apply has done, and how far what runs has drifted from what is
//! stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::key::{Effect, Key};
use super::keys::Setting;
use super::path::KeyPath;
use super::value::Value;
use super::{Config, Interlock};

/// One key that has another value. `Display` says it in one line, stars for secrets.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Where it stands.
    pub path: KeyPath,
    /// What is known about it.
    pub key: &'static Key,
    /// The value before; `None` when it was unset.
    pub before: Option<Value>,
    /// The value after; `None` when it becomes unset.
    pub after: Option<Value>,
}

impl Difference {
    /// Whether a running cluster refuses the change: the key is fixed at installation.
    pub const fn is_refused(&self) -> bool {
        matches!(self.key.effect, Effect::InstallOnly)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| value.as_ref().map_or("unset".to_owned(), ToString::to_string);
        write!(
            f,
            "{}: {} -> {} ({})",
            self.path,
            shown(&self.before),
            shown(&self.after),
            self.key.effect
        )?;
        if let Some(risk) = self.key.risk {
            write!(f, "; {risk}")?;
        }
        Ok(())
    }
}

impl Serialize for Difference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'d> {
            key: &'d KeyPath,
            before: Option<String>,
            after: Option<String>,
            effect: String,
            refused: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            risk: Option<&'static str>,
        }
        Shown {
            key: &self.path,
            before: self.before.as_ref().map(ToString::to_string),
            after: self.after.as_ref().map(ToString::to_string),
            effect: self.key.effect.to_string(),
            refused: self.is_refused(),
            risk: self.key.risk,
        }
        .serialize(serializer)
    }
}

/// What a set of changes touches, taken together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Impact {
    /// How many keys every controller follows at once.
    pub live: usize,
    /// Components that restart on the managers.
    pub restarts: BTreeSet<&'static str>,
    /// Components that are brought in line on every node.
    pub all_nodes: BTreeSet<&'static str>,
    /// Keys that are fixed at installation, for which the whole change is refused.
    pub refused: Vec<KeyPath>,
}

impl Impact {
    /// What these changes touch.
    pub fn of(differences: &[Difference]) -> Self {
        let mut impact = Self::default();
        for difference in differences {
            match difference.key.effect {
                Effect::Nothing => {}
                Effect::Live => impact.live += 1,
                Effect::Restart(components) => impact.restarts.extend(components),
                Effect::AllNodes(components) => impact.all_nodes.extend(components),
                Effect::InstallOnly => impact.refused.push(difference.path.clone()),
            }
        }
        impact
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |set: &BTreeSet<&'static str>| set.iter().copied().collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        if self.live > 0 {
            parts.push(format!("{} live", self.live));
        }
        if !self.restarts.is_empty() {
            parts.push(format!("restarts on managers: {}", names(&self.restarts)));
        }
        if !self.all_nodes.is_empty() {
            parts.push(format!(
                "brought in line on every node: {}",
                names(&self.all_nodes)
            ));
        }
        if !self.refused.is_empty() {
            let keys: Vec<_> = self.refused.iter().map(ToString::to_string).collect();
            parts.push(format!("refused, fixed at installation: {}", keys.join(", ")));
        }
        if parts.is_empty() {
            parts.push("nothing running is touched".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

impl Config {
    /// What becomes different when `self` gives way to `after`, in the order of the exported file; rows of arrays are
    /// compared by their number.
    pub fn diff(&self, after: &Self) -> Vec<Difference> {
        differences(self.settings(), after.settings())
    }
}

impl Interlock {
    /// As [`Config::diff`].
    pub fn diff(&self, after: &Self) -> Vec<Difference> {
        differences(self.settings(), after.settings())
    }
}

fn differences(before: Vec<Setting>, after: Vec<Setting>) -> Vec<Difference> {
    let order: Vec<(KeyPath, &'static Key)> = {
        let known: BTreeSet<KeyPath> = after.iter().map(|setting| setting.path.clone()).collect();
        let gone = before.iter().filter(|setting| !known.contains(&setting.path));
        after
            .iter()
            .chain(gone)
            .map(|setting| (setting.path.clone(), setting.key))
            .collect()
    };
    let by_path = |settings: Vec<Setting>| -> BTreeMap<KeyPath, Option<Value>> {
        settings
            .into_iter()
            .map(|setting| (setting.path, setting.value))
            .collect()
    };
    let (mut before, mut after) = (by_path(before), by_path(after));
    order
        .into_iter()
        .filter_map(|(path, key)| {
            let before = before.remove(&path).flatten();
            let after = after.remove(&path).flatten();
            (before != after).then_some(Difference {
                path,
                key,
                before,
                after,
            })
        })
        .collect()
}
