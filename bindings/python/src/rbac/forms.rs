//! What Python code writes about accounts, objects and questions, in the forms that the library reads.

use std::fmt::Display;

use mke_rbac::inquiry::{self, Inquiry, InquiryError};
use mke_rbac::state::WorldRecord;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyTuple};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::convert::from_python;
use crate::errors::OrRaise as _;

/// Reads an inquiry from plain data, so that a complaint names the field.
pub(super) fn inquiry<I: Inquiry>(form: &Bound<'_, PyAny>) -> PyResult<I> {
    let value: Value = from_python("question", form)?;
    inquiry::read(value).or_raise()
}

/// Reads anything else from plain data, so that a complaint names the field.
pub(crate) fn read<T: DeserializeOwned>(what: &str, form: &Bound<'_, PyAny>) -> PyResult<T> {
    let value: Value = from_python(what, form)?;
    serde_json::from_value(value)
        .map_err(|error| complaint(what, error))
        .or_raise()
}

/// Reads any iterable of plain data.
pub(super) fn read_list<T: DeserializeOwned>(what: &str, form: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
    let items = form.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    read(what, items.into_pyobject(form.py())?.as_any())
}

fn complaint(what: &str, error: impl Display) -> InquiryError {
    InquiryError::field(what, error.to_string())
}

/// A question with the user who asks.
pub(super) fn question<'py>(
    py: Python<'py>,
    subject: Option<String>,
    question: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let form = PyDict::new(py);
    form.update(question.cast::<PyMapping>()?)?;
    if let Some(subject) = subject {
        form.set_item("user", subject)?;
    }
    Ok(form)
}

/// The parts of a policy as keywords, in the form of a world in a state file. Names alone stand for what has nothing
/// else to say, and a grant may be three texts.
pub(super) fn world(parts: &Bound<'_, PyDict>) -> PyResult<WorldRecord> {
    let py = parts.py();
    let form = PyDict::new(py);
    for (key, value) in parts.iter() {
        if value.is_none() {
            continue;
        }
        let value = match key.extract::<String>()?.as_str() {
            "users" | "orgs" => by_name(&value)?,
            "grants" => grants(&value)?,
            "collections" | "resources" => value
                .try_iter()?
                .collect::<PyResult<Vec<_>>>()?
                .into_pyobject(py)?,
            _ => value,
        };
        form.set_item(key, value)?;
    }
    read("policy", form.as_any())
}

/// A list of names as a mapping to nothing else.
fn by_name<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if value.cast::<PyMapping>().is_ok() {
        return Ok(value.clone());
    }
    let names = PyDict::new(value.py());
    for name in value.try_iter()? {
        names.set_item(name?, PyDict::new(value.py()))?;
    }
    Ok(names.into_any())
}

/// Grants; those without an id get one.
fn grants<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let all = PyList::empty(py);
    for (position, grant) in value.try_iter()?.enumerate() {
        let grant = grant?;
        let form = PyDict::new(py);
        form.set_item("id", format!("grant-{position}"))?;
        match grant.cast::<PyTuple>() {
            Ok(parts) => {
                let (subject, role, collection): (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>) =
                    parts.extract()?;
                form.set_item("subject", subject)?;
                form.set_item("role", role)?;
                form.set_item("collection", collection)?;
            }
            Err(_) => form.update(grant.cast::<PyMapping>()?)?,
        }
        all.append(form)?;
    }
    Ok(all.into_any())
}
