//! Kernel parameters: observed, planned, written so that they can be taken back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mke_core::config::port_range;
use mke_net::kernel::{self, Event, Intent, Key, Place, Plan, State, Step};
use pyo3::prelude::*;
use serde::Serialize;

use super::config_of;
use super::finding::findings;
use crate::config::Config;
use crate::convert::{records, table, to_python};
use crate::errors::{OrRaise as _, invalid};

/// One value that would be written.
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct KernelStep(Step);

#[pymethods]
impl KernelStep {
    /// The parameter, such as `net.ipv4.ip_forward`.
    #[getter]
    fn key(&self) -> String {
        self.0.key.to_string()
    }

    /// Its value now.
    #[getter]
    fn before(&self) -> &str {
        &self.0.from
    }

    /// Its value then.
    #[getter]
    fn after(&self) -> &str {
        &self.0.to
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<KernelStep {}>", self.0)
    }
}

fn steps<'py>(py: Python<'py>, steps: &[Step]) -> PyResult<Bound<'py, PyAny>> {
    let rows: Vec<_> = steps.iter().cloned().map(KernelStep).collect();
    table(py, rows, &["key", "before", "after"])
}

/// What would be written to the kernel, and why. It is false when nothing would be.
#[pyclass(module = "mke.net", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct KernelPlan(Plan);

#[pymethods]
impl KernelPlan {
    /// The writes, in their order.
    #[getter]
    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        steps(py, &self.0.steps)
    }

    /// What is wrong, and what is worth knowing; the id of each is `kernel-` and the parameter.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        findings(py, self.0.findings.clone())
    }

    /// Steps and findings as plain data.
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
        let lines: Vec<_> = self.0.steps.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    fn __repr__(&self) -> String {
        format!(
            "<KernelPlan: {} steps, {} findings>",
            self.0.steps.len(),
            self.0.findings.len()
        )
    }
}

/// The kernel parameters of this machine, or of a network namespace (a name of `ip netns`, the number of a process, or a path).
///
/// Changes are kept in a journal with the values from before. They are taken back when nobody confirms them in time, by whoever
/// looks next: this class, the agent, or `ucp kernel`. `root` is the directory below which the machine's files lie.
///
/// Raises `KernelError` when the namespace cannot be entered.
#[pyclass(module = "mke.net", frozen, skip_from_py_object)]
pub(crate) struct Kernel(Place);

#[pymethods]
impl Kernel {
    #[new]
    #[pyo3(signature = (root=PathBuf::from("/"), *, namespace=None))]
    fn new(root: PathBuf, namespace: Option<&str>) -> PyResult<Self> {
        match namespace {
            Some(name) => Place::namespace(&root, name).or_raise().map(Self),
            None => Ok(Self(Place::host(&root))),
        }
    }

    /// The name of the network namespace; `None` for the machine.
    #[getter]
    fn namespace(&self) -> Option<&str> {
        self.0.namespace_name()
    }

    /// The values of the parameters in `parameters()` and of those that are `named`. `None` stands for one that is not there, that
    /// cannot be read, or that belongs to the whole machine while a namespace is looked at.
    #[pyo3(signature = (named=Vec::new()))]
    fn values(&self, py: Python<'_>, named: Vec<String>) -> PyResult<BTreeMap<String, Option<String>>> {
        let named = keys(&named)?;
        let seen = py.detach(|| kernel::observe(&self.0, &named)).or_raise()?;
        let value = |state| match state {
            State::Value(value) => Some(value),
            _ => None,
        };
        let states = seen.states.into_iter();
        Ok(states
            .map(|(key, state)| (key.to_string(), value(state)))
            .collect())
    }

