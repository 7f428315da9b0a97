//! Reads the JSON of a Kubernetes object, strictly: a field is absent, or it has the type that the API gives it.
//! Anything else is refused with the place, so that a field that cannot be read never counts as harmless.

use std::fmt;

use serde_json::{Map, Value};

/// A field that has not the type that the API gives it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: must be {expected}, found {found}; correct the field and try again")]
pub struct Unreadable {
    /// Where, such as `spec.containers[0].image`; `the object` for the whole.
    pub path: String,
    /// What it must be, such as `a boolean`.
    pub expected: &'static str,
    /// What it is, such as `a string`.
    pub found: &'static str,
}

/// A value and its place in the object.
#[derive(Clone)]
pub(crate) struct At<'v> {
    pub(crate) value: &'v Value,
    pub(crate) path: String,
}

impl fmt::Debug for At<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.value)
    }
}

impl<'v> At<'v> {
    /// The whole object.
    pub(crate) fn root(value: &'v Value) -> Self {
        Self {
            value,
            path: String::new(),
        }
    }

    /// A field of this object; none when it is absent or null.
    pub(crate) fn field(&self, name: &str) -> Result<Option<At<'v>>, Unreadable> {
        let value = self.object()?.get(name).filter(|value| !value.is_null());
        Ok(value.map(|value| At {
            value,
            path: join(&self.path, name),
        }))
    }

    /// The field at the end of several names; none when any of them is absent.
    pub(crate) fn descend(&self, names: &[&str]) -> Result<Option<At<'v>>, Unreadable> {
        let mut at = self.clone();
        for name in names {
            match at.field(name)? {
                Some(inner) => at = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// The members of an object.
    pub(crate) fn object(&self) -> Result<&'v Map<String, Value>, Unreadable> {
        self.value.as_object().ok_or_else(|| self.not("an object"))
    }

    /// The elements of an array.
    pub(crate) fn items(&self) -> Result<Vec<At<'v>>, Unreadable> {
        let items = self.value.as_array().ok_or_else(|| self.not("an array"))?;
        let items = items.iter().enumerate().map(|(index, value)| At {
            value,
            path: format!("{}[{index}]", self.path),
        });
        Ok(items.collect())
    }

    /// A string.
    pub(crate) fn text(&self) -> Result<&'v str, Unreadable> {
        self.value.as_str().ok_or_else(|| self.not("a string"))
    }

    /// A boolean.
    pub(crate) fn flag(&self) -> Result<bool, Unreadable> {
        self.value.as_bool().ok_or_else(|| self.not("a boolean"))
    }

    /// A whole number.
    pub(crate) fn integer(&self) -> Result<i64, Unreadable> {
        self.value.as_i64().ok_or_else(|| self.not("a whole number"))
    }

    /// The elements of the array in a field; none when it is absent.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<At<'v>>, Unreadable> {
        self.field(name)?.map_or(Ok(Vec::new()), |list| list.items())
    }

    /// The strings of the array in a field; none when it is absent.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&'v str>, Unreadable> {
        self.list(name)?.iter().map(At::text).collect()
    }

    /// The string in a field.
    pub(crate) fn text_of(&self, name: &str) -> Result<Option<&'v str>, Unreadable> {
        self.field(name)?.map(|at| at.text()).transpose()
    }

    /// The boolean in a field.
    pub(crate) fn flag_of(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        self.field(name)?.map(|at| at.flag()).transpose()
    }

    /// The whole number in a field.
    pub(crate) fn integer_of(&self, name: &str) -> Result<Option<i64>, Unreadable> {
        self.field(name)?.map(|at| at.integer()).transpose()
    }

    /// The pairs of strings in a field, such as labels.
    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<(&'v str, &'v str)>, Unreadable> {
        let Some(map) = self.field(name)? else {
            return Ok(Vec::new());
        };
        let pairs = map.object()?.iter().map(|(key, value)| {
            let at = At {
                value,
                path: format!("{}[{key}]", map.path),
            };
            at.text().map(|value| (key.as_str(), value))
        });
        pairs.collect()
    }

    /// One string of the pairs in a field.
    pub(crate) fn pair(&self, name: &str, key: &str) -> Result<Option<&'v str>, Unreadable> {
        let pairs = self.pairs(name)?;
        Ok(pairs
            .into_iter()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value))
    }

    /// The complaint that this is not what it must be.
    pub(crate) fn not(&self, expected: &'static str) -> Unreadable {
        unreadable(&self.path, expected, self.value)
    }
}

/// The place of a field in an object at `path`.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn unreadable(path: &str, expected: &'static str, found: &Value) -> Unreadable {
    Unreadable {
        path: if path.is_empty() { "the object" } else { path }.to_owned(),
        expected,
        found: kind(found),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The object at the end of several names, made where it is absent.
pub(crate) fn object_at<'v>(
    value: &'v mut Value,
    names: &[&str],
) -> Result<&'v mut Map<String, Value>, Unreadable> {
    let mut path = String::new();
    let mut value = value;
    for name in names {
        let map = as_object(value, &path)?;
        path = join(&path, name);
        let inner = map.entry(*name).or_insert(Value::Null);
        if inner.is_null() {
            *inner = Value::Object(Map::new());
        }
        value = inner;
    }
    as_object(value, &path)
}

/// The array in a field of an object, made where it is absent.
pub(crate) fn array_in<'v>(
    map: &'v mut Map<String, Value>,
    name: &str,
) -> Result<&'v mut Vec<Value>, Unreadable> {
    let inner = map.entry(name).or_insert(Value::Null);
    if inner.is_null() {
        *inner = Value::Array(Vec::new());
    }
    match inner {
        Value::Array(items) => Ok(items),
        other => Err(unreadable(name, "an array", other)),
    }
}

/// The value at the end of several names, to be changed; none when it is absent.
pub(crate) fn descend_mut<'v>(value: &'v mut Value, names: &[&str]) -> Option<&'v mut Value> {
    let mut value = value;
    for name in names {
        value = value.as_object_mut()?.get_mut(*name)?;
    }
    Some(value)
}

fn as_object<'v>(value: &'v mut Value, path: &str) -> Result<&'v mut Map<String, Value>, Unreadable> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(unreadable(path, "an object", other)),
    }
}
