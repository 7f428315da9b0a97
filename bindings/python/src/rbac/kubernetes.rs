//! Roles and bindings of Kubernetes that can be asked.

use std::path::PathBuf;

use mke_rbac::kubernetes::{
    Authorizer, Binding, Impersonation, KubernetesChange, KubernetesDecision as Decided, KubernetesRole,
    Manifests, Rbac, Request, WriteVerb,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple, PyType};
use serde::Serialize;

use super::forms;
use super::report::escape;
use super::writes::WriteDecision;
use crate::convert::to_python;
use crate::errors::OrRaise as _;

/// Roles and bindings of a cluster that can be asked, offline. It does not change; `with_changes` makes another.
///
/// Made from manifests (`from_manifests`, `from_file`), from the default roles of Kubernetes (`bootstrap`), or from roles
/// and bindings in the form of `Policy.kubernetes.roles`.
///
/// >>> import mke
/// >>> cluster = mke.rbac.KubernetesPolicy.from_manifests('''
/// ... apiVersion: rbac.authorization.k8s.io/v1
/// ... kind: Role
/// ... metadata: {namespace: blue, name: readers}
/// ... rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
/// ... ---
/// ... apiVersion: rbac.authorization.k8s.io/v1
/// ... kind: RoleBinding
/// ... metadata: {namespace: blue, name: jane-reads}
/// ... roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers}
/// ... subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
/// ... ''')
/// >>> cluster.allows("jane", "get", "pods", namespace="blue")
/// True
/// >>> cluster.decide("jane", "delete", "pods", namespace="blue").message
/// 'user "jane" cannot delete resource "pods" in API group "" in the namespace "blue"'
#[pyclass(module = "mke.rbac", frozen)]
pub(crate) struct KubernetesPolicy(Authorizer);

impl KubernetesPolicy {
    pub(super) fn of(rbac: &Rbac) -> Self {
        Self(Authorizer::compile(rbac))
    }
}

/// A request: `pods/log` names a resource and its subresource.
#[derive(Default)]
struct Asked<'a> {
    resource: Option<&'a str>,
    group: &'a str,
    subresource: Option<&'a str>,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    path: Option<&'a str>,
}

impl Asked<'_> {
    fn request(self, user: &str, verb: &str, groups: Vec<String>) -> Request {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (resource, subresource) = match self.resource.and_then(|resource| resource.split_once('/')) {
            Some((resource, subresource)) if self.subresource.is_none() => {
                (Some(resource), Some(subresource))
            }
            _ => (self.resource, self.subresource),
        };
        Request {
            user: user.to_owned(),
            groups,
            verb: verb.to_owned(),
            group: self.group.to_owned(),
            resource: owned(resource),
            subresource: owned(subresource),
            name: owned(self.name),
            namespace: owned(self.namespace),
            path: owned(self.path),
        }
    }
}

fn table<'py, T: Serialize>(py: Python<'py>, rows: &T, columns: &[&str]) -> PyResult<Bound<'py, PyAny>> {
    let columns = PyTuple::new(py, columns)?;
    py.import("mke._table")?
        .getattr("Table")?
        .call1((to_python(py, rows)?, columns))
}

#[pymethods]
impl KubernetesPolicy {
    #[new]
    #[pyo3(signature = (roles=None, bindings=None, *, default_roles=false))]
    fn new(
        roles: Option<&Bound<'_, PyAny>>,
        bindings: Option<&Bound<'_, PyAny>>,
        default_roles: bool,
    ) -> PyResult<Self> {
        let mut rbac = Rbac {
            roles: roles.map_or_else(|| Ok(Vec::new()), |roles| forms::read_list("roles", roles))?,
            bindings: bindings.map_or_else(
                || Ok(Vec::new()),
                |bindings| forms::read_list("bindings", bindings),
            )?,
        };
        if default_roles {
            let defaults = Rbac::bootstrap();
            rbac.roles.extend(defaults.roles);
            rbac.bindings.extend(defaults.bindings);
        }
        Ok(Self::of(&rbac))
    }

