//! The text of a configuration file, open for edits that keep everything else as it is.

use mke_core::config::{self, KeyPath};
use pyo3::prelude::*;

use crate::errors::OrRaise as _;

/// A configuration file as text.
#[pyclass(module = "mke.config", eq)]
#[derive(PartialEq)]
pub(crate) struct Document(config::Document);

#[pymethods]
impl Document {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        config::Document::parse(text).or_raise().map(Self)
    }

    /// The written value of a key, as TOML.
    fn get(&self, key: &str) -> PyResult<Option<String>> {
        Ok(self.0.get(&path(key)?))
    }

    /// Removes a key; whether it was there.
    fn unset(&mut self, key: &str) -> PyResult<bool> {
        self.0.unset(&path(key)?).or_raise()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

fn path(key: &str) -> PyResult<KeyPath> {
    key.parse().or_raise()
}
