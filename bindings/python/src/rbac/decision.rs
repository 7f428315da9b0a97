//! A decision on a collection. The verdict is found when it is asked for; its reason when somebody reads it, from the same
//! policy, which does not change.

use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::question::Names;
use mke_rbac::{AllowReason, Decision as Decided, Denial, Evidence};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::policy::Policy;
use super::report::escape;
use crate::convert::to_python;

/// Whether something is allowed, and why. True when it is.
///
/// >>> import mke
/// >>> policy = mke.rbac.Policy(users={"dina": {}}, grants=[("user:dina", "viewonly", "/Shared")])
/// >>> decision = policy.decide("dina", "Service Create", "/Shared")
/// >>> bool(decision), decision.reason
/// (False, 'missing-operation')
/// >>> decision.message
/// 'access denied: no access to Service Create'
/// >>> policy.decide("dina", "Service View", "/Shared").grants
/// ({'subject': 'user:dina', 'role': 'viewonly', 'role_name': 'View Only', 'collection': '/Shared'},)
#[pyclass(module = "mke.rbac", frozen)]
pub(crate) struct Decision {
    pub(super) policy: Py<Policy>,
    pub(super) user: Option<usize>,
    pub(super) operation: Operation,
    pub(super) modifiers: ModifierSet,
    pub(super) collection: usize,
    pub(super) is_allowed: bool,
}

/// A decision with everything in it. The positions come from the same policy, so that it always knows them.
fn decided(decision: &Decision, policy: &Policy) -> PyResult<Decided> {
    let prepared = policy.prepared();
    prepared
        .decide(
            decision.user,
            decision.operation,
            decision.modifiers,
            decision.collection,
        )
        .ok_or_else(|| PyRuntimeError::new_err("the policy does not know its own positions"))
}

/// The grants that carry a decision, in names.
fn grants(reason: &AllowReason, names: Names<'_>) -> Vec<mke_rbac::question::GrantTriple> {
    match reason {
        AllowReason::Granted(evidence) => {
            let grants = evidence.iter().flat_map(Evidence::grants);
            grants.filter_map(|grant| names.grant(&grant)).collect()
        }
        AllowReason::Public | AllowReason::Authenticated | AllowReason::Administrator => Vec::new(),
    }
}

const fn word(reason: &AllowReason) -> &'static str {
    match reason {
        AllowReason::Public => "public",
        AllowReason::Authenticated => "authenticated",
        AllowReason::Administrator => "administrator",
        AllowReason::Granted(_) => "granted",
    }
}

impl Decision {
    fn why(&self) -> PyResult<(&'static str, String)> {
        let policy = self.policy.get();
        Ok(match decided(self, policy)? {
            Decided::Denied(denial) => (denial.code(), denial.message()),
            Decided::Allowed(permit) => {
                let names = Names::of(policy.rules());
                let through: Vec<_> = grants(permit.reason(), names)
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let message = match permit.reason() {
                    AllowReason::Granted(_) => format!("allowed by {}", through.join("; ")),
                    _ => "allowed: administrators may do everything".to_owned(),
                };
                (word(permit.reason()), message)
            }
        })
    }

    fn question(&self) -> String {
        let mut text = self.operation.name().to_owned();
        let with: Vec<_> = self.modifiers.iter().map(|modifier| modifier.name()).collect();
        if !with.is_empty() {
            text.push_str(&format!(" with {}", with.join(", ")));
        }
        let who = self.subject().unwrap_or("anonymous");
        format!("{who}: {text} in {}", self.collection())
    }
}

#[pymethods]
impl Decision {
    /// Whether it is allowed.
    #[getter]
    fn allowed(&self) -> bool {
        self.is_allowed
    }

    /// The name of the user who asks; `None` for a request without credentials.
    #[getter]
    fn subject(&self) -> Option<&str> {
        let user = self.policy.get().prepared().user(self.user?)?;
        Some(&user.name)
    }

    /// The operation.
    #[getter]
    fn operation(&self) -> &'static str {
        self.operation.name()
    }

    /// Its modifiers.
    #[getter]
    fn modifiers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let names: Vec<_> = self.modifiers.iter().map(|modifier| modifier.name()).collect();
        PyTuple::new(py, names)
    }

    /// The path of the collection.
    #[getter]
    fn collection(&self) -> &str {
        let found = self.policy.get().prepared().collection(self.collection);
        // The position is one of the policy's own.
        found.map_or("", |collection| collection.path.as_str())
    }

    /// Why, in a word: `granted`, `administrator`, or the kind of denial: `missing-operation`, `inactive`,
    /// `unauthenticated`, …
    #[getter]
    fn reason(&self) -> PyResult<&'static str> {
        Ok(self.why()?.0)
    }

    /// Why, in a sentence. Of a denial what the caller would read: it names no collection.
    #[getter]
    fn message(&self) -> PyResult<String> {
        Ok(self.why()?.1)
    }

    /// The grants that carry it: mappings with `subject`, `role`, `role_name` and `collection`, nearest collection first.
    /// None when it is denied, and for administrators.
    #[getter]
    fn grants<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let policy = self.policy.get();
        let grants = match decided(self, policy)? {
            Decided::Allowed(permit) => grants(permit.reason(), Names::of(policy.rules())),
            Decided::Denied(_) => Vec::new(),
        };
        let grants: Vec<_> = grants
            .iter()
            .map(|grant| to_python(py, grant))
            .collect::<PyResult<_>>()?;
        PyTuple::new(py, grants)
    }

    /// What is missing when it is denied: mappings with `operation`, `collection` and `modifier`, which is `None` when
    /// the operation itself is missing.
    #[getter]
    fn missing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mut found = Vec::new();
        if let Decided::Denied(Denial::Missing(missing)) = decided(self, self.policy.get())? {
            for check in missing.iter() {
                let entry = PyDict::new(py);
                entry.set_item("operation", check.operation.name())?;
                entry.set_item("collection", self.collection())?;
                entry.set_item("modifier", check.modifier.map(|modifier| modifier.name()))?;
                found.push(entry);
            }
        }
        PyTuple::new(py, found)
    }

    /// The whole reason: memberships, inheritance, what would have allowed it, and a proof. See `Policy.explain`.
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let question = PyDict::new(py);
        question.set_item("kind", "check")?;
        question.set_item("operation", self.operation.name())?;
        let modifiers: Vec<_> = self.modifiers.iter().map(|modifier| modifier.name()).collect();
        question.set_item("modifiers", modifiers)?;
        question.set_item("collection", self.collection())?;
        self.policy
            .get()
            .explanation(py, self.subject().map(str::to_owned), question.as_any())
    }

    fn __bool__(&self) -> bool {
        self.is_allowed
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let Ok(other) = other.cast::<Self>() else {
            return false;
        };
        let other = other.get();
        self.policy.is(&other.policy)
            && (self.user, self.operation, self.modifiers, self.collection)
                == (other.user, other.operation, other.modifiers, other.collection)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        (self.user, self.operation, self.modifiers, self.collection).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let verdict = if self.is_allowed { "allowed" } else { "denied" };
        format!("<Decision {verdict}: {}>", self.question())
    }

    fn __str__(&self) -> PyResult<String> {
        Ok(format!("{}: {}", self.question(), self.why()?.1))
    }

    fn _repr_html_(&self) -> PyResult<String> {
        let verdict = if self.is_allowed { "allowed" } else { "denied" };
        Ok(format!(
            "<p><b>{verdict}</b> {}<br>{}</p>",
            escape(&self.question()),
            escape(&self.why()?.1)
        ))
    }
}
