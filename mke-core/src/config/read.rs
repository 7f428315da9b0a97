//! [`RawConfig`] to typed values, every problem at once: unknown keys, wrong types, values that are not allowed,
//! missing values, and then what must hold between keys.

use std::ops::Range;

use super::check::check;
use super::key::{Fallback, Key, Required, Version};
use super::nearest::nearest;
use super::path::{KeyPath, Step};
use super::problem::{Problem, Problems};
use super::raw::{MAX_PROBLEMS, RawConfig, RawEntry, RawTable, RawValue, Syntax};
use super::section::{ChildMut, Section};
use super::value::Value;

/// How a file is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// The file's name, for messages.
    pub file: Option<&'a str>,
    /// Whether unknown keys are let through when the file declares (`# mke-version: 4.0`) a version newer than
    /// [`Version::NEWEST`]. They are then listed in [`Reading::unknown`], and whoever keeps the text keeps them.
    pub keep_unknown: bool,
    /// Whether the text was in force before. Rules between keys are not asked again then: a version that brings a new
    /// rule must still start with what an earlier one took.
    pub in_force: bool,
}

/// What reading gives when nothing is wrong.
#[derive(Debug, Clone)]
pub struct Reading<T> {
    /// The typed values.
    pub value: T,
    /// The keys that were let through although nobody knows them.
    pub unknown: Vec<String>,
    /// The version that the file declares.
    pub version: Option<Version>,
}

/// A file that can be read: its keys, and the rules between them.
pub trait Root: Section + Default {
    /// Keys that files may also hold elsewhere: the name at the top of the file, the table where the key belongs.
    const MOVED: &'static [(&'static str, &'static str)] = &[];

    /// Reports what does not go together. Called when every value is fine by itself.
    fn check(&self, report: &mut Report<'_>);
}

impl RawConfig<'_> {
    /// Gives the text its meaning.
    ///
    /// # Errors
    /// Every problem, in the order of the file.
    pub fn read<T: Root>(&self, options: &ReadOptions<'_>) -> Result<Reading<T>, Problems> {
        self.read_as(options, false)
    }

    /// As [`Self::read`]; with `export` the file may leave `[auth.ldap]` out whatever else it says.
    pub(super) fn read_as<T: Root>(
        &self,
        options: &ReadOptions<'_>,
        export: bool,
    ) -> Result<Reading<T>, Problems> {
        let version = self.declared_version();
        let newer = version.is_some_and(|version| version > Version::NEWEST);
        let mut value = T::default();
        let mut reader = Reader {
            raw: self,
            moved: T::MOVED,
            keep_unknown: options.keep_unknown && newer,
            version,
            path: Vec::new(),
            problems: Vec::new(),
            unknown: Vec::new(),
        };
        reader.table(&mut value, &self.root);
        let Reader {
            mut problems,
            unknown,
            ..
        } = reader;
        if !options.in_force {
            value.check(&mut Report {
                raw: Some(self),
                problems: &mut problems,
                export,
            });
        }
        if problems.is_empty() {
            return Ok(Reading {
                value,
                unknown,
                version,
            });
        }
        problems.sort();
        Err(Problems(problems).in_file_of(options))
    }

    /// The place of what stands at `path`, or of the nearest table around it.
    fn find(&self, path: &KeyPath) -> Option<Range<usize>> {
        let mut table: &RawTable<'_> = &self.root;
        let mut span = None;
        let mut list: Option<&RawEntry<'_>> = None;
        for step in &path.0 {
            match step {
                Step::Name(name) => {
                    let Some(entry) = table.entries.iter().find(|entry| same_name(&entry.name, name)) else {
                        return span;
                    };
                    span = Some(entry.span.clone());
                    list = Some(entry);
                    if let RawValue::Table(inner) = &entry.value {
                        table = inner;
                    }
                }
                Step::Row(row) => {
                    let RawValue::List(rows) = &list?.value else {
                        return span;
                    };
                    let Some((value, row_span)) = rows.get(*row) else {
                        return span;
                    };
                    span = Some(row_span.clone());
                    if let RawValue::Table(inner) = value {
                        table = inner;
                    }
                }
            }
        }
        span
    }

