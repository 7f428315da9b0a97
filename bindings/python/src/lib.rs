//! `mke._native`: the libraries of the project as Python sees them.
//!
//! Converts, calls and renders; holds no rule of the product. Each module here has the one in `python/mke/` that shows it,
//! and its types in `python/mke/_native/`. Everything that blocks or computes long goes through [`runtime`], so that the
//! interpreter is free meanwhile; every error goes through [`errors`], so that Python sees its kind and its fields.

use pyo3::prelude::*;

mod admission;
mod agent;
mod client;
mod config;
mod convert;
mod errors;
mod identity;
mod net;
mod pki;
mod rbac;
mod runtime;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    add(module, "admission", admission::fill)?;
    add(module, "agent", agent::fill)?;
    add(module, "client", client::fill)?;
    add(module, "config", config::fill)?;
    add(module, "errors", errors::fill)?;
    add(module, "identity", identity::fill)?;
    add(module, "net", net::fill)?;
    add(module, "pki", pki::fill)?;
    add(module, "rbac", rbac::fill)?;
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.delattr("__all__")
}

/// Adds a module that can be imported by its full name.
fn add(
    parent: &Bound<'_, PyModule>,
    name: &str,
    fill: fn(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let py = parent.py();
    let full = format!("mke._native.{name}");
    let module = PyModule::new(py, &full)?;
    fill(&module)?;
    // What is public is listed in `python/mke/`.
    if module.hasattr("__all__")? {
        module.delattr("__all__")?;
    }
    parent.add(name, &module)?;
    // `_native` is one file and no package: only what is registered here can be imported from.
    py.import("sys")?.getattr("modules")?.set_item(full, module)
}
