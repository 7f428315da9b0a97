//! The files that a control plane reads, each valid by construction.

use std::path::PathBuf;

use mke_core::config::section::Section;
use mke_core::config::{self, Kept, KeyPath, ReadOptions, Reading, Version};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use super::diff::Diff;
use super::key::{self, File, Key};
use super::mke4::Mke4Conversion;
use super::{files, shape, value};
use crate::convert::table;
use crate::errors::{OrRaise as _, invalid};

/// A value of a configuration: where it stands, the value, and what is known about its key.
#[pyclass(module = "mke.config", frozen, skip_from_py_object)]
pub(crate) struct Setting(config::Setting);

#[pymethods]
impl Setting {
    /// Where it stands, rows with their numbers.
    #[getter]
    fn path(&self) -> String {
        self.0.path.to_string()
    }

    /// The value in force; `None` when it is unset.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value::or_none(py, self.0.value.as_ref())
    }

    /// Whether the value is the one that stands where a file says nothing.
    #[getter]
    fn is_default(&self) -> bool {
        self.0.value == self.0.key.default_value()
    }

    /// What is known about the key.
    #[getter]
    fn key(&self) -> Key {
        Key(self.0.key)
    }

    fn __repr__(&self) -> String {
        match &self.0.value {
            Some(value) => format!("<Setting {} = {value}>", self.0.path),
            None => format!("<Setting {} unset>", self.0.path),
        }
    }
}

/// The configuration of a control plane, valid by construction: `Config(text)` reads a file, `Config()` has the defaults.
///
/// Raises `ConfigError` with every problem of the text: faulty TOML, unknown keys, wrong types, values out of bounds, and
/// combinations that cannot be. `file` names the file in them. `keep_unknown` lets unknown keys through where the text declares
/// a newer version than this package knows. `in_force` asks no rules between keys again, for a text that was in force before.
/// `export` reads a file as a control plane gives it out, in which `[auth.ldap]` never stands.
///
///     >>> config = mke.config.Config("[auth.sessions]\nlifetime_minutes = 90\n")
///     >>> config["auth.sessions.lifetime_minutes"], config["auth.sessions.per_user_limit"]
///     (90, 10)
#[pyclass(module = "mke.config", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Config {
    pub(crate) value: config::Config,
    unknown: Vec<String>,
    version: Option<Version>,
}

impl Config {
    pub(super) fn of(reading: Reading<config::Config>) -> Self {
        Self {
            value: reading.value,
            unknown: reading.unknown,
            version: reading.version,
        }
    }

