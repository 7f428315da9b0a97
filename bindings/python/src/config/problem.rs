//! What is wrong with a file.

use mke_core::config::{self, ReadOptions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

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

/// All problems as a list of `Problem`.
pub(super) fn list<'py>(py: Python<'py>, problems: &[config::Problem]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for problem in problems {
        list.append(Bound::new(py, Problem::from(problem))?)?;
    }
    Ok(list)
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
) -> PyResult<Bound<'py, PyList>> {
    let options = ReadOptions {
        file,
        keep_unknown,
        in_force: false,
    };
    match py.detach(|| config::Config::read(text, &options)) {
        Ok(_) => Ok(PyList::empty(py)),
        Err(problems) => list(py, &problems.0),
    }
}
