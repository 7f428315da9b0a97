//! `mke.net`: addresses, ports, kernel parameters and machines, computed, checked and explained.

mod address;
mod balancer;
mod finding;
mod host;
mod kernel;
mod machine;
mod packets;
mod ports;

use mke_core::config;
use pyo3::prelude::*;

use crate::config::Config;

/// The classes and functions of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<address::AddressConflict>()?;
    module.add_class::<address::AddressPlan>()?;
    module.add_class::<address::AddressRange>()?;
    module.add_class::<balancer::LoadBalancer>()?;
    module.add_class::<finding::Finding>()?;
    module.add_class::<host::Host>()?;
    module.add_class::<kernel::Kernel>()?;
    module.add_class::<kernel::KernelPlan>()?;
    module.add_class::<kernel::KernelStep>()?;
    module.add_class::<machine::DoctorReport>()?;
    module.add("PURPOSES", address::purposes())?;
    module.add_function(wrap_pyfunction!(address::capacity_problems, module)?)?;
    module.add_function(wrap_pyfunction!(address::plan_addresses, module)?)?;
    module.add_function(wrap_pyfunction!(address::place_networks, module)?)?;
    module.add_function(wrap_pyfunction!(address::propose_addresses, module)?)?;
    module.add_function(wrap_pyfunction!(balancer::missing_name, module)?)?;
    module.add_function(wrap_pyfunction!(kernel::parameters, module)?)?;
    module.add_function(wrap_pyfunction!(machine::check_daemon, module)?)?;
    module.add_function(wrap_pyfunction!(machine::doctor, module)?)?;
    module.add_function(wrap_pyfunction!(machine::observe_node, module)?)?;
    module.add_function(wrap_pyfunction!(machine::preflight, module)?)?;
    module.add_function(wrap_pyfunction!(packets::autodetect_address, module)?)?;
    module.add_function(wrap_pyfunction!(packets::default_encapsulation, module)?)?;
    module.add_function(wrap_pyfunction!(packets::packet_size, module)?)?;
    module.add_function(wrap_pyfunction!(packets::packet_size_problems, module)?)?;
    module.add_function(wrap_pyfunction!(ports::aws_security_group, module)?)?;
    module.add_function(wrap_pyfunction!(ports::firewalld_rules, module)?)?;
    module.add_function(wrap_pyfunction!(ports::listening, module)?)?;
    module.add_function(wrap_pyfunction!(ports::needed_ports, module)?)?;
    module.add_function(wrap_pyfunction!(ports::nftables_rules, module)?)?;
    module.add_function(wrap_pyfunction!(ports::port_conflicts, module)?)?;
    module.add_function(wrap_pyfunction!(ports::port_problems, module)?)
}

/// The configuration that was given, or the defaults.
fn config_of(config: Option<&Bound<'_, Config>>) -> config::Config {
    config.map_or_else(config::Config::default, |config| config.get().value.clone())
}
