//! One value against its key: the value in the key's type, or everything that is wrong with it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::key::{Key, Kind, one_of};
use super::raw::RawValue;
use super::value::Value;
use crate::secret::Secret;

/// What is wrong with a value.
pub(super) struct Mistake {
    pub(super) span: Range<usize>,
    pub(super) found: String,
    pub(super) allowed: String,
    pub(super) message: String,
}

/// The value as the key's type, or everything that is wrong with it.
pub(super) fn check(key: &Key, raw: &RawValue<'_>, span: &Range<usize>) -> Result<Value, Vec<Mistake>> {
    let wrong = |found: &RawValue<'_>, span: &Range<usize>, allowed: String| Mistake {
        span: span.clone(),
        message: match (found, key.kind) {
            (RawValue::Integer(number), Kind::Text) if !key.secret => {
                format!("expected {allowed}, found a whole number: write \"{number}\"")
            }
            (RawValue::Text(_), Kind::List) => {
                format!("expected {allowed}, found text: put it in square brackets")
            }
            (RawValue::Text(text), Kind::Bool | Kind::Integer) if is_plain(key.kind, text) => {
                format!("expected {allowed}, found text: remove the quotes")
            }
            _ => format!("expected {allowed}, found {}", found.describe()),
        },
        found: found.describe().to_owned(),
        allowed,
    };
    match (key.kind, raw) {
        (Kind::Bool, RawValue::Bool(value)) => Ok(Value::Bool(*value)),
        (Kind::Integer, RawValue::Integer(value)) => {
            number(key, *value, span).map(Value::Integer).map_err(|m| vec![m])
        }
        (Kind::Text, RawValue::Text(text)) => match text_value(key, text, span) {
            Ok(text) if key.secret => Ok(Value::Secret(Secret::new(text))),
            Ok(text) => Ok(Value::Text(text)),
            Err(mistake) => Err(vec![mistake]),
        },
        (Kind::List, RawValue::List(items)) if items.is_empty() && key.not_empty => Err(vec![Mistake {
            span: span.clone(),
            found: "[]".to_owned(),
            allowed: key.expected(),
            message: format!("must not be empty, give {}", key.expected()),
        }]),
        (Kind::List, RawValue::List(items)) => {
            let (mut values, mut mistakes) = (Vec::with_capacity(items.len()), Vec::new());
            for (item, span) in items {
                match item {
                    RawValue::Text(text) => match text_value(key, text, span) {
                        Ok(text) => values.push(text),
                        Err(mistake) => mistakes.push(mistake),
                    },
                    other => mistakes.push(Mistake {
                        span: span.clone(),
                        found: other.describe().to_owned(),
                        allowed: key.expected(),
                        message: format!("expected text in quotes in the list, found {}", other.describe()),
                    }),
                }
            }
            if mistakes.is_empty() {
                Ok(Value::List(values))
            } else {
                Err(mistakes)
            }
        }
        (Kind::Map, RawValue::Table(table)) => {
            let (mut values, mut mistakes) = (BTreeMap::new(), Vec::new());
            for entry in &table.entries {
                match &entry.value {
                    RawValue::Text(text) => match text_value(key, text, &entry.span) {
                        Ok(text) => {
                            values.insert(entry.name.to_string(), text);
                        }
                        Err(mistake) => mistakes.push(mistake),
                    },
                    other => mistakes.push(Mistake {
                        span: entry.span.clone(),
                        found: other.describe().to_owned(),
                        allowed: key.expected(),
                        message: format!(
                            "expected text in quotes under `{}`, found {}",
                            entry.name.escape_debug(),
                            other.describe()
                        ),
                    }),
                }
            }
            if mistakes.is_empty() {
                Ok(Value::Map(values))
            } else {
                Err(mistakes)
            }
        }
        (_, other) => Err(vec![wrong(other, span, key.expected())]),
    }
}

/// Whether a text would be the value, were it not in quotes.
fn is_plain(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Bool => matches!(text, "true" | "false"),
        _ => text.parse::<i64>().is_ok(),
    }
}

fn number(key: &Key, found: i64, span: &Range<usize>) -> Result<i64, Mistake> {
    let listed = key.allowed.is_empty() || key.allowed.iter().any(|word| word.parse() == Ok(found));
    if listed && key.min.is_none_or(|min| found >= min) && key.max.is_none_or(|max| found <= max) {
        return Ok(found);
    }
    let message = if listed {
        format!("{found} is out of range, use {}", key.expected())
    } else {
        format!("{found} is not allowed, use {}", key.expected())
    };
    Err(Mistake {
        span: span.clone(),
        found: found.to_string(),
        allowed: key.expected(),
        message,
    })
}

/// How much of a wrong text is shown.
const SHOWN: usize = 80;

fn text_value(key: &Key, text: &str, span: &Range<usize>) -> Result<String, Mistake> {
    let refuse = |message: String, allowed: String| Mistake {
        span: span.clone(),
        found: format!(
            "\"{}\"",
            text.chars().take(SHOWN).collect::<String>().escape_debug()
        ),
        allowed,
        message,
    };
    if !key.allowed.is_empty() {
        let hit = key
            .allowed
            .iter()
            .find(|word| **word == text || (key.any_case && word.eq_ignore_ascii_case(text)));
        return match hit {
            Some(word) => Ok((*word).to_owned()),
            None => {
                let shown: String = text.chars().take(SHOWN).collect();
                let message = format!(
                    "`{}` is not allowed, use {}",
                    shown.escape_debug(),
                    one_of(key.allowed)
                );
                Err(refuse(message, key.expected()))
            }
        };
    }
    if text.is_empty() {
        if key.not_empty {
            return Err(refuse(
                format!("must not be empty, give {}", key.expected()),
                key.expected(),
            ));
        }
        return Ok(String::new());
    }
    if !key.format.accepts(text) {
        let shown: String = text.chars().take(SHOWN).collect();
        let message = if key.secret {
            format!("expected {}", key.format)
        } else {
            format!("`{}` is not allowed, use {}", shown.escape_debug(), key.format)
        };
        return Err(refuse(message, key.format.to_string()));
    }
    Ok(text.to_owned())
}
