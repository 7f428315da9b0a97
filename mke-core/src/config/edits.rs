//! How a text follows typed values: what differs is written where it stands, what is missing is added to its table.

use std::collections::BTreeSet;

use super::kept::below_ldap;
use super::path::{KeyPath, Step};
use super::problem::Problems;
use super::raw::{RawConfig, RawTable, RawValue};
use super::read::Root;
use super::value::Value;
use super::{Config, Document, EditError, Setting};

/// Adds every key of the export of `config` that `text` does not have, with its value; the directory's settings aside.
/// Secrets that are not there are not added: nothing is kept of them.
pub(super) fn complete(document: &mut Document, text: &str, config: &Config) -> Result<(), Problems> {
    let export = config.to_toml();
    let (exported, present) = (paths_of(&export)?, paths_of(text)?);
    let moved = |path: &KeyPath| {
        Config::MOVED
            .iter()
            .any(|(name, home)| *path == at(&[home, name]) && present.contains(&at(&[name])))
    };
    for setting in config.settings() {
        if let Some(value) = &setting.value
            && exported.contains(&setting.path)
            && !present.contains(&setting.path)
            && !below_ldap(&setting.path)
            && !moved(&setting.path)
        {
            document
                .set(&setting.path, value)
                .map_err(|error| Problems::whole(error.to_string()))?;
        }
    }
    Ok(())
}

/// The text after a change of typed values, the directory's settings aside.
pub(super) fn edited(text: &str, before: &Config, after: &Config) -> Result<String, EditError> {
    let mut document = Document::parse(text).map_err(|problems| {
        // Kept text was read before.
        EditError::Broken(String::new(), problems.to_string())
    })?;
    let settings = after.settings();
    let (old, new) = (row_counts(&before.settings()), row_counts(&settings));
    let present = paths_of(text).unwrap_or_default();
    let mut done: BTreeSet<KeyPath> = BTreeSet::new();
    for difference in before.diff(after) {
        if below_ldap(&difference.path) {
            continue;
        }
        if let Some(rows) = rows_of(&difference.path) {
            let count =
                |counts: &BTreeSet<KeyPath>| counts.iter().filter(|row| is_row_of(row, &rows)).count();
            let (was, is) = (count(&old), count(&new));
            if was != is || count(&present) != was {
                if done.insert(rows.clone()) {
                    write_rows(&mut document, &rows, is, &settings)?;
                }
                continue;
            }
        }
        match &difference.after {
            Some(value) => document.set(&difference.path, value)?,
            None => document.unset(&gone(&difference.path, &settings))?,
        };
    }
    Ok(document.to_string())
}

/// Writes an array of tables anew.
fn write_rows(
    document: &mut Document,
    rows: &KeyPath,
    count: usize,
    settings: &[Setting],
) -> Result<(), EditError> {
    document.unset(rows)?;
    if count == 0 {
        // Absent would mean the rows that stand there by default.
        if !is_empty_by_default(rows) {
            document.set(rows, &Value::List(Vec::new()))?;
        }
        return Ok(());
    }
    for setting in settings
        .iter()
        .filter(|setting| setting.path.0.starts_with(&rows.0))
    {
        if let Some(value) = &setting.value {
            document.set(&setting.path, value)?;
        }
    }
    Ok(())
}

fn is_empty_by_default(rows: &KeyPath) -> bool {
    let settings = Config::default().settings();
    !row_counts(&settings).iter().any(|row| is_row_of(row, rows))
}

/// What to remove when a key has no value any more: the key, or the table of the user's choice that is gone with it.
fn gone(path: &KeyPath, after: &[Setting]) -> KeyPath {
    let Some((_, table)) = path.0.split_last() else {
        return path.clone();
    };
    let left = after.iter().any(|setting| setting.path.0.starts_with(table));
    if left || table.is_empty() {
        path.clone()
    } else {
        KeyPath(table.to_vec())
    }
}

/// The way to the first array of tables on a path.
fn rows_of(path: &KeyPath) -> Option<KeyPath> {
    let at = path.0.iter().position(|step| matches!(step, Step::Row(_)))?;
    Some(KeyPath(path.0.get(..at)?.to_vec()))
}

fn is_row_of(path: &KeyPath, rows: &KeyPath) -> bool {
    path.0.len() == rows.0.len() + 1
        && path.0.starts_with(&rows.0)
        && matches!(path.0.last(), Some(Step::Row(_)))
}

/// Every row that the settings name.
fn row_counts(settings: &[Setting]) -> BTreeSet<KeyPath> {
    let mut rows = BTreeSet::new();
    for setting in settings {
        for (at, step) in setting.path.0.iter().enumerate() {
            if let (Step::Row(_), Some(steps)) = (step, setting.path.0.get(..=at)) {
                rows.insert(KeyPath(steps.to_vec()));
            }
        }
    }
    rows
}

fn at(names: &[&str]) -> KeyPath {
    names
        .iter()
        .fold(KeyPath::default(), |path, name| path.join(name))
}

/// Every key, table and row that a text names.
fn paths_of(text: &str) -> Result<BTreeSet<KeyPath>, Problems> {
    let raw = RawConfig::from_toml(text)?;
    let mut paths = BTreeSet::new();
    gather(&raw.root, &KeyPath::default(), &mut paths);
    Ok(paths)
}

fn gather(table: &RawTable<'_>, path: &KeyPath, paths: &mut BTreeSet<KeyPath>) {
    for entry in &table.entries {
        let path = path.join(&entry.name);
        match &entry.value {
            RawValue::Table(inner) => gather(inner, &path, paths),
            RawValue::List(rows) => {
                for (index, (row, _)) in rows.iter().enumerate() {
                    if let RawValue::Table(inner) = row {
                        let path = path.row(index);
                        gather(inner, &path, paths);
                        paths.insert(path);
                    }
                }
            }
            _ => {}
        }
        paths.insert(path);
    }
}