    fn report(&self, problems: &mut Vec<Problem>, span: Option<Range<usize>>, problem: Problem) {
        if problems.len() < MAX_PROBLEMS {
            let (line, column) = span.map_or((0, 0), |span| Self::place(self.text, span.start));
            problems.push(Problem {
                line,
                column,
                ..problem
            });
        }
    }
}

/// Whether a file has `[auth.ldap]`.
pub(super) fn has_directory(root: &RawTable<'_>) -> bool {
    let auth = root.get("auth").map(|entry| &entry.value);
    matches!(auth, Some(RawValue::Table(auth)) if auth.get("ldap").is_some())
}

/// `server_url` and `serverURL` are one name: TOML and JSON spell the same keys differently.
fn same_name(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| *c != '_' && *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    a == b || plain(a) == plain(b)
}

/// The JSON pointer of a key of `[auth.ldap]`, whose names in JSON are those in TOML in another spelling.
fn pointer(path: &KeyPath) -> String {
    let steps = path.0.iter().map(|step| match step {
        Step::Row(row) => format!("/{row}"),
        Step::Name(name) => {
            let words = name
                .split('_')
                .enumerate()
                .map(|(index, word)| match (index, word) {
                    (0, word) => word.to_owned(),
                    (_, "url" | "dn" | "tls") => word.to_uppercase(),
                    (_, word) => {
                        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                        format!("{}{rest}", first.to_uppercase())
                    }
                });
            format!("/{}", words.collect::<String>())
        }
    });
    steps.collect()
}

/// Takes the problems of rules between keys.
pub struct Report<'r> {
    raw: Option<&'r RawConfig<'r>>,
    problems: &'r mut Vec<Problem>,
    export: bool,
}

impl<'r> Report<'r> {
    /// For values that come from no file.
    pub(super) fn without_file(problems: &'r mut Vec<Problem>) -> Self {
        Report {
            raw: None,
            problems,
            export: false,
        }
    }

    /// Whether the settings of the directory are kept elsewhere: the file is an export, which never holds them.
    pub(super) fn leaves_directory_out(&self) -> bool {
        self.export && self.raw.is_some_and(|raw| !has_directory(&raw.root))
    }

    /// Reports that `found` stands at `key` where only `allowed` goes; `message` says why and what to do.
    pub(super) fn refuse(&mut self, key: &str, found: &str, allowed: &str, message: impl Into<String>) {
        let path: KeyPath = key.parse().unwrap_or_default();
        let json = self.raw.is_some_and(|raw| raw.syntax == Syntax::Json);
        let name = if json { pointer(&path) } else { key.to_owned() };
        if self.problems.iter().any(|problem| problem.key == name) {
            // What is wrong with the value itself was told already; it counts as absent here.
            return;
        }
        let problem = Problem {
            key: name,
            message: message.into(),
            found: Some(found.to_owned()),
            allowed: Some(allowed.to_owned()),
            ..Problem::default()
        };
        match self.raw {
            Some(raw) => raw.report(self.problems, raw.find(&path), problem),
            None => self.problems.push(problem),
        }
    }
}

struct Reader<'r, 't> {
    raw: &'r RawConfig<'t>,
    moved: &'static [(&'static str, &'static str)],
    keep_unknown: bool,
    version: Option<Version>,
    path: Vec<PathStep<'r>>,
    problems: Vec<Problem>,
    unknown: Vec<String>,
}

#[derive(Clone, Copy)]
enum PathStep<'r> {
    Name(&'r str),
    Row(usize),
}

