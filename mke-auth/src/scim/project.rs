//! Which attributes an answer holds: `attributes` and `excludedAttributes` (RFC 7644, section 3.9). `id` and
//! `schemas` are always there; what is not an attribute of the schema can be neither asked for nor shown (scim-14).

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::schema::{Named, Schema};

/// What is always answered.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// Which attributes were asked for, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    only: Option<Vec<String>>,
    except: Option<Vec<String>>,
}

impl Wanted {
    /// # Errors
    ///
    /// 400 when both lists are given: each excludes the other.
    pub(super) fn new(only: Option<Vec<String>>, except: Option<Vec<String>>) -> Result<Self, ScimError> {
        if only.is_some() && except.is_some() {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                "give either `attributes` or `excludedAttributes`",
            ));
        }
        Ok(Self { only, except })
    }

    /// Leaves in a resource what was asked for.
    pub(super) fn apply(&self, schema: &Schema, resource: &mut Map<String, Value>) {
        // Names that mean nothing are passed over: a client may ask several types at once.
        let named = |names: &[String]| -> Vec<Named> {
            let named = |name: &String| schema.named(name.trim(), ScimType::InvalidValue).ok();
            names.iter().filter_map(named).collect()
        };
        if let Some(only) = &self.only {
            let only = named(only);
            resource.retain(|name, value| {
                let mut asked = only
                    .iter()
                    .filter(|named| named.attribute.name == name)
                    .peekable();
                if ALWAYS.contains(&name.as_str()) {
                    return true;
                }
                if asked.peek().is_none() {
                    return false;
                }
                let parts: Option<Vec<&str>> = asked.map(|named| Some(named.part?.name)).collect();
                if let Some(parts) = parts {
                    each_object(value, |object| {
                        object.retain(|name, _| parts.contains(&name.as_str()))
                    });
                }
                true
            });
        }
        for named in named(self.except.as_deref().unwrap_or_default()) {
            match named.part {
                _ if ALWAYS.contains(&named.attribute.name) => {}
                None => {
                    resource.shift_remove(named.attribute.name);
                }
                Some(part) => {
                    if let Some(value) = resource.get_mut(named.attribute.name) {
                        each_object(value, |object| {
                            object.shift_remove(part.name);
                        });
                    }
                }
            }
        }
    }
}

fn each_object(value: &mut Value, mut change: impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(change),
        Value::Object(object) => change(object),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::USERS;
    use super::*;
    use serde_json::json;

    fn shown(only: Option<&str>, except: Option<&str>) -> Value {
        let mut resource = json!({
            "schemas": ["urn"], "id": "1", "userName": "jane", "active": true,
            "name": {"formatted": "Jane", "familyName": "Doe"},
            "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
        });
        let list = |text: Option<&str>| text.map(|text| text.split(',').map(str::to_owned).collect());
        let wanted = Wanted::new(list(only), list(except)).unwrap();
        wanted.apply(&USERS, resource.as_object_mut().unwrap());
        resource
    }

    #[test]
    fn lists_of_attributes() {
        for (only, except, expected) in [
            (
                Some("username, NAME.familyName"),
                None,
                json!({"schemas":["urn"],"id":"1","userName":"jane","name":{"familyName":"Doe"}}),
            ),
            (
                Some("name,name.formatted,emails.type"),
                None,
                json!({"schemas":["urn"],"id":"1","name":{"formatted":"Jane","familyName":"Doe"},
                    "emails":[{"type":"work"},{}]}),
            ),
            (
                Some("urn:ietf:params:scim:schemas:core:2.0:User:active"),
                None,
                json!({"schemas":["urn"],"id":"1","active":true}),
            ),
            (
                Some("password,nothing"),
                None,
                json!({"schemas":["urn"],"id":"1"}),
            ),
            (
                None,
                Some("id,schemas,emails,name.formatted,active"),
                json!({"schemas":["urn"],"id":"1","userName":"jane","name":{"familyName":"Doe"}}),
            ),
        ] {
            assert_eq!(shown(only, except), expected, "{only:?} {except:?}");
        }
        assert!(Wanted::new(Some(vec![]), Some(vec![])).is_err());
    }
}
