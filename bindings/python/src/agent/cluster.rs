//! One node and its cluster: what a plan is made for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use mke_agent::node::{ClusterSpec, EngineFacts, FactsProblems, ManagerFacts, NodeFacts, StoreMember};
use mke_core::product::{DEFAULT_ORGANISATION, DEFAULT_VERSION, Os, ProductVersion, Role, labels};
use pyo3::prelude::*;

use crate::config::Config;
use crate::convert::{from_python, records, to_python, word};
use crate::errors::invalid;

/// One node: `role` is `"manager"` or `"worker"`, `os` is `"linux"` or `"windows"`. `orchestrator` (`"swarm"`, `"kubernetes"`,
/// `"mixed"`) sets the node's two labels for it; without it `labels` say whose workloads the node takes. `engine` has `id`,
/// `version`, `root_dir` and `socket`.
///
/// Raises `NodeFactsError` with everything that cannot be.
///
///     >>> mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11", orchestrator="mixed").orchestrator
///     'mixed'
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Node(pub(super) NodeFacts);

#[pymethods]
impl Node {
    #[new]
    #[pyo3(signature = (id, hostname, role, address, *, os="linux", orchestrator=None, labels=None, engine=None, cores=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        id: String,
        hostname: String,
        role: &str,
        address: IpAddr,
        os: &str,
        orchestrator: Option<&str>,
        labels: Option<BTreeMap<String, String>>,
        engine: Option<&Bound<'_, PyAny>>,
        cores: Option<u32>,
    ) -> PyResult<Self> {
        let mut labels = labels.unwrap_or_default();
        if let Some(name) = orchestrator {
            let (swarm, kubernetes) = match name {
                "swarm" => (true, false),
                "kubernetes" => (false, true),
                "mixed" => (true, true),
                other => {
                    let why = format!("one of `swarm`, `kubernetes`, `mixed` is needed, not `{other}`");
                    return Err(invalid("orchestrator", &why));
                }
            };
            for (label, on) in [
                (labels::ORCHESTRATOR_SWARM, swarm),
                (labels::ORCHESTRATOR_KUBERNETES, kubernetes),
            ] {
                labels.insert(label.to_owned(), on.to_string());
            }
        }
        let role: Role = word(py, "role", role)?;
        let os: Os = word(py, "os", os)?;
        Self::checked(NodeFacts {
            id,
            hostname,
            role,
            os,
            address,
            labels,
            engine: engine.map_or(Ok(EngineFacts::default()), |engine| from_python("engine", engine))?,
            cores,
        })
    }

    /// A node from plain data, as `to_dict` gives it and `ucp plan --show facts` prints it below `node`.
    #[staticmethod]
    fn from_dict(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::checked(from_python("node", data)?)
    }

    /// The swarm's id of the node.
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    /// Its host name.
    #[getter]
    fn hostname(&self) -> &str {
        &self.0.hostname
    }

    /// `manager` or `worker`.
    #[getter]
    fn role<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.role)
    }

    /// Whose workloads it takes, by its labels: `swarm`, `kubernetes`, `mixed`, or `none` when no label says anything yet.
    #[getter]
    fn orchestrator<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.orchestrator())
    }

    /// Its labels.
    #[getter]
    fn labels(&self) -> BTreeMap<String, String> {
        self.0.labels.clone()
    }

    /// The node as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __repr__(&self) -> String {
        format!("<Node {} ({})>", self.0.hostname, self.0.id)
    }
}

impl Node {
    fn checked(facts: NodeFacts) -> PyResult<Self> {
        let problems = facts.problems();
        match problems.is_empty() {
            true => Ok(Self(facts)),
            false => Err(crate::errors::raise(&FactsProblems(problems))),
        }
    }
}

/// A cluster: what is the same for all its nodes.
///
/// `managers` are nodes, or dictionaries with `id`, `hostname` and `address`. `store_members` are the ids of those that the
/// replicated store has or is about to have; without it, all managers. `organisation` is where images come from.
///
///     >>> node = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
///     >>> mke.agent.Cluster("c1", managers=[node], version="3.8.2")
///     <Cluster c1, version 3.8.2, 1 managers>
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Cluster(pub(super) ClusterSpec);

#[pymethods]
impl Cluster {
    #[new]
    #[pyo3(signature = (cluster_id, *, managers, version=None, config=None, organisation=DEFAULT_ORGANISATION, store_members=None, interlock=false))]
    fn new(
        cluster_id: String,
        managers: Vec<Bound<'_, PyAny>>,
        version: Option<&str>,
        config: Option<&Bound<'_, Config>>,
        organisation: &str,
        store_members: Option<Vec<String>>,
        interlock: bool,
    ) -> PyResult<Self> {
        let managers = managers.iter().map(manager).collect::<PyResult<Vec<_>>>()?;
        let all = managers.iter().map(|manager| manager.id.clone());
        let members = store_members.unwrap_or_else(|| all.collect());
        let member = |id: &String| {
            let known = managers.iter().find(|manager| manager.id == *id);
            let manager =
                known.ok_or_else(|| invalid("store_members", &format!("`{id}` is the id of no manager")))?;
            Ok::<_, PyErr>(StoreMember {
                id: manager.id.clone(),
                address: manager.address,
                member: None,
            })
        };
        Ok(Self(ClusterSpec {
            cluster_id,
            version: version.map_or(Ok(DEFAULT_VERSION), super::product::version)?,
            organisation: organisation.to_owned(),
            config: Arc::new(
                config
                    .map(|config| config.get().value.clone())
                    .unwrap_or_default(),
            ),
            store_members: members.iter().map(member).collect::<PyResult<_>>()?,
            managers,
            interlock,
            store_alone: false,
        }))
    }

    /// The swarm's id, which is the id of the installation.
    #[getter]
    fn cluster_id(&self) -> &str {
        &self.0.cluster_id
    }

    /// The version that nodes shall have.
    #[getter]
    fn version(&self) -> String {
        ProductVersion::to_string(&self.0.version)
    }

    /// The managers: `id`, `hostname`, `address`.
    #[getter]
    fn managers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.managers, &["id", "hostname", "address"])
    }

    /// The members of the replicated store: `id`, `address`.
    #[getter]
    fn store_members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.store_members, &["id", "address"])
    }

    fn __repr__(&self) -> String {
        let (id, version) = (&self.0.cluster_id, self.0.version);
        format!(
            "<Cluster {id}, version {version}, {} managers>",
            self.0.managers.len()
        )
    }
}

fn manager(given: &Bound<'_, PyAny>) -> PyResult<ManagerFacts> {
    match given.cast::<Node>() {
        Ok(node) => {
            let node = &node.get().0;
            if node.role != Role::Manager {
                return Err(invalid("managers", &format!("{} is no manager", node.hostname)));
            }
            Ok(ManagerFacts {
                id: node.id.clone(),
                hostname: node.hostname.clone(),
                address: node.address,
                sans: node.labels.get(labels::SANS).cloned().unwrap_or_default(),
            })
        }
        Err(_) => from_python("managers", given),
    }
}
