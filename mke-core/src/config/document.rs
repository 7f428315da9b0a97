//! A configuration file as text that is edited in place: [`Document`] changes the bytes of the values that change and
//! of nothing else, so comments, order, spacing, line ends and literal `key = value` lines stay as they are.
//!
//! The text is read once when it is opened and once after each edit; what it says and where stands beside it. Where
//! something new goes, and what goes with what is removed, `toml_edit` knows. Edits cut and paste the text itself, and
//! what was pasted is read before it counts.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml_edit::{InlineTable, Item, Table, Value as TomlValue};

use super::keys::find_key;
use super::path::{KeyPath, Step, quoted_name};
use super::problem::Problems;
use super::raw::{RawConfig, RawTable, RawValue, Syntax, toml_root};
use super::read::has_directory;
use super::value::Value;
use super::walk::{Walk, direct_values, same, walk, with, without};
use super::{Config, ReadOptions, Reading};

/// The text of a configuration file, open for edits.
#[derive(Clone)]
pub struct Document {
    /// Whether a byte order mark stands in front.
    mark: bool,
    text: String,
    /// What the text says, with the places.
    root: Arc<RawTable<'static>>,
}

/// Without the text, in which secrets stand.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Two documents are the same when their texts are.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.mark == other.mark && self.text == other.text
    }
}

impl Eq for Document {}

/// Why an edit cannot be done. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The path leads through something that is no table.
    #[error("`{0}` cannot be set: a part of the way there is a value, remove that first")]
    NotATable(String),
    /// The row is neither there nor the next one.
    #[error("`{0}` cannot be set: rows are added one after the other, there are {1}")]
    NoSuchRow(String, usize),
    /// The path ends in a row, where a key is asked for.
    #[error("`{0}` is a table, name a key in it")]
    NotAKey(String),
    /// The text after the edit is no TOML; this is a fault of the program.
    #[error("`{0}` cannot be edited in place: {1}; edit the file by hand")]
    Broken(String, String),
}

