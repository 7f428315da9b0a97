//! `mke.admission`: what a Kubernetes object may ask for.

mod cluster;
mod errors;
mod review;

pub(crate) use errors::{cluster_fields, settings_fields, unreadable_fields};
use mke_rbac::admission::Plugin;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// The classes and functions of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<cluster::Cluster>()?;
    module.add_class::<review::Review>()?;
    module.add_function(wrap_pyfunction!(plugins, module)?)
}

/// The plugins in their order: a table with `name`, `about`, `custom` (of this product, always on) and `deprecated`.
///
/// >>> import mke
/// >>> "PodSecurityPolicy" in mke.admission.plugins().column("name")
/// True
#[pyfunction]
fn plugins(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let rows = PyList::empty(py);
    for plugin in Plugin::ALL {
        let row = PyDict::new(py);
        row.set_item("name", plugin.name())?;
        row.set_item("about", plugin.about())?;
        row.set_item("custom", plugin.is_custom())?;
        row.set_item("deprecated", plugin.is_deprecated())?;
        rows.append(row)?;
    }
    let columns = ("name", "about", "custom", "deprecated");
    py.import("mke._table")?.getattr("Table")?.call1((rows, columns))
}
