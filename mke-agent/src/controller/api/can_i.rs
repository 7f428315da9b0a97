//! `POST /api/ucp/authz/can-i`: asks the policy a question without doing anything.
//!
//! The body is a question in the form of [`mke_rbac::question`], and may carry an `inventory` that says where the
//! objects of the question lie. Without a `user` it is about the caller. Only administrators ask about others, or
//! with `"user": null` about requests without credentials: an answer names grants (rbac-12).

use http::StatusCode;
use mke_rbac::Subject;
use mke_rbac::question::{Ask, Inventory, Question};
use serde_json::Value;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};

/// Answers a question. Everybody may ask, and a question may bring a long inventory along, so it is answered beside the
/// threads that serve requests.
pub(super) async fn ask(call: Call) -> Result<Response, ApiError> {
    let state = call.state.clone();
    state.questions.answer(move || answer(&call)).await?
}

fn answer(call: &Call) -> Result<Response, ApiError> {
    let malformed = |error: serde_json::Error| ApiError::malformed(format!("no question: {error}"));
    let mut body: Value = serde_json::from_slice(&call.body).map_err(malformed)?;
    let fields = body
        .as_object_mut()
        .ok_or_else(|| ApiError::malformed("a question is a JSON object"))?;
    let inventory: Inventory = match fields.remove("inventory") {
        Some(inventory) => mke_rbac::inquiry::read_inventory(inventory)
            .map_err(|error| ApiError::malformed(error.to_string()))?,
        None => Inventory::default(),
    };
    let names_user = fields.contains_key("user");
    let question: Question = serde_json::from_value(body).map_err(malformed)?;
    let subject = match (&question.user, &question.ask) {
        // The names in Kubernetes questions are those that Kubernetes sees, not accounts.
        (_, Ask::K8s(_)) => {
            about_others(call)?;
            Subject::Anonymous
        }
        (None, Ask::Rights(ask)) if ask.kubernetes_user.is_some() || !ask.groups.is_empty() => {
            about_others(call)?;
            Subject::Anonymous
        }
        (None, _) if !names_user => call.subject().clone(),
        (None, _) => {
            about_others(call)?;
            Subject::Anonymous
        }
        (Some(name), _) => named(call, name)?,
    };
    let answer = call.snapshot.policy.answer(&subject, &question, &inventory);
    Ok(body::json(StatusCode::OK, &answer))
}

fn named(call: &Call, name: &str) -> Result<Subject, ApiError> {
    let account = call.snapshot.directory.resolve(name);
    let subject = account.map(|account| Subject::Account(account.id.clone()));
    if subject.as_ref() != Some(call.subject()) {
        about_others(call)?;
    }
    subject.ok_or_else(|| ApiError::not_found("account", name))
}

fn about_others(call: &Call) -> Result<(), ApiError> {
    if call.by_administrator() {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Forbidden,
        "access denied: only administrators ask what others may do",
    ))
}
