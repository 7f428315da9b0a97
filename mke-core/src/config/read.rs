//! Text to [`Config`], every problem at once.

use std::ops::Range;

use toml_edit::{Document, Item, Table, Value};

use super::keys::{KEYS, Key, Kind, Scalar};
use super::problem::{Problem, Problems};
use super::{Config, CustomHeader};

/// Largest file: two orders of magnitude above a real one.
const MAX_BYTES: usize = 1024 * 1024;

/// Most custom headers, and longest name and value: more would not fit into common clients' header limits.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 4096;

/// The one array of tables of the file.
const HEADERS: &str = "custom_api_server_headers";

/// A renewed session must have run for at least this long (SESS-002).
const RENEWAL_MARGIN_MINUTES: u32 = 5;

impl Config {
    /// Reads a configuration file. Absent keys have their defaults.
    ///
    /// # Errors
    /// Every problem with its line and column: faulty TOML, unknown tables and keys, wrong types, values out
    /// of bounds, and combinations that cannot be.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        if text.len() > MAX_BYTES {
            let message = format!(
                "the file has {} bytes, at most {MAX_BYTES} are allowed",
                text.len()
            );
            return Err(Problems(vec![Problem {
                line: 0,
                column: 0,
                key: String::new(),
                message,
            }]));
        }
        let mut reader = Reader {
            text,
            config: Self::default(),
            problems: Vec::new(),
        };
        match Document::parse(text) {
            Err(error) => reader.report(error.span(), "", error.message().replace('\n', ", ")),
            Ok(document) => {
                reader.table("", document.as_table());
                reader.cross_rules(document.as_table());
            }
        }
        if reader.problems.is_empty() {
            Ok(reader.config)
        } else {
            reader.problems.sort();
            Err(Problems(reader.problems))
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    config: Config,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn report(&mut self, span: Option<Range<usize>>, key: &str, message: impl Into<String>) {
        let before = span.and_then(|span| self.text.get(..span.start));
        let (line, column) = before.map_or((0, 0), |before| {
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            (
                before.matches('\n').count() + 1,
                before[line_start..].chars().count() + 1,
            )
        });
        self.problems.push(Problem {
            line,
            column,
            key: key.to_owned(),
            message: message.into(),
        });
    }

    /// Reads a table whose full name is `name`, empty for the whole file.
    fn table(&mut self, name: &str, table: &Table) {
        for (key, item) in table.iter() {
            let path = if name.is_empty() {
                key.to_owned()
            } else {
                format!("{name}.{key}")
            };
            let span = table.key(key).and_then(|key| key.span()).or_else(|| item.span());
            match item {
                Item::Table(inner) if is_table(&path) => self.table(&path, inner),
                Item::ArrayOfTables(headers) if path == HEADERS => {
                    for header in headers {
                        self.header(header);
                    }
                }
                Item::Value(Value::InlineTable(inner)) if is_table(&path) => {
                    self.table(&path, &inner.clone().into_table());
                }
                Item::Value(value) => {
                    match KEYS.iter().find(|known| known.table == name && known.name == key) {
                        Some(known) => self.value(known, &path, span, value),
                        None => self.unknown(&path, span),
                    }
                }
                _ => self.unknown(&path, span),
            }
        }
    }

    fn unknown(&mut self, path: &str, span: Option<Range<usize>>) {
        let message = match nearest(path) {
            Some(known) => format!("unknown key, did you mean `{known}`?"),
            None => "unknown key, remove it or see the exported configuration for the known ones".to_owned(),
        };
        self.report(span, path, message);
    }

    fn value(&mut self, key: &Key, path: &str, span: Option<Range<usize>>, value: &Value) {
        let scalar = match (key.kind, value) {
            (Kind::Bool, Value::Boolean(found)) => Ok(Scalar::Bool(*found.value())),
            (Kind::Bool, _) => Err("expected true or false".to_owned()),
            (Kind::Integer { min, max }, Value::Integer(found)) => {
                let found = *found.value();
                if (min..=max).contains(&found) {
                    Ok(Scalar::Integer(found))
                } else {
                    Err(format!("{found} is out of range, allowed are {min} to {max}"))
                }
            }
            (Kind::Integer { min, max }, _) => Err(format!("expected a whole number from {min} to {max}")),
            (Kind::OneOf { allowed, any_case }, Value::String(found)) => {
                let found = found.value();
                let hit = allowed
                    .iter()
                    .find(|word| *word == found || (any_case && word.eq_ignore_ascii_case(found)));
                match hit {
                    Some(word) => Ok(Scalar::Text((*word).to_owned())),
                    None => Err(format!(
                        "`{}` is not allowed, {}",
                        found.escape_debug(),
                        one_of(allowed)
                    )),
                }
            }
            (Kind::OneOf { allowed, .. }, _) => Err(format!("expected text, {}", one_of(allowed))),
        };
        match scalar {
            Ok(scalar) => (key.set)(&mut self.config, scalar),
            Err(expected) if matches!(value, Value::String(_) | Value::Integer(_) | Value::Boolean(_)) => {
                self.report(value.span().or(span), path, expected);
            }
            Err(expected) => {
                let message = format!("{expected}, found {}", value.type_name());
                self.report(value.span().or(span), path, message);
            }
        }
    }

    fn header(&mut self, table: &Table) {
        let mut part = |name: &str| -> Option<String> {
            let path = format!("{HEADERS}.{name}");
            match table.get(name) {
                None => {
                    self.report(table.span(), &path, "missing: name and value must both be given");
                    None
                }
                Some(item) => match item.as_str() {
                    Some(text) => Some(text.to_owned()),
                    None => {
                        self.report(
                            item.span(),
                            &path,
                            format!("expected text, found {}", item.type_name()),
                        );
                        None
                    }
                },
            }
        };
        let (name, value) = (part("name"), part("value"));
        for (key, item) in table.iter() {
            if key != "name" && key != "value" {
                self.unknown(&format!("{HEADERS}.{key}"), item.span());
            }
        }
        let (Some(name), Some(value)) = (name, value) else {
            return;
        };
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || name.len() > MAX_HEADER_BYTES || !name.chars().all(is_token) {
            let message = format!(
                "`{}` is no header name (RFC 9110 section 5.1)",
                name.escape_debug()
            );
            self.report(
                table.get("name").and_then(Item::span),
                &format!("{HEADERS}.name"),
                message,
            );
        } else if value.len() > MAX_HEADER_BYTES || !value.chars().all(|c| (' '..='~').contains(&c)) {
            let message = format!("only up to {MAX_HEADER_BYTES} printable ASCII characters are allowed");
            self.report(
                table.get("value").and_then(Item::span),
                &format!("{HEADERS}.value"),
                message,
            );
        } else if self.config.custom_api_server_headers.len() == MAX_HEADERS {
            self.report(
                table.span(),
                HEADERS,
                format!("at most {MAX_HEADERS} headers are allowed"),
            );
        } else {
            self.config
                .custom_api_server_headers
                .push(CustomHeader { name, value });
        }
    }

    fn cross_rules(&mut self, root: &Table) {
        let sessions = self.config.auth.sessions;
        let most = sessions.lifetime_minutes.saturating_sub(RENEWAL_MARGIN_MINUTES);
        if sessions.renewal_threshold_minutes > most {
            let table = root.get("auth").and_then(|auth| auth.get("sessions"));
            let span = ["renewal_threshold_minutes", "lifetime_minutes"]
                .iter()
                .find_map(|key| table.and_then(|table| table.get(key)).and_then(Item::span));
            let message = format!(
                "{} is too much for a lifetime of {} minutes, use 0 to {most}",
                sessions.renewal_threshold_minutes, sessions.lifetime_minutes
            );
            self.report(span, "auth.sessions.renewal_threshold_minutes", message);
        }
    }
}

