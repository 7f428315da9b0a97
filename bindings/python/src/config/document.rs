//! The text of a configuration file, open for edits that keep everything else as it is.

use std::path::PathBuf;

use mke_core::config::{self, KeyPath, ReadOptions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use super::diff::Diff;
use super::key::{self, File};
use super::roots::Config;
use super::{files, problem, value};
use crate::errors::OrRaise as _;

/// The files that are edited as text.
const FILES: &[File] = &[File::Config, File::Interlock];

/// The text of a configuration file, open for edits: comments, order and spacing stay as they are, and what is not edited
/// stays byte for byte.
///
///     >>> document = mke.config.Document("[auth.sessions]\nlifetime_minutes = 60 # ours\n")
///     >>> document.set("auth.sessions.lifetime_minutes", 90)
///     True
///     >>> print(document, end="")
///     [auth.sessions]
///     lifetime_minutes = 90 # ours
///
/// The text must be TOML (`ConfigError` where it is not); whether its keys and values are allowed is asked by `problems`
/// and `read`.
#[pyclass(module = "mke.config", eq)]
#[derive(PartialEq)]
pub(crate) struct Document(config::Document);

#[pymethods]
impl Document {
    #[new]
    #[pyo3(signature = (text=""))]
    fn new(py: Python<'_>, text: &str) -> PyResult<Self> {
        py.detach(|| config::Document::parse(text)).or_raise().map(Self)
    }

    /// Opens a file. `OSError` when it cannot be read.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let text = py.detach(|| files::text(&path))?;
        let document = py.detach(|| config::Document::parse(&text));
        let named = document.map_err(|problems| problems.in_file(&path.display().to_string()));
        named.or_raise().map(Self)
    }

    /// What the text says at a key: `None` when it says nothing there. Secrets are `Secret`.
    ///
    ///     >>> mke.config.Document("[auth]\nbackend = 'ldap'\n").get("auth.backend")
    ///     'ldap'
    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (path, found) = key::resolve(FILES, key)?;
        match self.0.get(&path) {
            Some(toml) => value::written(py, &toml, found.secret).map(Some),
            None => Ok(None),
        }
    }

    /// The value at any path as it is written, in TOML, secrets included; `None` when nothing is there or a whole table.
    ///
    ///     >>> mke.config.Document("[auth]\nbackend = 'ldap'\n").raw("auth.backend")
    ///     "'ldap'"
    fn raw(&self, path: &str) -> PyResult<Option<String>> {
        Ok(self.0.get(&parse(path)?))
    }

    /// Sets a key to a value of its kind, and says whether that changed the text. A key that is not there is added to its
    /// table; the table is added when it is not there; a row of an array can be added behind the last one.
    ///
    /// `UnknownKeyError` for a key that does not exist, `InvalidValueError` for a value of another kind, `ConfigEditError` when it
    /// cannot stand there. Bounds and rules are asked by `problems` and `read`.
    fn set(&mut self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (path, found) = key::resolve(FILES, key)?;
        let value = value::from_python(key, found, value)?;
        self.0.set(&path, &value).or_raise()
    }

    /// Sets several keys, all or none, and gives those whose text changed.
    ///
    ///     >>> document = mke.config.Document()
    ///     >>> document.update({"auth.backend": "managed", "auth.sessions.per_user_limit": 5})
    ///     ['auth.backend', 'auth.sessions.per_user_limit']
    fn update(&mut self, values: &Bound<'_, PyMapping>) -> PyResult<Vec<String>> {
        let mut edited = self.0.clone();
        let mut changed = Vec::new();
        for item in values.items()?.iter() {
            let (key, value): (Bound<'_, PyString>, Bound<'_, PyAny>) = item.extract()?;
            let key = &*key.to_cow()?;
            let (path, found) = key::resolve(FILES, key)?;
            let value = value::from_python(key, found, &value)?;
            if edited.set(&path, &value).or_raise()? {
                changed.push(key.to_owned());
            }
        }
        self.0 = edited;
        Ok(changed)
    }

    /// Removes a key, a table with all that is below it, or a row, and says whether it was there.
    fn unset(&mut self, path: &str) -> PyResult<bool> {
        self.0.unset(&parse(path)?).or_raise()
    }

    /// Takes over every key of another text, and says whether that changed this one. Arrays of tables are taken over as a whole,
    /// everything else key by key.
    fn merge(&mut self, py: Python<'_>, other: Source<'_>) -> PyResult<bool> {
        let before = self.0.clone();
        let other = other.document(py)?;
        self.0.merge(&other).or_raise()?;
        Ok(before != self.0)
    }

    /// Everything that is wrong with the text, in the order of its lines; empty when nothing is.
    #[pyo3(signature = (*, file=None, keep_unknown=false))]
    fn problems<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        file: Option<&str>,
        keep_unknown: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let document = text_of(slf);
        match py.detach(|| document.read(&options(file, keep_unknown, false))) {
            Ok(_) => problem::list(py, &[]),
            Err(problems) => problem::list(py, &problems.0),
        }
    }

    /// The configuration that the text is. The arguments are those of `Config`.
    ///
    /// Raises `ConfigError` with every problem.
    #[pyo3(signature = (*, file=None, keep_unknown=false, in_force=false, export=false))]
    fn read(
        slf: &Bound<'_, Self>,
        py: Python<'_>,
        file: Option<&str>,
        keep_unknown: bool,
        in_force: bool,
        export: bool,
    ) -> PyResult<Config> {
        let options = options(file, keep_unknown, in_force);
        let document = text_of(slf);
        let reading = py.detach(|| {
            if export {
                document.read_export(&options)
            } else {
                document.read(&options)
            }
        });
        reading.or_raise().map(Config::of)
    }

    /// What becomes different when this text gives way to another. Both must be valid configurations.
    fn diff(slf: &Bound<'_, Self>, py: Python<'_>, after: Source<'_>) -> PyResult<Diff> {
        let options = options(None, true, false);
        let (before, after) = (text_of(slf), after.document(py)?);
        let both = py.detach(|| {
            let before = before.read(&ReadOptions {
                in_force: true,
                ..options
            })?;
            let after = after.read(&options)?;
            Ok::<_, config::Problems>(before.value.diff(&after.value))
        });
        both.or_raise().map(Diff::of)
    }

    /// Whether the text holds settings of the directory (`[auth.ldap]`), which a control plane never gives out.
    #[getter]
    fn has_directory(&self) -> bool {
        self.0.has_directory()
    }

    /// A document of its own with the same text.
    fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    fn __copy__(&self) -> Self {
        self.copy()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyDict>) -> Self {
        self.copy()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let text = self.0.to_string();
        format!("<Document of {} lines>", text.lines().count())
    }
}

/// The text as it is now. While it is read with the interpreter free, other threads may go on editing the document.
fn text_of(document: &Bound<'_, Document>) -> config::Document {
    document.borrow().0.clone()
}

/// A document, or its text.
#[derive(FromPyObject)]
enum Source<'py> {
    Document(PyRef<'py, Document>),
    Text(String),
}

impl Source<'_> {
    fn document(self, py: Python<'_>) -> PyResult<config::Document> {
        match self {
            Self::Document(document) => Ok(document.0.clone()),
            Self::Text(text) => py.detach(|| config::Document::parse(&text)).or_raise(),
        }
    }
}

fn options(file: Option<&str>, keep_unknown: bool, in_force: bool) -> ReadOptions<'_> {
    ReadOptions {
        file,
        keep_unknown,
        in_force,
    }
}

fn parse(path: &str) -> PyResult<KeyPath> {
    path.parse().or_raise()
}