    fn read(text: &str, options: &ReadOptions<'_>, export: bool) -> PyResult<Self> {
        let reading = if export {
            config::Config::read_export(text, options)
        } else {
            config::Config::read(text, options)
        };
        reading.or_raise().map(Self::of)
    }
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(signature = (text="", *, file=None, keep_unknown=false, in_force=false, export=false))]
    fn new(
        py: Python<'_>,
        text: &str,
        file: Option<&str>,
        keep_unknown: bool,
        in_force: bool,
        export: bool,
    ) -> PyResult<Self> {
        let options = ReadOptions {
            file,
            keep_unknown,
            in_force,
        };
        py.detach(|| Self::read(text, &options, export))
    }

    /// Reads a file; the other arguments are those of the class. `OSError` when it cannot be read.
    #[staticmethod]
    #[pyo3(signature = (path, *, keep_unknown=false, in_force=false, export=false))]
    fn from_file(
        py: Python<'_>,
        path: PathBuf,
        keep_unknown: bool,
        in_force: bool,
        export: bool,
    ) -> PyResult<Self> {
        let name = path.display().to_string();
        let options = ReadOptions {
            file: Some(&name),
            keep_unknown,
            in_force,
        };
        py.detach(|| Self::read(&files::text(&path)?, &options, export))
    }

    /// The value at a path; `None` when it is unset or there is no such row. `UnknownKeyError` when there is no such key.
    fn get<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        get(py, &self.value, File::Config, path)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        get(py, &self.value, File::Config, path)
    }

    /// A table with everything below it as a dictionary, an array of tables as a list of them.
    ///
    ///     >>> mke.config.Config().section("auth.sessions")["lifetime_minutes"]
    ///     60
    fn section<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        section(py, &self.value, path)
    }

    /// Everything as nested dictionaries, with a type that lists every key (`mke.config_types.ConfigDict`). Unset keys are
    /// `None`, secrets are `Secret`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        shape::dict(py, &self.value)
    }

    /// Every key with its value, rows one by one, in the order of the exported file; with `changed` only those that differ from
    /// their default.
    #[pyo3(signature = (*, changed=false))]
    fn settings<'py>(&self, py: Python<'py>, changed: bool) -> PyResult<Bound<'py, PyAny>> {
        settings(py, self.value.settings(), changed)
    }

    /// What becomes different when this configuration gives way to `after`.
    fn diff(&self, py: Python<'_>, after: &Self) -> Diff {
        Diff::of(py.detach(|| self.value.diff(&after.value)))
    }

    /// A configuration with other values at some keys, checked like any other.
    ///
    /// Raises `ConfigError` with every problem, `UnknownKeyError` and `InvalidValueError` as `Document.set`.
    ///
    ///     >>> mke.config.Config().replace({"auth.sessions.lifetime_minutes": 90})["auth.sessions.lifetime_minutes"]
    ///     90
    fn replace(&self, py: Python<'_>, values: &Bound<'_, PyMapping>) -> PyResult<Self> {
        let mut after = self.value.clone();
        for item in values.items()?.iter() {
            let (path, given): (Bound<'_, PyString>, Bound<'_, PyAny>) = item.extract()?;
            let text = &*path.to_cow()?;
            let (path, found) = key::resolve(&[File::Config], text)?;
            let value = value::from_python(text, found, &given)?;
            if !after.assign(&path, &value) {
                return Err(invalid(
                    text,
                    "keys in rows are not set one by one: edit the text with `Document`",
                ));
            }
        }
        let accepted = py.detach(|| Kept::of(&self.value).follow(&after));
        accepted.or_raise().map(|accepted| Self {
            value: accepted.reading.value,
            unknown: self.unknown.clone(),
            version: self.version,
        })
    }

    /// The whole configuration as TOML, secrets included: for files that only their owner reads.
    fn to_toml(&self) -> String {
        self.value.to_toml()
    }

    /// The file for people: every key is listed, secrets are `MASK`, and `[auth.ldap]` is not in it.
    fn export(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| Kept::of(&self.value).export()).or_raise()
    }

    /// Keys that were let through although nobody knows them.
    #[getter]
    fn unknown(&self) -> Vec<String> {
        self.unknown.clone()
    }

    /// The version that the file declares (`# mke-version: 3.8`).
    #[getter]
    fn version(&self) -> Option<String> {
        self.version.map(|version| version.to_string())
    }

    /// What becomes of the configuration in MKE 4: the file, what came along, what did not, and what speaks against the upgrade.
    /// `version` is the one that the cluster runs, such as `"3.8.2"`; `backup_confirmed` says that there is a backup.
    ///
    ///     >>> [obstacle.kind for obstacle in mke.config.Config().to_mke4(version="3.8.2").obstacles]
    ///     ['no-backup', 'calico-in-etcd']
    #[pyo3(signature = (*, version=None, backup_confirmed=false))]
    fn to_mke4(
        &self,
        py: Python<'_>,
        version: Option<&str>,
        backup_confirmed: bool,
    ) -> PyResult<Mke4Conversion> {
        let version = match version {
            None => None,
            Some(text) => Some(
                Version::from_text(text)
                    .ok_or_else(|| invalid("version", &format!("`{text}` is none: write it as `3.8.2`")))?,
            ),
        };
        Ok(py.detach(|| Mke4Conversion::of(&self.value, version, backup_confirmed)))
    }

    fn __repr__(&self) -> String {
        let changed = self
            .value
            .settings()
            .into_iter()
            .filter(|setting| setting.value != setting.key.default_value())
            .count();
        format!("<Config: {changed} settings differ from their default>")
    }
}

/// The file of layer 7 routing, valid by construction. The arguments are those of `Config`.
///
///     >>> images = "Image = 'interlock-extension:1'\nProxyImage = 'interlock-proxy:1'\n"
///     >>> interlock = mke.config.InterlockConfig("PollInterval = '5s'\n[Extensions.default]\n" + images)
///     >>> interlock["PollInterval"]
///     '5s'
#[pyclass(module = "mke.config", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct InterlockConfig(pub(crate) config::Interlock);

