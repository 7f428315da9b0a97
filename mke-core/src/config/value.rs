//! A value of a key in any type, and how fields of the typed configuration give and take it.

use std::collections::BTreeMap;
use std::fmt;

use super::AuditLevel;
use super::key::Fallback;
use crate::secret::{Redacted, Secret};

/// The value of a key. `Display` writes it as TOML on one line, and stars for a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// true or false
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Text that is never shown.
    Secret(Secret),
    /// A list of texts.
    List(Vec<String>),
    /// Texts under names.
    Map(BTreeMap<String, String>),
}

impl Value {
    /// The value as TOML, secrets included: for files and the store, never for people.
    pub(super) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Secret(value) => value.expose().into(),
            Self::List(values) => values.iter().map(String::as_str).collect(),
            Self::Map(values) => values
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => Redacted.fmt(f),
            Self::Text(text) => write!(f, "\"{}\"", text.escape_debug()),
            other => other.to_toml().fmt(f),
        }
    }
}

/// A type that a field of the configuration may have.
pub(super) trait Field: Sized {
    /// The field where the file says nothing. A declaration whose default does not fit the type is found by the
    /// test that compares every default with its field.
    fn fallback(fallback: Fallback) -> Self;

    /// The value, if there is one.
    fn to_value(&self) -> Option<Value>;

    /// Takes a value that was checked against the key; says whether its type fits.
    fn assign(&mut self, value: &Value) -> bool;
}

impl Field for bool {
    fn fallback(fallback: Fallback) -> Self {
        fallback == Fallback::Bool(true)
    }

    fn to_value(&self) -> Option<Value> {
        Some(Value::Bool(*self))
    }

    fn assign(&mut self, value: &Value) -> bool {
        let Value::Bool(value) = value else { return false };
        *self = *value;
        true
    }
}

macro_rules! integer_field {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn fallback(fallback: Fallback) -> Self {
                match fallback {
                    Fallback::Integer(value) => Self::try_from(value).unwrap_or_default(),
                    _ => 0,
                }
            }

            fn to_value(&self) -> Option<Value> {
                Some(Value::Integer(i64::from(*self)))
            }

            fn assign(&mut self, value: &Value) -> bool {
                let Value::Integer(value) = value else { return false };
                Self::try_from(*value).is_ok_and(|value| {
                    *self = value;
                    true
                })
            }
        }
    )*};
}

integer_field!(u16, u32, i64);

impl Field for String {
    fn fallback(fallback: Fallback) -> Self {
        match fallback {
            Fallback::Text(text) => text.to_owned(),
            _ => Self::new(),
        }
    }

    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }

    fn assign(&mut self, value: &Value) -> bool {
        let Value::Text(value) = value else { return false };
        self.clone_from(value);
        true
    }
}

impl Field for Secret {
    fn fallback(fallback: Fallback) -> Self {
        Self::new(String::fallback(fallback))
    }

    fn to_value(&self) -> Option<Value> {
        Some(Value::Secret(self.clone()))
    }

    fn assign(&mut self, value: &Value) -> bool {
        let Value::Secret(value) = value else { return false };
        *self = value.clone();
        true
    }
}

impl Field for Vec<String> {
    fn fallback(fallback: Fallback) -> Self {
        match fallback {
            Fallback::List(values) => values.iter().map(|&value| value.to_owned()).collect(),
            _ => Self::new(),
        }
    }

    fn to_value(&self) -> Option<Value> {
        Some(Value::List(self.clone()))
    }

    fn assign(&mut self, value: &Value) -> bool {
        let Value::List(values) = value else { return false };
        self.clone_from(values);
        true
    }
}

impl Field for BTreeMap<String, String> {
    fn fallback(_: Fallback) -> Self {
        Self::new()
    }

    fn to_value(&self) -> Option<Value> {
        Some(Value::Map(self.clone()))
    }

    fn assign(&mut self, value: &Value) -> bool {
        let Value::Map(values) = value else { return false };
        self.clone_from(values);
        true
    }
}

impl Field for AuditLevel {
    fn fallback(fallback: Fallback) -> Self {
        Self::from_text(&String::fallback(fallback)).unwrap_or_default()
    }

    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.as_str().to_owned()))
    }

    fn assign(&mut self, value: &Value) -> bool {
        let Value::Text(text) = value else { return false };
        let Some(level) = Self::from_text(text) else {
            return false;
        };
        *self = level;
        true
    }
}

/// A key without a default: `None` until the file gives a value.
impl<T: Field> Field for Option<T> {
    fn fallback(fallback: Fallback) -> Self {
        match fallback {
            Fallback::Unset => None,
            given => Some(T::fallback(given)),
        }
    }

    fn to_value(&self) -> Option<Value> {
        self.as_ref().and_then(T::to_value)
    }

    fn assign(&mut self, value: &Value) -> bool {
        let mut new = T::fallback(Fallback::Unset);
        let fits = new.assign(value);
        if fits {
            *self = Some(new);
        }
        fits
    }
}
