//! The text of the file, and changes that keep every other byte of it.

use std::fmt;

use jsonc_parser::cst::{CstInputValue, CstRootNode};
use jsonc_parser::{CollectOptions, ParseOptions, ast, parse_to_ast};
use serde_json::Value;

use super::settings::{DaemonSettings, Problem};

/// A `daemon.json` that is a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonFile {
    text: String,
}

/// The text is no JSON object. The Engine does not start with such a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}; the Engine does not start with this file")]
pub struct NotJson {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// JSON as the Engine reads it: nothing beyond RFC 8259.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

impl DaemonFile {
    /// Takes the text of a file. An empty one is what the Engine takes for no settings.
    ///
    /// # Errors
    /// [`NotJson`] with the place.
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        let file = Self {
            text: text.to_owned(),
        };
        let root = file.root()?;
        // The parser that keeps the text lets control characters through; the Engine does not.
        if root.is_some() {
            serde_json::from_str::<Value>(text).map_err(|error| NotJson {
                line: error.line(),
                column: error.column(),
                what: "a control character in a text must be escaped".to_owned(),
            })?;
        }
        match root {
            Some(ast::Value::Object(_)) => Ok(file),
            None if text.trim().is_empty() => Ok(Self {
                text: "{}\n".to_owned(),
            }),
            _ => Err(NotJson {
                line: 1,
                column: 1,
                what: "settings are a JSON object `{ … }`".to_owned(),
            }),
        }
    }

    /// What the file says, with a problem for each setting that means nothing as it is written.
    pub fn settings(&self) -> (DaemonSettings, Vec<Problem>) {
        match self.root() {
            Ok(Some(ast::Value::Object(object))) => DaemonSettings::read(&object, &self.text),
            _ => (DaemonSettings::default(), Vec::new()),
        }
    }

    /// Sets a key of the top level, after the last one when it is new. Every other byte stays.
    pub fn set(&mut self, key: &str, value: &Value) {
        if let Ok(root) = CstRootNode::parse(&self.text, &STRICT) {
            let object = root.object_value_or_set();
            match object.get(key) {
                Some(there) if there.to_serde().as_ref() == Some(value) => return,
                Some(there) => there.set_value(input(value)),
                None => {
                    object.append(key, input(value));
                }
            }
            self.text = root.to_string();
        }
    }

    /// Takes a key of the top level away. Without it, nothing changes.
    pub fn unset(&mut self, key: &str) {
        if let Ok(root) = CstRootNode::parse(&self.text, &STRICT)
            && let Some(there) = root.object_value().and_then(|object| object.get(key))
        {
            there.remove();
            self.text = root.to_string();
        }
    }

    fn root(&self) -> Result<Option<ast::Value<'_>>, NotJson> {
        let parsed =
            parse_to_ast(&self.text, &CollectOptions::default(), &STRICT).map_err(|error| NotJson {
                line: error.line_display(),
                column: error.column_display(),
                what: error.kind().to_string(),
            })?;
        Ok(parsed.value)
    }
}

impl fmt::Display for DaemonFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The value of a property, to find out whether a change changes anything.
trait ToSerde {
    fn to_serde(&self) -> Option<Value>;
}

impl ToSerde for jsonc_parser::cst::CstObjectProp {
    fn to_serde(&self) -> Option<Value> {
        serde_json::from_str(&self.value()?.to_string()).ok()
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(items) => CstInputValue::Object(
            items
                .iter()
                .map(|(key, value)| (key.clone(), input(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const WRITTEN: &str =
        "{\n\t\"debug\" : true,\n\t\"hosts\": [ \"fd://\" ],\n\n\t\"log-driver\":\"json-file\"\n}\n";

    #[test]
    fn changes_keep_every_other_byte() {
        let mut file = DaemonFile::parse(WRITTEN).unwrap();
        file.set("debug", &json!(true));
        assert_eq!(file.to_string(), WRITTEN, "nothing changed");
        file.set("log-driver", &json!("local"));
        assert_eq!(file.to_string(), WRITTEN.replace("json-file", "local"));
        file.set("bip", &json!("10.1.1.1/24"));
        assert!(
            file.to_string()
                .starts_with(WRITTEN.trim_end_matches("\"json-file\"\n}\n"))
        );
        assert!(
            file.to_string()
                .ends_with("\"local\",\n\t\"bip\": \"10.1.1.1/24\"\n}\n"),
            "{file}"
        );
        file.unset("bip");
        file.unset("never there");
        file.set("log-driver", &json!("json-file"));
        assert_eq!(file.to_string(), WRITTEN);
    }

    #[test]
    fn what_the_engine_does_not_read_is_refused_with_the_place() {
        for (text, place) in [
            ("{\n  \"debug\": true,\n}", (2, 16)),
            ("{ // nothing\n}", (1, 3)),
            ("[]", (1, 1)),
            ("{\"a\": 1} {}", (1, 10)),
            ("{'a': 1}", (1, 2)),
        ] {
            let error = DaemonFile::parse(text).unwrap_err();
            assert!(
                serde_json::from_str::<serde_json::Map<String, Value>>(text).is_err(),
                "{text}"
            );
            assert_eq!((error.line, error.column), place, "{text}: {error}");
        }
        assert_eq!(DaemonFile::parse(" \n").unwrap().to_string(), "{}\n");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z\\-]{1,5}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// No text is taken that another strict parser refuses, and none refused that it takes.
        #[test]
        fn the_same_texts_are_taken_as_elsewhere(text in "[\\{\\}\\[\\]\",:a1.e+\\-\\\\u \n\t/*']{0,12}", inside: bool) {
            let text = if inside { format!("{{\"k\":{text}}}") } else { text };
            let elsewhere = serde_json::from_str::<serde_json::Map<String, Value>>(&text).is_ok();
            let here = DaemonFile::parse(&text).is_ok();
            prop_assert_eq!(here, elsewhere || text.trim().is_empty(), "{:?}", text);
        }

        /// What was set is read by another parser, and nothing else changed.
        #[test]
        fn another_parser_reads_what_was_set(
            start in prop::collection::hash_map("[a-z\\-]{1,4}", json(), 0..5),
            key in "[a-z\\-]{1,4}",
            value in json(),
            pretty: bool,
        ) {
            let mut expected = Value::Object(start.into_iter().collect());
            let text = if pretty { format!("{expected:#}\n") } else { expected.to_string() };
            let mut file = DaemonFile::parse(&text).unwrap();
            prop_assert_eq!(file.to_string(), text);
            file.set(&key, &value);
            expected[&key] = value;
            prop_assert_eq!(serde_json::from_str::<Value>(&file.to_string()).unwrap(), expected.clone());
            file.unset(&key);
            expected.as_object_mut().unwrap().remove(&key);
            prop_assert_eq!(serde_json::from_str::<Value>(&file.to_string()).unwrap(), expected);
        }
    }
}