#[pymethods]
impl InterlockConfig {
    #[new]
    #[pyo3(signature = (text, *, file=None, keep_unknown=false))]
    fn new(py: Python<'_>, text: &str, file: Option<&str>, keep_unknown: bool) -> PyResult<Self> {
        let options = ReadOptions {
            file,
            keep_unknown,
            in_force: false,
        };
        let reading = py.detach(|| config::Interlock::read(text, &options)).or_raise()?;
        Ok(Self(reading.value))
    }

    /// Reads a file. `OSError` when it cannot be read.
    #[staticmethod]
    #[pyo3(signature = (path, *, keep_unknown=false))]
    fn from_file(py: Python<'_>, path: PathBuf, keep_unknown: bool) -> PyResult<Self> {
        Self::new(
            py,
            &py.detach(|| files::text(&path))?,
            Some(&path.display().to_string()),
            keep_unknown,
        )
    }

    /// The value at a path; `None` when it is unset. `UnknownKeyError` when there is no such key.
    fn get<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        get(py, &self.0, File::Interlock, path)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        get(py, &self.0, File::Interlock, path)
    }

    /// A table with everything below it as a dictionary.
    fn section<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        section(py, &self.0, path)
    }

    /// Everything as nested dictionaries (`mke.config_types.InterlockDict`).
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        shape::dict(py, &self.0)
    }

    /// Every key with its value; with `changed` only those that differ from their default.
    #[pyo3(signature = (*, changed=false))]
    fn settings<'py>(&self, py: Python<'py>, changed: bool) -> PyResult<Bound<'py, PyAny>> {
        settings(py, self.0.settings(), changed)
    }

    /// What becomes different when this file gives way to `after`.
    fn diff(&self, py: Python<'_>, after: &Self) -> Diff {
        Diff::of(py.detach(|| self.0.diff(&after.0)))
    }

    /// The whole file as TOML, secrets included.
    fn to_toml(&self) -> String {
        self.0.to_toml()
    }

    fn __repr__(&self) -> String {
        format!("<InterlockConfig: {} service clusters>", self.0.extensions.len())
    }
}

/// `azure.json`, what Kubernetes' cloud provider for Azure must know, valid by construction.
#[pyclass(module = "mke.config", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct AzureConfig(config::AzureConfig);

#[pymethods]
impl AzureConfig {
    #[new]
    #[pyo3(signature = (text, *, file=None))]
    fn new(py: Python<'_>, text: &str, file: Option<&str>) -> PyResult<Self> {
        let options = ReadOptions {
            file,
            ..ReadOptions::default()
        };
        let reading = py
            .detach(|| config::AzureConfig::read(text, &options))
            .or_raise()?;
        Ok(Self(reading.value))
    }

    /// Reads a file. `OSError` when it cannot be read.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let text = py.detach(|| files::text(&path))?;
        Self::new(py, &text, Some(&path.display().to_string()))
    }

    /// The value of a key; `None` when it is unset. `UnknownKeyError` when there is no such key.
    fn get<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        get(py, &self.0, File::Azure, path)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        get(py, &self.0, File::Azure, path)
    }

    /// Everything as a dictionary (`mke.config_types.AzureDict`).
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        shape::dict(py, &self.0)
    }

    fn __repr__(&self) -> String {
        format!("<AzureConfig of {}>", self.0.resource_group)
    }
}

fn get<'py>(py: Python<'py>, root: &dyn Section, file: File, path: &str) -> PyResult<Bound<'py, PyAny>> {
    let (path, _) = key::resolve(&[file], path)?;
    value::or_none(py, shape::value(root, &path.0).as_ref())
}

fn section<'py>(py: Python<'py>, root: &dyn Section, path: &str) -> PyResult<Bound<'py, PyAny>> {
    let steps: KeyPath = path.parse().or_raise()?;
    shape::at(py, root, &steps)?.ok_or_else(|| key::unknown(path))
}

fn settings(py: Python<'_>, settings: Vec<config::Setting>, changed: bool) -> PyResult<Bound<'_, PyAny>> {
    let told = |setting: &config::Setting| !changed || setting.value != setting.key.default_value();
    let rows: Vec<_> = settings.into_iter().filter(told).map(Setting).collect();
    table(py, rows, &["path", "value", "is_default"])
}
