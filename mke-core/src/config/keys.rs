//! All keys as one list, and the values of a configuration beside their keys.

use std::sync::LazyLock;

use super::key::Key;
use super::path::KeyPath;
use super::section::{ChildRef, Section};
use super::value::Value;
use super::{AzureConfig, Config, Interlock};

/// A value of a configuration: where it stands, its key, and the value, `None` when it is unset.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Where it stands.
    pub path: KeyPath,
    /// What is known about it.
    pub key: &'static Key,
    /// The value in force.
    pub value: Option<Value>,
}

/// Every key of the configuration file, in the order of the exported file.
pub fn keys() -> &'static [&'static Key] {
    static KEYS: LazyLock<Vec<&'static Key>> = LazyLock::new(|| collect(&Config::default()));
    &KEYS
}

/// Every key of the Interlock file.
pub fn interlock_keys() -> &'static [&'static Key] {
    static KEYS: LazyLock<Vec<&'static Key>> = LazyLock::new(|| collect(&Interlock::default()));
    &KEYS
}

/// Every key of `azure.json`.
pub fn azure_keys() -> &'static [&'static Key] {
    static KEYS: LazyLock<Vec<&'static Key>> = LazyLock::new(|| collect(&AzureConfig::default()));
    &KEYS
}

/// The key of a path such as `auth.sessions.lifetime_minutes`, `registries[].host_address` or
/// `registries[0].host_address`.
pub fn find_key(path: &str) -> Option<&'static Key> {
    let plain = without_rows(path);
    keys()
        .iter()
        .chain(interlock_keys())
        .find(|key| without_rows(&key.path()) == plain)
        .copied()
}

/// The path without the numbers of rows and without quotes.
fn without_rows(path: &str) -> String {
    let mut plain = String::new();
    let mut in_row = false;
    for c in path.chars() {
        match c {
            '[' => in_row = true,
            ']' => in_row = false,
            '"' => {}
            _ if in_row => {}
            _ => plain.push(c),
        }
    }
    plain
}

fn collect(section: &dyn Section) -> Vec<&'static Key> {
    let mut keys = Vec::new();
    section.each_key(&mut |key| keys.push(key));
    section.each_child(&mut |child, _| keys.extend(collect((child.prototype)().as_ref())));
    keys
}

/// Every value of a section and of the tables below it.
pub(super) fn settings(section: &dyn Section) -> Vec<Setting> {
    let mut settings = Vec::new();
    gather(section, &KeyPath::default(), &mut settings);
    settings
}

fn gather(section: &dyn Section, path: &KeyPath, settings: &mut Vec<Setting>) {
    section.each_key(&mut |key| {
        settings.push(Setting {
            path: path.join(key.name),
            key,
            value: section.value(key.name),
        });
    });
    section.each_child(&mut |child, tables| {
        let path = path.join(child.name);
        match tables {
            ChildRef::Table(table) => gather(table, &path, settings),
            ChildRef::Rows(rows) => {
                for (index, row) in rows.into_iter().enumerate() {
                    gather(row, &path.row(index), settings);
                }
            }
            ChildRef::Named(tables) => {
                for (name, table) in tables {
                    gather(table, &path.join(name), settings);
                }
            }
        }
    });
}

/// The value at a path.
pub(super) fn value_at(section: &dyn Section, path: &KeyPath) -> Option<Value> {
    use super::path::Step;
    match path.0.as_slice() {
        [Step::Name(name)] => section.value(name),
        [Step::Name(name), rest @ ..] => {
            let (_, tables) = section.child(name)?;
            match (tables, rest) {
                (ChildRef::Table(table), rest) => value_at(table, &KeyPath(rest.to_vec())),
                (ChildRef::Rows(rows), [Step::Row(row), rest @ ..]) => {
                    value_at(*rows.get(*row)?, &KeyPath(rest.to_vec()))
                }
                (ChildRef::Named(tables), [Step::Name(name), rest @ ..]) => {
                    let (_, table) = tables.into_iter().find(|(known, _)| known == name)?;
                    value_at(table, &KeyPath(rest.to_vec()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
