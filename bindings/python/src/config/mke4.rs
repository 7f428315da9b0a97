//! What becomes of a configuration in MKE 4.

use mke_core::config::mke4::{self, Cluster3, Conversion, UpgradeSummary};
use mke_core::config::{self, Version};
use pyo3::prelude::*;

use crate::convert::{records, table, to_python};
use crate::errors::invalid;

/// One thing that must be mended before the upgrade.
#[pyclass(module = "mke.config", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Obstacle(mke4::Obstacle);

#[pymethods]
impl Obstacle {
    /// Which one it is, a word that does not change: `no-backup`, `calico-in-etcd`, …
    #[getter]
    fn kind(&self) -> String {
        use serde_json::Value;
        match serde_json::to_value(&self.0) {
            Ok(Value::String(kind)) => kind,
            Ok(Value::Object(fields)) => fields.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// What is in the way, and what to do.
    #[getter]
    fn message(&self) -> String {
        self.0.to_string()
    }

    fn __str__(&self) -> String {
        self.message()
    }

    fn __repr__(&self) -> String {
        format!("<Obstacle {}>", self.kind())
    }
}

/// What becomes of a configuration in MKE 4. Nothing is widened on the way: where MKE 4 would allow more than the key did, the key
/// is left for a person to decide.
#[pyclass(module = "mke.config", frozen, skip_from_py_object)]
pub(crate) struct Mke4Conversion {
    conversion: Conversion,
    obstacles: Vec<mke4::Obstacle>,
    reminders: Vec<&'static str>,
}

impl Mke4Conversion {
    pub(super) fn of(config: &config::Config, version: Option<Version>, backup_confirmed: bool) -> Self {
        Self {
            conversion: mke4::convert(config),
            obstacles: mke4::obstacles(
                config,
                Cluster3 {
                    version,
                    backup_confirmed,
                },
            ),
            reminders: mke4::reminders(config),
        }
    }
}

#[pymethods]
impl Mke4Conversion {
    /// The object below `spec` as plain data. It holds the secrets of the configuration.
    #[getter]
    fn spec<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.conversion.spec())
    }

    /// The text of `mke4.yaml`. It holds the secrets of the configuration.
    fn to_yaml(&self) -> PyResult<String> {
        self.conversion
            .to_yaml()
            .map_err(|error| invalid("configuration", &format!("cannot be written as YAML: {error}")))
    }

    /// What came along: `key` of MKE 3, `field` of MKE 4 below `spec`.
    #[getter]
    fn converted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.conversion.converted, &["key", "field"])
    }

    /// What did not: `key`, what was `found` there, and `why`. Keys that are off, empty or at the default of MKE 3 are not listed.
    #[getter]
    fn left<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.conversion.left, &["key", "found", "why"])
    }

    /// What speaks against the upgrade; empty when nothing does.
    #[getter]
    fn obstacles<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows: Vec<_> = self.obstacles.iter().cloned().map(Obstacle).collect();
        table(py, rows, &["kind", "message"])
    }

    /// What to do before the upgrade, besides what speaks against it.
    #[getter]
    fn reminders(&self) -> Vec<&'static str> {
        self.reminders.clone()
    }

    /// What an operator reads about the upgrade, in the sections of the product's own summary. `removed` is the version of MKE 3
    /// that was removed from every node; `None` while it still runs.
    #[pyo3(signature = (*, removed=None))]
    fn summary(&self, removed: Option<&str>) -> String {
        UpgradeSummary {
            conversion: &self.conversion,
            access: None,
            removed,
        }
        .to_string()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Mke4Conversion: {} keys converted, {} left, {} obstacles>",
            self.conversion.converted.len(),
            self.conversion.left.len(),
            self.obstacles.len()
        )
    }
}
