//! Values that both sides know as plain data: dictionaries, lists, texts, numbers.
//!
//! For what has many shapes and no behaviour (reports, plans, records). What is asked often, or does something, is a class.

use pyo3::prelude::*;
use pythonize::{depythonize, pythonize};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::invalid;

/// Plain data for Python, in the shape of the value's JSON.
pub(crate) fn to_python<'py, T: Serialize>(py: Python<'py>, value: &T) -> PyResult<Bound<'py, PyAny>> {
    pythonize(py, value).map_err(|error| invalid("result", &error.to_string()))
}

/// What plain data of Python says; `what` names it in the error.
///
/// # Errors
/// `mke.errors.InvalidValueError` (a `ValueError`) that says where the data is not as expected.
pub(crate) fn from_python<T: DeserializeOwned>(what: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    depythonize(value).map_err(|error| invalid(what, &error.to_string()))
}
