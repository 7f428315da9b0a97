//! `mke.agent`: what a node shall run, the way there, and whether it may be gone now; no engine is needed.

mod cluster;
mod desired;
mod plan;
mod product;

use pyo3::prelude::*;

/// The classes and functions of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<cluster::Cluster>()?;
    module.add_class::<cluster::Node>()?;
    module.add_class::<desired::Desired>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<plan::Preview>()?;
    module.add_class::<plan::Refusal>()?;
    module.add_class::<plan::Step>()?;
    module.add_function(wrap_pyfunction!(desired::desired, module)?)?;
    module.add_function(wrap_pyfunction!(plan::check, module)?)?;
    module.add_function(wrap_pyfunction!(plan::plan, module)?)?;
    module.add_function(wrap_pyfunction!(plan::preview, module)?)?;
    module.add_function(wrap_pyfunction!(product::allowed_upgrades, module)?)?;
    module.add_function(wrap_pyfunction!(product::availability, module)?)?;
    module.add_function(wrap_pyfunction!(product::check_upgrade, module)?)?;
    module.add_function(wrap_pyfunction!(product::components, module)?)?;
    module.add_function(wrap_pyfunction!(product::images, module)?)?;
    module.add_function(wrap_pyfunction!(product::kernel_advice, module)?)?;
    module.add_function(wrap_pyfunction!(product::pods, module)?)?;
    module.add_function(wrap_pyfunction!(product::ports, module)?)?;
    module.add_function(wrap_pyfunction!(product::volumes, module)?)
}