    /// Everything that a plan is made from, as plain data: the `states` of parameters, and the `settings` of files for the next
    /// start.
    #[pyo3(signature = (named=Vec::new()))]
    fn observe<'py>(&self, py: Python<'py>, named: Vec<String>) -> PyResult<Bound<'py, PyAny>> {
        let named = keys(&named)?;
        let seen = py.detach(|| kernel::observe(&self.0, &named)).or_raise()?;
        to_python(py, &seen)
    }

    /// Plans what leads from what is there to what the cluster needs.
    ///
    /// `config` is its configuration (the defaults without one). `values` are values of your own for any parameter; they go before
    /// everything. `node_ports` (`"32768-35535"`) are kept from being taken by chance, instead of those of the configuration.
    /// `whole` asks also for values that the documents only list.
    #[pyo3(signature = (config=None, *, values=None, node_ports=None, whole=false))]
    fn plan(
        &self,
        py: Python<'_>,
        config: Option<&Bound<'_, Config>>,
        values: Option<BTreeMap<String, String>>,
        node_ports: Option<&str>,
        whole: bool,
    ) -> PyResult<KernelPlan> {
        let mut intent = Intent::of(&config_of(config));
        intent.whole = whole;
        if let Some(text) = node_ports {
            let ports = port_range(text).ok_or_else(|| {
                let why = format!("`{text}` is no range of ports such as `32768-35535`");
                invalid("node_ports", &why)
            })?;
            intent.node_ports = Some(ports);
        }
        for (name, value) in values.unwrap_or_default() {
            intent.named.push((name.parse().or_raise()?, value));
        }
        let seen = py
            .detach(|| kernel::observe(&self.0, &intent.keys()))
            .or_raise()?;
        Ok(KernelPlan(kernel::plan(&seen, &intent)))
    }

    /// Writes a plan, and gives what was written. Everything is taken back when `confirm` does not come within `hold` seconds. With
    /// `dry_run` nothing is written. `progress` is called with the name and the subject of everything that happens.
    ///
    /// Raises `KernelError`; when the kernel refuses a value, everything is as before.
    #[pyo3(signature = (plan, *, hold=60.0, dry_run=false, progress=None))]
    fn apply<'py>(
        &self,
        py: Python<'py>,
        plan: &Bound<'py, KernelPlan>,
        hold: f64,
        dry_run: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let plan = &plan.get().0;
        let hold = Duration::try_from_secs_f64(hold)
            .ok()
            .filter(|hold| (Duration::from_secs(1)..=DAY).contains(hold))
            .ok_or_else(|| invalid("hold", "a time from 1 to 86400 seconds is needed"))?;
        if !dry_run && !plan.is_empty() {
            let mut told = Told::new(progress);
            let written = py.detach(|| kernel::apply(&self.0, plan, hold, &mut |event| told.tell(event)));
            written.or_raise()?;
            told.end()?;
        }
        steps(py, &plan.steps)
    }

    /// Keeps the change that waits, and gives its steps. With `persist`, and not for a namespace, the values are there after the
    /// next start too. With `dry_run` it only says which change waits.
    ///
    /// Raises `KernelError` when nothing waits, or when the change has been taken back.
    #[pyo3(signature = (*, persist=true, dry_run=false, progress=None))]
    fn confirm<'py>(
        &self,
        py: Python<'py>,
        persist: bool,
        dry_run: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut told = Told::new(progress);
        let kept = py.detach(|| {
            if dry_run {
                let status = kernel::status(&self.0, &mut |event| told.tell(event))?;
                return match status.standing {
                    kernel::Standing::Waiting => Ok(status.changes.last().cloned().unwrap_or_default()),
                    _ => Err(kernel::KernelError::NothingToConfirm),
                };
            }
            kernel::confirm(&self.0, persist, &mut |event| told.tell(event))
        });
        let kept = kept.or_raise()?;
        told.end()?;
        steps(py, &kept)
    }

    /// Takes back the youngest change, or with `all` every one; with `force` also what others have changed since. Gives what was
    /// `restored`, what was `left` to others, and whether the file for the next start was (`left_file`). With `dry_run` nothing is
    /// written, and `left_file` is not known and `None`.
    #[pyo3(signature = (*, all=false, force=false, dry_run=false, progress=None))]
    fn revert<'py>(
        &self,
        py: Python<'py>,
        all: bool,
        force: bool,
        dry_run: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut told = Told::new(progress);
        let report = py.detach(|| {
            if dry_run {
                let status = kernel::status(&self.0, &mut |event| told.tell(event))?;
                return Ok(would_revert(&status, all, force));
            }
            let done = kernel::revert(&self.0, all, force, &mut |event| told.tell(event))?;
            Ok(Reverted {
                restored: done.restored,
                left: done.left,
                left_file: Some(done.left_file),
            })
        });
        let report: Result<_, kernel::KernelError> = report;
        let report = report.or_raise()?;
        told.end()?;
        to_python(py, &report)
    }

    /// What is open, what holds and what has drifted, as plain data (`mke.net_types.KernelStatus`). A change that nobody confirmed in
    /// time is taken back by this look.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let status = py.detach(|| kernel::status(&self.0, &mut |_| {})).or_raise()?;
        to_python(py, &status)
    }

    fn __repr__(&self) -> String {
        match self.0.namespace_name() {
            Some(name) => format!("<Kernel of namespace {name}>"),
            None => format!("<Kernel of {}>", self.0.root().display()),
        }
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn keys(names: &[String]) -> PyResult<Vec<Key>> {
    names.iter().map(|name| name.parse().or_raise()).collect()
}

/// What a way back did, or would do.
#[derive(Serialize)]
struct Reverted {
    restored: Vec<Key>,
    left: Vec<Key>,
    left_file: Option<bool>,
}

/// What others have changed since stays, unless it is asked for.
fn would_revert(status: &kernel::Status, all: bool, force: bool) -> Reverted {
    let mut report = Reverted {
        restored: Vec::new(),
        left: Vec::new(),
        left_file: None,
    };
    let back = if all { status.changes.len() } else { 1 };
    for step in status.changes.iter().rev().take(back).flatten() {
        let drifted = status.drift.iter().any(|drift| drift.key == step.key);
        let list = match drifted && !force {
            true => &mut report.left,
            false => &mut report.restored,
        };
        if !list.contains(&step.key) {
            list.push(step.key.clone());
        }
    }
    report
}

/// Whoever is told what happens. The first error of theirs is raised when everything is done: nothing is left half-way for it.
struct Told {
    whom: Option<Py<PyAny>>,
    failed: Option<PyErr>,
}

impl Told {
    fn new(whom: Option<Py<PyAny>>) -> Self {
        Self { whom, failed: None }
    }

    fn tell(&mut self, event: &Event) {
        let Some(whom) = &self.whom else { return };
        let (name, subject) = match event {
            Event::Recorded => ("recorded", String::new()),
            Event::Wrote(step) => ("wrote", step.to_string()),
            Event::Waiting => ("waiting", String::new()),
            Event::Confirming => ("confirming", String::new()),
            Event::Persisted => ("persisted", format!("/{}", kernel::SETTINGS_FILE)),
            Event::Confirmed => ("confirmed", String::new()),
            Event::Reverting => ("reverting", String::new()),
            Event::Restored(key) => ("restored", key.to_string()),
            Event::Reverted => ("reverted", String::new()),
        };
        let told = Python::attach(|py| whom.call1(py, (name, subject)).map(drop));
        if self.failed.is_none() {
            self.failed = told.err();
        }
    }

    fn end(self) -> PyResult<()> {
        self.failed.map_or(Ok(()), Err)
    }
}

/// A parameter of the documents as plain data.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    before: String,
    product: String,
    unit: &'static str,
    module: Option<&'static str>,
    per_namespace: bool,
    set_by: String,
    need: kernel::Need,
    meaning: &'static str,
}

/// The kernel parameters of the documents: `name`, its value `before` an installation and after one (`product`), `unit`, the
/// `module` that brings it, whether it is `per_namespace`, who it is `set_by`, how much a cluster has `need` of it, its `meaning`.
///
///     >>> len(mke.net.parameters())
///     91
#[pyfunction]
pub(super) fn parameters(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let rows: Vec<Row> = kernel::parameters()
        .map(|parameter| Row {
            name: parameter.name,
            before: parameter.before.to_string(),
            product: parameter.product.to_string(),
            unit: parameter.unit,
            module: parameter.module,
            per_namespace: parameter.per_namespace,
            set_by: parameter.set_by.to_string(),
            need: parameter.need,
            meaning: parameter.meaning,
        })
        .collect();
    records(
        py,
        &rows,
        &[
            "name",
            "before",
            "product",
            "unit",
            "module",
            "per_namespace",
            "set_by",
            "need",
            "meaning",
        ],
    )
}
