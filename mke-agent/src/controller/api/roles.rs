//! `/roles`, `/totalRole`, `/defaultCollectionRole`.

use http::StatusCode;
use mke_core::ids::RoleId;
use mke_rbac::role::{Role, RoleBody};
use serde_json::json;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::rng;

/// Every role, built-in ones first. Not paged.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    Ok(body::json(StatusCode::OK, &call.snapshot.policy.roles()))
}

/// One role.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let id = call.param(0);
    let role = call
        .snapshot
        .policy
        .role(id)
        .ok_or_else(|| ApiError::not_found("role", id))?;
    Ok(body::json(StatusCode::OK, role))
}

/// Makes a role. The id and `system_role` of the body are ignored: the server chooses.
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let name = fields.required_text("name")?;
    let operations = fields.value("operations").cloned().unwrap_or_else(|| json!({}));
    let (role, revision) = call
        .state
        .policy_store
        .create_role(name, operations, &mut rng())
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(role.id.as_str());
    Ok(body::json(StatusCode::CREATED, &json!({ "id": role.id })))
}

/// Deletes a role that no grant names.
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let id = RoleId::new(call.param(0));
    let revision = call
        .state
        .policy_store
        .delete_role(&call.snapshot.policy, &id)
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// The union of what the caller may do anywhere (R53).
pub(super) async fn total(call: Call) -> Result<Response, ApiError> {
    let operations = call.snapshot.policy.total(call.subject());
    Ok(body::json(StatusCode::OK, &effective("totalRole", operations)))
}

/// What the caller may do in its default collection.
pub(super) async fn default_collection(call: Call) -> Result<Response, ApiError> {
    let policy = &call.snapshot.policy;
    let operations = policy
        .default_collection(call.identity()?.account())
        .map(|collection| policy.effective(call.subject(), &collection.id))
        .unwrap_or_default();
    Ok(body::json(
        StatusCode::OK,
        &effective("defaultCollectionRole", operations),
    ))
}

fn effective(id: &str, operations: RoleBody) -> Role {
    Role {
        id: id.into(),
        name: id.to_owned(),
        system_role: false,
        operations,
    }
}
