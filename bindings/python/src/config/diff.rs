//! What differs between two configurations, and what the change touches.

use mke_core::config;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::key::Key;
use super::value;
use crate::convert::table;

/// One key that has another value. `str()` says it in one line, stars for secrets.
#[pyclass(module = "mke.config", frozen, skip_from_py_object)]
pub(crate) struct Change(config::Difference);

#[pymethods]
impl Change {
    /// Where it stands.
    #[getter]
    fn path(&self) -> String {
        self.0.path.to_string()
    }

    /// The value before; `None` when it was unset.
    #[getter]
    fn before<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::or_none(py, self.0.before.as_ref())
    }

    /// The value after; `None` when it becomes unset.
    #[getter]
    fn after<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::or_none(py, self.0.after.as_ref())
    }

    /// What the change touches on a running cluster, in words.
    #[getter]
    fn effect(&self) -> String {
        self.0.key.effect.to_string()
    }

    /// Whether a running cluster refuses it: the key is fixed at installation, or there is no way back from its value.
    #[getter]
    fn refused(&self) -> bool {
        self.0.is_refused()
    }

    /// What may go wrong.
    #[getter]
    fn risk(&self) -> Option<&'static str> {
        self.0.key.risk
    }

    /// What is known about the key.
    #[getter]
    fn key(&self) -> Key {
        Key(self.0.key)
    }

    fn __eq__(&self, other: &Self) -> bool {
        (&self.0.path, &self.0.before, &self.0.after) == (&other.0.path, &other.0.before, &other.0.after)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Change {}>", self.0)
    }
}

/// What a set of changes touches, taken together. `str()` says it in one line.
#[pyclass(module = "mke.config", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Impact(config::Impact);

#[pymethods]
impl Impact {
    /// How many keys every controller follows at once.
    #[getter]
    fn live(&self) -> usize {
        self.0.live
    }

    /// The components that restart on the managers, sorted.
    #[getter]
    fn restarts(&self) -> Vec<String> {
        self.0.restarts.iter().cloned().collect()
    }

    /// The components that are brought in line on every node, sorted.
    #[getter]
    fn all_nodes(&self) -> Vec<String> {
        self.0.all_nodes.iter().cloned().collect()
    }

    /// The keys for which the whole change is refused.
    #[getter]
    fn refused(&self) -> Vec<String> {
        self.0.refused.clone()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Impact {}>", self.0)
    }
}

/// What becomes different when one configuration gives way to another. It is true when anything does, has the length of its
/// changes and gives them one by one.
///
///     >>> before = mke.config.Config("[auth.sessions]\nlifetime_minutes = 60\n")
///     >>> after = mke.config.Config("[auth.sessions]\nlifetime_minutes = 90\n")
///     >>> print(before.diff(after))
///     auth.sessions.lifetime_minutes: 60 -> 90 (live)
///     1 live
#[pyclass(module = "mke.config", frozen, skip_from_py_object)]
pub(crate) struct Diff(Vec<config::Difference>);

impl Diff {
    pub(super) fn of(differences: Vec<config::Difference>) -> Self {
        Self(differences)
    }
}

#[pymethods]
impl Diff {
    /// The changes as a table, in the order of the exported file.
    #[getter]
    fn changes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let changes: Vec<_> = self.0.iter().cloned().map(Change).collect();
        table(
            py,
            changes,
            &["path", "before", "after", "effect", "refused", "risk"],
        )
    }

    /// What the changes touch, taken together.
    #[getter]
    fn impact(&self) -> Impact {
        Impact(config::Impact::of(&self.0))
    }

    /// Whether a running cluster refuses the whole change.
    #[getter]
    fn refused(&self) -> bool {
        self.0.iter().any(config::Difference::is_refused)
    }

    /// The changed keys that nothing acts on yet: they are kept, and change nothing that runs.
    #[getter]
    fn without_effect(&self) -> Vec<String> {
        config::without_effect(&self.0)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __bool__(&self) -> bool {
        !self.0.is_empty()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let list = PyList::empty(py);
        for difference in &self.0 {
            list.append(Bound::new(py, Change(difference.clone()))?)?;
        }
        Ok(list.try_iter()?.into_any())
    }

    fn __str__(&self) -> String {
        let lines = self.0.iter().map(ToString::to_string);
        let impact = config::Impact::of(&self.0).to_string();
        lines.chain([impact]).collect::<Vec<_>>().join("\n")
    }

    fn __repr__(&self) -> String {
        format!("<Diff of {}: {}>", self.0.len(), config::Impact::of(&self.0))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.changes(py)?.call_method0("_repr_html_")?.unbind())
    }
}
