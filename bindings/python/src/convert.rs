//! Values that both sides know as plain data: dictionaries, lists, texts, numbers.
//!
//! For what has many shapes and no behaviour (reports, plans, records). What is asked often, or does something, is a class.

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyList, PyMapping, PySequence, PyString, PyTuple,
};
use pythonize::{depythonize, pythonize};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::invalid;

/// How deep plain data may be: as deep as JSON. Reading is recursive, and the stack of a thread has an end.
const DEEPEST: usize = 128;

/// Plain data for Python, in the shape of the value's JSON.
pub(crate) fn to_python<'py, T: Serialize>(py: Python<'py>, value: &T) -> PyResult<Bound<'py, PyAny>> {
    pythonize(py, value).map_err(|error| invalid("result", &error.to_string()))
}

/// A `mke.Table` of records that are objects of Python, or become them.
pub(crate) fn table<'py, R>(py: Python<'py>, rows: Vec<R>, columns: &[&str]) -> PyResult<Bound<'py, PyAny>>
where
    R: IntoPyObject<'py>,
{
    let list = PyList::empty(py);
    for row in rows {
        list.append(row)?;
    }
    let columns = PyTuple::new(py, columns)?;
    py.import("mke._table")?.getattr("Table")?.call1((list, columns))
}

/// A `mke.Table` of records that are plain data: a dictionary for each.
pub(crate) fn records<'py, T: Serialize>(
    py: Python<'py>,
    rows: &[T],
    columns: &[&str],
) -> PyResult<Bound<'py, PyAny>> {
    let rows = rows
        .iter()
        .map(|row| to_python(py, row))
        .collect::<PyResult<Vec<_>>>()?;
    table(py, rows, columns)
}

/// What plain data of Python says; `what` names it in the error.
///
/// # Errors
/// `mke.errors.InvalidValueError` (a `ValueError`) that says where the data is not as expected, or that it is too deep: lists in lists
/// in lists, or one that holds itself.
pub(crate) fn from_python<T: DeserializeOwned>(what: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    is_shallow(what, value)?;
    depythonize(value).map_err(|error| invalid(what, &error.to_string()))
}

/// Refuses what is deeper than [`DEEPEST`]. The innermost is looked at first, so what holds itself is found at once.
fn is_shallow(what: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut waiting = Vec::new();
    if may_hold(value) {
        waiting.push((value.clone(), 0));
    }
    while let Some((value, depth)) = waiting.pop() {
        if depth > DEEPEST {
            let why = format!("it is more than {DEEPEST} levels deep, or holds itself");
            return Err(invalid(what, &why));
        }
        let inside = match value.cast::<PyMapping>() {
            Ok(mapping) => mapping.values()?.into_any(),
            Err(_) if value.is_instance_of::<PySequence>() => value,
            Err(_) => continue,
        };
        for item in inside.try_iter()? {
            let item = item?;
            if may_hold(&item) {
                waiting.push((item, depth + 1));
            }
        }
    }
    Ok(())
}

/// Whether a value is none of the plain ones, which hold nothing; texts are sequences as well.
fn may_hold(value: &Bound<'_, PyAny>) -> bool {
    !(value.is_none()
        || value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyBool>()
        || value.is_instance_of::<PyFloat>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>())
}

/// A word of a fixed list, as the library writes it in JSON; others are refused with the list.
///
/// # Errors
/// As [`from_python`].
pub(crate) fn word<T: DeserializeOwned>(py: Python<'_>, what: &str, text: &str) -> PyResult<T> {
    from_python(what, PyString::new(py, text).as_any())
}
