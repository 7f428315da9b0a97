//! Reads JSON so that it can mean one thing only: names of members are compared without their capitals (RFC 7643,
//! section 2.1), so a name that comes twice, in whatever spelling and however deep, is refused (scim-15).

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::{ScimError, ScimType};
use super::message::MAX_BODY;

/// Most values in one body, so that many small ones do not take much more memory than the body.
const MAX_VALUES: usize = 200_000;

/// Reads a whole body, which must be one object.
///
/// # Errors
///
/// 413 for too many bytes, 400 for text that is no JSON object, is nested more than 128 levels deep, has something
/// after the object, or has a member twice.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ScimError> {
    if body.len() > MAX_BODY {
        return Err(ScimError::new(
            413,
            format!("the body has {} bytes, at most {MAX_BODY} are taken", body.len()),
        ));
    }
    let bad = |detail: String| ScimError::bad(ScimType::InvalidSyntax, detail);
    let Unique(value) = serde_json::from_slice(body)
        .map_err(|error| bad(format!("the body must be a JSON object: {error}")))?;
    if count(&value) > MAX_VALUES {
        return Err(ScimError::new(413, "the body holds too many values"));
    }
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(bad("the body must be a JSON object".to_owned())),
    }
}

/// The value of a member, whatever its capitals.
pub(super) fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members
        .iter()
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn count(value: &Value) -> usize {
    // No recursion without a bound: the reader refuses more than 128 levels.
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        let mut seen = HashSet::new();
        while let Some((name, Unique(value))) = access.next_entry::<String, Unique>()? {
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(A::Error::custom(format_args!(
                    "member `{}` appears twice",
                    name.escape_debug()
                )));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scim-15: names that differ in capitals only, and names given twice, at every depth.
    #[test]
    fn sec_scim_15_names_twice_are_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        for bad in [
            r#"{"active":true,"active":false}"#,
            r#"{"active":true,"Active":false}"#,
            r#"{"name":{"formatted":"a","FORMATTED":"b"}}"#,
            r#"{"Operations":[{"op":"add","OP":"remove"}]}"#,
            r#"[{"userName":"x"}]"#,
            r#"{"userName":"x"} {"userName":"y"}"#,
            r#"{"userName":"x"},"#,
            "\u{feff}{}",
            "",
            "{",
            "null",
            deep.as_str(),
        ] {
            assert_eq!(object(bad.as_bytes()).unwrap_err().status, 400, "{bad:.40}");
        }
        let fine = object(br#"{"a":{"b":[1,-1,1.5,"c",true,null]}}"#).unwrap();
        assert_eq!(
            Value::Object(fine),
            serde_json::json!({"a":{"b":[1,-1,1.5,"c",true,null]}})
        );
    }

    /// scim-18, G-02: each limit, and one beyond it.
    #[test]
    fn limits() {
        let sized = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert!(object(sized(MAX_BODY).as_bytes()).is_ok());
        assert_eq!(object(sized(MAX_BODY + 1).as_bytes()).unwrap_err().status, 413);
        let valued = |values: usize| format!("{{\"a\":[{}]}}", vec!["1"; values - 2].join(","));
        assert!(object(valued(MAX_VALUES).as_bytes()).is_ok());
        assert_eq!(object(valued(MAX_VALUES + 1).as_bytes()).unwrap_err().status, 413);
    }

    #[test]
    fn members_are_found_in_any_spelling() {
        let members = object(br#"{"UserName":"x"}"#).unwrap();
        assert_eq!(member(&members, "username"), Some(&Value::from("x")));
        assert_eq!(member(&members, "user"), None);
    }
}
