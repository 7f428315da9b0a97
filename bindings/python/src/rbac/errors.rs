//! What Python may read of errors about questions, manifests, roles and states, besides the text.

use mke_rbac::admin::RoleRefusal;
use mke_rbac::inquiry::InquiryError;
use mke_rbac::kubernetes::ManifestError;
use mke_rbac::state::StateError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The field of a question, and what it holds.
pub(crate) fn inquiry_fields(error: &InquiryError, into: &Bound<'_, PyDict>) -> PyResult<()> {
    match error {
        InquiryError::Field { field, problem } => {
            into.set_item("field", field)?;
            into.set_item("problem", problem)
        }
        InquiryError::Form(problem) => into.set_item("problem", problem),
        InquiryError::Unknown { field, what, name } => {
            into.set_item("field", field)?;
            into.set_item("what", what)?;
            into.set_item("name", name)
        }
        InquiryError::Request { code, message } => {
            into.set_item("code", code)?;
            into.set_item("problem", message)
        }
    }
}

/// Every problem of the manifests, with the place of each.
pub(crate) fn manifest_fields(error: &ManifestError, into: &Bound<'_, PyDict>) -> PyResult<()> {
    let mut problems = Vec::new();
    for problem in &error.problems {
        let entry = PyDict::new(into.py());
        entry.set_item("document", problem.document)?;
        entry.set_item("object", &problem.object)?;
        entry.set_item("field", &problem.field)?;
        entry.set_item("message", &problem.message)?;
        problems.push(entry);
    }
    into.set_item("problems", problems)
}

/// Every problem of a role, in sentences.
pub(crate) fn role_fields(error: &RoleRefusal, into: &Bound<'_, PyDict>) -> PyResult<()> {
    let problems: Vec<_> = match error {
        RoleRefusal::Body(problems) => problems.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    };
    into.set_item("problems", problems)
}

/// Names that stand for nothing, and the worlds that there are.
pub(crate) fn state_fields(error: &StateError, into: &Bound<'_, PyDict>) -> PyResult<()> {
    match error {
        StateError::Problems { world, problems } => {
            into.set_item("world", world)?;
            into.set_item("problems", problems)
        }
        StateError::NoSuchWorld { name, known } => {
            into.set_item("name", name)?;
            into.set_item("known", known)
        }
        StateError::TooLarge { .. } | StateError::Syntax(_) | StateError::Format { .. } => Ok(()),
    }
}
