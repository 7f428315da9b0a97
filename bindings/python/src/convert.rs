//! Values that both sides know as plain data: dictionaries, lists, texts, numbers.
//!
//! For what has many shapes and no behaviour (reports, plans, records). What is asked often, or does something, is a class.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use pythonize::{depythonize, pythonize};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::invalid;

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
/// `mke.errors.InvalidValueError` (a `ValueError`) that says where the data is not as expected.
pub(crate) fn from_python<T: DeserializeOwned>(what: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    depythonize(value).map_err(|error| invalid(what, &error.to_string()))
}

/// A word of a fixed list, as the library writes it in JSON; others are refused with the list.
///
/// # Errors
/// As [`from_python`].
pub(crate) fn word<T: DeserializeOwned>(py: Python<'_>, what: &str, text: &str) -> PyResult<T> {
    from_python(what, PyString::new(py, text).as_any())
}
