//! Address plans: what takes addresses, what gets in whose way, where there is room.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mke_net::address::propose::{NoPlace, Wanted, propose};
use mke_net::address::{self, AddressPool, Capacity, IpNet, Ipv4Net, Machine, Purpose};
use mke_net::daemon::DaemonFile;
use pyo3::prelude::*;

use super::config_of;
use super::host::Host;
use crate::config::Config;
use crate::convert::{from_python, table, to_python, word};
use crate::errors::{OrRaise as _, invalid, raise_all};

/// Every purpose, as it is written.
pub(super) fn purposes() -> Vec<String> {
    Purpose::ALL.iter().map(|purpose| written(*purpose)).collect()
}

fn written(purpose: Purpose) -> String {
    match serde_json::to_value(purpose) {
        Ok(serde_json::Value::String(text)) => text,
        _ => purpose.to_string(),
    }
}

/// A network, what it is for (one of `PURPOSES`) and where that is written.
///
///     >>> print(mke.net.AddressRange("pods", "192.168.0.0/16", "--pod-cidr"))
///     pods 192.168.0.0/16 (--pod-cidr)
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq, Clone)]
pub(crate) struct AddressRange(address::Range);

#[pymethods]
impl AddressRange {
    #[new]
    #[pyo3(signature = (purpose, net, source=""))]
    fn new(py: Python<'_>, purpose: &str, net: Net, source: &str) -> PyResult<Self> {
        let purpose = word(py, "purpose", purpose)?;
        Ok(Self(address::Range::new(purpose, net.0, source)))
    }

    /// What it is for.
    #[getter]
    fn purpose(&self) -> String {
        written(self.0.purpose)
    }

    /// The network, without bits behind its prefix.
    #[getter]
    fn net(&self) -> String {
        self.0.net.to_string()
    }

    /// Who says so: a key of the configuration, a flag, an interface, the name of a node.
    #[getter]
    fn source(&self) -> &str {
        &self.0.source
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<AddressRange {}>", self.0)
    }
}

/// Two networks that overlap and must not, or may come to overlap.
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct AddressConflict(address::Conflict);

#[pymethods]
impl AddressConflict {
    /// `error` when they overlap, `warning` when a pool may come to.
    #[getter]
    fn severity(&self) -> String {
        self.0.severity.to_string()
    }

    /// The one.
    #[getter]
    fn one(&self) -> AddressRange {
        AddressRange(self.0.one.clone())
    }

    /// The other.
    #[getter]
    fn other(&self) -> AddressRange {
        AddressRange(self.0.other.clone())
    }

    /// The addresses that both have.
    #[getter]
    fn shared(&self) -> String {
        self.0.shared().to_string()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<AddressConflict {}: {}>", self.0.severity, self.0)
    }
}

/// Everything that takes addresses on one node.
///
///     >>> plan = mke.net.AddressPlan([
///     ...     mke.net.AddressRange("pods", "10.0.0.0/8"), mke.net.AddressRange("services", "10.96.0.0/16")])
///     >>> [conflict.shared for conflict in plan.conflicts]
///     ['10.96.0.0/16']
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct AddressPlan(address::AddressPlan);

#[pymethods]
impl AddressPlan {
    #[new]
    fn new(ranges: Vec<PyRef<'_, AddressRange>>) -> Self {
        let ranges = ranges.iter().map(|range| range.0.clone()).collect();
        Self(address::AddressPlan::new(ranges))
    }

    /// The networks, in the order in which they were given.
    #[getter]
    fn ranges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows: Vec<_> = self.0.ranges().iter().cloned().map(AddressRange).collect();
        table(py, rows, &["purpose", "net", "source"])
    }

    /// Every pair that gets in each other's way, errors first.
    #[getter]
    fn conflicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let found = py.detach(|| self.0.conflicts());
        let rows: Vec<_> = found.into_iter().map(AddressConflict).collect();
        table(py, rows, &["severity", "one", "other", "shared"])
    }

    fn __repr__(&self) -> String {
        let conflicts = self.0.conflicts().len();
        format!(
            "<AddressPlan: {} networks, {conflicts} conflicts>",
            self.0.ranges().len()
        )
    }
}

/// A network, given as text or as one of `ipaddress`.
pub(super) struct Net(pub(super) IpNet);

impl<'py> FromPyObject<'_, 'py> for Net {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = value.str()?;
        let text = text.to_cow()?;
        text.parse()
            .map(Self)
            .map_err(|_| invalid("network", &format!("`{text}` is none: write it as `10.0.0.0/16`")))
    }
}

impl Net {
    fn v4(&self) -> PyResult<Ipv4Net> {
        match self.0 {
            IpNet::V4(net) => Ok(net),
            IpNet::V6(net) => Err(invalid("network", &format!("{net} must be one of IPv4"))),
        }
    }
}

/// Everything that a machine of the cluster is made from.
struct Given {
    config: mke_core::config::Config,
    daemon: mke_net::daemon::DaemonSettings,
    overlays: Vec<AddressPool>,
    nodes: Vec<(String, IpAddr)>,
}

impl Given {
    fn new(
        config: Option<&Bound<'_, Config>>,
        daemon: &str,
        overlay_pools: Option<&Bound<'_, PyAny>>,
        nodes: Option<BTreeMap<String, IpAddr>>,
    ) -> PyResult<Self> {
        let (daemon, problems) = DaemonFile::parse(daemon).or_raise()?.settings();
        if !problems.is_empty() {
            let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
            return Err(invalid("daemon", &all.join("; ")));
        }
        Ok(Self {
            config: config_of(config),
            daemon,
            overlays: overlay_pools.map_or(Ok(Vec::new()), |pools| from_python("overlay_pools", pools))?,
            nodes: nodes.unwrap_or_default().into_iter().collect(),
        })
    }

