//! The known structure of bodies, and the one spelling of their keys.
//!
//! The Engine is written in Go, whose JSON reader matches `privileged` and even `ſecurityopt` with its fields. So
//! keys of known structures are brought to the field's own name before anything is looked at, and fields that
//! are not known are reported: nobody can say what they would do (proxy-06, proxy-07).

use serde_json::{Map, Value};

/// What a part of a body looks like. `null` fits everywhere: to Go it means "not set".
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Not looked at, passed on as it is.
    Any,
    /// `true` or `false`.
    Bool,
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A list of this.
    List(&'static Shape),
    /// Keys of the caller's choice, with values like this.
    Map(&'static Shape),
    /// Known fields.
    Object(&'static [Field]),
}

/// The name of a field and what is in it.
pub(super) type Field = (&'static str, Shape);

/// A list of texts.
pub(super) const TEXTS: Shape = Shape::List(&Shape::Text);
/// Keys and texts, such as labels.
pub(super) const TEXT_MAP: Shape = Shape::Map(&Shape::Text);

/// Why a body does not have the form of its endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A value of another kind than the field has.
    #[error("`{place}` must be {expected}")]
    Kind {
        /// Where in the body, as in `HostConfig.Privileged`.
        place: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Two spellings of one field.
    #[error("`{place}` is given twice, in different spellings")]
    Twice {
        /// The field.
        place: String,
    },
}

/// A body in its one spelling, and the fields that nobody knows.
pub(super) struct Canonical {
    pub(super) value: Value,
    pub(super) unknown: Vec<String>,
}

/// Brings a body to the spelling of its shape.
pub(super) fn canonical(value: Value, shape: &Shape) -> Result<Canonical, ShapeError> {
    let mut unknown = Vec::new();
    let value = walk(value, shape, "", &mut unknown)?;
    Ok(Canonical { value, unknown })
}

fn walk(value: Value, shape: &Shape, place: &str, unknown: &mut Vec<String>) -> Result<Value, ShapeError> {
    let wrong = |expected| ShapeError::Kind {
        place: if place.is_empty() { "the body" } else { place }.to_owned(),
        expected,
    };
    match (shape, value) {
        (Shape::Object(_), Value::Null) if place.is_empty() => Err(wrong("an object")),
        (_, Value::Null) => Ok(Value::Null),
        (Shape::Any, value) => Ok(value),
        (Shape::Bool, value) if value.is_boolean() => Ok(value),
        (Shape::Bool, _) => Err(wrong("true or false")),
        (Shape::Text, value) if value.is_string() => Ok(value),
        (Shape::Text, _) => Err(wrong("text")),
        (Shape::Integer, value) if value.is_i64() || value.is_u64() => Ok(value),
        (Shape::Integer, _) => Err(wrong("a whole number")),
        (Shape::List(inner), Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(position, item)| walk(item, inner, &format!("{place}[{position}]"), unknown))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        (Shape::List(_), _) => Err(wrong("a list")),
        (Shape::Map(inner), Value::Object(map)) => map
            .into_iter()
            .map(|(key, item)| Ok((key.clone(), walk(item, inner, &below(place, &key), unknown)?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object),
        (Shape::Map(_), _) => Err(wrong("an object")),
        (Shape::Object(fields), Value::Object(map)) => fields_of(map, fields, place, unknown),
        (Shape::Object(_), _) => Err(wrong("an object")),
    }
}

fn fields_of(
    map: Map<String, Value>,
    fields: &[Field],
    place: &str,
    unknown: &mut Vec<String>,
) -> Result<Value, ShapeError> {
    let mut out = Map::with_capacity(map.len());
    let mut folded: Vec<String> = Vec::new();
    for (key, item) in map {
        match fields.iter().find(|(name, _)| same_field(name, &key)) {
            Some((name, shape)) => {
                let place = below(place, name);
                let item = walk(item, shape, &place, unknown)?;
                if out.insert((*name).to_owned(), item).is_some() {
                    return Err(ShapeError::Twice { place });
                }
            }
            // A field of a newer API at its zero value says nothing: newer clients send such.
            None if is_zero(&item) => {}
            None => {
                let place = below(place, &key);
                let fold = fold(&key);
                if folded.contains(&fold) {
                    return Err(ShapeError::Twice { place });
                }
                folded.push(fold);
                unknown.push(place);
                out.insert(key, item);
            }
        }
    }
    Ok(Value::Object(out))
}

/// Whether Go would take the value for "not set".
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

/// Whether Go's JSON reader takes `key` for the field `name`.
pub(super) fn same_field(name: &str, key: &str) -> bool {
    key == name || fold(key) == fold(name)
}

/// Small letters, with the two characters outside ASCII that Go folds into it.
fn fold(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            '\u{017f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}
