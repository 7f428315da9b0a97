//! What is wrong with a file.

use mke_core::config::{self, ReadOptions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::convert::table;

/// One mistake in a file: where, what was found, what to do. `str()` says all of it in one line.
#[pyclass(module = "mke.config", frozen, eq, get_all, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Problem {
    /// The file, where it was named.
    file: Option<String>,
    /// Line from 1; 0 when it is about the whole text.
    line: usize,
    /// Column from 1, in characters.
    column: usize,
    /// The key with its table. Empty when the text is no TOML or JSON at all.
    key: String,
    /// What is wrong and how to mend it.
    message: String,
    /// What was found. Stars for a secret.
    found: Option<String>,
    /// What is allowed there.
    allowed: Option<String>,
    /// The known key that is most like an unknown one.
    nearest: Option<String>,
    /// All of it in one line.
    text: String,
}

#[pymethods]
impl Problem {
    #[new]
    #[pyo3(signature = (file, line, column, key, message, found, allowed, nearest, text))]
    #[expect(clippy::too_many_arguments, reason = "what `pickle` hands back")]
    fn new(
        file: Option<String>,
        line: usize,
        column: usize,
        key: String,
        message: String,
        found: Option<String>,
        allowed: Option<String>,
        nearest: Option<String>,
        text: String,
    ) -> Self {
        Self {
            file,
            line,
            column,
            key,
            message,
            found,
            allowed,
            nearest,
            text,
        }
    }

    /// What `pickle` needs: an exception with problems goes from one process to another.
    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let texts = [&self.found, &self.allowed, &self.nearest].map(Clone::clone);
        let [found, allowed, nearest] = texts;
        (
            self.file.clone(),
            self.line,
            self.column,
            self.key.clone(),
            self.message.clone(),
            found,
            allowed,
            nearest,
            self.text.clone(),
        )
            .into_pyobject(py)
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("<Problem: {}>", self.text)
    }
}

impl From<&config::Problem> for Problem {
    fn from(problem: &config::Problem) -> Self {
        Self {
            file: problem.file.clone(),
            line: problem.line,
            column: problem.column,
            key: problem.key.clone(),
            message: problem.message.clone(),
            found: problem.found.clone(),
            allowed: problem.allowed.clone(),
            nearest: problem.nearest.clone(),
            text: problem.to_string(),
        }
    }
}

/// All problems as a table of `Problem`.
pub(super) fn list<'py>(py: Python<'py>, problems: &[config::Problem]) -> PyResult<Bound<'py, PyAny>> {
    let rows: Vec<_> = problems.iter().map(Problem::from).collect();
    table(py, rows, &["file", "line", "column", "key", "message"])
}

/// The fields of a `ConfigError`: all problems at once, each with its place.
pub(crate) fn problems(error: &config::Problems, into: &Bound<'_, PyDict>) -> PyResult<()> {
    into.set_item("problems", list(into.py(), &error.0)?)
}

/// Everything that is wrong with a configuration file, in the order of its lines; empty when nothing is.
///
/// `file` names the file in the problems; `keep_unknown` lets unknown keys through where the file declares a newer version
/// than this package knows.
///
///     >>> for problem in mke.config.validate("[auth.sessions]\nlifetime_minute = 5\n"):
///     ...     print(problem.line, problem.key, problem.nearest)
///     2 auth.sessions.lifetime_minute auth.sessions.lifetime_minutes
#[pyfunction]
#[pyo3(signature = (text, *, file=None, keep_unknown=false))]
pub(super) fn validate<'py>(
    py: Python<'py>,
    text: &str,
    file: Option<&str>,
    keep_unknown: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let options = ReadOptions {
        file,
        keep_unknown,
        in_force: false,
    };
    match py.detach(|| config::Config::read(text, &options)) {
        Ok(_) => list(py, &[]),
        Err(problems) => list(py, &problems.0),
    }
}