impl<'r, 't> Reader<'r, 't> {
    /// The path as messages show it: dotted, or a JSON pointer.
    fn place(&self) -> String {
        if self.raw.syntax == Syntax::Json {
            let steps = self.path.iter().map(|step| match step {
                PathStep::Name(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
                PathStep::Row(row) => format!("/{row}"),
            });
            return steps.collect();
        }
        let steps = self.path.iter().map(|step| match step {
            // Names of a hostile file may be long.
            PathStep::Name(name) => Step::Name(name.chars().take(200).collect()),
            PathStep::Row(row) => Step::Row(*row),
        });
        KeyPath(steps.collect()).to_string()
    }

    fn report(&mut self, span: Range<usize>, problem: Problem) {
        let key = self.place();
        self.raw
            .report(&mut self.problems, Some(span), Problem { key, ..problem });
    }

    fn table(&mut self, section: &mut dyn Section, table: &'r RawTable<'t>) {
        for entry in &table.entries {
            self.path.push(PathStep::Name(&entry.name));
            self.entry(section, table, entry);
            self.path.pop();
        }
        self.missing(section, table);
    }

    fn entry(&mut self, section: &mut dyn Section, table: &RawTable<'_>, entry: &'r RawEntry<'t>) {
        if let Some(key) = self.key(section, &entry.name) {
            if key.name != entry.name && self.raw.syntax == Syntax::Toml && table.get(key.name).is_some() {
                let problem = Problem {
                    message: format!(
                        "this is an older name of `{}`, which is there too: remove one",
                        key.name
                    ),
                    ..Problem::default()
                };
                return self.report(entry.name_span.clone(), problem);
            }
            return self.assign(section, key, entry);
        }
        let Some(name) = self.child_name(section, &entry.name) else {
            return self.unknown_or_moved(section, entry);
        };
        let Some((_, child)) = section.child_mut(&name) else {
            return;
        };
        match (child, &entry.value) {
            (ChildMut::Table(child), RawValue::Table(table)) => self.table(child, table),
            (ChildMut::Rows(rows), RawValue::List(items)) => {
                rows.clear_rows();
                for (index, (item, span)) in items.iter().enumerate() {
                    self.path.push(PathStep::Row(index));
                    if let RawValue::Table(table) = item {
                        self.table(rows.add(), table);
                    } else {
                        self.wrong(span.clone(), item, "a table");
                    }
                    self.path.pop();
                }
            }
            (ChildMut::Named(tables), RawValue::Table(named)) => {
                for entry in &named.entries {
                    self.path.push(PathStep::Name(&entry.name));
                    match &entry.value {
                        RawValue::Table(table) => self.table(tables.entry_of(&entry.name), table),
                        other => self.wrong(entry.span.clone(), other, "a table"),
                    }
                    self.path.pop();
                }
            }
            (ChildMut::Rows(_), other) => {
                self.wrong(
                    entry.span.clone(),
                    other,
                    "tables, each below its own header in double brackets",
                );
            }
            (_, other) => self.wrong(entry.span.clone(), other, "a table"),
        }
    }

    fn wrong(&mut self, span: Range<usize>, found: &RawValue<'_>, allowed: &str) {
        let problem = Problem {
            message: format!("expected {allowed}, found {}", found.describe()),
            found: Some(found.describe().to_owned()),
            allowed: Some(allowed.to_owned()),
            ..Problem::default()
        };
        self.report(span, problem);
    }

    /// The key that a file calls `name`.
    fn key(&self, section: &dyn Section, name: &str) -> Option<&'static Key> {
        let mut hit = section.key(name);
        if self.raw.syntax == Syntax::Json {
            hit = hit.filter(|key| key.json.is_none_or(|json| json == name));
        }
        if hit.is_none() {
            section.each_key(&mut |key| {
                let other = match self.raw.syntax {
                    Syntax::Toml => key.aliases.contains(&name),
                    Syntax::Json => key.json == Some(name),
                };
                if other {
                    hit = Some(key);
                }
            });
        }
        hit
    }

    /// The name in TOML of the table that a file calls `name`.
    fn child_name(&self, section: &dyn Section, name: &str) -> Option<String> {
        if self.raw.syntax == Syntax::Toml {
            return section.child(name).map(|(child, _)| child.name.to_owned());
        }
        let mut hit = None;
        section.each_child(&mut |child, _| {
            if child.json.unwrap_or(child.name) == name {
                hit = Some(child.name.to_owned());
            }
        });
        hit
    }

