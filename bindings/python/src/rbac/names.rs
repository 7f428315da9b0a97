//! Names that Python code writes, and the numbers behind them. A dictionary of Python finds a text whose hash is known
//! already, without a copy of it, in the time that everything else would need to read it.

use mke_rbac::Prepared;
use mke_rbac::inquiry::InquiryError;
use mke_rbac::operation::{Modifier, ModifierSet, Operation};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::errors::{OrRaise as _, invalid};

/// Positions of users and collections, by name and path.
#[derive(Debug)]
pub(super) struct Positions {
    users: Py<PyDict>,
    collections: Py<PyDict>,
}

impl Positions {
    pub(super) fn of(py: Python<'_>, prepared: &Prepared) -> PyResult<Self> {
        let users = PyDict::new(py);
        for (position, user) in prepared.users().enumerate() {
            users.set_item(&user.name, position)?;
        }
        let collections = PyDict::new(py);
        for (position, collection) in prepared.collections().enumerate() {
            collections.set_item(collection.path.as_str(), position)?;
        }
        Ok(Self {
            users: users.unbind(),
            collections: collections.unbind(),
        })
    }

    /// The names of all users, in order.
    pub(super) fn users<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        self.users.bind(py).keys().to_tuple()
    }

    /// The paths of all collections, in order.
    pub(super) fn collections<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        self.collections.bind(py).keys().to_tuple()
    }

    /// The position of a user; nothing for `None`, which is a request without credentials.
    pub(super) fn user(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        if name.is_none() {
            return Ok(None);
        }
        match self.users.bind(name.py()).get_item(name)? {
            Some(position) => position.extract().map(Some),
            None => Err(unknown("subject", "user", name)),
        }
    }

    /// The position of a collection.
    pub(super) fn collection(&self, path: &Bound<'_, PyAny>) -> PyResult<usize> {
        match self.collections.bind(path.py()).get_item(path)? {
            Some(position) => position.extract(),
            None => Err(unknown("collection", "collection", path)),
        }
    }
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
    match name.extract::<String>() {
        Ok(name) => match Err::<(), _>(InquiryError::unknown(field, what, &name)).or_raise() {
            Err(error) => error,
            Ok(()) => invalid(field, "is unknown"),
        },
        Err(_) => match name.get_type().name() {
            Ok(kind) => invalid(field, &format!("must be a name (str), found {kind}")),
            Err(error) => error,
        },
    }
}
