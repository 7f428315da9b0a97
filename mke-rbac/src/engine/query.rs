//! Query strings: parsed once, read by name, written out again in one spelling.
//!
//! Nothing of the caller's spelling survives. A parameter that matters and comes twice is refused, because
//! two programs rarely agree on which one counts.

use std::fmt;

use super::path::{PathError, decode};

/// Most parameters in one query.
const MAX_PAIRS: usize = 256;

/// The decoded parameters of a request, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// Why a parameter cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It comes more than once.
    #[error("query parameter `{0}` is given more than once; give it once")]
    Duplicate(String),
    /// Its value has the wrong form.
    #[error("query parameter `{name}` must be {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// What would be accepted.
        expected: &'static str,
    },
}

impl Query {
    /// Parses the text after `?`.
    ///
    /// # Errors
    /// Broken escapes, text that is not UTF-8, NUL, a bare `;` and more than 256 parameters.
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        let mut pairs = Vec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            if part.contains(';') {
                return Err(PathError::Parameters);
            }
            if pairs.len() == MAX_PAIRS {
                return Err(PathError::TooManyParameters { max: MAX_PAIRS });
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (plus_decode(name)?, plus_decode(value)?);
            if name.contains('\0') || value.contains('\0') {
                return Err(PathError::Control);
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// Every parameter.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'q>(&'q self, name: &str) -> impl Iterator<Item = &'q str> {
        self.pairs
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that comes at most once.
    ///
    /// # Errors
    /// When it comes twice.
    pub fn one(&self, name: &str) -> Result<Option<&str>, QueryError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(QueryError::Duplicate(name.to_owned())),
            (value, None) => Ok(value),
        }
    }

    /// Whether a switch is on, as the Engine reads switches: anything but absence, an empty value, `0`, `no`,
    /// `false` and `none` (in any case) is on.
    ///
    /// # Errors
    /// When it comes twice.
    pub fn switch(&self, name: &str) -> Result<bool, QueryError> {
        let value = self.one(name)?.unwrap_or_default().trim().to_lowercase();
        Ok(!matches!(value.as_str(), "" | "0" | "no" | "false" | "none"))
    }

    /// Keeps the parameters that the predicate accepts.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.pairs.retain(|(name, _)| keep(name));
    }

    /// Replaces every value of a parameter by one, or adds it.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.retain(|other| other != name);
        self.pairs.push((name.to_owned(), value));
    }
}

/// Writes the parameters with every byte escaped that is not a letter, a digit or one of `-._~`.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.pairs.iter().enumerate() {
            if position > 0 {
                f.write_str("&")?;
            }
            write!(f, "{}={}", Escaped(name, ""), Escaped(value, ""))?;
        }
        Ok(())
    }
}

/// Text with everything escaped but unreserved characters (RFC 3986 section 2.3) and some more.
pub(super) struct Escaped<'t>(pub(super) &'t str, pub(super) &'static str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if plain || self.1.as_bytes().contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

fn plus_decode(raw: &str) -> Result<String, PathError> {
    if raw.contains('+') {
        decode(&raw.replace('+', " "))
    } else {
        decode(raw)
    }
}
