//! Machines as nodes: what was seen, whether it will do, and the report of the doctor.

use std::path::PathBuf;

use mke_net::daemon::{self, DaemonFile};
use mke_net::doctor::{Examined, Report, report};
use mke_net::preflight::{Facts, NodeFacts, Scope, findings as judge};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::config_of;
use super::finding::findings;
use crate::config::Config;
use crate::convert::{from_python, records, to_python};
use crate::errors::{OrRaise as _, invalid};

/// What is known of this machine as a node, as plain data (`mke.net_types.NodeFacts`); what cannot be found out is `None`. What
/// the Engine knows is not in it and can be added.
#[pyfunction]
#[pyo3(signature = (*, manager=false, root=PathBuf::from("/")))]
pub(super) fn observe_node(py: Python<'_>, manager: bool, root: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let facts = py.detach(|| NodeFacts::observe(&root, manager));
    to_python(py, &facts)
}

/// What speaks against nodes, each by itself and all together. `scope` says who asks: `"install"`, `"upgrade"` or `"doctor"`;
/// `manager_lag_ms` is the longest that one manager waited for another.
///
///     >>> found = mke.net.preflight([{"name": "n1", "manager": True, "cpus": 1}])
///     >>> [finding.id for finding in found if finding.switch == "--force-minimums"]
///     ['node-cpus']
#[pyfunction]
#[pyo3(signature = (nodes, *, scope="install", swarm_only=false, manager_lag_ms=None))]
pub(super) fn preflight<'py>(
    py: Python<'py>,
    nodes: Vec<Bound<'py, PyDict>>,
    scope: &str,
    swarm_only: bool,
    manager_lag_ms: Option<u64>,
) -> PyResult<Bound<'py, PyAny>> {
    let scope = match scope {
        "install" => Scope::Install,
        "upgrade" => Scope::Upgrade,
        "doctor" => Scope::Doctor,
        other => {
            return Err(invalid(
                "scope",
                &format!("one of `install`, `upgrade`, `doctor` is needed, not `{other}`"),
            ));
        }
    };
    let known = to_python(py, &NodeFacts::default())?;
    for node in &nodes {
        for name in node.keys() {
            if !known.contains(&name)? {
                return Err(invalid("nodes", &format!("a node has no fact `{name}`")));
            }
        }
    }
    let nodes = nodes
        .iter()
        .map(|node| from_python("nodes", node.as_any()))
        .collect::<PyResult<Vec<NodeFacts>>>()?;
    let facts = Facts {
        nodes,
        swarm_only,
        manager_lag_ms,
    };
    findings(py, py.detach(|| judge(&facts, scope)))
}

/// What of the Engine's `daemon.json` a cluster cannot live with.
///
/// Raises `DaemonFileError` with the place when the text is no JSON object, and `InvalidValueError` with every setting that means
/// nothing as it is written.
///
///     >>> [finding.id for finding in mke.net.check_daemon('{"live-restore": true}')]
///     ['daemon-live-restore']
#[pyfunction]
pub(super) fn check_daemon<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let (settings, problems) = DaemonFile::parse(text).or_raise()?.settings();
    if !problems.is_empty() {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        return Err(invalid("daemon.json", &all.join("; ")));
    }
    findings(py, daemon::findings(&settings))
}

/// Looks at this machine as a node and judges it: requirements, Engine, addresses, ports, kernel parameters, and the rules of
/// DISA's guide.
#[pyfunction]
#[pyo3(signature = (*, config=None, manager=false, swarm_grpc=2377, root=PathBuf::from("/")))]
pub(super) fn doctor(
    py: Python<'_>,
    config: Option<&Bound<'_, Config>>,
    manager: bool,
    swarm_grpc: u16,
    root: PathBuf,
) -> PyResult<DoctorReport> {
    let config = config_of(config);
    let made = py.detach(|| {
        let seen = Examined::observe(&root, manager)?;
        Ok::<_, mke_net::kernel::KernelError>(report(&seen, &config, swarm_grpc))
    });
    made.or_raise().map(DoctorReport)
}

/// What a machine is like as a node.
#[pyclass(module = "mke.net", frozen, skip_from_py_object)]
pub(crate) struct DoctorReport(Report);

#[pymethods]
impl DoctorReport {
    /// The machine.
    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    /// `manager` or `worker`.
    #[getter]
    fn role(&self) -> &'static str {
        self.0.role
    }

    /// From 0 to 100.
    #[getter]
    fn score(&self) -> u8 {
        self.0.score
    }

    /// How many findings are errors.
    #[getter]
    fn errors(&self) -> usize {
        self.0.errors
    }

    /// How many are warnings.
    #[getter]
    fn warnings(&self) -> usize {
        self.0.warnings
    }

    /// Every finding, part by part and the worst of each part first.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let parts = self.0.sections.iter();
        findings(py, parts.flat_map(|part| part.findings.clone()).collect())
    }

    /// The names of the parts for people, by name: `kernel`, `ports`, …
    #[getter]
    fn sections(&self) -> std::collections::BTreeMap<&'static str, &'static str> {
        let parts = self.0.sections.iter();
        parts.map(|part| (part.name, part.title)).collect()
    }

    /// The findings of one part.
    fn section<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let part = self.0.sections.iter().find(|part| part.name == name);
        let part = part.ok_or_else(|| {
            let names: Vec<_> = self.0.sections.iter().map(|part| part.name).collect();
            invalid(
                "section",
                &format!("`{name}` is none: there are {}", names.join(", ")),
            )
        })?;
        findings(py, part.findings.clone())
    }

    /// The rules of DISA's guide with their answers.
    #[getter]
    fn stig<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(
            py,
            &self.0.stig,
            &["id", "rule", "category", "title", "answer", "evidence", "remedy"],
        )
    }

    /// The whole report as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __repr__(&self) -> String {
        format!(
            "<DoctorReport {}: {} of 100, {} errors, {} warnings>",
            self.0.host, self.0.score, self.0.errors, self.0.warnings
        )
    }
}
