//! Text to [`RawConfig`]: values with their places, before anybody knows what they mean. TOML and JSON end here in
//! one form; limits on size, depth and length are checked here, so that nothing after it meets hostile input.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::json;
use super::problem::{Problem, Problems};

/// Largest file: two orders of magnitude above a real one.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest table or list: the deepest key stands at five.
pub const MAX_DEPTH: usize = 16;
/// Longest single text: a bundle of some hundred certificates.
pub const MAX_TEXT: usize = 256 * 1024;
/// Most problems that are reported of one file: nobody reads more.
pub(super) const MAX_PROBLEMS: usize = 200;

/// The language of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// TOML 1.0.
    Toml,
    /// JSON (RFC 8259), without duplicate names.
    Json,
}

/// A file that is well-formed, with the place of everything in it.
pub struct RawConfig<'t> {
    pub(super) text: &'t str,
    pub(super) syntax: Syntax,
    /// Shared, so that an open document need not be read again to be understood.
    pub(super) root: Arc<RawTable<'t>>,
}

/// Without the text, in which secrets stand.
impl fmt::Debug for RawConfig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawConfig")
            .field("syntax", &self.syntax)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// A table: names with their values.
#[derive(Debug, Default)]
pub(super) struct RawTable<'t> {
    pub(super) entries: Vec<RawEntry<'t>>,
    pub(super) span: Range<usize>,
}

#[derive(Debug)]
pub(super) struct RawEntry<'t> {
    pub(super) name: Cow<'t, str>,
    pub(super) name_span: Range<usize>,
    pub(super) value: RawValue<'t>,
    pub(super) span: Range<usize>,
}

#[derive(Debug)]
pub(super) enum RawValue<'t> {
    Bool(bool),
    Integer(i64),
    Text(Cow<'t, str>),
    List(Vec<(RawValue<'t>, Range<usize>)>),
    Table(RawTable<'t>),
    /// What no key takes: dates, fractions, null, whole numbers beyond 64 bits. The words say which.
    Other(&'static str),
}

impl RawValue<'_> {
    /// What it is, in words.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(what) => what,
        }
    }
}

impl<'t> RawTable<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&RawEntry<'t>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The same table without a hold on the text.
    pub(super) fn into_owned(self) -> RawTable<'static> {
        let entries = self.entries.into_iter().map(|entry| RawEntry {
            name: Cow::Owned(entry.name.into_owned()),
            name_span: entry.name_span,
            value: entry.value.into_owned(),
            span: entry.span,
        });
        RawTable {
            entries: entries.collect(),
            span: self.span,
        }
    }
}

impl RawValue<'_> {
    fn into_owned(self) -> RawValue<'static> {
        match self {
            Self::Bool(value) => RawValue::Bool(value),
            Self::Integer(value) => RawValue::Integer(value),
            Self::Text(text) => RawValue::Text(Cow::Owned(text.into_owned())),
            Self::List(items) => {
                let items = items.into_iter().map(|(item, span)| (item.into_owned(), span));
                RawValue::List(items.collect())
            }
            Self::Table(table) => RawValue::Table(table.into_owned()),
            Self::Other(what) => RawValue::Other(what),
        }
    }
}

impl<'t> RawConfig<'t> {
    /// Reads TOML.
    ///
    /// # Errors
    /// Every place that is no TOML, and texts beyond the limits.
    pub fn from_toml(text: &'t str) -> Result<Self, Problems> {
        let text = sized(text)?;
        Ok(Self::of(text, Syntax::Toml, toml_root(text)?))
    }

