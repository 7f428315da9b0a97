//! What changes would do, and what differs between two policies.

use mke_rbac::inquiry::{self, Diff, Scene, Simulate, WhatIf};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::super::{forms, report};
use super::Policy;
use crate::errors::OrRaise as _;

#[pymethods]
impl Policy {
    /// What would change for whom: `changes` is a list of changes, or the text of one in YAML or JSON. Nothing is changed.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina"], collections=["/Prod"])
    /// >>> grant = {"grant": {"subject": "user:dina", "role": "viewonly", "collection": "/Prod"}}
    /// >>> policy.simulate([grant]).difference["counts"]["users_gaining"]
    /// 1
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a change has a wrong form, or names what is not there.
    #[pyo3(signature = (changes, /, *, limit=None))]
    fn simulate<'py>(
        &self,
        py: Python<'py>,
        changes: &Bound<'py, PyAny>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let simulate = Simulate {
            changes: read_changes(changes)?,
            limit: limit.unwrap_or(inquiry::LIMIT),
        };
        report::show(py, "SimulateReport", &self.ask(py, &simulate)?)
    }

    /// The policy after changes. This one stays as it is.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a change has a wrong form, or names what is not there.
    #[pyo3(signature = (changes, /))]
    fn with_changes(&self, py: Python<'_>, changes: &Bound<'_, PyAny>) -> PyResult<Self> {
        let changes = read_changes(changes)?;
        py.detach(|| self.world.with(&changes).map(Self::of)).or_raise()
    }

    /// Who gained and who lost from this policy to another. Users are compared by name and collections by path.
    #[pyo3(signature = (newer, /, *, limit=None))]
    fn diff<'py>(
        &self,
        py: Python<'py>,
        newer: &Bound<'py, PyAny>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Ok(newer) = newer.cast::<Self>() else {
            return Err(PyTypeError::new_err("a policy is compared with another Policy"));
        };
        let newer = newer.get();
        let found = py.detach(|| {
            let before = Scene::new(self.world.policy(), self.world.inventory());
            let after = Scene::new(newer.world.policy(), newer.world.inventory());
            Diff::between(&before, &after, limit.unwrap_or(inquiry::LIMIT))
        });
        report::show(py, "DiffReport", &found)
    }
}

/// A list of changes, or the text of one.
fn read_changes(changes: &Bound<'_, PyAny>) -> PyResult<Vec<WhatIf>> {
    match changes.extract::<String>() {
        Ok(text) => inquiry::changes(&text).or_raise(),
        Err(_) => forms::read("changes", changes),
    }
}
