//! A policy of collections that can be asked: how it is made, and what is in it.

mod ask;
mod change;
mod decide;

use std::path::PathBuf;

use mke_rbac::inquiry::{Explain, Inquiry, Scene};
use mke_rbac::kubernetes::identity::{Directory, Identity};
use mke_rbac::question::Names;
use mke_rbac::state::{StateFile, World};
use mke_rbac::{Prepared, proof};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::kubernetes::KubernetesPolicy;
use super::{forms, names, report};
use crate::convert::{from_python, to_python};
use crate::errors::OrRaise as _;

/// Accounts, collections, roles and grants that can be asked, offline. It does not change; `with_changes` makes another.
///
/// Made from a state (`from_state`, `from_file`) or from its parts as keywords, in the form of a world of a state file:
/// `users` and `orgs` (mappings by name, or names alone), `collections` (paths), `roles`, `grants` (mappings, or three
/// texts: subject, role, collection), `nodes`, `resources`, `settings` and `k8s`. Built-in collections and roles are
/// always there.
///
/// >>> import mke
/// >>> policy = mke.rbac.Policy(
/// ...     users=["dina", "sam"],
/// ...     orgs={"bank": {"teams": {"ops": ["sam"]}}},
/// ...     collections=["/Prod"],
/// ...     grants=[("user:dina", "viewonly", "/Shared"), ("team:bank/ops", "fullcontrol", "/Prod")],
/// ... )
/// >>> bool(policy.decide("sam", "Container Create", "/Prod", "Privileged"))
/// True
/// >>> policy.allows("dina", "Service Create", "/Prod")
/// False
/// >>> policy
/// <Policy: 2 users, 8 collections, 5 grants>
///
/// Raises:
///     mke.errors.InquiryError: a part has a wrong form; `field` says where.
///     mke.errors.StateError: names that stand for nothing, all of them.
#[pyclass(module = "mke.rbac", frozen)]
pub(crate) struct Policy {
    world: World,
    prepared: Prepared,
    /// The names of all users and the paths of all collections, once somebody has asked.
    users: PyOnceLock<Py<PyTuple>>,
    collections: PyOnceLock<Py<PyTuple>>,
}

impl Policy {
    /// A world, prepared for questions; the interpreter need not be held.
    fn of(world: World) -> Self {
        Self {
            prepared: world.policy().prepare(),
            world,
            users: PyOnceLock::new(),
            collections: PyOnceLock::new(),
        }
    }

    pub(crate) const fn world(&self) -> &World {
        &self.world
    }

    pub(super) const fn rules(&self) -> &mke_rbac::Policy {
        self.world.policy()
    }

    pub(super) const fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Answers an inquiry with the interpreter free.
    fn ask<I>(&self, py: Python<'_>, inquiry: &I) -> PyResult<I::Report>
    where
        I: Inquiry + Sync,
        I::Report: Send,
    {
        let answer = py.detach(|| inquiry.ask(&Scene::new(self.world.policy(), self.world.inventory())));
        answer.or_raise()
    }

    /// An inquiry and its report.
    fn inquire<'py, I>(
        &self,
        py: Python<'py>,
        class: &str,
        form: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        I: Inquiry + Sync,
        I::Report: Send,
    {
        report::show(py, class, &self.ask(py, &forms::inquiry::<I>(form)?)?)
    }

    pub(super) fn explanation<'py>(
        &self,
        py: Python<'py>,
        subject: Option<String>,
        question: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let form = forms::question(py, subject, question)?;
        self.inquire::<Explain>(py, "Explanation", form.as_any())
    }
}

