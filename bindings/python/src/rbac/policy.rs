//! A policy of collections that can be asked.

use std::path::PathBuf;

use mke_rbac::inquiry::{
    self, AccessTo, Diff, Explain, Inquiry, Paths, PolicyTests, Replay, Scene, Simulate, Unused, WhatIf,
    WhoCan,
};
use mke_rbac::kubernetes::identity::{Directory, Identity};
use mke_rbac::question::{Names, Question};
use mke_rbac::state::{StateFile, World};
use mke_rbac::{Prepared, proof};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};

use super::batch::{Column, Questions};
use super::decision::Decision;
use super::kubernetes::KubernetesPolicy;
use super::log::AuditLog;
use super::names::{self, Positions};
use super::{forms, report};
use crate::convert::{from_python, to_python};
use crate::errors::{OrRaise as _, invalid};

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
    positions: Positions,
}

impl Policy {
    pub(super) fn new_of(py: Python<'_>, world: World) -> PyResult<Self> {
        let prepared = world.policy().prepare();
        Ok(Self {
            positions: Positions::of(py, &prepared)?,
            prepared,
            world,
        })
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

    fn column_of_users(&self, value: &Bound<'_, PyAny>) -> PyResult<Column> {
        let position = |name: &Bound<'_, PyAny>| {
            let user = self.positions.user(name)?;
            // Positions are counted in memory, so they are far below the end of these numbers.
            Ok(user.map_or(-1, |user| i64::try_from(user).unwrap_or(i64::MAX)))
        };
        Column::read("subjects", value, position)
    }

    fn column_of_collections(&self, value: &Bound<'_, PyAny>) -> PyResult<Column> {
        let position = |path: &Bound<'_, PyAny>| {
            let collection = self.positions.collection(path)?;
            Ok(i64::try_from(collection).unwrap_or(i64::MAX))
        };
        Column::read("collections", value, position)
    }
}

