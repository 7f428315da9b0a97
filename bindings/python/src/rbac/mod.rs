//! `mke.rbac`: who may do what, on collections and in Kubernetes.

mod batch;
mod decision;
mod errors;
mod forms;
mod kubernetes;
mod log;
mod names;
mod policy;
mod proof;
mod report;
mod role;
mod writes;

pub(crate) use errors::{inquiry_fields, manifest_fields, role_fields, state_fields};
pub(crate) use forms::read;
use mke_rbac::operation::{Modifier, Operation};
pub(crate) use policy::Policy;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
pub(crate) use report::escape;

/// The classes, functions and words of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<policy::Policy>()?;
    module.add_class::<decision::Decision>()?;
    module.add_class::<kubernetes::KubernetesPolicy>()?;
    module.add_class::<kubernetes::KubernetesDecision>()?;
    module.add_class::<writes::WriteDecision>()?;
    module.add_class::<log::AuditLog>()?;
    module.add_function(wrap_pyfunction!(role::check_role, module)?)?;
    module.add_function(wrap_pyfunction!(role::builtin_roles, module)?)?;
    module.add_function(wrap_pyfunction!(writes::covers, module)?)?;
    module.add_function(wrap_pyfunction!(proof::verify, module)?)?;
    let operations = Operation::ALL.iter().map(|operation| operation.name());
    module.add("OPERATIONS", PyTuple::new(py, operations)?)?;
    let modifiers = Modifier::ALL.iter().map(|modifier| modifier.name());
    module.add("MODIFIERS", PyTuple::new(py, modifiers)?)
}
