//! `mke.config`: the configuration file, and the files beside it.

mod diff;
mod document;
mod files;
mod key;
mod mke4;
mod problem;
mod roots;
mod secret;
mod shape;
mod value;

use mke_core::config;
use pyo3::prelude::*;

pub(crate) use problem::problems;
pub(crate) use roots::Config;
pub(crate) use secret::{Secret, SecretText};

/// The classes and functions of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<diff::Change>()?;
    module.add_class::<diff::Diff>()?;
    module.add_class::<diff::Impact>()?;
    module.add_class::<document::Document>()?;
    module.add_class::<key::Key>()?;
    module.add_class::<mke4::Mke4Conversion>()?;
    module.add_class::<mke4::Obstacle>()?;
    module.add_class::<problem::Problem>()?;
    module.add_class::<roots::AzureConfig>()?;
    module.add_class::<roots::Config>()?;
    module.add_class::<roots::InterlockConfig>()?;
    module.add_class::<roots::Setting>()?;
    module.add_class::<secret::Secret>()?;
    module.add("MASK", config::MASK)?;
    module.add_function(wrap_pyfunction!(datastore_move, module)?)?;
    module.add_function(wrap_pyfunction!(example, module)?)?;
    module.add_function(wrap_pyfunction!(key::explain, module)?)?;
    module.add_function(wrap_pyfunction!(key::keys, module)?)?;
    module.add_function(wrap_pyfunction!(problem::validate, module)?)?;
    module.add_function(wrap_pyfunction!(reference_page, module)?)?;
    module.add_function(wrap_pyfunction!(shape::json_schema, module)?)?;
    module.add_function(wrap_pyfunction!(shape::_shape, module)?)
}

/// An example file: the defaults, each key with a comment that says what it does. Keys without a default stand there as
/// comments.
///
///     >>> "lifetime_minutes = 60" in mke.config.example()
///     True
#[pyfunction]
fn example() -> String {
    config::Config::example()
}

/// The reference of all keys, as Markdown.
#[pyfunction]
fn reference_page() -> String {
    config::reference_page()
}

/// What to know before Calico moves its data from etcd into Kubernetes, as a text; with the number of nodes it says how long
/// that takes.
///
///     >>> "60 seconds on 3" in mke.config.datastore_move(3)
///     True
#[pyfunction]
#[pyo3(signature = (nodes=None))]
fn datastore_move(nodes: Option<u32>) -> String {
    config::mke4::DatastoreMove { nodes }.to_string()
}
