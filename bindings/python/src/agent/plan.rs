//! The way from what is there to what is wanted, and whether it may be gone now.

use mke_agent::addons::{KubeNode, Objects};
use mke_agent::node::{self, ClusterState, Observed};
use pyo3::prelude::*;

use super::cluster::{Cluster, Node};
use super::desired::Desired;
use crate::convert::{from_python, records, table, to_python, word};

/// One thing to do on a node, with its reason. `str()` says it in one line.
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Step(node::Step);

#[pymethods]
impl Step {
    /// What is done, a word that does not change: `pull`, `create-container`, `remove-volume`, …
    #[getter]
    fn kind(&self) -> String {
        match serde_json::to_value(&self.0.action) {
            Ok(serde_json::Value::Object(action)) => action.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// The name of what it is done to.
    #[getter]
    fn object(&self) -> String {
        self.0.action.object()
    }

    /// Why.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The places of steps before it, from 0, without which it makes no sense.
    #[getter]
    fn needs(&self) -> Vec<usize> {
        self.0.needs.clone()
    }

    /// The step as plain data, with all that belongs to its action.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Step {}>", self.0.action)
    }
}

/// What to do on a node. It is false when there is nothing to do; `str()` says every step with its reason.
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Plan(node::Plan);

#[pymethods]
impl Plan {
    /// From plain data, as `to_dict` gives it.
    #[staticmethod]
    fn from_dict(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        from_python("plan", data).map(Self)
    }

    /// What to do, in order.
    #[getter]
    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows: Vec<_> = self.0.steps.iter().cloned().map(Step).collect();
        table(py, rows, &["kind", "object", "reason"])
    }

    /// What is not as it should be and is left alone: `object`, `why`, and whether it becomes possible by itself (`later`).
    #[getter]
    fn blocked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py, &self.0.blocked, &["object", "why", "later"])
    }

    /// What it is made for: `converge` or `uninstall`.
    #[getter]
    fn purpose<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.purpose)
    }

    /// Whether something is left for the turn of this manager.
    #[getter]
    fn wants_turn(&self) -> bool {
        self.0.wants_turn
    }

    /// The plan as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __len__(&self) -> usize {
        self.0.steps.len()
    }

    fn __bool__(&self) -> bool {
        !self.0.is_empty()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Plan for {}: {} steps, {} left alone>",
            self.0.node_id,
            self.0.steps.len(),
            self.0.blocked.len()
        )
    }
}

/// Why a plan may not be carried out. `str()` says it in one line.
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Refusal(node::Refusal);

#[pymethods]
impl Refusal {
    /// The place of the step in the plan, from 0; `None` is the plan as a whole.
    #[getter]
    fn step(&self) -> Option<usize> {
        self.0.step
    }

    /// What is wrong with it.
    #[getter]
    fn why(&self) -> &str {
        &self.0.why
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Refusal {}>", self.0)
    }
}

/// What is there and how the managers do, from plain data.
fn seen(
    observed: Option<&Bound<'_, PyAny>>,
    state: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Observed, ClusterState)> {
    let observed = observed.map_or(Ok(Observed::default()), |data| from_python("observed", data))?;
    let state = state.map_or(Ok(ClusterState::default()), |data| from_python("state", data))?;
    Ok((observed, state))
}

/// Plans what to do on a node. `observed` is what is there (`mke.agent_types.Observed`, as `ucp plan --show observed` prints it);
/// nothing without it. `state` is how the managers do (`mke.agent_types.ClusterState`); what it does not say is not known, and
/// nothing that needs it is planned. `purpose` is `"converge"` or `"uninstall"`.
///
///     >>> node = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
///     >>> cluster = mke.agent.Cluster("c1", managers=[node])
///     >>> plan = mke.agent.plan(mke.agent.desired(cluster, node))
///     >>> plan.steps[0].kind, bool(plan)
///     ('create-network', True)
#[pyfunction]
#[pyo3(signature = (desired, observed=None, *, state=None, purpose="converge"))]
pub(super) fn plan(
    py: Python<'_>,
    desired: &Bound<'_, Desired>,
    observed: Option<&Bound<'_, PyAny>>,
    state: Option<&Bound<'_, PyAny>>,
    purpose: &str,
) -> PyResult<Plan> {
    let (observed, state) = seen(observed, state)?;
    let purpose = word(py, "purpose", purpose)?;
    let desired = &desired.get().0;
    Ok(Plan(
        py.detach(|| node::plan(desired, &observed, &state, purpose)),
    ))
}

