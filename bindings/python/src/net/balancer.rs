//! Load balancers in front of the managers, as files of nginx and HAProxy and as resources of AWS.

use std::collections::BTreeMap;

use mke_net::balancer::{self, Balancer};
use pyo3::prelude::*;

use crate::convert::{records, to_python};
use crate::errors::{OrRaise as _, raise_all};

/// What is balanced in front of the managers: connections are passed through, so that client certificates reach them, and the
/// health of each is asked.
///
/// `name` is the one that clients use; it must be among the names of the managers' certificates (`missing_name`).
/// `kubernetes_port` is `None` for a cluster without Kubernetes. `listen` gives a port of the managers another one on the
/// balancer.
///
/// Raises `BalancerError` with every problem.
///
///     >>> balancer = mke.net.LoadBalancer("ucp.example.com", ["192.0.2.11", "192.0.2.12"], listen={443: 8443})
///     >>> [(row["port"], row["target_port"], row["health"]) for row in balancer.listeners]
///     [(8443, 443, 'ping'), (6443, 6443, 'connect')]
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct LoadBalancer(Balancer);

#[pymethods]
impl LoadBalancer {
    #[new]
    #[pyo3(signature = (name, managers, *, controller_port=443, kubernetes_port=Some(6443), listen=None))]
    fn new(
        name: &str,
        managers: Vec<String>,
        controller_port: u16,
        kubernetes_port: Option<u16>,
        listen: Option<BTreeMap<u16, u16>>,
    ) -> PyResult<Self> {
        let mut balancer = Balancer::new(name, &managers, controller_port, kubernetes_port)
            .map_err(|problems| raise_all(&problems))?;
        for (target, port) in listen.unwrap_or_default() {
            balancer = balancer.listen(target, port).or_raise()?;
        }
        Ok(Self(balancer))
    }

    /// The name that clients use.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The managers' names or addresses.
    #[getter]
    fn managers(&self) -> Vec<String> {
        self.0.managers().to_vec()
    }

    /// The ports: `port` of the balancer, `target_port` of the managers, and how `health` is told.
    #[getter]
    fn listeners<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, self.0.listeners(), &["port", "target_port", "health"])
    }

    /// Says with `BalancerError` that something else behind the same address takes one of these ports.
    fn check_beside(&self, other: &str, port: u16) -> PyResult<()> {
        self.0.beside(other, port).or_raise()
    }

    /// The configuration for nginx.
    fn nginx(&self) -> String {
        balancer::nginx(&self.0)
    }

    /// The configuration for HAProxy.
    fn haproxy(&self) -> String {
        balancer::haproxy(&self.0)
    }

    /// The resources for AWS as plain data.
    fn aws<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &balancer::aws(&self.0))
    }

    fn __repr__(&self) -> String {
        format!(
            "<LoadBalancer {} of {} managers>",
            self.0.name(),
            self.0.managers().len()
        )
    }
}

/// The warning when a balancer's name is not among the `names` of the managers' certificates; `None` when it is.
///
///     >>> mke.net.missing_name("ucp.example.com", ["*.example.com"]) is None
///     True
#[pyfunction]
pub(super) fn missing_name(name: &str, names: Vec<String>) -> Option<String> {
    balancer::missing_name(name, &names)
}
