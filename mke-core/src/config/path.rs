//! Where a key stands in a file: `auth.sessions.lifetime_minutes`, `registries[0].host_address`,
//! `user_workload_defaults.swarm_defaults."tasktemplate.restartpolicy.delay".value`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A key or table of this name.
    Name(String),
    /// A row of an array of tables, counted from 0.
    Row(usize),
}

/// The way to a key, a table or a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyPath(pub Vec<Step>);

/// Why a text is no [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no path of a key: write names with dots between, such as `auth.sessions.lifetime_minutes` or `registries[0].host_address`, and names with dots in quotes"
)]
pub struct PathError(pub String);

impl KeyPath {
    /// This path with one more name.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Name(name.to_owned()));
        Self(steps)
    }

    /// This path with a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Row(row));
        Self(steps)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Row(row) => write!(f, "[{row}]")?,
                Step::Name(name) => {
                    if index > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(&quoted_name(name))?;
                }
            }
        }
        Ok(())
    }
}

impl Serialize for KeyPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A name as TOML writes it: in quotes when it holds more than letters, digits, `_` and `-`.
pub(super) fn quoted_name(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

impl FromStr for KeyPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        parse(text).ok_or_else(|| PathError(text.chars().take(200).collect()))
    }
}

fn parse(text: &str) -> Option<KeyPath> {
    let (mut rest, mut steps) = (text, Vec::new());
    loop {
        let name = match rest.chars().next()? {
            '"' => {
                let (name, after) = quoted(rest.get(1..)?)?;
                rest = after;
                name
            }
            '\'' => {
                let (name, after) = rest.get(1..)?.split_once('\'')?;
                rest = after;
                name.to_owned()
            }
            _ => {
                let end = rest.find(['.', '[', '"', '\'', ']']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                rest = after;
                name.to_owned()
            }
        };
        if name.is_empty() || name.contains(char::is_control) {
            return None;
        }
        steps.push(Step::Name(name));
        while let Some(inner) = rest.strip_prefix('[') {
            let (number, after) = inner.split_once(']')?;
            steps.push(Step::Row(number.parse().ok()?));
            rest = after;
        }
        if rest.is_empty() {
            return Some(KeyPath(steps));
        }
        rest = rest.strip_prefix('.')?;
    }
}

/// A name up to its closing quote, with `\"` and `\\`, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((name, text.get(at + 1..)?)),
            '\\' => name.push(chars.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\'))?),
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_written() {
        for text in [
            "auth",
            "auth.sessions.lifetime_minutes",
            "registries[12].host_address",
            "a.\"b.c\".value",
            r#"a."say \"x\" \\ y""#,
            "a.\"e\u{301}\"",
        ] {
            assert_eq!(text.parse::<KeyPath>().unwrap().to_string(), text);
        }
        assert_eq!(KeyPath::default().join("a\n").to_string(), r#""a\u000A""#);
        for text in [
            r#"a."\x""#,
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a[",
            "a[x]",
            "a[-1]",
            "[0]",
            "\"a",
            "a]b",
            "a[0]b",
        ] {
            assert!(text.parse::<KeyPath>().is_err(), "{text}");
        }
    }
}