    /// The roles and bindings in manifests, YAML or JSON; other kinds of objects are passed over. Roles and role bindings
    /// without a namespace are in `namespace`.
    ///
    /// Raises:
    ///     mke.errors.ManifestError: an object cannot be read; all problems.
    #[classmethod]
    #[pyo3(signature = (text, *, namespace=None))]
    fn from_manifests(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        text: &str,
        namespace: Option<&str>,
    ) -> PyResult<Self> {
        let read = py.detach(|| Manifests::read(text, namespace)).or_raise()?;
        Ok(py.detach(|| Self::of(&read.rbac)))
    }

    /// The same from a file.
    ///
    /// Raises:
    ///     OSError: it cannot be read.
    ///     mke.errors.ManifestError: see `from_manifests`.
    #[classmethod]
    #[pyo3(signature = (path, *, namespace=None))]
    fn from_file(
        class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: PathBuf,
        namespace: Option<&str>,
    ) -> PyResult<Self> {
        let text = py.detach(|| std::fs::read_to_string(&path))?;
        Self::from_manifests(class, py, &text, namespace)
    }

    /// The roles and bindings that Kubernetes makes by itself.
    #[staticmethod]
    fn bootstrap() -> Self {
        Self::of(&Rbac::bootstrap())
    }

    /// All roles: a table with `kind`, `name`, `namespace`, `labels`, `aggregate` and `rules`.
    #[getter]
    fn roles<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let roles: Vec<_> = self.0.roles().collect();
        table(
            py,
            &roles,
            &["kind", "name", "namespace", "labels", "aggregate", "rules"],
        )
    }

    /// All bindings: a table with `kind`, `name`, `namespace`, `role` and `subjects`.
    #[getter]
    fn bindings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bindings: Vec<_> = self.0.bindings().collect();
        table(py, &bindings, &["kind", "name", "namespace", "role", "subjects"])
    }

    /// Whether roles allow a request. `resource` may hold a subresource (`pods/log`); `group` is the API group, empty for
    /// the core group; `path` is that of a request that is not about a resource. `user` and `groups` are those that
    /// Kubernetes sees: see `Policy.kubernetes_identity`.
    #[pyo3(signature = (user, verb, resource=None, *, group="", subresource=None, name=None, namespace=None, path=None, groups=Vec::new()))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, most of them keywords"
    )]
    fn decide(
        slf: &Bound<'_, Self>,
        user: &str,
        verb: &str,
        resource: Option<&str>,
        group: &str,
        subresource: Option<&str>,
        name: Option<&str>,
        namespace: Option<&str>,
        path: Option<&str>,
        groups: Vec<String>,
    ) -> KubernetesDecision {
        let asked = Asked {
            resource,
            group,
            subresource,
            name,
            namespace,
            path,
        };
        let request = asked.request(user, verb, groups);
        KubernetesDecision {
            is_allowed: slf.get().0.allows(&request),
            policy: slf.clone().unbind(),
            request,
        }
    }

    /// The same as plain truth value.
    #[pyo3(signature = (user, verb, resource=None, *, group="", subresource=None, name=None, namespace=None, path=None, groups=Vec::new()))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, most of them keywords"
    )]
    fn allows(
        &self,
        user: &str,
        verb: &str,
        resource: Option<&str>,
        group: &str,
        subresource: Option<&str>,
        name: Option<&str>,
        namespace: Option<&str>,
        path: Option<&str>,
        groups: Vec<String>,
    ) -> bool {
        let asked = Asked {
            resource,
            group,
            subresource,
            name,
            namespace,
            path,
        };
        self.0.allows(&asked.request(user, verb, groups))
    }

    /// Many decisions at once, with the interpreter released: one byte for each request, 1 for allowed and 0 for denied.
    /// A request is a mapping with `user`, `groups`, `verb`, `group`, `resource`, `subresource`, `name`, `namespace` and
    /// `path`; all but `user` and `verb` may be left out.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a request has a wrong form.
    #[pyo3(signature = (requests, /))]
    fn decide_many<'py>(
        &self,
        py: Python<'py>,
        requests: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let requests: Vec<Request> = forms::read_list("requests", requests)?;
        let decide = || {
            requests
                .iter()
                .map(|request| u8::from(self.0.allows(request)))
                .collect()
        };
        let verdicts: Vec<u8> = py.detach(decide);
        Ok(PyBytes::new(py, &verdicts))
    }

    /// Every rule that somebody holds in a namespace, or in the whole cluster: a table with `verbs`, `apiGroups`,
    /// `resources`, `resourceNames` and `nonResourceURLs`. Membership in `system:masters` adds none.
    #[pyo3(signature = (user, *, groups=Vec::new(), namespace=None))]
    fn rules_for<'py>(
        &self,
        py: Python<'py>,
        user: &str,
        groups: Vec<String>,
        namespace: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let rules = self.0.rules_for(user, &groups, namespace);
        let columns = [
            "verbs",
            "apiGroups",
            "resources",
            "resourceNames",
            "nonResourceURLs",
        ];
        table(py, &rules, &columns)
    }

    /// Whom bindings allow a request: a table with `kind` (`User`, `Group`, `ServiceAccount`), `name` and `through`. Members
    /// of `system:masters` may do everything and are not listed for it.
    #[pyo3(signature = (verb, resource=None, *, group="", subresource=None, name=None, namespace=None, path=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a request, most of them keywords"
    )]
    fn who_can<'py>(
        &self,
        py: Python<'py>,
        verb: &str,
        resource: Option<&str>,
        group: &str,
        subresource: Option<&str>,
        name: Option<&str>,
        namespace: Option<&str>,
        path: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = Asked {
            resource,
            group,
            subresource,
            name,
            namespace,
            path,
        };
        let request = asked.request("", verb, Vec::new());
        let found = py.detach(|| {
            let found = self.0.who_can(&request);
            let users = found
                .users
                .iter()
                .map(|(name, way)| ("User", (*name).to_owned(), way.to_string()));
            let groups = found
                .groups
                .iter()
                .map(|(name, way)| ("Group", (*name).to_owned(), way.to_string()));
            let accounts = found.service_accounts.iter();
            let accounts = accounts
                .map(|((space, name), way)| ("ServiceAccount", format!("{space}:{name}"), way.to_string()));
            users.chain(groups).chain(accounts).collect::<Vec<_>>()
        });
        let rows = PyList::empty(py);
        for (kind, name, through) in found {
            let row = PyDict::new(py);
            row.set_item("kind", kind)?;
            row.set_item("name", name)?;
            row.set_item("through", through)?;
            rows.append(row)?;
        }
        py.import("mke._table")?
            .getattr("Table")?
            .call1((rows, ("kind", "name", "through")))
    }

    /// Whether somebody may write a role: it takes the plain permission, and everything that the role gives. `verb` is
    /// `create`, `update` or `patch`; `old` is what an update replaces, when this policy does not have it.
    #[pyo3(signature = (user, verb, role, *, groups=Vec::new(), old=None))]
    fn may_write_role(
        &self,
        py: Python<'_>,
        user: &str,
        verb: &Bound<'_, PyAny>,
        role: &Bound<'_, PyAny>,
        groups: Vec<String>,
        old: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<WriteDecision> {
        let verb: WriteVerb = forms::read("verb", verb)?;
        let role: KubernetesRole = forms::read("role", role)?;
        let before = self.with_old(
            old.map(|old| forms::read("old", old))
                .transpose()?
                .map(KubernetesChange::PutRole),
        );
        WriteDecision::of_write(py, &before.may_write_role(user, &groups, verb, &role))
    }

    /// Whether somebody may write a binding: it takes the plain permission, and everything that its role gives or the verb
    /// `bind` on it. See `may_write_role`.
    #[pyo3(signature = (user, verb, binding, *, groups=Vec::new(), old=None))]
    fn may_write_binding(
        &self,
        py: Python<'_>,
        user: &str,
        verb: &Bound<'_, PyAny>,
        binding: &Bound<'_, PyAny>,
        groups: Vec<String>,
        old: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<WriteDecision> {
        let verb: WriteVerb = forms::read("verb", verb)?;
        let binding: Binding = forms::read("binding", binding)?;
        let old = old.map(|old| forms::read("old", old)).transpose()?;
        let before = self.with_old(old.map(KubernetesChange::PutBinding));
        WriteDecision::of_write(py, &before.may_write_binding(user, &groups, verb, &binding))
    }

    /// Whether somebody may act as somebody else: `target` is a mapping with `user`, `groups` and `extra`.
    #[pyo3(signature = (user, target, *, groups=Vec::new()))]
    fn may_impersonate(
        &self,
        py: Python<'_>,
        user: &str,
        target: &Bound<'_, PyAny>,
        groups: Vec<String>,
    ) -> PyResult<WriteDecision> {
        let target: Impersonation = forms::read("target", target)?;
        WriteDecision::of_impersonation(py, &self.0.may_impersonate(user, &groups, &target))
    }

    /// The policy after changes: mappings with one of the keys `put_role`, `remove_role`, `put_binding` and
    /// `remove_binding`. This one stays as it is.
    ///
    /// Raises:
    ///     mke.errors.InquiryError: a change has a wrong form.
    #[pyo3(signature = (changes, /))]
    fn with_changes(&self, changes: &Bound<'_, PyAny>) -> PyResult<Self> {
        let changes: Vec<KubernetesChange> = forms::read_list("changes", changes)?;
        let after = changes
            .iter()
            .fold(self.0.clone(), |before, change| before.with(change));
        Ok(Self(after))
    }

    /// The roles and bindings as manifests: a list object of Kubernetes as plain data.
    fn to_manifests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.to_rbac().to_manifests())
    }

    fn __repr__(&self) -> String {
        format!(
            "<KubernetesPolicy: {} roles, {} bindings>",
            self.0.roles().count(),
            self.0.bindings().count()
        )
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let bindings: String = self.bindings(py)?.call_method0("_repr_html_")?.extract()?;
        Ok(format!("<p>{}</p>{bindings}", escape(&self.__repr__())))
    }
}