impl Document {
    /// Opens a text that is well-formed; whether its keys are known is not asked here.
    ///
    /// # Errors
    /// What is no TOML, and texts beyond the limits.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let plain = text.strip_prefix('\u{feff}');
        Self::of(plain.is_some(), plain.unwrap_or(text).to_owned())
    }

    /// A text that stands behind a byte order mark or not.
    fn of(mark: bool, text: String) -> Result<Self, Problems> {
        let root = Arc::new(toml_root(&text)?.into_owned());
        Ok(Self { mark, text, root })
    }

    /// Gives the text its meaning.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read(&self, options: &ReadOptions<'_>) -> Result<Reading<Config>, Problems> {
        RawConfig::of(&self.text, Syntax::Toml, Arc::clone(&self.root)).read(options)
    }

    /// As [`Config::read_export`].
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_export(&self, options: &ReadOptions<'_>) -> Result<Reading<Config>, Problems> {
        RawConfig::of(&self.text, Syntax::Toml, Arc::clone(&self.root)).read_as(options, true)
    }

    /// Whether the text holds settings of the directory, which a control plane never gives out.
    pub fn has_directory(&self) -> bool {
        has_directory(&self.root)
    }

    /// The place of a value that is no table and holds none. Only such values are found without asking what kind of
    /// table stands around them.
    fn place(&self, path: &KeyPath) -> Option<Range<usize>> {
        let (first, rest) = path.0.split_first()?;
        let Step::Name(name) = first else { return None };
        let entry = self.root.get(name)?;
        let (mut value, mut span) = (&entry.value, &entry.span);
        for step in rest {
            (value, span) = match (step, value) {
                (Step::Name(name), RawValue::Table(table)) => {
                    table.get(name).map(|entry| (&entry.value, &entry.span))?
                }
                (Step::Row(row), RawValue::List(items)) => {
                    items.get(*row).map(|(item, span)| (item, span))?
                }
                _ => return None,
            };
        }
        let plain = |value: &RawValue<'_>| !matches!(value, RawValue::Table(_) | RawValue::List(_));
        let fits = match value {
            RawValue::List(items) => items.iter().all(|(item, _)| plain(item)),
            other => plain(other),
        };
        fits.then(|| span.clone())
    }

    /// The value at `path` as it stands in the text; `None` when it is not there or a table with a header.
    pub fn get(&self, path: &KeyPath) -> Option<String> {
        let document = toml_edit::Document::parse(self.text.as_str()).ok()?;
        match walk(document.as_table(), &path.0) {
            Walk::Value(span) => self.text.get(span).map(str::to_owned),
            _ => None,
        }
    }

    /// Sets a key and says whether that changed the text. A value that is there already stays as it is written.
    ///
    /// # Errors
    /// When the path leads through a value or to a row that cannot be added; nothing is changed then.
    pub fn set(&mut self, path: &KeyPath, value: &Value) -> Result<bool, EditError> {
        self.put(path, &value.to_toml())
    }

    /// Removes a key, a table with all that is below it, or a row, and says whether it was there.
    ///
    /// # Errors
    /// When the text cannot be edited in place.
    pub fn unset(&mut self, path: &KeyPath) -> Result<bool, EditError> {
        let document = self.open(path)?;
        let edits = match walk(document.as_table(), &path.0) {
            Walk::Value(_) => match self.line_of_key(document.as_table(), path) {
                Some(line) => vec![(line, String::new())],
                None => match without(document.as_table(), &path.0) {
                    Some(edit) => vec![edit],
                    None => return Ok(false),
                },
            },
            Walk::Table(table) => self.lines_of_table(table),
            Walk::Rows(rows) => rows
                .into_iter()
                .flat_map(|row| self.lines_of_table(row))
                .collect(),
            Walk::Nothing { .. } | Walk::Blocked => return Ok(false),
        };
        self.apply(path, edits)?;
        Ok(true)
    }

    /// Takes over every key of `other`. Arrays of tables are taken over as a whole, everything else key by key.
    ///
    /// # Errors
    /// As [`Self::set`]; nothing is changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), EditError> {
        let mut merged = self.clone();
        let root = KeyPath::default();
        let document = other.open(&root)?;
        merged.take(document.as_table(), &root)?;
        *self = merged;
        Ok(())
    }

    fn take(&mut self, table: &Table, path: &KeyPath) -> Result<(), EditError> {
        for (name, item) in table.iter() {
            let path = path.join(name);
            match item {
                Item::Value(value) => {
                    self.put(&path, value)?;
                }
                Item::Table(inner) => self.take(inner, &path)?,
                Item::ArrayOfTables(rows) => {
                    self.unset(&path)?;
                    for (index, row) in rows.iter().enumerate() {
                        self.take(row, &path.row(index))?;
                    }
                }
                Item::None => {}
            }
        }
        Ok(())
    }

    fn put(&mut self, path: &KeyPath, value: &TomlValue) -> Result<bool, EditError> {
        let mut value = value.clone();
        value.decor_mut().clear();
        if let Some(span) = self.place(path) {
            return self.replace(path, span, &value);
        }
        let document = self.open(path)?;
        let edit = match self.target(document.as_table(), path) {
            Walk::Value(span) => return self.replace(path, span, &value),
            Walk::Table(table) => {
                let TomlValue::InlineTable(entries) = &value else {
                    return Err(EditError::NotAKey(path.to_string()));
                };
                let gone = table.iter().map(|(name, _)| name.to_owned());
                let gone = gone.filter(|name| !entries.contains_key(name)).collect();
                return self.put_entries(path, entries, gone);
            }
            Walk::Rows(_) => return Err(EditError::NotAKey(path.to_string())),
            Walk::Blocked => return Err(EditError::NotATable(path.to_string())),
            Walk::Nothing {
                table,
                home,
                inline,
                done,
            } => {
                if let Some((inline, at)) = inline {
                    (
                        at.clone(),
                        with(inline, path.0.get(done..).unwrap_or(&[]), &value, path)?,
                    )
                } else {
                    self.insertion(table, home, path, done, &value)?
                }
            }
        };
        self.apply(path, vec![edit])?;
        Ok(true)
    }

    /// Sets a map that is written as a table, or with dotted keys, name by name.
    fn put_entries(
        &mut self,
        path: &KeyPath,
        entries: &InlineTable,
        gone: Vec<String>,
    ) -> Result<bool, EditError> {
        let mut edited = self.clone();
        for name in gone {
            edited.unset(&path.join(&name))?;
        }
        for (name, value) in entries {
            edited.put(&path.join(name), value)?;
        }
        let changed = edited != *self;
        *self = edited;
        Ok(changed)
    }

    /// Puts a value where another stands, unless that means the same.
    fn replace(&mut self, path: &KeyPath, span: Range<usize>, value: &TomlValue) -> Result<bool, EditError> {
        let there = self.text.get(span.clone()).unwrap_or("");
        if same(there, value) {
            return Ok(false);
        }
        self.apply(path, vec![(span, value.to_string())])?;
        Ok(true)
    }

    /// What stands at the path, also under an older name of the key.
    fn target<'d>(&self, root: &'d Table, path: &KeyPath) -> Walk<'d> {
        let found = walk(root, &path.0);
        if matches!(found, Walk::Nothing { .. })
            && let Some(key) = find_key(&path.to_string())
        {
            for alias in key.aliases {
                let mut steps = path.0.clone();
                steps.pop();
                steps.push(Step::Name((*alias).to_owned()));
                if let there @ Walk::Value(_) = walk(root, &steps) {
                    return there;
                }
            }
        }
        found
    }

    fn open(&self, path: &KeyPath) -> Result<toml_edit::Document<&str>, EditError> {
        toml_edit::Document::parse(self.text.as_str())
            .map_err(|error| EditError::Broken(path.to_string(), error.message().to_owned()))
    }

    /// Cuts and pastes, last place first, and looks whether the result is TOML within the limits.
    fn apply(&mut self, path: &KeyPath, mut edits: Vec<(Range<usize>, String)>) -> Result<(), EditError> {
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let mut text = self.text.clone();
        for (range, new) in edits {
            if text.get(range.clone()).is_none() {
                return Err(EditError::Broken(
                    path.to_string(),
                    "a place is not in the text".to_owned(),
                ));
            }
            text.replace_range(range, &new);
        }
        *self = Self::of(self.mark, text)
            .map_err(|problems| EditError::Broken(path.to_string(), problems.to_string()))?;
        Ok(())
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// Where the line that holds byte `at` begins, and where it ends without its line end.
    fn line(&self, at: usize) -> Range<usize> {
        let start = self
            .text
            .get(..at)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |newline| newline + 1);
        let rest = self.text.get(at..).unwrap_or("");
        let end = rest.find('\n').map_or(self.text.len(), |newline| at + newline);
        let end = if self.text.get(..end).is_some_and(|text| text.ends_with('\r'))
            && end > start
            && end < self.text.len()
        {
            end - 1
        } else {
            end
        };
        start..end
    }

    /// The white space that the line at `at` begins with.
    fn indent(&self, at: usize) -> &str {
        let line = self.text.get(self.line(at)).unwrap_or("");
        let length = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..length).unwrap_or("")
    }

    /// Where a key that is not there goes, and the text for it.
    fn insertion(
        &self,
        table: &Table,
        home: (&Table, usize),
        path: &KeyPath,
        done: usize,
        value: &TomlValue,
    ) -> Result<(Range<usize>, String), EditError> {
        let newline = self.newline();
        let rest = path.0.get(done..).unwrap_or(&[]);
        let only_names = rest.iter().all(|step| matches!(step, Step::Name(_)));
        if table.is_dotted() && only_names {
            // The table is written with dotted keys: one more of them.
            let names = path.0.get(home.1..).unwrap_or(&[]).iter();
            let names: Vec<_> = names
                .filter_map(|step| match step {
                    Step::Name(name) => Some(quoted_name(name)),
                    Step::Row(_) => None,
                })
                .collect();
            let line = format!("{} = {value}", names.join("."));
            return Ok(self.insert_line(home.0, home.1 == 0, &line));
        }
        let has_header = done == 0 || !table.is_implicit();
        if let [Step::Name(name)] = rest
            && has_header
        {
            let line = format!("{} = {value}", quoted_name(name));
            return Ok(self.insert_line(table, done == 0, &line));
        }
        // A row is only added behind the last one.
        if let Some(position) = rest.iter().position(|step| matches!(step, Step::Row(_))) {
            let Some(Step::Row(row)) = rest.get(position) else {
                return Err(EditError::NotAKey(path.to_string()));
            };
            let rows = match (position, walk(table, rest.get(..position).unwrap_or(&[]))) {
                (_, Walk::Rows(rows)) => rows.len(),
                _ => 0,
            };
            if *row != rows {
                return Err(EditError::NoSuchRow(path.to_string(), rows));
            }
        }
        let Some((Step::Name(key), tables)) = path.0.split_last() else {
            return Err(EditError::NotAKey(path.to_string()));
        };
        let names: Vec<_> = tables
            .iter()
            .filter_map(|step| match step {
                Step::Name(name) => Some(quoted_name(name)),
                Step::Row(_) => None,
            })
            .collect();
        let header = if only_names || matches!(tables.last(), Some(Step::Name(_))) {
            format!("[{}]", names.join("."))
        } else {
            format!("[[{}]]", names.join("."))
        };
        let indent = "  ".repeat(names.len().saturating_sub(1));
        let end = if done == 0 { None } else { self.end_of(table) };
        let at = end.map_or(self.text.len(), |end| self.line(end).end);
        let before = self.text.get(..at).unwrap_or("");
        let gap = if before.trim().is_empty() {
            String::new()
        } else if before.ends_with('\n') {
            newline.to_owned()
        } else {
            newline.repeat(2)
        };
        let tail = if at == self.text.len() { newline } else { "" };
        let text = format!(
            "{gap}{indent}{header}{newline}{indent}  {} = {value}{tail}",
            quoted_name(key)
        );
        Ok((at..at, text))
    }

    /// Puts a line behind the last key of a table, or below its header.
    fn insert_line(&self, table: &Table, root: bool, line: &str) -> (Range<usize>, String) {
        let newline = self.newline();
        let last = direct_values(table)
            .into_iter()
            .map(|(_, value)| value)
            .max_by_key(|span| span.end);
        if let Some(last) = last {
            let start = self.line(last.start).start;
            let at = self.line(last.end).end;
            // The first key of the table shows how far its lines are indented.
            let indent = direct_values(table)
                .into_iter()
                .map(|(key, _)| key.start)
                .min()
                .map_or_else(|| self.indent(start), |first| self.indent(first));
            return (at..at, format!("{newline}{indent}{line}"));
        }
        match table.span().filter(|_| !root) {
            Some(header) => {
                let at = self.line(header.start).end;
                let indent = self.indent(header.start);
                (at..at, format!("{newline}{indent}  {line}"))
            }
            None => (0..0, format!("{line}{newline}")),
        }
    }

    /// The last byte of a table and of everything below it.
    fn end_of(&self, table: &Table) -> Option<usize> {
        let mut end = table.span().map(|span| span.start);
        for (_, value) in direct_values(table) {
            end = end.max(Some(value.end));
        }
        for (_, item) in table.iter() {
            match item {
                Item::Table(inner) => end = end.max(self.end_of(inner)),
                Item::ArrayOfTables(rows) => {
                    for row in rows {
                        end = end.max(self.end_of(row));
                    }
                }
                _ => {}
            }
        }
        end
    }

    /// The lines of a key that stands on lines of its own; `None` inside of an inline table.
    fn line_of_key(&self, root: &Table, path: &KeyPath) -> Option<Range<usize>> {
        let (Step::Name(name), parents) = path.0.split_last()? else {
            return None;
        };
        let Walk::Table(table) = walk(root, parents) else {
            // The path of one step stands in the root.
            return if parents.is_empty() {
                self.whole_lines(root, name)
            } else {
                None
            };
        };
        self.whole_lines(table, name)
    }

    fn whole_lines(&self, table: &Table, name: &str) -> Option<Range<usize>> {
        let value = table.get(name)?.as_value()?.span()?;
        let key = table.key(name)?.span()?;
        Some(self.with_line_end(self.line(key.start).start..self.line(value.end).end))
    }

    fn with_line_end(&self, lines: Range<usize>) -> Range<usize> {
        let rest = self.text.get(lines.end..).unwrap_or("");
        let end = if rest.starts_with("\r\n") {
            2
        } else {
            usize::from(rest.starts_with('\n'))
        };
        lines.start..lines.end + end
    }

    /// The lines of a table's header and keys, and of all below it. Comments between them stay.
    fn lines_of_table(&self, table: &Table) -> Vec<(Range<usize>, String)> {
        let mut lines: Vec<Range<usize>> = Vec::new();
        if let Some(header) = table
            .span()
            .filter(|_| !table.is_implicit() && !table.is_dotted())
        {
            lines.push(self.with_line_end(self.line(header.start)));
        }
        for (key, value) in direct_values(table) {
            lines.push(self.with_line_end(self.line(key.start).start..self.line(value.end).end));
        }
        let mut edits: Vec<_> = lines.into_iter().map(|line| (line, String::new())).collect();
        for (_, item) in table.iter() {
            match item {
                Item::Table(inner) if !inner.is_dotted() => edits.extend(self.lines_of_table(inner)),
                Item::ArrayOfTables(rows) => {
                    for row in rows {
                        edits.extend(self.lines_of_table(row));
                    }
                }
                _ => {}
            }
        }
        edits
    }
}

/// The text, byte for byte what was opened where nothing was edited.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mark {
            f.write_str("\u{feff}")?;
        }
        f.write_str(&self.text)
    }
}
