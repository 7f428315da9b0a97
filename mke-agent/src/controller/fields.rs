//! Reads the JSON body of a control-plane request, as tolerantly as clients need and no more.
//!
//! Clients send keys in other capitals, unknown keys, a stray byte after the value, or no body at all; all of
//! that is accepted. A value of the wrong type, a key given twice, or text that is no JSON is refused. The body
//! is parsed once; handlers work on the parsed value only (G-01). Depth is bounded by the JSON parser (128).

use mke_core::secret::Secret;
use serde_json::{Map, Value};

use super::error::ApiError;

/// Most keys that a body may have at its top level.
const MAX_KEYS: usize = 256;

/// The top level of a JSON body. Keys are found whatever their capitals.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Parses a body. No body, or only white space, is an object without keys.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let mut values = serde_json::Deserializer::from_slice(body).into_iter::<UniqueKeys>();
        match values.next() {
            Some(Ok(UniqueKeys(map))) if map.len() <= MAX_KEYS => Ok(Self(map)),
            Some(Ok(_)) => Err(ApiError::malformed(format!(
                "the body has more than {MAX_KEYS} keys"
            ))),
            Some(Err(error)) => Err(ApiError::malformed(format!(
                "the body must be a JSON object: {error}"
            ))),
            None => Ok(Self::default()),
        }
    }

    /// The same reader over an object inside a body.
    pub(crate) fn of(value: &Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(map) => Ok(Self(map.clone())),
            _ => Err(ApiError::malformed("expected a JSON object")),
        }
    }

    /// Everything that is there and not null.
    pub(crate) fn into_present(self) -> Map<String, Value> {
        self.0.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// The value of a key, if it is there and not null.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.0
            .get(key)
            .or_else(|| {
                self.0
                    .iter()
                    .find(|(found, _)| found.eq_ignore_ascii_case(key))
                    .map(|(_, value)| value)
            })
            .filter(|value| !value.is_null())
    }

    /// A text, if it is there.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, ApiError> {
        self.value(key)
            .map(|value| value.as_str().ok_or_else(|| wrong_type(key, "text")))
            .transpose()
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, key: &str) -> Result<&str, ApiError> {
        self.text(key)?
            .ok_or_else(|| ApiError::malformed(format!("`{key}` is missing")))
    }

    /// A secret text, if it is there.
    pub(crate) fn secret(&self, key: &str) -> Result<Option<Secret>, ApiError> {
        Ok(self.text(key)?.map(Secret::new))
    }

    /// true or false, if it is there.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, ApiError> {
        self.value(key)
            .map(|value| value.as_bool().ok_or_else(|| wrong_type(key, "true or false")))
            .transpose()
    }

    /// An array, if it is there.
    pub(crate) fn array(&self, key: &str) -> Result<Option<&[Value]>, ApiError> {
        self.value(key)
            .map(|value| {
                value
                    .as_array()
                    .map(Vec::as_slice)
                    .ok_or_else(|| wrong_type(key, "an array"))
            })
            .transpose()
    }
}

fn wrong_type(key: &str, expected: &str) -> ApiError {
    ApiError::malformed(format!("`{key}` must be {expected}"))
}

/// An object whose keys are unique, capitals aside: two spellings of one key would leave open which counts.
struct UniqueKeys(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = UniqueKeys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<UniqueKeys, A::Error> {
                let mut map = Map::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    if !seen.insert(key.to_ascii_lowercase()) {
                        return Err(serde::de::Error::custom(format_args!(
                            "key `{}` appears twice",
                            key.escape_debug()
                        )));
                    }
                    map.insert(key, value);
                }
                Ok(UniqueKeys(map))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send() {
        let fields = Fields::parse(br#"{"UserName":"a","Unknown":1,"isadmin":true,"x":null},"#).unwrap();
        assert_eq!(fields.required_text("username").unwrap(), "a");
        assert_eq!(fields.flag("isAdmin").unwrap(), Some(true));
        assert_eq!(fields.text("x").unwrap(), None);
        assert!(fields.required_text("missing").is_err());
        assert!(fields.text("isAdmin").is_err());
        for absent in [&b""[..], b" \r\n"] {
            assert!(Fields::parse(absent).unwrap().value("a").is_none());
        }
    }

    /// proxy-06, on our own surface: keys given twice, wrong types and depth.
    #[test]
    fn what_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        for bad in [
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","Name":"b"}"#,
            "[1]",
            "\"text\"",
            "{",
            "not json",
            "\u{feff}{}",
            deep.as_str(),
        ] {
            assert!(
                Fields::parse(bad.as_bytes()).is_err(),
                "{bad:.40} must be refused"
            );
        }
    }
}
