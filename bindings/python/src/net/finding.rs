//! What a check found, in one shape for every checker.

use mke_net::preflight::switch_of;
use pyo3::prelude::*;

use crate::convert::table;

/// One finding of a check. `str()` says it in one line.
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Finding(mke_net::Finding);

#[pymethods]
impl Finding {
    /// Names the check, the same in every version: `daemon-pools-too-few`.
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    /// How bad it is: `error` goes wrong, `warning` may go wrong later, `info` is worth knowing.
    #[getter]
    fn severity(&self) -> String {
        self.0.severity.to_string()
    }

    /// What is wrong, in one sentence without an end.
    #[getter]
    fn title(&self) -> &str {
        &self.0.title
    }

    /// What was seen and where.
    #[getter]
    fn evidence(&self) -> &str {
        &self.0.evidence
    }

    /// What to do about it.
    #[getter]
    fn remedy(&self) -> &str {
        &self.0.remedy
    }

    /// The switch of the install and upgrade commands that lets it through; `None` when nothing does.
    #[getter]
    fn switch(&self) -> Option<&'static str> {
        switch_of(&self.0.id)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Finding {}: {}>", self.0.severity, self.0.id)
    }
}

/// Findings as a table.
pub(super) fn findings(py: Python<'_>, found: Vec<mke_net::Finding>) -> PyResult<Bound<'_, PyAny>> {
    let rows: Vec<_> = found.into_iter().map(Finding).collect();
    table(py, rows, &["severity", "id", "title", "evidence", "remedy"])
}
