//! Values of keys: which Python object a value is, and which value a Python object is for a key.

use mke_core::config::{Key, Kind, Value};
use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyMapping, PyString, PyTuple};

use super::secret::Secret;
use crate::errors::invalid;

/// The value as Python knows it; a secret is a `Secret`.
pub(super) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Bool(on) => on.into_bound_py_any(py),
        Value::Integer(number) => number.into_bound_py_any(py),
        Value::Text(text) => text.into_bound_py_any(py),
        Value::Secret(secret) => Secret(secret.clone()).into_bound_py_any(py),
        Value::List(texts) => texts.into_bound_py_any(py),
        Value::Map(texts) => texts.into_bound_py_any(py),
    }
}

/// The same, `None` where there is no value.
pub(super) fn or_none<'py>(py: Python<'py>, value: Option<&Value>) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Some(value) => to_python(py, value),
        None => Ok(py.None().into_bound(py)),
    }
}

/// What a Python object says as the value of a key. Nothing is converted on the way: `1` is no `True` and `"1"` no `1`.
///
/// # Errors
/// `InvalidValueError` that says what the key takes. The object itself is not in it: it may be a secret.
pub(super) fn from_python(path: &str, key: &Key, object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let found = match key.kind {
        Kind::Bool => object.cast::<PyBool>().ok().map(|on| Value::Bool(on.is_true())),
        Kind::Integer => match object.cast::<PyBool>() {
            Ok(_) => None,
            Err(_) => object
                .cast::<PyInt>()
                .ok()
                .and_then(|number| number.extract().ok())
                .map(Value::Integer),
        },
        Kind::Text if key.secret => match object.cast::<Secret>() {
            Ok(secret) => Some(Value::Secret(secret.get().0.clone())),
            Err(_) => text(object)?.map(|text| Value::Secret(text.into())),
        },
        Kind::Text => text(object)?.map(Value::Text),
        Kind::List => texts(object)?.map(Value::List),
        Kind::Map => match object.cast::<PyMapping>() {
            Ok(map) => {
                let mut pairs = Vec::new();
                for item in map.items()?.iter() {
                    let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
                    pairs.push(text(&name)?.zip(text(&value)?));
                }
                pairs.into_iter().collect::<Option<_>>().map(Value::Map)
            }
            Err(_) => None,
        },
    };
    found.ok_or_else(|| {
        let kind = object.get_type().name().map_or_else(
            |_| "something else".to_owned(),
            |name| format!("an object of type {name}"),
        );
        invalid(path, &format!("{} is needed, this is {kind}", key.expected()))
    })
}

fn text(object: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    match object.cast::<PyString>() {
        Ok(text) => text.to_cow().map(|text| Some(text.into_owned())),
        Err(_) => Ok(None),
    }
}

/// A list or tuple of texts. A text is a sequence of texts as well, and never meant.
fn texts(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    if !object.is_instance_of::<PyList>() && !object.is_instance_of::<PyTuple>() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for item in object.try_iter()? {
        found.push(text(&item?)?);
    }
    Ok(found.into_iter().collect())
}

/// What stands in a TOML text as a value, secret where the key is one.
pub(super) fn written<'py>(py: Python<'py>, toml: &str, secret: bool) -> PyResult<Bound<'py, PyAny>> {
    let value: toml_edit::Value = toml
        .parse()
        .map_err(|error| invalid("value", &format!("{toml} is no value of TOML: {error}")))?;
    plain(py, &value, secret)
}

fn plain<'py>(py: Python<'py>, value: &toml_edit::Value, secret: bool) -> PyResult<Bound<'py, PyAny>> {
    use toml_edit::Value as Toml;
    match value {
        Toml::String(text) if secret => {
            Secret(mke_core::secret::Secret::new(text.value().as_str())).into_bound_py_any(py)
        }
        Toml::String(text) => text.value().into_bound_py_any(py),
        Toml::Integer(number) => number.value().into_bound_py_any(py),
        Toml::Float(number) => number.value().into_bound_py_any(py),
        Toml::Boolean(on) => on.value().into_bound_py_any(py),
        // No key of the product is a date: its text says enough.
        Toml::Datetime(date) => date.value().to_string().into_bound_py_any(py),
        Toml::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(plain(py, item, secret)?)?;
            }
            Ok(list.into_any())
        }
        Toml::InlineTable(entries) => {
            let dict = PyDict::new(py);
            for (name, item) in entries {
                dict.set_item(name, plain(py, item, secret)?)?;
            }
            Ok(dict.into_any())
        }
    }
}
