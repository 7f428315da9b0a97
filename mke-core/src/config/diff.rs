//! What differs between two configurations, and what a change from one to the other touches.
//!
//! The same type says what an edit would do, what an apply has done, and how far what runs has drifted from what is
//! stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::key::{Effect, Key};
use super::keys::settings;
use super::path::{KeyPath, Step};
use super::section::{ChildRef, Section};
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
    /// Whether a running cluster refuses the change: the key is fixed at installation, or there is no way back from
    /// the value that it has (CFG-036).
    pub fn is_refused(&self) -> bool {
        let was_set = match &self.before {
            Some(Value::Bool(on)) => *on,
            Some(Value::Text(text)) => !text.is_empty(),
            _ => false,
        };
        matches!(self.key.effect, Effect::InstallOnly) || (self.key.lasting && was_set)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Change::from(self).fmt(f)
    }
}

impl Serialize for Difference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Change::from(self).serialize(serializer)
    }
}

/// A [`Difference`] as it is shown, sent and kept: values as text, stars for secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it stands.
    pub key: String,
    /// The value before; `None` when it was unset.
    pub before: Option<String>,
    /// The value after; `None` when it becomes unset.
    pub after: Option<String>,
    /// What the change touches, in words.
    pub effect: String,
    /// Whether a running cluster refuses it.
    pub refused: bool,
    /// What may go wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
}

impl From<&Difference> for Change {
    fn from(difference: &Difference) -> Self {
        Self {
            key: difference.path.to_string(),
            before: difference.before.as_ref().map(ToString::to_string),
            after: difference.after.as_ref().map(ToString::to_string),
            effect: difference.key.effect.to_string(),
            refused: difference.is_refused(),
            risk: difference.key.risk.map(str::to_owned),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.before.as_deref().unwrap_or("unset");
        let after = self.after.as_deref().unwrap_or("unset");
        write!(f, "{}: {before} -> {after} ({})", self.key, self.effect)?;
        if let Some(risk) = &self.risk {
            write!(f, "; {risk}")?;
        }
        Ok(())
    }
}

/// What a set of changes touches, taken together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Impact {
    /// How many keys every controller follows at once.
    pub live: usize,
    /// Components that restart on the managers.
    pub restarts: BTreeSet<String>,
    /// Components that are brought in line on every node.
    pub all_nodes: BTreeSet<String>,
    /// Keys that are fixed at installation or cannot go back, for which the whole change is refused.
    pub refused: Vec<String>,
}

impl Impact {
    /// What these changes touch.
    pub fn of(differences: &[Difference]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut impact = Self::default();
        for difference in differences {
            if difference.is_refused() {
                impact.refused.push(difference.path.to_string());
                continue;
            }
            match difference.key.effect {
                // Refused above.
                Effect::Nothing | Effect::InstallOnly => {}
                Effect::Live => impact.live += 1,
                Effect::Restart(components) => impact.restarts.extend(owned(components)),
                Effect::AllNodes(components) => impact.all_nodes.extend(owned(components)),
            }
        }
        impact
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
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
            parts.push(format!(
                "refused, cannot be changed any more: {}",
                self.refused.join(", ")
            ));
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
        differences(self, after)
    }
}

impl Interlock {
    /// As [`Config::diff`].
    pub fn diff(&self, after: &Self) -> Vec<Difference> {
        differences(self, after)
    }
}

fn differences(before: &dyn Section, after: &dyn Section) -> Vec<Difference> {
    let mut found = Found::default();
    found.table(before, after);
    found.differences
}

/// The value before and the value after.
type Sides = (Option<Value>, Option<Value>);

/// A step to the table that is looked at. Names are borrowed: most tables have nothing to tell.
#[derive(Clone, Copy)]
enum At<'a> {
    Name(&'a str),
    Row(usize),
}

#[derive(Default)]
struct Found<'a> {
    at: Vec<At<'a>>,
    differences: Vec<Difference>,
}