/// Whether `path` names a table of the file or a parent of one.
fn is_table(path: &str) -> bool {
    KEYS.iter().any(|key| {
        key.table == path
            || key
                .table
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn one_of(allowed: &[&str]) -> String {
    let words: Vec<_> = allowed.iter().map(|word| format!("`{word}`")).collect();
    if words.len() == 1 {
        format!("use {}", words.concat())
    } else {
        format!("use one of {}", words.join(", "))
    }
}

/// The known key most like `path`, if one is at all alike.
fn nearest(path: &str) -> Option<String> {
    let known = KEYS.iter().map(|key| format!("{}.{}", key.table, key.name));
    let own_name = path.rsplit('.').next().unwrap_or(path);
    known
        .map(|known| {
            // A key in the wrong table is as likely a mistake as a typing error.
            let known_name = known.rsplit('.').next().unwrap_or(&known);
            let distance = edit_distance(path, &known).min(edit_distance(own_name, known_name));
            (distance, known)
        })
        .filter(|(distance, _)| *distance <= 3 && *distance < own_name.chars().count())
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance, on texts short enough for the simple method.
fn edit_distance(a: &str, b: &str) -> usize {
    const LONGEST: usize = 200;
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AuditLevel;

    fn problems(text: &str) -> Vec<String> {
        Config::parse(text)
            .unwrap_err()
            .0
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    /// Every mistake in one pass, each with place and remedy.
    #[test]
    fn reports_all_problems_at_once() {
        let text = "[auth]\nbackend = \"ldpa\"\n[auth.sessions]\nlifetime_minutes = 9\nper_user_limt = 1\n\
                    renewal_threshold_minutes = \"20\"\n[audit_log_configuration]\nlevel = \"Metadata\"\n[nonsense]\na = 1\n";
        assert_eq!(
            problems(text),
            [
                "line 2, column 11: `auth.backend`: `ldpa` is not allowed, use `managed`",
                "line 4, column 20: `auth.sessions.lifetime_minutes`: 9 is out of range, allowed are 10 to 43200",
                "line 5, column 1: `auth.sessions.per_user_limt`: unknown key, did you mean `auth.sessions.per_user_limit`?",
                "line 6, column 29: `auth.sessions.renewal_threshold_minutes`: expected a whole number from 0 to 43200",
                "line 8, column 9: `audit_log_configuration.level`: `Metadata` is not allowed, use one of ``, `metadata`, `request`",
                "line 9, column 2: `nonsense`: unknown key, remove it or see the exported configuration for the known ones",
            ]
        );
    }

    /// SESS-002: the threshold is 0 or at most the lifetime less five minutes.
    #[test]
    fn renewal_threshold_against_lifetime() {
        for (lifetime, threshold, fine) in [(60, 55, true), (60, 56, false), (10, 0, true), (10, 20, false)] {
            let text = format!(
                "[auth.sessions]\nlifetime_minutes = {lifetime}\nrenewal_threshold_minutes = {threshold}\n"
            );
            assert_eq!(Config::parse(&text).is_ok(), fine, "{lifetime} and {threshold}");
        }
    }

    /// AUD-001: empty, metadata and request; anything else is refused.
    #[test]
    fn audit_levels() {
        for (level, expected) in [
            ("", Some(AuditLevel::Off)),
            ("metadata", Some(AuditLevel::Metadata)),
            ("request", Some(AuditLevel::Request)),
            ("Request", None),
            ("all", None),
        ] {
            let text = format!("[audit_log_configuration]\nlevel = \"{level}\"\n");
            assert_eq!(
                Config::parse(&text).ok().map(|config| config.audit_log.level),
                expected,
                "{level}"
            );
        }
    }

    /// DAPI-013: both fields are mandatory, the table may repeat, and no header can be smuggled in.
    #[test]
    fn custom_headers() {
        let header = |name: &str, value: &str| {
            format!("[[custom_api_server_headers]]\nname = {name}\nvalue = {value}\n")
        };
        let two = header("\"X-One\"", "\"1\"") + &header("\"X-Two\"", "\"2\"");
        assert_eq!(Config::parse(&two).unwrap().custom_api_server_headers.len(), 2);
        assert!(Config::parse("[[custom_api_server_headers]]\nname = \"X-One\"\n").is_err());
        for (name, value) in [
            ("\"X One\"", "\"1\""),
            ("\"X\"", "\"a\\r\\nB: c\""),
            ("\"\"", "\"1\""),
            ("1", "\"1\""),
        ] {
            assert!(Config::parse(&header(name, value)).is_err(), "{name}: {value}");
        }
    }

    /// config-01, config-02: size, depth and duplicates end in an error, not in a crash.
    #[test]
    fn hostile_text() {
        assert!(Config::parse(&"#".repeat(MAX_BYTES + 1)).is_err());
        assert!(Config::parse(&format!("a = {}", "[".repeat(20_000))).is_err());
        assert!(Config::parse("[auth]\nbackend = \"managed\"\nbackend = \"managed\"\n").is_err());
        assert!(Config::parse("[auth]\n[auth]\n").is_err());
        assert!(Config::parse("auth = 1").is_err());
    }
}