/// Everything that speaks against carrying out a plan now; empty when nothing does. It is judged by code that did not write the
/// plan: what is not ours, what takes the store below its quorum, what removes data, what is not brought back.
#[pyfunction]
#[pyo3(signature = (plan, desired, observed=None, *, state=None))]
pub(super) fn check<'py>(
    py: Python<'py>,
    plan: &Bound<'py, Plan>,
    desired: &Bound<'py, Desired>,
    observed: Option<&Bound<'py, PyAny>>,
    state: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (observed, state) = seen(observed, state)?;
    let (plan, desired) = (plan.get().0.clone(), &desired.get().0);
    let checked = py.detach(|| node::check(plan, desired, &observed, &state));
    refused(py, checked.err().unwrap_or_default())
}

/// Refusals as a table.
fn refused(py: Python<'_>, refusals: Vec<node::Refusal>) -> PyResult<Bound<'_, PyAny>> {
    let rows: Vec<_> = refusals.into_iter().map(Refusal).collect();
    table(py, rows, &["step", "why"])
}

/// What would be done on a node, and what is against it. `str()` is the text of `ucp plan`.
#[pyclass(module = "mke.agent", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct Preview(node::Preview);

#[pymethods]
impl Preview {
    /// What would be done.
    #[getter]
    fn plan(&self) -> Plan {
        Plan(self.0.plan.clone())
    }

    /// Why it would not be done now; empty when it would.
    #[getter]
    fn refusals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        refused(py, self.0.refusals.clone())
    }

    /// Volumes with wanted files into which nobody could look.
    #[getter]
    fn unseen(&self) -> Vec<String> {
        self.0.unseen.clone()
    }

    /// What would be done in Kubernetes, where the cluster has it and the node is a manager: `plan` with its `steps` and what is
    /// `blocked`, `refusals`, `looked` (whether `objects` were given) and `missing_images`.
    #[getter]
    fn addons<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.addons)
    }

    /// Whether there is nothing to do for anybody.
    #[getter]
    fn is_settled(&self) -> bool {
        self.0.is_settled()
    }

    /// The preview as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Preview of {}: {} steps, {} refusals>",
            self.0.hostname,
            self.0.plan.steps.len(),
            self.0.refusals.len()
        )
    }
}

/// Plans and checks in one call; the arguments are those of `desired`, `plan` and `check`. For managers of clusters with Kubernetes
/// it also says what would be done there: `nodes` are all nodes of the cluster as far as they are known (`Node`, or
/// `mke.agent_types.KubeNode`; without it, this one), and `objects` is what is there, a list as `kubectl get --output json` prints it
/// (without it, what a new cluster has).
///
///     >>> node = mke.agent.Node("n1", "manager-1", "manager", "192.0.2.11")
///     >>> preview = mke.agent.preview(mke.agent.Cluster("c1", managers=[node]), node)
///     >>> len(preview.refusals), preview.is_settled
///     (0, False)
#[pyfunction]
#[pyo3(signature = (cluster, node, observed=None, *, state=None, nodes=None, objects=None))]
pub(super) fn preview(
    py: Python<'_>,
    cluster: &Bound<'_, Cluster>,
    node: &Bound<'_, Node>,
    observed: Option<&Bound<'_, PyAny>>,
    state: Option<&Bound<'_, PyAny>>,
    nodes: Option<Vec<Bound<'_, PyAny>>>,
    objects: Option<&Bound<'_, PyAny>>,
) -> PyResult<Preview> {
    let (observed, state) = seen(observed, state)?;
    let objects = objects
        .map(|data| from_python::<Objects>("objects", data))
        .transpose()?;
    let (cluster, node) = (&cluster.get().0, &node.get().0);
    let nodes = match nodes {
        Some(all) => all.iter().map(kube_node).collect::<PyResult<Vec<_>>>()?,
        None => vec![KubeNode::of_facts(node)],
    };
    Ok(Preview(py.detach(|| {
        node::Preview::of(cluster, node, &state, &observed).with_addons(cluster, &nodes, objects.as_ref())
    })))
}

fn kube_node(given: &Bound<'_, PyAny>) -> PyResult<KubeNode> {
    match given.cast::<Node>() {
        Ok(node) => Ok(KubeNode::of_facts(&node.get().0)),
        Err(_) => from_python("nodes", given),
    }
}