#[pymethods]
impl Policy {
    #[new]
    #[pyo3(signature = (*, users=None, orgs=None, collections=None, roles=None, grants=None, nodes=None, resources=None, settings=None, k8s=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a state, each a keyword")]
    fn new<'py>(
        py: Python<'py>,
        users: Option<Bound<'py, PyAny>>,
        orgs: Option<Bound<'py, PyAny>>,
        collections: Option<Bound<'py, PyAny>>,
        roles: Option<Bound<'py, PyAny>>,
        grants: Option<Bound<'py, PyAny>>,
        nodes: Option<Bound<'py, PyAny>>,
        resources: Option<Bound<'py, PyAny>>,
        settings: Option<Bound<'py, PyAny>>,
        k8s: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let parts = PyDict::new(py);
        for (key, value) in [
            ("users", users),
            ("orgs", orgs),
            ("collections", collections),
            ("roles", roles),
            ("grants", grants),
            ("nodes", nodes),
            ("resources", resources),
            ("settings", settings),
            ("k8s", k8s),
        ] {
            if let Some(value) = value {
                parts.set_item(key, value)?;
            }
        }
        let record = forms::world(&parts)?;
        py.detach(|| World::compile("policy", &record).map(Self::of))
            .or_raise()
    }

    /// The policy in the text of a state, YAML or JSON. The world must be named when there are several.
    ///
    /// >>> import mke
    /// >>> text = '''
    /// ... format: rbac-scenarios/1
    /// ... worlds: {bank: {users: {dina: {}}, grants: [{id: g1, subject: "user:dina", role: viewonly, collection: /Shared}]}}
    /// ... '''
    /// >>> mke.rbac.Policy.from_state(text).allows("dina", "Service View", "/Shared")
    /// True
    ///
    /// Raises:
    ///     mke.errors.StateError: it cannot be read, or names stand for nothing.
    #[classmethod]
    #[pyo3(signature = (text, world=None))]
    fn from_state(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        text: &str,
        world: Option<&str>,
    ) -> PyResult<Self> {
        py.detach(|| World::parse(text, world).map(Self::of)).or_raise()
    }

    /// The policy in a state file.
    ///
    /// Raises:
    ///     OSError: it cannot be read.
    ///     mke.errors.StateError: see `from_state`.
    #[classmethod]
    #[pyo3(signature = (path, world=None))]
    fn from_file(
        class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: PathBuf,
        world: Option<&str>,
    ) -> PyResult<Self> {
        let text = py.detach(|| std::fs::read_to_string(&path))?;
        Self::from_state(class, py, &text, world)
    }

    /// The names of the worlds in the text of a state, in order.
    #[staticmethod]
    fn worlds(text: &str) -> PyResult<Vec<String>> {
        let file = StateFile::parse(text).or_raise()?;
        Ok(file.worlds.into_keys().collect())
    }

    /// The names of all users, sorted. A user's position here is its number in `decide_many`.
    #[getter]
    fn users<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyTuple>> {
        let users = self.users.get_or_try_init(py, || {
            let names: Vec<_> = self.prepared.users().map(|user| user.name.as_str()).collect();
            PyTuple::new(py, names).map(Bound::unbind)
        })?;
        Ok(users.bind(py))
    }

    /// The paths of all collections, sorted. A collection's position here is its number in `decide_many`.
    #[getter]
    fn collections<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyTuple>> {
        let collections = self.collections.get_or_try_init(py, || {
            let collections = self.prepared.collections();
            let paths: Vec<_> = collections.map(|collection| collection.path.as_str()).collect();
            PyTuple::new(py, paths).map(Bound::unbind)
        })?;
        Ok(collections.bind(py))
    }

    /// All roles, the built-in ones first: a table with `id`, `name`, `system` and `operations` (type, operation, modifiers).
    #[getter]
    fn roles<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        super::role::table(py, self.rules().roles())
    }

    /// All grants on collections, the implied ones included: a table with `subject`, `role`, `role_name` and
    /// `collection`.
    #[getter]
    fn grants<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let names = Names::of(self.rules());
        let mut grants: Vec<_> = self
            .rules()
            .grants()
            .filter_map(|grant| names.grant(&grant))
            .collect();
        grants.sort();
        let rows = to_python(py, &grants)?;
        let columns = ("subject", "role", "role_name", "collection");
        py.import("mke._table")?.getattr("Table")?.call1((rows, columns))
    }

    /// What has no effect because it names what does not exist, in sentences.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.rules().warnings().iter().map(ToString::to_string).collect()
    }

    /// The roles and bindings of Kubernetes in this state.
    #[getter]
    fn kubernetes(&self, py: Python<'_>) -> KubernetesPolicy {
        let rbac = &self.world.inventory().kubernetes;
        py.detach(|| KubernetesPolicy::of(rbac))
    }

    /// How Kubernetes sees a user of this policy: a mapping with `user` (the id) and `groups`. `None` when it is deactivated.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: there is no such user.
    #[pyo3(signature = (subject, /))]
    fn kubernetes_identity<'py>(&self, subject: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = subject.py();
        let Some(user) = names::user(&self.prepared, subject)? else {
            return to_python(py, &Identity::anonymous()).map(Some);
        };
        let id = self.prepared.user(user.position()).map(|user| user.id.clone());
        let directory = Directory::new(&self.rules().to_model());
        let identity = id.and_then(|id| directory.identity(id.as_str()));
        identity.map(|identity| to_python(py, &identity)).transpose()
    }

    /// The plain facts of this policy, against which `mke.rbac.verify` checks the proof of an explanation.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let facts = py.detach(|| {
            let authorizer = mke_rbac::kubernetes::Authorizer::compile(&self.world.inventory().kubernetes);
            proof::facts(self.world.policy(), &authorizer)
        });
        to_python(py, &facts)
    }

    /// The ids that the state gives to a grant: a mapping with `subject`, `role`, `role_name` and `collection`.
    fn grant_ids(&self, grant: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let grant = from_python("grant", grant)?;
        Ok(self.world.grant_ids(&grant).map(str::to_owned).collect())
    }

    fn __repr__(&self) -> String {
        let rules = self.rules();
        format!(
            "<Policy: {} users, {} collections, {} grants>",
            rules.user_count(),
            rules.collection_count(),
            rules.grant_count()
        )
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let grants: String = self.grants(py)?.call_method0("_repr_html_")?.extract()?;
        Ok(format!("<p>{}</p>{grants}", report::escape(&self.__repr__())))
    }
}