fn column_of_operations(value: &Bound<'_, PyAny>) -> PyResult<Column> {
    Column::read("operations", value, |name| {
        names::operation(name).map(|operation| operation as i64)
    })
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
        let world = py.detach(|| World::compile("policy", &record)).or_raise()?;
        Self::new_of(py, world)
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
        let world = py.detach(|| World::parse(text, world)).or_raise()?;
        Self::new_of(py, world)
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
    fn users<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        self.positions.users(py)
    }

    /// The paths of all collections, sorted. A collection's position here is its number in `decide_many`.
    #[getter]
    fn collections<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        self.positions.collections(py)
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

    /// Whether the user may use the operation, with all these modifiers, in the collection. `None` is a request without
    /// credentials.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a name stands for nothing: a misspelt one must not count as denied.
    #[pyo3(signature = (subject, operation, collection, /, *modifiers))]
    fn decide(
        slf: &Bound<'_, Self>,
        subject: &Bound<'_, PyAny>,
        operation: &Bound<'_, PyAny>,
        collection: &Bound<'_, PyAny>,
        modifiers: &Bound<'_, PyTuple>,
    ) -> PyResult<Decision> {
        let policy = slf.get();
        let user = policy.positions.user(subject)?;
        let operation = names::operation(operation)?;
        let collection = policy.positions.collection(collection)?;
        let modifiers = names::modifiers(modifiers)?;
        Ok(Decision {
            is_allowed: policy.prepared.allows(user, operation, modifiers, collection),
            policy: slf.clone().unbind(),
            user,
            operation,
            modifiers,
            collection,
        })
    }

    /// The same as plain truth value.
    #[pyo3(signature = (subject, operation, collection, /, *modifiers))]
    fn allows(
        &self,
        subject: &Bound<'_, PyAny>,
        operation: &Bound<'_, PyAny>,
        collection: &Bound<'_, PyAny>,
        modifiers: &Bound<'_, PyTuple>,
    ) -> PyResult<bool> {
        let user = self.positions.user(subject)?;
        let operation = names::operation(operation)?;
        let collection = self.positions.collection(collection)?;
        let modifiers = names::modifiers(modifiers)?;
        Ok(self.prepared.allows(user, operation, modifiers, collection))
    }

    /// Many decisions at once, with the interpreter released: one byte for each, 1 for allowed and 0 for denied.
    ///
    /// Each of the three is one name for all questions, or a list of names, or an array of positions: in `users` (-1
    /// for a request without credentials), in `OPERATIONS` and in `collections`. Every object with the buffer protocol
    /// is an array: `array.array`, `bytes`, `memoryview`, those of numpy. `numpy.frombuffer(verdicts, bool)` reads the
    /// answer. The work is shared among `threads`, by default as many as there are processors.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
    /// >>> list(policy.decide_many(policy.users, "Service View", "/Shared"))
    /// [1, 0]
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a name stands for nothing.
    ///     mke.errors.InvalidValueError: lists of different lengths, or a position that stands for nothing.
    #[pyo3(signature = (subjects, operations, collections, /, *modifiers, threads=None))]
    fn decide_many<'py>(
        &self,
        py: Python<'py>,
        subjects: &Bound<'py, PyAny>,
        operations: &Bound<'py, PyAny>,
        collections: &Bound<'py, PyAny>,
        modifiers: &Bound<'py, PyTuple>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let users = self.column_of_users(subjects)?;
        let operations = column_of_operations(operations)?;
        let collections = self.column_of_collections(collections)?;
        let modifiers = names::modifiers(modifiers)?;
        let verdicts = py.detach(|| {
            let questions = Questions::check(&self.prepared, users, operations, collections, modifiers)?;
            Ok::<_, String>(questions.decide(&self.prepared, threads))
        });
        let verdicts = verdicts.map_err(|problem| invalid("batch", &problem))?;
        Ok(PyBytes::new(py, &verdicts))
    }

    /// Names as arrays of positions, for `decide_many`: what is asked again and again need not be looked up each time.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a name stands for nothing.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        subjects: &Bound<'py, PyAny>,
        operations: &Bound<'py, PyAny>,
        collections: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let columns = [
            self.column_of_users(subjects)?,
            column_of_operations(operations)?,
            self.column_of_collections(collections)?,
        ];
        let class = py.import("array")?.getattr("array")?;
        let arrays = columns
            .iter()
            .map(|column| class.call1(("i", PyBytes::new(py, &column.to_bytes()))));
        PyTuple::new(py, arrays.collect::<PyResult<Vec<_>>>()?)
    }

    /// How Kubernetes sees a user of this policy: a mapping with `user` (the id) and `groups`. `None` when it is deactivated.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: there is no such user.
    #[pyo3(signature = (subject, /))]
    fn kubernetes_identity<'py>(&self, subject: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = subject.py();
        let Some(position) = self.positions.user(subject)? else {
            return to_python(py, &Identity::anonymous()).map(Some);
        };
        let id = self.prepared.user(position).map(|user| user.id.clone());
        let directory = Directory::new(&self.rules().to_model());
        let identity = id.and_then(|id| directory.identity(id.as_str()));
        identity.map(|identity| to_python(py, &identity)).transpose()
    }

    /// Answers any question of the form that `ucp authz can-i` takes: see `mke.rbac.check`, `create`, `update`, `listing`,
    /// `api`, `kubernetes` and the others. The user may stand in the question or before it. A mapping with `decision`
    /// (`allow`, `deny` or `error`) and what else applies.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    /// >>> policy.answer("dina", mke.rbac.api("GET", "/v1.41/images/json"))["access"]
    /// 'filter'
    ///
    /// Raises:
    ///     mke.errors.InquiryError: it is no question.
    #[pyo3(signature = (subject, question, /))]
    fn answer<'py>(
        &self,
        py: Python<'py>,
        subject: Option<String>,
        question: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let form = forms::question(py, subject, question)?;
        let question: Question = forms::read("question", form.as_any())?;
        let answer = py.detach(|| self.world.answer(&question));
        to_python(py, &answer)
    }

    /// Why something is allowed or denied: every check with the grants behind it, what would have allowed it, and a proof.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: it is no question, or names what does not exist.
    #[pyo3(signature = (subject, question, /))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        subject: Option<String>,
        question: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.explanation(py, subject, question)
    }

    /// Everybody who can, and through what.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina", "sam"], grants=[("user:dina", "viewonly", "/Shared")])
    /// >>> [holder["name"] for holder in policy.who_can(mke.rbac.check("Service View", "/Shared")).users]
    /// ['dina']
    ///
    /// Raises:
    ///     mke.errors.InquiryError: it is no question that is allowed or denied.
    #[pyo3(signature = (question, /))]
    fn who_can<'py>(&self, py: Python<'py>, question: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.inquire::<WhoCan>(py, "WhoCanReport", question)
    }

    /// Who may do what in a collection or in a namespace of Kubernetes, with a picture of who gets there through what.
    /// `rows` is `users` or `teams`.
    #[pyo3(signature = (collection=None, *, namespace=None, rows="users", operations=None, system=false))]
    fn access<'py>(
        &self,
        py: Python<'py>,
        collection: Option<&str>,
        namespace: Option<&str>,
        rows: &str,
        operations: Option<Vec<String>>,
        system: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let form = PyDict::new(py);
        form.set_item("collection", collection)?;
        form.set_item("namespace", namespace)?;
        form.set_item("rows", rows)?;
        form.set_item("operations", operations.unwrap_or_default())?;
        form.set_item("system", system)?;
        self.inquire::<AccessTo>(py, "AccessReport", form.as_any())
    }

    /// Everything that a user may do, wherever that changes on the way down, and its rules of Kubernetes: the `rights` and
    /// `rules` of an answer.
    #[pyo3(signature = (subject, /, *, collection=None, namespace=None))]
    fn rights<'py>(
        &self,
        py: Python<'py>,
        subject: Option<String>,
        collection: Option<&str>,
        namespace: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let form = PyDict::new(py);
        form.set_item("kind", "rights")?;
        if let Some(collection) = collection {
            form.set_item("collection", collection)?;
        }
        if let Some(namespace) = namespace {
            form.set_item("namespace", namespace)?;
        }
        self.answer(py, subject, form.as_any())
    }

    /// What would change for whom: `changes` is a list of changes, or the text of one in YAML or JSON. Nothing is changed.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina"], collections=["/Prod"])
    /// >>> grant = {"grant": {"subject": "user:dina", "role": "viewonly", "collection": "/Prod"}}
    /// >>> policy.simulate([grant]).difference["counts"]["users_gaining"]
    /// 1
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a change has a wrong form, or names what is not there.
    #[pyo3(signature = (changes, /, *, limit=None))]
    fn simulate<'py>(
        &self,
        py: Python<'py>,
        changes: &Bound<'py, PyAny>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let simulate = Simulate {
            changes: read_changes(changes)?,
            limit: limit.unwrap_or(inquiry::LIMIT),
        };
        report::show(py, "SimulateReport", &self.ask(py, &simulate)?)
    }

    /// The policy after changes. This one stays as it is.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a change has a wrong form, or names what is not there.
    #[pyo3(signature = (changes, /))]
    fn with_changes(&self, py: Python<'_>, changes: &Bound<'_, PyAny>) -> PyResult<Self> {
        let changes = read_changes(changes)?;
        let world = py.detach(|| self.world.with(&changes)).or_raise()?;
        Self::new_of(py, world)
    }

    /// Who gained and who lost from this policy to another. Users are compared by name and collections by path.
    #[pyo3(signature = (newer, /, *, limit=None))]
    fn diff<'py>(
        &self,
        py: Python<'py>,
        newer: &Bound<'py, PyAny>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Ok(newer) = newer.cast::<Self>() else {
            return Err(PyTypeError::new_err("a policy is compared with another Policy"));
        };
        let newer = newer.get();
        let found = py.detach(|| {
            let before = Scene::new(self.world.policy(), self.world.inventory());
            let after = Scene::new(newer.world.policy(), newer.world.inventory());
            Diff::between(&before, &after, limit.unwrap_or(inquiry::LIMIT))
        });
        report::show(py, "DiffReport", &found)
    }

    /// Who can become root on a node, and how. `who` is about one subject only; `footholds` also lists rights that only
    /// weaken the isolation of a node; `admission` says which pods the cluster lets in.
    #[pyo3(signature = (who=None, *, footholds=false, admission=None, limit=None))]
    fn escalation_paths<'py>(
        &self,
        py: Python<'py>,
        who: Option<&str>,
        footholds: bool,
        admission: Option<&Bound<'py, PyAny>>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let form = PyDict::new(py);
        if let Some(who) = who {
            form.set_item("who", who)?;
        }
        form.set_item("footholds", footholds)?;
        if let Some(admission) = admission {
            form.set_item("admission", admission)?;
        }
        if let Some(limit) = limit {
            form.set_item("limit", limit)?;
        }
        self.inquire::<Paths>(py, "PathsReport", form.as_any())
    }

    /// Grants and bindings that give more than a log shows as used, with what would have been enough.
    #[pyo3(signature = (log, /, *, system=false, limit=None))]
    fn unused<'py>(
        &self,
        py: Python<'py>,
        log: &Bound<'py, AuditLog>,
        system: bool,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let unused = Unused {
            log: log.get().log().clone(),
            system,
            limit: limit.unwrap_or(inquiry::LIMIT),
        };
        report::show(py, "UnusedReport", &self.ask(py, &unused)?)
    }

    /// How the requests of a log would fare now: what was allowed then and is denied now, and the reverse.
    #[pyo3(signature = (log, /, *, limit=None))]
    fn replay<'py>(
        &self,
        py: Python<'py>,
        log: &Bound<'py, AuditLog>,
        limit: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let replay = Replay {
            log: log.get().log().clone(),
            fail_on_flips: false,
            limit: limit.unwrap_or(inquiry::LIMIT),
        };
        report::show(py, "ReplayReport", &self.ask(py, &replay)?)
    }

    /// Checks assertions: the text of a file of the format `policy-tests/1`, or a list of assertions. The report is true when
    /// all of them hold.
    ///
    /// >>> import mke
    /// >>> policy = mke.rbac.Policy(users=["dina"], grants=[("user:dina", "viewonly", "/Shared")])
    /// >>> report = policy.test([{"must-never": "user:dina", "do": "Service Create", "in": "/Shared"}])
    /// >>> bool(report), report.passed
    /// (True, 1)
    ///
    /// Raises:
    ///     mke.errors.InquiryError: it is no list of assertions.
    #[pyo3(signature = (assertions, /))]
    fn test<'py>(&self, py: Python<'py>, assertions: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let tests: PolicyTests = match assertions.extract::<String>() {
            Ok(text) => PolicyTests::parse(&text).or_raise()?,
            Err(_) => {
                let form = PyDict::new(py);
                form.set_item("format", inquiry::TEST_FORMAT)?;
                form.set_item("tests", assertions)?;
                forms::inquiry(form.as_any())?
            }
        };
        let found = self.ask(py, &tests)?;
        let junit = found.junit();
        report::show_with(py, "TestReport", &found, Some(junit))
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

/// A list of changes, or the text of one.
fn read_changes(changes: &Bound<'_, PyAny>) -> PyResult<Vec<WhatIf>> {
    match changes.extract::<String>() {
        Ok(text) => inquiry::changes(&text).or_raise(),
        Err(_) => forms::read("changes", changes),
    }
}
