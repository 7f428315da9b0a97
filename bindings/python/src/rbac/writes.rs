//! Whether somebody may give rights, or take on those of somebody else, in Kubernetes.

use mke_rbac::kubernetes::{self, ImpersonationDecision, Rule, WriteDecision as Written, WriteReason};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::forms;
use super::report::escape;
use crate::convert::to_python;

/// Whether somebody may write a role or binding, or act as somebody else, with every reason against it. True when allowed.
///
/// >>> import mke
/// >>> cluster = mke.rbac.KubernetesPolicy.bootstrap()
/// >>> role = {"kind": "ClusterRole", "name": "mine", "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
/// >>> decision = cluster.may_write_role("jane", "create", role)
/// >>> decision.allowed, decision.is_error, len(decision.problems)
/// (False, False, 2)
#[pyclass(module = "mke.rbac", frozen, get_all)]
pub(crate) struct WriteDecision {
    /// Whether it is allowed.
    allowed: bool,
    /// Whether the request is wrong, whoever makes it.
    is_error: bool,
    /// Why it is allowed, in a sentence; empty when it is not.
    reason: String,
    /// Every reason against it, in sentences.
    problems: Py<PyTuple>,
    /// As whom further requests are decided, after an impersonation that is allowed: a mapping with `user` and `groups`.
    identity: Option<Py<PyAny>>,
}

impl WriteDecision {
    fn refused(py: Python<'_>, is_error: bool, problems: Vec<String>) -> PyResult<Self> {
        Ok(Self {
            allowed: false,
            is_error,
            reason: String::new(),
            problems: PyTuple::new(py, problems)?.unbind(),
            identity: None,
        })
    }

    fn granted(py: Python<'_>, reason: String) -> Self {
        Self {
            allowed: true,
            is_error: false,
            reason,
            problems: PyTuple::empty(py).unbind(),
            identity: None,
        }
    }

    pub(super) fn of_write(py: Python<'_>, decision: &Written<'_>) -> PyResult<Self> {
        Ok(match decision {
            Written::Allowed(WriteReason::Masters) => {
                Self::granted(py, "the group system:masters passes everything".to_owned())
            }
            Written::Allowed(WriteReason::Verb(evidence)) => Self::granted(py, evidence.to_string()),
            Written::Allowed(WriteReason::Covered) => {
                Self::granted(py, "the writer holds everything that is given".to_owned())
            }
            Written::Denied(problems) => {
                let is_error = problems.iter().any(|problem| problem.is_error());
                Self::refused(py, is_error, problems.iter().map(ToString::to_string).collect())?
            }
        })
    }

    pub(super) fn of_impersonation(py: Python<'_>, decision: &ImpersonationDecision) -> PyResult<Self> {
        match decision {
            ImpersonationDecision::Allowed(identity) => Ok(Self {
                identity: Some(to_python(py, identity)?.unbind()),
                ..Self::granted(py, format!("may act as {}", identity.user))
            }),
            ImpersonationDecision::Denied(missing) => {
                let missing = missing
                    .iter()
                    .map(|request| kubernetes::KubernetesDenial { request }.to_string());
                Self::refused(py, false, missing.collect())
            }
            ImpersonationDecision::Error(error) => Self::refused(py, true, vec![error.to_string()]),
        }
    }

    fn text(&self, py: Python<'_>) -> PyResult<String> {
        if self.allowed {
            return Ok(self.reason.clone());
        }
        let problems: Vec<String> = self.problems.bind(py).extract()?;
        Ok(problems.join("; "))
    }
}

#[pymethods]
impl WriteDecision {
    fn __bool__(&self) -> bool {
        self.allowed
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        self.text(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        Ok(format!("<WriteDecision {verdict}: {}>", self.text(py)?))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        Ok(format!("<p><b>{verdict}</b><br>{}</p>", escape(&self.text(py)?)))
    }
}

/// Whether rules hold everything that other rules give: what they lack, in words; none when they hold it all.
///
/// >>> import mke
/// >>> mine = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
/// >>> mke.rbac.covers(mine, mine)
/// []
///
/// Raises:
///     mke.errors.InquiryError: a rule has a wrong form.
#[pyfunction]
pub(super) fn covers(owner: &Bound<'_, PyAny>, requested: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let owner: Vec<Rule> = forms::read("owner", owner)?;
    let requested: Vec<Rule> = forms::read("requested", requested)?;
    match kubernetes::covers(&owner, &requested) {
        Ok(()) => Ok(Vec::new()),
        Err(missing) => Ok(missing.iter().map(ToString::to_string).collect()),
    }
}
