//! Decides whether a field of a manifest has the right type, and notes every one that has not.

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

/// Problems of one object: field and message.
pub(super) type Problems = Vec<(String, String)>;

/// The fields of one object or of a part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'v> {
    path: &'v str,
    fields: &'v Mapping,
}

impl<'v> Fields<'v> {
    /// The fields of a value that must be an object. Fields that are not known are problems.
    pub(super) fn new(
        path: &'v str,
        value: &'v Value,
        known: &[&str],
        problems: &mut Problems,
    ) -> Option<Self> {
        let Value::Mapping(fields) = value else {
            problems.push((path.to_owned(), "must be an object with fields".to_owned()));
            return None;
        };
        let own = Self { path, fields };
        for key in fields.keys() {
            match key {
                Value::String(key) if known.contains(&key.as_str()) => {}
                Value::String(key) => {
                    let hint = nearest(key, known).map(|near| format!("; did you mean `{near}`?"));
                    let hint = hint.unwrap_or_default();
                    problems.push((own.at(key), format!("there is no such field{hint}")));
                }
                _ => problems.push((path.to_owned(), "the names of fields must be text".to_owned())),
            }
        }
        Some(own)
    }

    /// The path of a field.
    pub(super) fn at(&self, key: &str) -> String {
        match self.path.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.path),
        }
    }

    /// A field; absent when it is null.
    pub(super) fn get(&self, key: &str) -> Option<&'v Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// A text; absent when it is empty.
    pub(super) fn text(&self, key: &str, problems: &mut Problems) -> Option<&'v str> {
        let text = text(self.get(key)?, || self.at(key), problems)?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub(super) fn needed(&self, key: &str, problems: &mut Problems) -> Option<&'v str> {
        let before = problems.len();
        let found = self.text(key, problems);
        if found.is_none() && problems.len() == before {
            problems.push((self.at(key), "is missing".to_owned()));
        }
        found
    }

    /// The items of a list; none when it is absent.
    pub(super) fn items(&self, key: &str, problems: &mut Problems) -> &'v [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Sequence(items)) => items,
            Some(_) => {
                problems.push((self.at(key), "must be a list".to_owned()));
                &[]
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, problems: &mut Problems) -> Vec<String> {
        let items = self.items(key, problems).iter().enumerate();
        items
            .filter_map(|(position, item)| {
                let at = || format!("{}[{position}]", self.at(key));
                text(item, at, problems).map(str::to_owned)
            })
            .collect()
    }

    /// Texts by name.
    pub(super) fn labels(&self, key: &str, problems: &mut Problems) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        let Some(value) = self.get(key) else {
            return labels;
        };
        let Value::Mapping(found) = value else {
            problems.push((self.at(key), "must be texts by name".to_owned()));
            return labels;
        };
        for (name, value) in found {
            let Some(name) = text(name, || self.at(key), problems) else {
                continue;
            };
            let at = || format!("{}[{name:?}]", self.at(key));
            if let Some(value) = text(value, at, problems) {
                labels.insert(name.to_owned(), value.to_owned());
            }
        }
        labels
    }
}

fn text<'v>(value: &'v Value, at: impl FnOnce() -> String, problems: &mut Problems) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        _ => {
            problems.push((at(), "must be text; put it in quotes".to_owned()));
            None
        }
    }
}

/// The known name that a misspelt one most likely means: at most two letters away.
pub(super) fn nearest<'k>(found: &str, known: &[&'k str]) -> Option<&'k str> {
    let found = found.to_lowercase();
    let distances = known
        .iter()
        .map(|name| (distance(&found, &name.to_lowercase()), *name));
    let (distance, name) = distances.min()?;
    (distance <= 2).then_some(name)
}

/// How many letters must be added, removed or replaced.
fn distance(from: &str, to: &str) -> usize {
    // Nobody misspells something that is so long.
    if from.len() > 64 {
        return usize::MAX;
    }
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (position, left) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], position + 1);
        for (column, right) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
