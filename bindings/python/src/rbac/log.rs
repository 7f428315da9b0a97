//! Audit logs, condensed, for questions about what was used.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use mke_rbac::inquiry::log::{AuditLog as Condensed, LogReader};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::convert::to_python;

/// An audit log, condensed: what was asked, by whom, how often, and what came of it. Holds neither bodies nor secrets.
///
/// Both kinds of records are understood: those of this product's controller, and events of Kubernetes (`audit.k8s.io/v1`).
/// What cannot be read is counted in `coverage`.
///
/// >>> import mke
/// >>> log = mke.rbac.AuditLog(["not a record"])
/// >>> log.coverage["unreadable"]
/// 1
#[pyclass(module = "mke.rbac", frozen)]
pub(crate) struct AuditLog(Condensed);

impl AuditLog {
    pub(super) const fn log(&self) -> &Condensed {
        &self.0
    }
}

#[pymethods]
impl AuditLog {
    #[new]
    fn new(py: Python<'_>, lines: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut reader = LogReader::default();
        if let Ok(text) = lines.cast::<PyString>() {
            let text = text.to_string_lossy();
            py.detach(|| text.lines().for_each(|line| reader.line(line)));
        } else {
            for line in lines.try_iter()? {
                reader.line(&line?.extract::<String>()?);
            }
        }
        Ok(Self(reader.finish()))
    }

    /// Reads a file, line by line.
    ///
    /// Raises:
    ///     OSError: it cannot be read.
    #[classmethod]
    fn from_file(_class: &Bound<'_, PyType>, py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = || {
            let mut reader = LogReader::default();
            for line in BufReader::new(File::open(&path)?).split(b'\n') {
                reader.line(&String::from_utf8_lossy(&line?));
            }
            Ok::<_, std::io::Error>(Self(reader.finish()))
        };
        Ok(py.detach(read)?)
    }

    /// What was read and what was not: a mapping with `first`, `last`, `lines`, `requests`, `unreadable`, `complaints`
    /// and others.
    #[getter]
    fn coverage<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.coverage)
    }

    /// The requests: a table with `user`, `outcome`, `count` and `last`, and `engine` or `kubernetes`.
    #[getter]
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = to_python(py, &self.0.entries)?;
        let columns = ("user", "outcome", "count", "last", "engine", "kubernetes");
        py.import("mke._table")?.getattr("Table")?.call1((rows, columns))
    }

    fn __len__(&self) -> usize {
        self.0.entries.len()
    }

    fn __repr__(&self) -> String {
        let coverage = &self.0.coverage;
        format!(
            "<AuditLog: {} requests in {} lines>",
            coverage.requests, coverage.lines
        )
    }
}