    fn unknown_or_moved(&mut self, section: &mut dyn Section, entry: &'r RawEntry<'t>) {
        let moved = self
            .moved
            .iter()
            .find(|(name, _)| self.path.len() == 1 && entry.name == *name);
        if let Some((name, home)) = moved
            && let Some((_, ChildMut::Table(home))) = section.child_mut(home)
            && let Some(key) = home.key(name)
        {
            // Either the key itself at the top of the file, or a table of its name with the key in it.
            return match &entry.value {
                RawValue::Table(table) => {
                    for inner in &table.entries {
                        self.path.push(PathStep::Name(&inner.name));
                        if inner.name == *name {
                            self.assign(home, key, inner);
                        } else {
                            self.unknown(inner);
                        }
                        self.path.pop();
                    }
                }
                _ => self.assign(home, key, entry),
            };
        }
        self.unknown(entry);
    }

    fn unknown(&mut self, entry: &RawEntry<'_>) {
        let path = self.place();
        if self.keep_unknown {
            self.unknown.push(path);
            return;
        }
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let nearest = (self.raw.syntax == Syntax::Toml)
            .then(|| nearest(&path, self.moved.is_empty()))
            .flatten();
        let message = match &nearest {
            Some(known) => format!("unknown key, did you mean `{known}`?"),
            None => "unknown key, remove it or see the exported configuration for the known ones".to_owned(),
        };
        let problem = Problem {
            message,
            nearest,
            ..Problem::default()
        };
        self.report(entry.name_span.clone(), problem);
    }

    fn assign(&mut self, section: &mut dyn Section, key: &'static Key, entry: &RawEntry<'_>) {
        if let (Some(since), Some(version)) = (key.since, self.version)
            && since > version
        {
            let problem = Problem {
                message: format!(
                    "this key came with {since}, the file says that it is for {version}: remove it"
                ),
                found: Some(version.to_string()),
                allowed: Some(format!("version {since} or later")),
                ..Problem::default()
            };
            self.report(entry.name_span.clone(), problem);
        }
        match check(key, &entry.value, &entry.span) {
            Ok(value) => {
                if !section.assign(key.name, &value) {
                    self.wrong(entry.span.clone(), &entry.value, &key.expected());
                }
            }
            Err(mistakes) => {
                for mistake in mistakes {
                    let found = if key.secret {
                        "********".to_owned()
                    } else {
                        mistake.found
                    };
                    let problem = Problem {
                        message: mistake.message,
                        found: Some(found),
                        allowed: Some(mistake.allowed),
                        ..Problem::default()
                    };
                    self.report(mistake.span, problem);
                }
            }
        }
    }

    fn missing(&mut self, section: &dyn Section, table: &RawTable<'_>) {
        let mut missing = Vec::new();
        section.each_key(&mut |key| {
            if key.default != Fallback::Unset {
                return;
            }
            let needed = match key.required {
                Required::No => false,
                Required::Always => true,
                Required::When(switch) => section.value(switch) == Some(Value::Bool(true)),
            };
            let given = || {
                table.entries.iter().any(|entry| {
                    entry.name == key.name
                        || key.json.is_some_and(|json| entry.name == json)
                        || key.aliases.iter().any(|alias| entry.name == *alias)
                })
            };
            if needed && !given() {
                missing.push(key);
            }
        });
        for key in missing {
            let name = match self.raw.syntax {
                Syntax::Toml => key.name,
                Syntax::Json => key.json.unwrap_or(key.name),
            };
            self.path.push(PathStep::Name(name));
            let problem = Problem {
                message: format!("missing, give {}", key.expected()),
                allowed: Some(key.expected()),
                ..Problem::default()
            };
            self.report(table.span.clone(), problem);
            self.path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    #[test]
    fn names_in_json_are_spelled_by_rule() {
        for key in keys().iter().filter(|key| key.table.starts_with("auth.ldap")) {
            let path = KeyPath::default().join(key.name);
            assert_eq!(
                Some(pointer(&path).trim_start_matches('/')),
                key.json,
                "{}",
                key.path()
            );
        }
    }
}
