//! Keys: what is known about each, and how one is found by the path of a value.

use std::collections::HashMap;
use std::sync::LazyLock;

use mke_core::config::section::{Child, ChildRef, Section};
use mke_core::config::{self, Explanation, KeyPath, Required, Step, UnknownKey, azure_keys, interlock_keys};
use pyo3::prelude::*;

use super::value;
use crate::convert::table;
use crate::errors::{OrRaise as _, invalid};

/// One key of a file: what it does, what it takes, what a change of it touches. `str()` is the explanation for people.
///
///     >>> key = mke.config.explain("auth.sessions.lifetime_minutes")
///     >>> key.kind, key.default, key.min, key.max, key.effect
///     ('whole number', 60, 10, 43200, 'live')
#[pyclass(module = "mke.config", frozen, skip_from_py_object)]
pub(crate) struct Key(pub(super) &'static config::Key);

#[pymethods]
impl Key {
    /// The dotted path; rows of an array are marked with `[]`, names that the user chooses with `<name>`.
    #[getter]
    fn path(&self) -> String {
        self.0.path()
    }

    /// The table that it stands in.
    #[getter]
    fn table(&self) -> &'static str {
        self.0.table
    }

    /// Its own name.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }

    /// What it does, in one sentence.
    #[getter]
    fn about(&self) -> &'static str {
        self.0.about
    }

    /// Its type: `true or false`, `whole number`, `text`, `list of texts` or `map of texts`.
    #[getter]
    fn kind(&self) -> String {
        self.0.kind.to_string()
    }

    /// What is allowed, in words.
    #[getter]
    fn expected(&self) -> String {
        self.0.expected()
    }

    /// The words that are allowed; empty when any is.
    #[getter]
    fn allowed(&self) -> Vec<&'static str> {
        self.0.allowed.to_vec()
    }

    /// The smallest number that is allowed.
    #[getter]
    fn min(&self) -> Option<i64> {
        self.0.min
    }

    /// The largest number that is allowed.
    #[getter]
    fn max(&self) -> Option<i64> {
        self.0.max
    }

    /// The unit of a number or a text.
    #[getter]
    fn unit(&self) -> Option<&'static str> {
        self.0.unit
    }

    /// The value where the file says nothing; `None` when there is none.
    #[getter]
    fn default<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::or_none(py, self.0.default_value().as_ref())
    }

    /// Whether a file must give it: `always`, the switch that makes it so, or `None`.
    #[getter]
    fn required(&self) -> Option<String> {
        match self.0.required {
            Required::No => None,
            Required::Always => Some("always".to_owned()),
            Required::When(switch) => Some(switch.to_owned()),
        }
    }

    /// What a change of it touches on a running cluster, in words.
    #[getter]
    fn effect(&self) -> String {
        self.0.effect.to_string()
    }

    /// Whether it is fixed at installation.
    #[getter]
    fn install_only(&self) -> bool {
        self.0.install_only()
    }

    /// Whether there is no way back once it is set.
    #[getter]
    fn lasting(&self) -> bool {
        self.0.lasting
    }

    /// Whether its value is never shown.
    #[getter]
    fn secret(&self) -> bool {
        self.0.secret
    }

    /// What may go wrong when it changes.
    #[getter]
    fn risk(&self) -> Option<&'static str> {
        self.0.risk
    }

    /// What else must hold for it.
    #[getter]
    fn rule(&self) -> Option<&'static str> {
        self.0.rule
    }

    /// The flag of the install command that sets it.
    #[getter]
    fn install_flag(&self) -> Option<&'static str> {
        self.0.install_flag
    }

    /// The first version that knows it.
    #[getter]
    fn since(&self) -> Option<String> {
        self.0.since.map(|version| version.to_string())
    }

    /// The last version that knows it.
    #[getter]
    fn until(&self) -> Option<String> {
        self.0.until.map(|version| version.to_string())
    }

    /// Other names of it in files.
    #[getter]
    fn other_names(&self) -> Vec<&'static str> {
        self.0.aliases.to_vec()
    }

    fn __str__(&self) -> String {
        Explanation::of(self.0).to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Key {}: {}>", self.0.path(), self.0.expected())
    }

    fn __eq__(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }

    fn __hash__(&self) -> usize {
        std::ptr::from_ref(self.0).addr()
    }
}

/// Which of the product's files is meant.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum File {
    Config,
    Interlock,
    Azure,
}