impl KubernetesPolicy {
    /// With what an update replaces.
    fn with_old(&self, old: Option<KubernetesChange>) -> Authorizer {
        old.map_or_else(|| self.0.clone(), |old| self.0.with(&old))
    }
}

/// Whether Kubernetes roles allow a request, and why. True when they do.
#[pyclass(module = "mke.rbac", frozen)]
pub(crate) struct KubernetesDecision {
    policy: Py<KubernetesPolicy>,
    request: Request,
    is_allowed: bool,
}

impl KubernetesDecision {
    fn why(&self) -> (&'static str, String) {
        match self.policy.get().0.decide(&self.request) {
            Decided::Allowed(evidence) => match evidence {
                mke_rbac::kubernetes::KubernetesEvidence::Masters => ("masters", evidence.to_string()),
                mke_rbac::kubernetes::KubernetesEvidence::Rule(_) => ("rule", evidence.to_string()),
            },
            Decided::Denied(denial) => ("no-rule", denial.to_string()),
        }
    }
}

#[pymethods]
impl KubernetesDecision {
    /// Whether it is allowed.
    #[getter]
    fn allowed(&self) -> bool {
        self.is_allowed
    }

    /// Why, in a word: `rule`, `masters` (the group `system:masters` passes everything) or `no-rule`.
    #[getter]
    fn reason(&self) -> &'static str {
        self.why().0
    }

    /// Why, in a sentence: the binding, role and rule that allow it, or what cannot be done.
    #[getter]
    fn message(&self) -> String {
        self.why().1
    }

    /// What decided: a mapping with `binding`, `subject`, `role`, `rule_index` and `rule`; `None` when it is denied, and
    /// for `system:masters`.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.policy.get().0.decide(&self.request) {
            Decided::Allowed(mke_rbac::kubernetes::KubernetesEvidence::Rule(evidence)) => {
                to_python(py, &evidence).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The request, as a mapping.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.request)
    }

    fn __bool__(&self) -> bool {
        self.is_allowed
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let Ok(other) = other.cast::<Self>() else {
            return false;
        };
        self.policy.is(&other.get().policy) && self.request == other.get().request
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        self.request.hash(&mut hasher);
        hasher.finish()
    }

    fn __str__(&self) -> String {
        self.why().1
    }

    fn __repr__(&self) -> String {
        let verdict = if self.is_allowed { "allowed" } else { "denied" };
        format!("<KubernetesDecision {verdict}: {}>", self.why().1)
    }

    fn _repr_html_(&self) -> String {
        let verdict = if self.is_allowed { "allowed" } else { "denied" };
        format!("<p><b>{verdict}</b><br>{}</p>", escape(&self.why().1))
    }
}
