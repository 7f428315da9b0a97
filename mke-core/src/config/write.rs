//! Typed values to text: the export, which lists every key, and the example file.

use std::fmt::Write as _;

use super::key::{Fallback, Key};
use super::path::quoted_name;
use super::section::{ChildRef, Section};
use super::value::Value;
use super::{Config, Interlock};

impl Config {
    /// The whole configuration as TOML, secrets included: tables in the documented order, keys indented by two
    /// spaces, one `key = value` a line, so that line tools can edit it. Every key of version 3.4 that has a value is
    /// listed; keys of other versions only when they differ from their default.
    pub fn to_toml(&self) -> String {
        to_toml(self, false)
    }

    /// An example file: the defaults, each key with a comment that says what it does. Keys without a default stand
    /// there as comments.
    pub fn example() -> String {
        let head = "# The keys that the control plane knows, with their defaults.\n";
        format!("{head}\n{}", to_toml(&Self::default(), true))
    }
}

impl Interlock {
    /// The whole file as TOML, secrets included.
    pub fn to_toml(&self) -> String {
        to_toml(self, false)
    }
}

fn to_toml(section: &dyn Section, comments: bool) -> String {
    let mut writer = Writer {
        text: String::new(),
        comments,
        skipped: None,
    };
    writer.table(section, "", "", 0);
    writer.text
}

/// As [`Config::to_toml`], without the table at `names` and what is below it.
pub(super) fn without(config: &Config, names: &[&str]) -> String {
    let mut writer = Writer {
        text: String::new(),
        comments: false,
        skipped: Some(names.join(".")),
    };
    writer.table(config, "", "", 0);
    writer.text
}

/// One table with what is below it, under its full header.
pub(super) fn table(section: &dyn Section, names: &[&str]) -> String {
    let mut writer = Writer {
        text: String::new(),
        comments: false,
        skipped: None,
    };
    let path = names.join(".");
    writer.table(section, &format!("[{path}]"), &path, names.len());
    writer.text
}

struct Writer {
    text: String,
    comments: bool,
    /// The table that is left out.
    skipped: Option<String>,
}

impl Writer {
    fn push(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.text.write_fmt(arguments);
    }

    /// Writes a table under `header`, such as `[auth]`, and what is below it. `path` is what stands in the header.
    fn table(&mut self, section: &dyn Section, header: &str, path: &str, depth: usize) {
        if self.skipped.as_deref() == Some(path) {
            return;
        }
        let mut lines = Vec::new();
        section.each_key(&mut |key| {
            if let Some(line) = self.line(section, key) {
                lines.push((key, line));
            }
        });
        let mut none = Vec::new();
        section.each_child(&mut |child, tables| {
            // Absent would mean the rows that stand there by default.
            if matches!(&tables, ChildRef::Rows(rows) if rows.is_empty())
                && !section.rows_are_default(child.name)
            {
                none.push(format!("{} = []", quoted_name(child.name)));
            }
        });
        let row = header.starts_with("[[");
        if !header.is_empty() && (row || !lines.is_empty() || !none.is_empty()) {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            let indent = "  ".repeat(depth - 1);
            self.push(format_args!("{indent}{header}\n"));
        }
        let indent = "  ".repeat(depth);
        for (key, line) in lines {
            if self.comments {
                self.push(format_args!("{indent}# {}\n", key.about));
            }
            self.push(format_args!("{indent}{line}\n"));
        }
        for line in none {
            self.push(format_args!("{indent}{line}\n"));
        }
        section.each_child(&mut |child, tables| {
            let name = quoted_name(child.name);
            let path = if path.is_empty() {
                name
            } else {
                format!("{path}.{name}")
            };
            match tables {
                ChildRef::Table(table) => self.table(table, &format!("[{path}]"), &path, depth + 1),
                ChildRef::Rows(rows) => {
                    // Rows of later versions that are as they would be anyway say nothing.
                    let told =
                        rows.iter().any(|row| has_3_4_keys(*row)) || !section.rows_are_default(child.name);
                    for row in rows.into_iter().filter(|_| told) {
                        self.table(row, &format!("[[{path}]]"), &path, depth + 1);
                    }
                }
                ChildRef::Named(tables) => {
                    for (name, table) in tables {
                        let path = format!("{path}.{}", quoted_name(name));
                        self.table(table, &format!("[{path}]"), &path, depth + 2);
                    }
                }
            }
        });
    }

    fn line(&self, section: &dyn Section, key: &Key) -> Option<String> {
        let value = section.value(key.name);
        let name = quoted_name(key.name);
        if key.in_3_4 || value != key.default_value() || key.table.contains("[]") {
            match value {
                // An unset key may still be shown in the example.
                None if self.comments && key.default == Fallback::Unset => {
                    Some(format!("# {name} = {}", sample(key)))
                }
                None => None,
                Some(value) => Some(format!("{name} = {}", value.to_toml())),
            }
        } else {
            None
        }
    }
}

fn has_3_4_keys(section: &dyn Section) -> bool {
    let mut found = false;
    section.each_key(&mut |key| found |= key.in_3_4);
    found
}

/// A value of the right form for a key that has no default.
fn sample(key: &Key) -> String {
    use super::key::Kind;
    match key.kind {
        Kind::Bool => "false".to_owned(),
        Kind::Integer => key.min.unwrap_or(1).to_string(),
        Kind::Text => Value::Text(
            key.allowed
                .first()
                .map_or(key.format.sample(), |word| word)
                .to_owned(),
        )
        .to_toml()
        .to_string(),
        Kind::List => "[]".to_owned(),
        Kind::Map => "{}".to_owned(),
    }
}