impl<'a> Found<'a> {
    /// Compares two tables of one type and all below them, side by side.
    fn table(&mut self, before: &'a dyn Section, after: &'a dyn Section) {
        before.each_difference(after, &mut |key| {
            self.push(key, before.value(key.name), after.value(key.name));
        });
        after.each_child(&mut |child, now| {
            self.at.push(At::Name(child.name));
            match (before.child(child.name).map(|(_, tables)| tables), now) {
                (Some(ChildRef::Table(before)), ChildRef::Table(after)) => self.table(before, after),
                (Some(ChildRef::Rows(before)), ChildRef::Rows(after)) => {
                    for row in 0..before.len().max(after.len()) {
                        let tables = (before.get(row).copied(), after.get(row).copied());
                        self.one(At::Row(row), tables);
                    }
                }
                (Some(ChildRef::Named(before)), ChildRef::Named(after)) => {
                    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) =
                        (before.into_iter().collect(), after.into_iter().collect());
                    let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
                    for name in names {
                        let tables = (before.get(name).copied(), after.get(name).copied());
                        self.one(At::Name(name), tables);
                    }
                }
                // Tables of one type have the same tables below them.
                _ => {}
            }
            self.at.pop();
        });
    }

    /// Compares a row or a named table, which may be new or gone.
    fn one(&mut self, step: At<'a>, tables: (Option<&'a dyn Section>, Option<&'a dyn Section>)) {
        self.at.push(step);
        match tables {
            (Some(before), Some(after)) => self.table(before, after),
            (Some(gone), None) => self.whole(gone, |value| (value, None)),
            (None, Some(new)) => self.whole(new, |value| (None, value)),
            (None, None) => {}
        }
        self.at.pop();
    }

    /// Tells every value of a table that stands on one side only.
    fn whole(&mut self, table: &'a dyn Section, sides: fn(Option<Value>) -> Sides) {
        for setting in settings(table) {
            if setting.value.is_some() {
                let (before, after) = sides(setting.value);
                let mut path = self.path();
                path.0.extend(setting.path.0);
                self.differences.push(Difference {
                    path,
                    key: setting.key,
                    before,
                    after,
                });
            }
        }
    }

    fn push(&mut self, key: &'static Key, before: Option<Value>, after: Option<Value>) {
        self.differences.push(Difference {
            path: self.path().join(key.name),
            key,
            before,
            after,
        });
    }

    fn path(&self) -> KeyPath {
        let steps = self.at.iter().map(|step| match step {
            At::Name(name) => Step::Name((*name).to_owned()),
            At::Row(row) => Step::Row(*row),
        });
        KeyPath(steps.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The differences by the slow, obvious way: every value of both sides, by its path.
    fn obvious(before: &Config, after: &Config) -> BTreeMap<String, (Option<Value>, Option<Value>)> {
        let mut all = BTreeMap::<String, (Option<Value>, Option<Value>)>::new();
        for setting in before.settings() {
            all.entry(setting.path.to_string()).or_default().0 = setting.value;
        }
        for setting in after.settings() {
            all.entry(setting.path.to_string()).or_default().1 = setting.value;
        }
        all.retain(|_, (before, after)| before != after);
        all
    }

    #[test]
    fn side_by_side_is_the_same_as_by_path() {
        let full = include_str!("../../tests/config_files/full.toml");
        let with_names = "[cluster_config.custom_kubelet_flags_profiles]\nhigh = \"--v=5\"\n";
        let files = ["", full, with_names].map(|text| Config::parse(text).unwrap());
        for before in &files {
            for after in &files {
                let found = before.diff(after);
                let by_path: BTreeMap<_, _> = found
                    .iter()
                    .map(|difference| {
                        let values = (difference.before.clone(), difference.after.clone());
                        (difference.path.to_string(), values)
                    })
                    .collect();
                assert_eq!(by_path.len(), found.len(), "each path once");
                assert_eq!(by_path, obvious(before, after));
            }
        }
    }
}
