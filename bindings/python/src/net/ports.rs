//! Ports: which are needed, what listens, what is in the way, and rules for firewalls.

use std::net::IpAddr;
use std::path::PathBuf;

use mke_net::ports::{self, ClusterPorts, Listening, NeededPort, Protocol, Role, Scope};
use pyo3::prelude::*;
use serde::Serialize;

use super::config_of;
use crate::config::Config;
use crate::convert::{records, to_python, word};

/// A needed port as plain data.
#[derive(Serialize)]
struct Needed {
    number: u16,
    protocol: Protocol,
    scope: &'static [Scope],
    purpose: &'static str,
    component: Option<&'static str>,
    setting: Option<&'static str>,
}

impl From<&NeededPort> for Needed {
    fn from(port: &NeededPort) -> Self {
        Self {
            number: port.number,
            protocol: port.protocol,
            scope: port.scope,
            purpose: port.purpose,
            component: port.component,
            setting: port.setting,
        }
    }
}

/// A socket that waits for others, as plain data.
#[derive(Serialize)]
struct Socket {
    address: IpAddr,
    port: u16,
    protocol: Protocol,
    pid: Option<u32>,
    process: Option<String>,
}

impl From<&Listening> for Socket {
    fn from(listening: &Listening) -> Self {
        let owner = listening.owner.as_ref();
        Self {
            address: listening.address,
            port: listening.port,
            protocol: listening.protocol,
            pid: owner.map(|owner| owner.pid),
            process: owner.map(|owner| owner.name.clone()),
        }
    }
}

/// A needed port that somebody else has.
#[derive(Serialize)]
struct Taken {
    number: u16,
    protocol: Protocol,
    purpose: &'static str,
    setting: Option<&'static str>,
    by: Socket,
    message: String,
}

const COLUMNS: &[&str] = &["number", "protocol", "purpose", "scope", "component", "setting"];

fn chosen(config: Option<&Bound<'_, Config>>, swarm_grpc: u16) -> ClusterPorts {
    ClusterPorts::of(&config_of(config), swarm_grpc)
}

/// The ports of a node, by number: `number`, `protocol`, `purpose`, `scope` (who must reach it), the `component` that serves it
/// and the `setting` that moves it. `role` is `"manager"` or `"worker"`; `swarm_grpc` is the port that the swarm was made with.
///
///     >>> mke.net.needed_ports("manager")[1]["purpose"]
///     'Web UI and API'
#[pyfunction]
#[pyo3(signature = (role, *, config=None, swarm_grpc=2377))]
pub(super) fn needed_ports<'py>(
    py: Python<'py>,
    role: &str,
    config: Option<&Bound<'py, Config>>,
    swarm_grpc: u16,
) -> PyResult<Bound<'py, PyAny>> {
    let needed = ports::needed(word(py, "role", role)?, &chosen(config, swarm_grpc));
    let rows: Vec<Needed> = needed.iter().map(Needed::from).collect();
    records(py, &rows, COLUMNS)
}

/// What listens in the network namespace of this process: `address`, `port`, `protocol`, and `pid` and `process` as far as the
/// caller may see them.
#[pyfunction]
#[pyo3(signature = (*, root=PathBuf::from("/")))]
pub(super) fn listening(py: Python<'_>, root: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let seen = py.detach(|| Listening::observe(&root));
    let rows: Vec<Socket> = seen.iter().map(Socket::from).collect();
    records(py, &rows, &["address", "port", "protocol", "pid", "process"])
}

/// The needed ports of a node that other processes have now, with what to do. Processes named in `ours` are no conflict.
#[pyfunction]
#[pyo3(signature = (role, *, config=None, swarm_grpc=2377, ours=Vec::new(), root=PathBuf::from("/")))]
pub(super) fn port_conflicts<'py>(
    py: Python<'py>,
    role: &str,
    config: Option<&Bound<'py, Config>>,
    swarm_grpc: u16,
    ours: Vec<String>,
    root: PathBuf,
) -> PyResult<Bound<'py, PyAny>> {
    let role: Role = word(py, "role", role)?;
    let chosen = chosen(config, swarm_grpc);
    let found = py.detach(|| {
        let known = |_: &NeededPort, there: &Listening| {
            let owner = there.owner.as_ref();
            owner.is_some_and(|owner| ours.contains(&owner.name))
        };
        ports::conflicts(&ports::needed(role, &chosen), &Listening::observe(&root), known)
    });
    let rows: Vec<Taken> = found
        .iter()
        .map(|conflict| Taken {
            number: conflict.port.number,
            protocol: conflict.port.protocol,
            purpose: conflict.port.purpose,
            setting: conflict.port.setting,
            by: (&conflict.listening).into(),
            message: conflict.to_string(),
        })
        .collect();
    records(
        py,
        &rows,
        &["number", "protocol", "purpose", "setting", "by", "message"],
    )
}

/// The mistakes in a choice of ports, one sentence each; empty when there are none.
///
///     >>> [problem.split(",")[0] for problem in mke.net.port_problems(swarm_grpc=4789)]
///     []
///     >>> len(mke.net.port_problems(swarm_grpc=443))
///     1
#[pyfunction]
#[pyo3(signature = (config=None, *, swarm_grpc=2377))]
pub(super) fn port_problems(config: Option<&Bound<'_, Config>>, swarm_grpc: u16) -> Vec<String> {
    let problems = chosen(config, swarm_grpc).problems();
    problems.iter().map(ToString::to_string).collect()
}

/// `firewall-cmd` commands for one node, with a zone for what only the other `nodes` may reach.
#[pyfunction]
#[pyo3(signature = (role, nodes, *, config=None, swarm_grpc=2377))]
pub(super) fn firewalld_rules(
    py: Python<'_>,
    role: &str,
    nodes: Vec<IpAddr>,
    config: Option<&Bound<'_, Config>>,
    swarm_grpc: u16,
) -> PyResult<String> {
    Ok(ports::firewalld(
        word(py, "role", role)?,
        &chosen(config, swarm_grpc),
        &nodes,
    ))
}

/// A table of `nft` for one node.
#[pyfunction]
#[pyo3(signature = (role, nodes, *, config=None, swarm_grpc=2377))]
pub(super) fn nftables_rules(
    py: Python<'_>,
    role: &str,
    nodes: Vec<IpAddr>,
    config: Option<&Bound<'_, Config>>,
    swarm_grpc: u16,
) -> PyResult<String> {
    Ok(ports::nftables(
        word(py, "role", role)?,
        &chosen(config, swarm_grpc),
        &nodes,
    ))
}

/// `IpPermissions` of an AWS security group as plain data. `group` is the group itself, so that nodes reach each other; `clients`
/// are the networks of clients.
#[pyfunction]
#[pyo3(signature = (role, group, clients, *, config=None, swarm_grpc=2377))]
pub(super) fn aws_security_group<'py>(
    py: Python<'py>,
    role: &str,
    group: &str,
    clients: Vec<String>,
    config: Option<&Bound<'py, Config>>,
    swarm_grpc: u16,
) -> PyResult<Bound<'py, PyAny>> {
    let role = word(py, "role", role)?;
    let rules = ports::aws_security_group(role, &chosen(config, swarm_grpc), group, &clients);
    to_python(py, &rules)
}
