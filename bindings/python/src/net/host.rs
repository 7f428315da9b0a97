//! What a host has: routes, addresses, name servers.

use std::net::IpAddr;
use std::path::PathBuf;

use mke_net::host;
use pyo3::prelude::*;

use crate::convert::{from_python, records, to_python};
use crate::errors::OrRaise as _;

/// Routes, addresses and name servers of a host, looked up or written down.
///
///     >>> host = mke.net.Host(
///     ...     routes=[{"net": "0.0.0.0/0", "interface": "eth0", "gateway": "192.0.2.1"},
///     ...             {"net": "192.0.2.0/24", "interface": "eth0", "gateway": None}],
///     ...     addresses=["192.0.2.7"],
///     ... )
///     >>> host.default_interface, host.address_of("eth0")
///     ('eth0', '192.0.2.7')
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Host(pub(super) host::Host);

#[pymethods]
impl Host {
    #[new]
    #[pyo3(signature = (*, routes=None, addresses=Vec::new(), name_servers=Vec::new()))]
    fn new(
        routes: Option<&Bound<'_, PyAny>>,
        addresses: Vec<IpAddr>,
        name_servers: Vec<IpAddr>,
    ) -> PyResult<Self> {
        Ok(Self(host::Host {
            routes: routes.map_or(Ok(Vec::new()), |routes| from_python("routes", routes))?,
            addresses: addresses.into_iter().collect(),
            name_servers,
        }))
    }

    /// Looks at the network namespace of this process. `root` is the directory below which the machine's files lie.
    ///
    /// Raises `HostError` when the tables of IPv4 cannot be read.
    #[staticmethod]
    #[pyo3(signature = (root=PathBuf::from("/")))]
    fn observe(py: Python<'_>, root: PathBuf) -> PyResult<Self> {
        py.detach(|| host::Host::observe(&root)).or_raise().map(Self)
    }

    /// The routes: `net`, `interface`, `gateway`.
    #[getter]
    fn routes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.routes, &["net", "interface", "gateway"])
    }

    /// Its own addresses, without those of the loopback interface.
    #[getter]
    fn addresses(&self) -> Vec<String> {
        self.0.addresses.iter().map(ToString::to_string).collect()
    }

    /// The name servers of the resolver.
    #[getter]
    fn name_servers(&self) -> Vec<String> {
        self.0.name_servers.iter().map(ToString::to_string).collect()
    }

    /// The interface with the default route of IPv4.
    #[getter]
    fn default_interface(&self) -> Option<&str> {
        self.0.default_interface()
    }

    /// The IPv4 address of an interface; with several, the smallest.
    fn address_of(&self, interface: &str) -> Option<String> {
        self.0.address_of(interface).map(|address| address.to_string())
    }

    /// The host as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __repr__(&self) -> String {
        format!(
            "<Host: {} routes, {} addresses>",
            self.0.routes.len(),
            self.0.addresses.len()
        )
    }
}
