//! What the product is made of, and the paths between its versions.

use mke_core::product::{self, Component, ImageSet, ProductVersion, Role};
use pyo3::prelude::*;

use crate::convert::{records, to_python, word};
use crate::errors::OrRaise as _;

/// A version such as `3.8.2`.
pub(super) fn version(text: &str) -> PyResult<ProductVersion> {
    text.parse().or_raise()
}

/// Says with `UpgradeRefusedError` why a cluster of one version cannot be upgraded to another; its fields are `why`, all reasons,
/// and `allowed`, what is possible instead.
///
///     >>> mke.agent.check_upgrade("3.4.12", "3.5.6")
///     >>> try:
///     ...     mke.agent.check_upgrade("3.4.15", "3.5.8")
///     ... except mke.errors.UpgradeRefusedError as refused:
///     ...     refused.allowed
///     ['3.4.16 or later 3.4', '3.5.9 or later 3.5', '4.0']
#[pyfunction]
pub(super) fn check_upgrade(from_version: &str, to_version: &str) -> PyResult<()> {
    product::upgrade_path(version(from_version)?, version(to_version)?).or_raise()
}

/// What a version can be upgraded to, as texts for people.
///
///     >>> mke.agent.allowed_upgrades("3.8.2")
///     ['3.8.3 or later 3.8', '3.9.0 or later 3.9', '4.0']
#[pyfunction]
pub(super) fn allowed_upgrades(from_version: &str) -> PyResult<Vec<String>> {
    version(from_version).map(product::allowed_targets)
}

/// What somebody should know who installs a version on a kernel such as `(4, 15)`; `None` when there is nothing.
#[pyfunction]
#[pyo3(signature = (product_version, kernel))]
pub(super) fn kernel_advice(product_version: &str, kernel: (u16, u16)) -> PyResult<Option<String>> {
    Ok(product::kernel_advice(version(product_version)?, kernel))
}

/// What a number of managers means: `quorum` of them must agree, `tolerated` can fail, and whether the number is `recommended`.
///
///     >>> mke.agent.availability(3)
///     {'managers': 3, 'quorum': 2, 'tolerated': 1, 'recommended': True}
#[pyfunction]
pub(super) fn availability(py: Python<'_>, managers: u32) -> PyResult<Bound<'_, PyAny>> {
    to_python(py, &product::availability(managers))
}

const COMPONENT: &[&str] = &[
    "name",
    "kind",
    "image",
    "roles",
    "os",
    "placement",
    "purpose",
    "volumes",
    "ports",
];

/// The components of the product outside of pods as plain data. `role` (`"manager"`, `"worker"`), `version` and `swarm_only` leave out
/// what does not exist there.
///
///     >>> [row["name"] for row in mke.agent.components(role="worker") if row["name"] == "ucp-kv"]
///     []
#[pyfunction]
#[pyo3(signature = (*, role=None, version=None, swarm_only=false))]
pub(super) fn components<'py>(
    py: Python<'py>,
    role: Option<&str>,
    version: Option<&str>,
    swarm_only: bool,
) -> PyResult<Bound<'py, PyAny>> {
    told(py, product::components(), role, version, swarm_only)
}

/// The containers of the product's pods; the arguments are those of `components`.
#[pyfunction]
#[pyo3(signature = (*, role=None, version=None, swarm_only=false))]
pub(super) fn pods<'py>(
    py: Python<'py>,
    role: Option<&str>,
    version: Option<&str>,
    swarm_only: bool,
) -> PyResult<Bound<'py, PyAny>> {
    told(py, product::pods(), role, version, swarm_only)
}

fn told<'py>(
    py: Python<'py>,
    all: &'static [Component],
    role: Option<&str>,
    at: Option<&str>,
    swarm_only: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let role: Option<Role> = role.map(|role| word(py, "role", role)).transpose()?;
    let at = at.map(version).transpose()?;
    let rows: Vec<_> = all
        .iter()
        .filter(|component| role.is_none_or(|role| component.runs_on(role)))
        .filter(|component| at.is_none_or(|at| component.exists_in(at)))
        .filter(|component| component.swarm_only || !swarm_only)
        .collect();
    records(py, &rows, COMPONENT)
}

/// The named volumes as plain data; `role` leaves out those that its nodes do not have.
///
///     >>> [row["content"] for row in mke.agent.volumes() if row["name"] == "ucp-kv"]
///     ['data']
#[pyfunction]
#[pyo3(signature = (*, role=None))]
pub(super) fn volumes<'py>(py: Python<'py>, role: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let rows: Vec<_> = match role {
        Some(role) => product::volumes_of(word(py, "role", role)?).collect(),
        None => product::volumes().iter().collect(),
    };
    let columns = [
        "name",
        "content",
        "contents",
        "roles",
        "replicated",
        "in_backup",
        "files",
        "made",
    ];
    records(py, &rows, &columns)
}

/// The ports of the product as plain data, as its documents list them; `mke.net.needed_ports` says which a node with a
/// configuration needs.
///
///     >>> [row["config_key"] for row in mke.agent.ports() if row["number"] == 6443]
///     ['cluster_config.kube_apiserver_port']
#[pyfunction]
#[pyo3(signature = (*, role=None, swarm_only=false))]
pub(super) fn ports<'py>(
    py: Python<'py>,
    role: Option<&str>,
    swarm_only: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let rows: Vec<_> = match role {
        Some(role) => product::ports_in(word(py, "role", role)?, swarm_only).collect(),
        None => product::ports()
            .iter()
            .filter(|port| port.swarm_only || !swarm_only)
            .collect(),
    };
    let columns = [
        "number",
        "protocols",
        "roles",
        "scope",
        "purpose",
        "component",
        "config_key",
        "install_flag",
    ];
    records(py, &rows, &columns)
}

/// The names of the product's images, in alphabetical order: those of clusters without Kubernetes with `swarm_only`, those of Windows
/// nodes with `windows`.
#[pyfunction]
#[pyo3(signature = (*, swarm_only=false, windows=false))]
pub(super) fn images(swarm_only: bool, windows: bool) -> Vec<&'static str> {
    product::images(ImageSet { swarm_only, windows })
}
