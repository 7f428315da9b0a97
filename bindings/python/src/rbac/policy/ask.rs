//! Questions whose answer is more than a verdict: reasons, everybody who can, everything that somebody may, ways to root, what nobody
//! uses, and assertions.

use mke_rbac::inquiry::{self, AccessTo, Paths, PolicyTests, Replay, Unused, WhoCan};
use mke_rbac::question::Question;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::log::AuditLog;
use super::super::{forms, report};
use super::Policy;
use crate::convert::to_python;
use crate::errors::OrRaise as _;

#[pymethods]
impl Policy {
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
}
