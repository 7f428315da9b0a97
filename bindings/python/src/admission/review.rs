//! The answer to a review.

use mke_rbac::admission::Outcome;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert::to_python;
use crate::rbac::escape;

/// Whether an object may be written, with every reason against it or with what becomes of it. True when it may.
///
/// >>> import mke
/// >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
/// ...        "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
/// >>> review = mke.admission.Cluster().review(pod, user="jane-id")
/// >>> review.allowed, review.pod_security_policy
/// (True, 'privileged')
#[pyclass(module = "mke.admission", frozen)]
pub(crate) struct Review(Outcome);

/// The annotation that says which policy admitted a pod.
const POLICY: &str = "kubernetes.io/psp";

impl Review {
    pub(super) const fn new(outcome: Outcome) -> Self {
        Self(outcome)
    }
}

#[pymethods]
impl Review {
    /// Whether it may be written.
    #[getter]
    fn allowed(&self) -> bool {
        self.0.is_allowed()
    }

    /// Why not, in a word: `forbidden`, `not-found`, `conflict` or `invalid`; `admitted` when it may.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.refusal() {
            Some(refusal) => to_python(py, &refusal.status),
            None => to_python(py, &"admitted"),
        }
    }

    /// The status code that the API answers with: 403, 404, 409 or 422; 200 when it may.
    #[getter]
    fn code(&self) -> u16 {
        self.0.refusal().map_or(200, |refusal| refusal.status.code())
    }

    /// The sentence that the API answers with; empty when it may.
    #[getter]
    fn message(&self) -> String {
        self.0
            .refusal()
            .map(|refusal| refusal.message.clone())
            .unwrap_or_default()
    }

    /// Every no: a table with `plugin`, `status`, `message` and `reasons` (each with `path` and `message`).
    #[getter]
    fn refusals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = match &self.0 {
            Outcome::Denied(refused) => to_python(py, &refused.refusals)?,
            Outcome::Allowed(_) => PyList::empty(py).into_any(),
        };
        let columns = ("plugin", "status", "message", "reasons");
        py.import("mke._table")?.getattr("Table")?.call1((rows, columns))
    }

    /// What plugins did, or want to be known: a table with `plugin` and `text`.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = to_python(py, &self.0.notes())?;
        py.import("mke._table")?
            .getattr("Table")?
            .call1((rows, ("plugin", "text")))
    }

    /// The object as it will be stored; `None` when it is refused or deleted.
    #[getter]
    fn object<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &self.0 {
            Outcome::Allowed(admitted) => admitted
                .object
                .as_ref()
                .map(|object| to_python(py, object))
                .transpose(),
            Outcome::Denied(_) => Ok(None),
        }
    }

    /// The changes from the object that was sent, as RFC 6902 writes them.
    #[getter]
    fn patch<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.0 {
            Outcome::Allowed(admitted) => to_python(py, &admitted.patch),
            Outcome::Denied(_) => Ok(PyList::empty(py).into_any()),
        }
    }

    /// The pod security policy that admitted a pod; `None` when none was asked.
    #[getter]
    fn pod_security_policy(&self) -> Option<&str> {
        let Outcome::Allowed(admitted) = &self.0 else {
            return None;
        };
        let metadata = admitted.object.as_ref()?.get("metadata")?;
        metadata.get("annotations")?.get(POLICY)?.as_str()
    }

    /// All of it as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        Ok(to_python(py, &self.0)?.cast_into()?)
    }

    fn __bool__(&self) -> bool {
        self.0.is_allowed()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0 == other.get().0)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        (self.code(), self.message()).hash(&mut hasher);
        hasher.finish()
    }

    fn __str__(&self) -> String {
        match &self.0 {
            Outcome::Allowed(_) => "admitted".to_owned(),
            Outcome::Denied(refused) => {
                let messages: Vec<_> = refused
                    .refusals
                    .iter()
                    .map(|refusal| refusal.message.as_str())
                    .collect();
                messages.join("; ")
            }
        }
    }

    fn __repr__(&self) -> String {
        let verdict = if self.allowed() { "allowed" } else { "denied" };
        format!("<Review {verdict}: {}>", self.__str__())
    }

    fn _repr_html_(&self) -> String {
        let verdict = if self.allowed() { "allowed" } else { "denied" };
        format!("<p><b>{verdict}</b><br>{}</p>", escape(&self.__str__()))
    }
}
