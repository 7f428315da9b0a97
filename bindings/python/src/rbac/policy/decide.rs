//! Verdicts on collections: one, and very many.

use mke_rbac::UserRow;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::super::batch::{Column, Questions};
use super::super::decision::Decision;
use super::super::names;
use super::Policy;
use crate::errors::invalid;

#[pymethods]
impl Policy {
    /// Whether the user may use the operation, with all these modifiers, in the collection. `None` is a request without
    /// credentials.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a name stands for nothing: a misspelt one must not count as denied.
    #[pyo3(signature = (subject, operation, collection, /, *modifiers))]
    fn decide(
        slf: &Bound<'_, Self>,
        subject: &Bound<'_, PyAny>,
        operation: &Bound<'_, PyAny>,
        collection: &Bound<'_, PyAny>,
        modifiers: &Bound<'_, PyTuple>,
    ) -> PyResult<Decision> {
        let policy = slf.get();
        let user = names::user(&policy.prepared, subject)?;
        let operation = names::operation(operation)?;
        let collection = names::collection(&policy.prepared, collection)?;
        let modifiers = names::modifiers(modifiers)?;
        Ok(Decision {
            is_allowed: policy.prepared.permits(user, operation, modifiers, collection),
            policy: slf.clone().unbind(),
            user: user.map(UserRow::position),
            operation,
            modifiers,
            collection: collection.position(),
        })
    }

    /// The same as plain truth value.
    #[pyo3(signature = (subject, operation, collection, /, *modifiers))]
    fn allows(
        &self,
        subject: &Bound<'_, PyAny>,
        operation: &Bound<'_, PyAny>,
        collection: &Bound<'_, PyAny>,
        modifiers: &Bound<'_, PyTuple>,
    ) -> PyResult<bool> {
        let user = names::user(&self.prepared, subject)?;
        let operation = names::operation(operation)?;
        let collection = names::collection(&self.prepared, collection)?;
        let modifiers = names::modifiers(modifiers)?;
        Ok(self.prepared.permits(user, operation, modifiers, collection))
    }

    /// Many decisions at once, with the interpreter released: one byte for each, 1 for allowed and 0 for denied.
    ///
    /// Each of the three is one name for all questions, or a list of names, or an array of positions: in `users` (-1
    /// for a request without credentials), in `OPERATIONS` and in `collections`. Every object with the buffer protocol
    /// is an array: `array.array`, `bytes`, `memoryview`, those of numpy. `numpy.frombuffer(verdicts, bool)` reads the
    /// answer. The work is shared among `threads`, by default as many as there are processors.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
    /// >>> list(policy.decide_many(policy.users, "Service View", "/Shared"))
    /// [1, 0]
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a name stands for nothing.
    ///     mke.errors.InvalidValueError: lists of different lengths, or a position that stands for nothing.
    #[pyo3(signature = (subjects, operations, collections, /, *modifiers, threads=None))]
    fn decide_many<'py>(
        &self,
        py: Python<'py>,
        subjects: &Bound<'py, PyAny>,
        operations: &Bound<'py, PyAny>,
        collections: &Bound<'py, PyAny>,
        modifiers: &Bound<'py, PyTuple>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let users = self.column_of_users(subjects)?;
        let operations = column_of_operations(operations)?;
        let collections = self.column_of_collections(collections)?;
        let modifiers = names::modifiers(modifiers)?;
        let verdicts = py.detach(|| {
            let questions = Questions::check(&self.prepared, users, operations, collections, modifiers)?;
            Ok::<_, String>(questions.decide(&self.prepared, threads))
        });
        let verdicts = verdicts.map_err(|problem| invalid("batch", &problem))?;
        Ok(PyBytes::new(py, &verdicts))
    }

    /// Names as arrays of positions, for `decide_many`: what is asked again and again need not be looked up each time.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a name stands for nothing.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        subjects: &Bound<'py, PyAny>,
        operations: &Bound<'py, PyAny>,
        collections: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let columns = [
            self.column_of_users(subjects)?,
            column_of_operations(operations)?,
            self.column_of_collections(collections)?,
        ];
        let class = py.import("array")?.getattr("array")?;
        let arrays = columns
            .iter()
            .map(|column| class.call1(("i", PyBytes::new(py, &column.to_bytes()))));
        PyTuple::new(py, arrays.collect::<PyResult<Vec<_>>>()?)
    }
}

impl Policy {
    fn column_of_users(&self, value: &Bound<'_, PyAny>) -> PyResult<Column> {
        let position = |name: &Bound<'_, PyAny>| {
            let user = names::user(&self.prepared, name)?;
            // Positions are counted in memory, so they are far below the end of these numbers.
            Ok(user.map_or(-1, |user| i64::try_from(user.position()).unwrap_or(i64::MAX)))
        };
        Column::read("subjects", value, position)
    }

    fn column_of_collections(&self, value: &Bound<'_, PyAny>) -> PyResult<Column> {
        let position = |path: &Bound<'_, PyAny>| {
            let collection = names::collection(&self.prepared, path)?;
            Ok(i64::try_from(collection.position()).unwrap_or(i64::MAX))
        };
        Column::read("collections", value, position)
    }
}

fn column_of_operations(value: &Bound<'_, PyAny>) -> PyResult<Column> {
    Column::read("operations", value, |name| {
        names::operation(name).map(|operation| operation as i64)
    })
}
