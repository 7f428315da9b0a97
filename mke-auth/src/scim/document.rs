//! Turns what clients send into a document: an object whose members are attributes of the schema in its own
//! spelling, with values of the right type, and nothing else.
//!
//! Attributes that are not kept are left out without an error, because clients send all they know. Attributes that
//! only this side writes (`id`, `meta`, `schemas`) are left out too.

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::json;
use super::schema::{Attribute, Kind, Mutability, Schema, fold};

/// A resource, as far as clients may write it.
pub(super) type Document = Map<String, Value>;

/// Most values of one attribute. Judgement: a group of a large company.
pub(super) const MAX_MULTI: usize = 20_000;

/// Reads a resource that was sent.
///
/// # Errors
///
/// 400 for another schema and for values that do not fit.
pub(super) fn read(schema: &Schema, body: &Map<String, Value>) -> Result<Document, ScimError> {
    check_schemas(schema.urn, body)?;
    let mut document = Document::new();
    for (name, value) in body {
        let attribute = schema.attribute(name);
        if let Some(attribute) = attribute.filter(|found| found.mutability != Mutability::ReadOnly)
            && let Some(value) = read_value(attribute, value)?
        {
            document.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(document)
}

/// A body that names schemas names the right one. Many clients name none in short bodies.
pub(super) fn check_schemas(urn: &str, body: &Map<String, Value>) -> Result<(), ScimError> {
    let named = match json::member(body, "schemas") {
        None | Some(Value::Null) => true,
        Some(Value::Array(urns)) => urns.iter().any(|found| {
            found
                .as_str()
                .is_some_and(|found| found.eq_ignore_ascii_case(urn))
        }),
        Some(_) => false,
    };
    if named {
        Ok(())
    } else {
        Err(ScimError::bad(
            ScimType::InvalidSyntax,
            format!("`schemas` must be an array that holds `{urn}`"),
        ))
    }
}

/// The value of an attribute with everything that it may hold; `None` when it is empty, which is the same as absent
/// (RFC 7643, section 2.5).
pub(super) fn read_value(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !attribute.multi_valued {
        return read_one(attribute, value);
    }
    let items = match value {
        Value::Null => return Ok(None),
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    if items.len() > MAX_MULTI {
        return Err(invalid(
            attribute,
            &format!("must have at most {MAX_MULTI} values"),
        ));
    }
    let mut read = Vec::with_capacity(items.len());
    for item in items {
        read.extend(read_one(attribute, item)?);
    }
    if read.iter().filter(|item| is_primary(item)).count() > 1 {
        return Err(invalid(attribute, "must have at most one primary value"));
    }
    Ok((!read.is_empty()).then_some(Value::Array(read)))
}

/// One value of an attribute.
pub(super) fn read_one(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let read = match (attribute.kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Text | Kind::Reference(_) | Kind::Moment, Value::String(text)) => {
            return Ok((!text.is_empty()).then(|| Value::from(text.as_str())));
        }
        // Ids that other systems give are texts here, whatever they look like (scim-03).
        (Kind::Text, Value::Number(number)) if attribute.name == "externalId" => {
            Value::String(number.to_string())
        }
        (Kind::Flag, Value::Bool(_)) => value.clone(),
        // Some clients write truth values as texts (scim-08).
        (Kind::Flag, Value::String(text)) => match fold(text).as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(invalid(attribute, "must be true or false")),
        },
        (Kind::Complex(parts), Value::Object(members)) => {
            let mut read = Map::new();
            for part in parts {
                if let Some(value) = json::member(members, part.name)
                    && let Some(value) = read_one(part, value)?
                {
                    read.insert(part.name.to_owned(), value);
                }
            }
            if read.is_empty() {
                return Ok(None);
            }
            for part in parts.iter().filter(|part| part.required) {
                if !read.contains_key(part.name) {
                    return Err(invalid(attribute, &format!("must have a `{}`", part.name)));
                }
            }
            Value::Object(read)
        }
        // The short form of a value that has nothing but itself.
        (Kind::Complex(_), Value::String(_)) if attribute.multi_valued => {
            let mut read = Map::new();
            read.insert("value".to_owned(), value.clone());
            Value::Object(read)
        }
        (Kind::Text | Kind::Reference(_) | Kind::Moment, _) => {
            return Err(invalid(attribute, "must be a text"));
        }
        (Kind::Flag, _) => return Err(invalid(attribute, "must be true or false")),
        (Kind::Complex(_), _) => return Err(invalid(attribute, "must be an object")),
    };
    Ok(Some(read))
}

/// Whether a value of a multi-valued attribute is the preferred one.
pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary").and_then(Value::as_bool) == Some(true)
}

pub(super) fn invalid(attribute: &Attribute, why: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, format!("`{}` {why}", attribute.name))
}

#[cfg(test)]
mod tests {
    use super::super::schema::{GROUPS, USERS};
    use super::*;
    use serde_json::json;

    fn document(schema: &Schema, body: Value) -> Result<Value, ScimError> {
        read(schema, body.as_object().unwrap()).map(Value::Object)
    }

    #[test]
    fn spelling_types_and_the_unknown() {
        let read = document(
            &USERS,
            json!({
                "schemas": ["URN:ietf:params:scim:schemas:core:2.0:User", "urn:other"],
                "USERNAME": "jane",
                "id": "x", "meta": {"version": "y"}, "password": "canary", "phoneNumbers": [{"value": "1"}],
                "externalid": 42,
                "active": "False",
                "displayName": "",
                "name": {"Formatted": "Jane", "middleName": "x", "familyName": null},
                "emails": [{"VALUE": "a@b", "primary": "true", "operation": "x"}, "c@d", null],
            }),
        );
        assert_eq!(
            read.unwrap(),
            json!({
                "userName": "jane", "externalId": "42", "active": false,
                "name": {"formatted": "Jane"},
                "emails": [{"value": "a@b", "primary": true}, {"value": "c@d"}],
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (schema, body) in [
            (&USERS, json!({"schemas": ["urn:other"], "userName": "x"})),
            (
                &USERS,
                json!({"schemas": "urn:ietf:params:scim:schemas:core:2.0:User"}),
            ),
            (&USERS, json!({"userName": 1})),
            (&USERS, json!({"userName": ["x"]})),
            (&USERS, json!({"active": "yes"})),
            (&USERS, json!({"active": 1})),
            (&USERS, json!({"name": "Jane"})),
            (&USERS, json!({"emails": [{"type": "work"}]})),
            (&USERS, json!({"emails": [1]})),
            (
                &USERS,
                json!({"emails": [{"value":"a","primary":true},{"value":"b","primary":true}]}),
            ),
            (&GROUPS, json!({"members": [{"display": "x", "type": "User"}]})),
            (&GROUPS, json!({"members": vec!["x"; MAX_MULTI + 1]})),
        ] {
            let error = document(schema, body.clone()).expect_err(&body.to_string());
            assert_eq!(error.status, 400);
        }
        assert!(document(&GROUPS, json!({"members": vec!["x"; MAX_MULTI]})).is_ok());
    }
}
