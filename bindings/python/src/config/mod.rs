//! `mke.config`: the configuration file.

mod document;

use pyo3::prelude::*;

/// The classes of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<document::Document>()
}
