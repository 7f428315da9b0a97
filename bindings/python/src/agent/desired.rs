//! What a node shall run.

use mke_agent::node;
use pyo3::prelude::*;

use super::cluster::{Cluster, Node};
use crate::convert::{from_python, records, to_python};

/// What a node shall run: containers, what lies around them, and what the swarm and Kubernetes may start there.
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Desired(pub(super) node::Desired);

/// What a node of a cluster shall run.
///
///     >>> manager = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
///     >>> worker = mke.agent.Node("n2", "worker-1", "worker", "192.0.2.21")
///     >>> cluster = mke.agent.Cluster("c1", managers=[manager])
///     >>> "ucp-kv" in mke.agent.desired(cluster, manager), "ucp-kv" in mke.agent.desired(cluster, worker)
///     (True, False)
#[pyfunction]
pub(super) fn desired(py: Python<'_>, cluster: &Bound<'_, Cluster>, node: &Bound<'_, Node>) -> Desired {
    let (cluster, node) = (&cluster.get().0, &node.get().0);
    Desired(py.detach(|| node::Desired::of(cluster, node)))
}

#[pymethods]
impl Desired {
    /// From plain data, as `to_dict` gives it.
    #[staticmethod]
    fn from_dict(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        from_python("desired", data).map(Self)
    }

    /// The installation that everything belongs to.
    #[getter]
    fn cluster_id(&self) -> &str {
        &self.0.cluster_id
    }

    /// The swarm's id of the node.
    #[getter]
    fn node_id(&self) -> &str {
        &self.0.node_id
    }

    /// Whether nothing may be changed there.
    #[getter]
    fn paused(&self) -> bool {
        self.0.paused
    }

    /// The containers as plain data, each after those that it needs: `name`, `image`, `command`, `mounts`, `ports`, …
    #[getter]
    fn containers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(
            py,
            &self.0.containers,
            &["name", "image", "network", "ports", "needs"],
        )
    }

    /// The volumes: `name`, and whether what one holds is gone for good when it is removed (`precious`).
    #[getter]
    fn volumes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.volumes, &["name", "precious"])
    }

    /// The networks: `name` and `driver`.
    #[getter]
    fn networks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.networks, &["name", "driver"])
    }

    /// Files in the volumes: `volume`, `path`, `mode`, `content`.
    #[getter]
    fn files<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.files, &["volume", "path", "mode", "content"])
    }

    /// Services of the swarm that may have a task there.
    #[getter]
    fn services(&self) -> Vec<String> {
        self.0.services.clone()
    }

    /// Containers of pods that may run there.
    #[getter]
    fn pods(&self) -> Vec<String> {
        self.0.pods.clone()
    }

    /// Components that belong there and are not wanted yet: `component` and `why`.
    #[getter]
    fn waiting<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.waiting, &["component", "why"])
    }

    /// Everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    /// Whether a container of this name is wanted.
    fn __contains__(&self, name: &str) -> bool {
        self.0.containers.iter().any(|container| container.name == name)
    }

    fn __repr__(&self) -> String {
        format!(
            "<Desired of {}: {} containers, {} volumes>",
            self.0.node_id,
            self.0.containers.len(),
            self.0.volumes.len()
        )
    }
}