    fn machine<'a>(&'a self, host: &'a Host) -> Machine<'a> {
        Machine {
            host: &host.0,
            daemon: &self.daemon,
            config: &self.config,
            overlays: &self.overlays,
            nodes: &self.nodes,
        }
    }
}

/// Everything that takes addresses on a host that is, or becomes, a node.
///
/// `config` is the cluster's configuration (its defaults without one), `daemon` the text of the Engine's `daemon.json`,
/// `overlay_pools` those of the swarm (`[{"base": "10.0.0.0/8", "size": 24}]`), `nodes` the other nodes by name and address.
///
/// Raises `AllocateError` when the Engine finds no place for its bridges.
///
///     >>> host = mke.net.Host(routes=[{"net": "192.168.0.0/24", "interface": "eth0", "gateway": None}])
///     >>> print(mke.net.plan_addresses(host).conflicts[0])
///     pods 192.168.0.0/16 (cluster_config.pod_cidr) overlap host 192.168.0.0/24 (route of eth0)
#[pyfunction]
#[pyo3(signature = (host, *, config=None, daemon="", overlay_pools=None, nodes=None))]
pub(super) fn plan_addresses(
    host: &Bound<'_, Host>,
    config: Option<&Bound<'_, Config>>,
    daemon: &str,
    overlay_pools: Option<&Bound<'_, PyAny>>,
    nodes: Option<BTreeMap<String, IpAddr>>,
) -> PyResult<AddressPlan> {
    let given = Given::new(config, daemon, overlay_pools, nodes)?;
    given.machine(host.get()).plan().or_raise().map(AddressPlan)
}

/// Networks with which nothing is in anything's way, by where each is set; only what has to move does. The arguments are those
/// of `plan_addresses`; `None` stands for what is not used or may stay as it is.
///
/// Raises `NoPlaceError` for all that has none.
///
///     >>> host = mke.net.Host(routes=[{"net": "192.168.0.0/24", "interface": "eth0", "gateway": None}])
///     >>> mke.net.propose_addresses(host)["pod_cidr"]
///     '10.1.0.0/16'
#[pyfunction]
#[pyo3(signature = (host, *, config=None, daemon="", overlay_pools=None, nodes=None))]
pub(super) fn propose_addresses<'py>(
    py: Python<'py>,
    host: &Bound<'py, Host>,
    config: Option<&Bound<'py, Config>>,
    daemon: &str,
    overlay_pools: Option<&Bound<'py, PyAny>>,
    nodes: Option<BTreeMap<String, IpAddr>>,
) -> PyResult<Bound<'py, PyAny>> {
    let given = Given::new(config, daemon, overlay_pools, nodes)?;
    let machine = given.machine(host.get());
    let plan = machine.plan().or_raise()?;
    let proposal = machine.propose(&plan.conflicts());
    to_python(py, &proposal.map_err(|missing| no_place(&missing))?)
}

/// Finds a place for networks, in their order, away from `used` and from each other: each keeps its place when it is free, and
/// otherwise gets the first free network of its size in a private range.
///
/// Raises `NoPlaceError` for all that have none.
///
///     >>> wanted = [mke.net.AddressRange("pods", "192.168.0.0/16")]
///     >>> taken = [mke.net.AddressRange("host", "192.168.4.0/24")]
///     >>> mke.net.place_networks(wanted, taken)[0].net
///     '10.0.0.0/16'
#[pyfunction]
pub(super) fn place_networks<'py>(
    py: Python<'py>,
    wanted: Vec<PyRef<'py, AddressRange>>,
    used: Vec<PyRef<'py, AddressRange>>,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted = wanted
        .iter()
        .map(|range| {
            Ok(Wanted {
                purpose: range.0.purpose,
                preferred: Net(range.0.net).v4()?,
            })
        })
        .collect::<PyResult<Vec<_>>>()?;
    let used: Vec<_> = used.iter().map(|range| range.0.clone()).collect();
    let placed = py
        .detach(|| propose(&wanted, &used))
        .map_err(|missing| no_place(&missing))?;
    let rows: Vec<_> = placed.into_iter().map(AddressRange).collect();
    table(py, rows, &["purpose", "net", "source"])
}

fn no_place(missing: &[NoPlace]) -> PyErr {
    raise_all(missing)
}

/// Which networks are too small for a cluster, one sentence each; empty when all are large enough. A network that is `None` is
/// not used.
///
///     >>> mke.net.capacity_problems(nodes=500, pods_per_node=110, pods="10.4.0.0/20")
///     ['10.4.0.0/20 holds 0 pods on 500 nodes, 55000 are wanted: choose a network of at most /16']
#[pyfunction]
#[pyo3(signature = (*, nodes, pods_per_node=110, services_wanted=0, overlays_wanted=0, pods=None, services=None, overlay_pools=None))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(super) fn capacity_problems<'py>(
    py: Python<'py>,
    nodes: u64,
    pods_per_node: u64,
    services_wanted: u64,
    overlays_wanted: u64,
    pods: Option<Net>,
    services: Option<Net>,
    overlay_pools: Option<&Bound<'py, PyAny>>,
) -> PyResult<Vec<String>> {
    let capacity = Capacity {
        nodes,
        pods_per_node,
        services: services_wanted,
        overlays: overlays_wanted,
    };
    let overlays: Vec<AddressPool> =
        overlay_pools.map_or(Ok(Vec::new()), |pools| from_python("overlay_pools", pools))?;
    let pods = pods.map(|net| net.v4()).transpose()?;
    let services = services.map(|net| net.v4()).transpose()?;
    let problems = py.detach(|| capacity.problems(pods, services, &overlays));
    Ok(problems.iter().map(ToString::to_string).collect())
}
