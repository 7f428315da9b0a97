//! `/accounts/{account}/publicKeys`: keys that stand for an account.

use http::StatusCode;
use mke_core::ids::KeyId;
use serde_json::json;

use super::{Call, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// The keys of an account, by id.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let keys = call.snapshot.directory.keys_of(&account.id).collect();
    let page = call
        .paging()?
        .cut(keys, |key: &&std::sync::Arc<_>| key.id.to_string());
    let shapes: Vec<_> = page.items.iter().map(|key| shapes::public_key(key)).collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "accountPublicKeys": shapes, "nextPageStart": page.next }),
    ))
}

/// Registers an uploaded key. Certificates that come with it are ignored: the key is what counts.
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let fields = call.fields()?;
    let (key, revision) = call
        .state
        .keys
        .upload(
            &call.snapshot.directory,
            &account.id,
            fields.required_text("publicKey")?,
            fields.text("label")?.unwrap_or_default(),
        )
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(key.id.as_str());
    Ok(body::json(StatusCode::CREATED, &shapes::public_key(&key)))
}

/// One key.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let id = KeyId::new(call.param(1));
    let key = call
        .snapshot
        .directory
        .key(&id)
        .filter(|key| key.account == account.id)
        .ok_or_else(|| ApiError::not_found("public key", id.as_str()))?;
    Ok(body::json(StatusCode::OK, &shapes::public_key(key)))
}

/// Changes the label.
pub(super) async fn update(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let id = KeyId::new(call.param(1));
    let fields = call.fields()?;
    let Some(label) = fields.text("label")? else {
        return show(call).await;
    };
    let (key, revision) = call.state.keys.relabel(&account.id, &id, label).await?;
    call.in_force(revision).await?;
    call.notes.object_id(key.id.as_str());
    Ok(body::json(StatusCode::OK, &shapes::public_key(&key)))
}

/// Removes a key; the bundle over it stops working at once.
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let revision = call
        .state
        .keys
        .remove(&account.id, &KeyId::new(call.param(1)))
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}