    pub(super) fn of(text: &'t str, syntax: Syntax, root: impl Into<Arc<RawTable<'t>>>) -> Self {
        let root = root.into();
        Self { text, syntax, root }
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// The first place that is no JSON, every duplicate name, and texts beyond the limits.
    pub fn from_json(text: &'t str) -> Result<Self, Problems> {
        let text = sized(text)?;
        let mut builder = Builder {
            text,
            problems: Vec::new(),
        };
        let root = match json::parse(text, MAX_DEPTH, MAX_TEXT) {
            Ok((RawValue::Table(root), duplicates)) => {
                for span in duplicates {
                    builder.report(Some(span), "this name stands here twice, remove one".to_owned());
                }
                root
            }
            Ok((other, _)) => {
                let message = format!("expected an object in braces, found {}", other.describe());
                builder.report(Some(0..1), message);
                RawTable::default()
            }
            Err(fault) => {
                builder.report(Some(fault.at..fault.at), fault.message);
                RawTable::default()
            }
        };
        Ok(Self::of(text, Syntax::Json, builder.finish(root)?))
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
        (line, column)
    }

    /// The version that the file says it is for: `# mke-version: 3.8` among the comments at its top.
    pub fn declared_version(&self) -> Option<super::key::Version> {
        declared_version(self.text)
    }
}

/// See [`RawConfig::declared_version`].
pub(super) fn declared_version(text: &str) -> Option<super::key::Version> {
    text.lines()
        .map(str::trim)
        .take_while(|line| line.is_empty() || line.starts_with('#'))
        .find_map(|line| line.trim_start_matches('#').trim().strip_prefix("mke-version:"))
        .and_then(super::key::Version::from_text)
}

/// The text without its byte order mark, unless it is too large.
fn sized(text: &str) -> Result<&str, Problems> {
    if text.len() > MAX_BYTES {
        return Err(Problems::whole(format!(
            "the file has {} bytes, at most {MAX_BYTES} are allowed",
            text.len()
        )));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Reads TOML that begins behind the byte order mark.
pub(super) fn toml_root(text: &str) -> Result<RawTable<'_>, Problems> {
    let text = sized(text)?;
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut builder = Builder {
        text,
        problems: Vec::new(),
    };
    for error in &errors {
        builder.report(error.span(), error.message().replace('\n', ", "));
    }
    let span = table.span();
    let root = builder.table(table.into_inner(), span, 0);
    builder.finish(root)
}

struct Builder<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Builder<'t> {
    fn report(&mut self, span: Option<Range<usize>>, message: String) {
        if self.problems.len() < MAX_PROBLEMS {
            let (line, column) = span.map_or((0, 0), |span| RawConfig::place(self.text, span.start));
            self.problems.push(Problem {
                line,
                column,
                message,
                ..Problem::default()
            });
        }
    }

    fn finish(mut self, root: RawTable<'t>) -> Result<RawTable<'t>, Problems> {
        if self.problems.is_empty() {
            return Ok(root);
        }
        self.problems.sort();
        self.problems.dedup();
        Err(Problems(self.problems))
    }

    fn table(&mut self, table: DeTable<'t>, span: Range<usize>, depth: usize) -> RawTable<'t> {
        let mut entries = Vec::with_capacity(table.len());
        for (name, value) in table {
            let (name_span, span) = (name.span(), value.span());
            entries.push(RawEntry {
                name: name.into_inner(),
                name_span,
                value: self.value(value.into_inner(), span.clone(), depth + 1),
                span,
            });
        }
        RawTable { entries, span }
    }

    fn value(&mut self, value: DeValue<'t>, span: Range<usize>, depth: usize) -> RawValue<'t> {
        if depth > MAX_DEPTH {
            self.report(
                Some(span),
                format!("nested deeper than {MAX_DEPTH} levels, no key is"),
            );
            return RawValue::Other("something nested too deep");
        }
        match value {
            DeValue::String(text) if text.len() > MAX_TEXT => {
                self.report(
                    Some(span),
                    format!("a text of {} bytes, at most {MAX_TEXT} are allowed", text.len()),
                );
                RawValue::Other("a text that is too long")
            }
            DeValue::String(text) => RawValue::Text(text),
            DeValue::Boolean(value) => RawValue::Bool(value),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(RawValue::Other("a number beyond 64 bits"), RawValue::Integer),
            DeValue::Float(_) => RawValue::Other("a number with a fraction"),
            DeValue::Datetime(_) => RawValue::Other("a date or time"),
            DeValue::Array(items) => RawValue::List(
                items
                    .into_iter()
                    .map(|item| {
                        let span = item.span();
                        (self.value(item.into_inner(), span.clone(), depth + 1), span)
                    })
                    .collect(),
            ),
            DeValue::Table(table) => RawValue::Table(self.table(table, span, depth)),
        }
    }
}
