//! Names that Python code writes, and the numbers behind them.

use mke_rbac::inquiry::InquiryError;
use mke_rbac::operation::{Modifier, ModifierSet, Operation};
use mke_rbac::{CollectionRow, Prepared, UserRow};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::errors::{OrRaise as _, invalid};

/// A user; nothing for `None`, which is a request without credentials.
pub(super) fn user<'p>(prepared: &'p Prepared, name: &Bound<'_, PyAny>) -> PyResult<Option<UserRow<'p>>> {
    if name.is_none() {
        return Ok(None);
    }
    match find(name, |name| prepared.find_user(name)) {
        Some(user) => Ok(Some(user)),
        None => Err(unknown("subject", "user", name)),
    }
}

/// A collection.
pub(super) fn collection<'p>(prepared: &'p Prepared, path: &Bound<'_, PyAny>) -> PyResult<CollectionRow<'p>> {
    let found = find(path, |path| prepared.find_collection(path));
    found.ok_or_else(|| unknown("collection", "collection", path))
}

/// Looks a text up. What is no text, or cannot be written in UTF-8, is no name of anything.
fn find<T>(name: &Bound<'_, PyAny>, find: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let text = name.cast::<PyString>().ok()?.encode_utf8().ok()?;
    find(text.as_bytes())
}

/// What an operation is called.
pub(super) fn operation(name: &Bound<'_, PyAny>) -> PyResult<Operation> {
    static OPERATIONS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let py = name.py();
    let operations = OPERATIONS.get_or_try_init(py, || {
        let operations = PyDict::new(py);
        for (position, operation) in Operation::ALL.iter().enumerate() {
            operations.set_item(PyString::intern(py, operation.name()), position)?;
        }
        Ok::<_, PyErr>(operations.unbind())
    })?;
    let position: Option<usize> = match operations.bind(py).get_item(name)? {
        Some(position) => position.extract().map(Some)?,
        None => None,
    };
    position
        .and_then(|position| Operation::ALL.get(position).copied())
        .ok_or_else(|| unknown("operation", "operation", name))
}

/// What modifiers are called.
pub(super) fn modifiers(names: &Bound<'_, PyTuple>) -> PyResult<ModifierSet> {
    let mut set = ModifierSet::EMPTY;
    for name in names.iter() {
        let text = name.extract::<String>()?;
        let modifier = Modifier::from_name(&text).ok_or_else(|| unknown("modifiers", "modifier", &name))?;
        set.insert(modifier);
    }
    Ok(set)
}

/// A name that stands for nothing, or what is no name at all.
fn unknown(field: &'static str, what: &'static str, name: &Bound<'_, PyAny>) -> PyErr {
    match name.cast::<PyString>() {
        Ok(name) => {
            match Err::<(), _>(InquiryError::unknown(field, what, &name.to_string_lossy())).or_raise() {
                Err(error) => error,
                Ok(()) => invalid(field, "is unknown"),
            }
        }
        Err(_) => match name.get_type().name() {
            Ok(kind) => invalid(field, &format!("must be a name (str), found {kind}")),
            Err(error) => error,
        },
    }
}