impl File {
    pub(super) fn named(name: &str) -> PyResult<Self> {
        match name {
            "config" => Ok(Self::Config),
            "interlock" => Ok(Self::Interlock),
            "azure" => Ok(Self::Azure),
            other => Err(invalid(
                "file",
                &format!("one of `config`, `interlock`, `azure` is needed, not `{other}`"),
            )),
        }
    }

    /// A file with nothing but defaults in it.
    pub(super) fn root(self) -> Box<dyn Section> {
        match self {
            Self::Config => Box::new(config::Config::default()),
            Self::Interlock => Box::new(config::Interlock::default()),
            Self::Azure => Box::new(config::AzureConfig::default()),
        }
    }

    fn keys(self) -> &'static [&'static config::Key] {
        match self {
            Self::Config => config::keys(),
            Self::Interlock => interlock_keys(),
            Self::Azure => azure_keys(),
        }
    }

    fn by_path(self) -> &'static HashMap<String, &'static config::Key> {
        static KEYS: [LazyLock<HashMap<String, &'static config::Key>>; 3] = [
            LazyLock::new(|| by_path(File::Config)),
            LazyLock::new(|| by_path(File::Interlock)),
            LazyLock::new(|| by_path(File::Azure)),
        ];
        let [config, interlock, azure] = &KEYS;
        match self {
            Self::Config => config,
            Self::Interlock => interlock,
            Self::Azure => azure,
        }
    }

    /// The key that a path leads to: rows have numbers, names that users choose are written out.
    pub(super) fn find(self, path: &KeyPath, text: &str) -> Option<&'static config::Key> {
        match self.by_path().get(text) {
            Some(key) => Some(key),
            None => walk(self.root().as_ref(), &path.0),
        }
    }
}

fn by_path(file: File) -> HashMap<String, &'static config::Key> {
    file.keys().iter().map(|key| (key.path(), *key)).collect()
}

fn walk(section: &dyn Section, steps: &[Step]) -> Option<&'static config::Key> {
    let (Step::Name(name), rest) = steps.split_first()? else {
        return None;
    };
    if rest.is_empty() {
        return section.key(name);
    }
    let (child, tables) = section.child(name)?;
    below(child, &tables, rest)
}

fn below(child: &Child, tables: &ChildRef<'_>, steps: &[Step]) -> Option<&'static config::Key> {
    let steps = match (tables, steps) {
        (ChildRef::Table(_), steps) => steps,
        (ChildRef::Rows(_), [Step::Row(_), rest @ ..]) | (ChildRef::Named(_), [Step::Name(_), rest @ ..]) => {
            rest
        }
        _ => return None,
    };
    walk((child.prototype)().as_ref(), steps)
}

/// A path that is written as text, with the key that it leads to in one of these files.
pub(super) fn resolve(files: &[File], text: &str) -> PyResult<(KeyPath, &'static config::Key)> {
    let path: KeyPath = text.parse().or_raise()?;
    match files.iter().find_map(|file| file.find(&path, text)) {
        Some(key) => Ok((path, key)),
        None => Err(unknown(text)),
    }
}

/// `UnknownKeyError` with the key that is most like the one asked for.
pub(super) fn unknown(text: &str) -> PyErr {
    let error = match config::explain(text) {
        Err(error) => error,
        Ok(_) => UnknownKey {
            key: text.to_owned(),
            nearest: None,
        },
    };
    crate::errors::raise(&error)
}

/// What is known about the key of a path such as `auth.sessions.lifetime_minutes`, `registries[0].host_address` or
/// `Extensions.<name>.Image`.
///
/// Raises `UnknownKeyError` when there is no such key; its `nearest` is the one that is most like it.
///
///     >>> print(mke.config.explain("auth.backend").about)
///     Which back end checks the passwords of logins.
#[pyfunction]
pub(super) fn explain(key: &str) -> PyResult<Key> {
    if let Some(key) = config::find_key(key) {
        return Ok(Key(key));
    }
    resolve(&[File::Config, File::Interlock, File::Azure], key).map(|(_, key)| Key(key))
}

/// Every key of a file, in the order of the exported file: `"config"`, `"interlock"` or `"azure"`.
///
///     >>> [key.path for key in mke.config.keys() if key.install_only][:1]
///     ['cluster_config.swarm_only']
#[pyfunction]
#[pyo3(signature = (file="config"))]
pub(super) fn keys<'py>(py: Python<'py>, file: &str) -> PyResult<Bound<'py, PyAny>> {
    let keys: Vec<_> = File::named(file)?.keys().iter().map(|key| Key(key)).collect();
    table(
        py,
        keys,
        &["path", "kind", "expected", "default", "unit", "effect", "about"],
    )
}
