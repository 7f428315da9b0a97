//! `/collections`, `/collectionByPath`, `/defaultCollection`.
//!
//! A collection that the caller does not see does not exist for it (R16): 404, as for an unknown one.

use http::{HeaderName, HeaderValue, StatusCode};
use mke_core::ids::CollectionId;
use mke_core::names::CollectionPath;
use mke_rbac::CollectionInfo;
use mke_rbac::admin;
use mke_rbac::model::builtin;
use serde_json::{Value, json};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::policy_store::NewCollection;
use crate::controller::snapshot::Snapshot;
use crate::controller::{occupancy, rng};

/// Most constraints of a collection.
const MAX_CONSTRAINTS: usize = 100;

fn shape(snapshot: &Snapshot, info: &CollectionInfo) -> Value {
    let record = snapshot.collections.get(&info.id);
    json!({
        "name": info.name,
        "path": info.path,
        "id": info.id,
        "parent_ids": info.parent_ids,
        "label_constraints": record.map_or(&[][..], |record| &record.label_constraints),
        "legacylabelkey": record.map_or("", |record| &record.legacy_label_key),
        "legacylabelvalue": record.map_or("", |record| &record.legacy_label_value),
        "created_at": record.map(|record| record.created_at),
        "updated_at": record.map(|record| record.updated_at),
    })
}

fn page(call: &Call, collections: Vec<&CollectionInfo>) -> Result<Response, ApiError> {
    let page = call.paging()?.cut(collections, |info| info.id.to_string());
    let shapes: Vec<_> = page
        .items
        .iter()
        .map(|info| shape(&call.snapshot, info))
        .collect();
    let mut response = body::json(StatusCode::OK, &shapes);
    // A bare array has no room for the marker.
    if let Ok(next) = HeaderValue::from_str(&page.next) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-next-page-start"), next);
    }
    Ok(response)
}

/// The collections that the caller sees.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    page(&call, call.snapshot.policy.visible_collections(call.subject()))
}

/// The visible collections right below one.
pub(super) async fn children(call: Call) -> Result<Response, ApiError> {
    let parent = visible(&call, call.param(0))?;
    let mut children = call.snapshot.policy.visible_collections(call.subject());
    children.retain(|info| info.parent_ids.last() == Some(&parent.id));
    page(&call, children)
}

/// One collection by id.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let info = visible(&call, call.param(0))?;
    Ok(body::json(StatusCode::OK, &shape(&call.snapshot, info)))
}

/// One collection by path.
pub(super) async fn by_path(call: Call) -> Result<Response, ApiError> {
    let path = call
        .query("path")?
        .ok_or_else(|| ApiError::malformed("query parameter `path` is missing"))?;
    let unknown = || ApiError::not_found("collection", path);
    let parsed: CollectionPath = path.parse().map_err(|_| unknown())?;
    let info = call
        .snapshot
        .policy
        .collection_by_path(&parsed)
        .ok_or_else(unknown)?;
    let info = visible(&call, info.id.as_str()).map_err(|_| unknown())?;
    Ok(body::json(StatusCode::OK, &shape(&call.snapshot, info)))
}

fn visible<'c>(call: &'c Call, id: &str) -> Result<&'c CollectionInfo, ApiError> {
    let policy = &call.snapshot.policy;
    policy
        .collection(id)
        .filter(|info| policy.sees_collection(call.subject(), &info.id))
        .ok_or_else(|| ApiError::not_found("collection", id))
}

/// Makes a collection below `parent_id`, by default below the root. Instead of a name a whole `path` may be
/// given, whose last element is the name.
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let policy = &call.snapshot.policy;
    let (parent, name) = match (fields.text("name")?, fields.text("path")?) {
        (Some(name), _) if !name.is_empty() => {
            let parent = fields.text("parent_id")?.filter(|id| !id.is_empty());
            (
                CollectionId::new(parent.unwrap_or(builtin::ROOT)),
                name.to_owned(),
            )
        }
        (_, Some(path)) => {
            let (above, name) = path
                .trim_end_matches('/')
                .rsplit_once('/')
                .ok_or_else(|| ApiError::malformed("`path` must start with `/`"))?;
            let above = if above.is_empty() { "/" } else { above };
            let parent = above
                .parse()
                .ok()
                .and_then(|above| policy.collection_by_path(&above))
                .ok_or_else(|| ApiError::not_found("collection", above))?;
            (parent.id.clone(), name.to_owned())
        }
        _ => return Err(ApiError::malformed("`name` is missing")),
    };
    let new = NewCollection {
        name,
        label_constraints: constraints(fields.array("label_constraints")?)?,
        legacy_label_key: fields.text("legacy_label_key")?.unwrap_or_default().to_owned(),
        legacy_label_value: fields.text("legacy_label_value")?.unwrap_or_default().to_owned(),
    };
    let (record, revision) = call
        .state
        .policy_store
        .create_collection(policy, &parent, new, &mut rng())
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(record.id.as_str());
    Ok(body::json(StatusCode::CREATED, &json!({ "id": record.id })))
}

/// Replaces the constraints of a collection.
pub(super) async fn update(call: Call) -> Result<Response, ApiError> {
    let id = CollectionId::new(call.param(0));
    let wanted = constraints(call.fields()?.array("label_constraints")?)?;
    let revision = call.state.policy_store.update_constraints(&id, wanted).await?;
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(id.as_str());
    let info = snapshot
        .policy
        .collection(id.as_str())
        .ok_or_else(|| ApiError::not_found("collection", id.as_str()))?;
    Ok(body::json(StatusCode::OK, &shape(&snapshot, info)))
}

fn constraints(values: Option<&[Value]>) -> Result<Vec<Value>, ApiError> {
    let values = values.unwrap_or_default();
    let is_constraint = |value: &Value| {
        value.as_object().is_some_and(|map| {
            map.iter().all(|(key, value)| match key.as_str() {
                "type" | "label_key" | "label_value" => value.is_string(),
                "equality" => value.is_boolean(),
                _ => false,
            })
        })
    };
    if values.len() > MAX_CONSTRAINTS || !values.iter().all(is_constraint) {
        return Err(ApiError::malformed(format!(
            "`label_constraints` must be at most {MAX_CONSTRAINTS} objects with type, label_key, label_value and equality"
        )));
    }
    Ok(values.to_vec())
}

/// Deletes a collection in which nothing lies (R17).
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let id = CollectionId::new(call.param(0));
    let policy = &call.snapshot.policy;
    // What speaks against it without asking the engine comes first.
    admin::check_delete_collection(policy, &id, &[])?;
    let inside = occupancy::first_in(&call.state.fleet, &id).await?;
    let revision = call
        .state
        .policy_store
        .delete_collection(policy, &id, inside.as_slice())
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// Where a user's unlabelled resources go.
pub(super) async fn show_default(call: Call) -> Result<Response, ApiError> {
    let user = named_user(&call)?;
    let info = call
        .snapshot
        .policy
        .default_collection(&user)
        .ok_or_else(|| ApiError::not_found("default collection of user", call.param(0)))?;
    Ok(body::json(StatusCode::OK, &shape(&call.snapshot, info)))
}

/// Chooses where they go: a collection that the user itself sees (R13).
pub(super) async fn set_default(call: Call) -> Result<Response, ApiError> {
    let user = named_user(&call)?;
    let fields = call.fields()?;
    let id = CollectionId::new(fields.required_text("id")?);
    let revision = call
        .state
        .policy_store
        .set_default_collection(&call.snapshot.policy, &user, Some(&id))
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(user.as_str());
    Ok(body::status(StatusCode::CREATED))
}

/// Goes back to the initial place.
pub(super) async fn unset_default(call: Call) -> Result<Response, ApiError> {
    let user = named_user(&call)?;
    let revision = call
        .state
        .policy_store
        .set_default_collection(&call.snapshot.policy, &user, None)
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// The user whose default collection the path names. Ids are what clients send; a name is taken as well.
fn named_user(call: &Call) -> Result<mke_core::ids::AccountId, ApiError> {
    let name = call.param(0);
    call.snapshot
        .directory
        .resolve(name)
        .filter(|account| !account.is_organization())
        .map(|account| account.id.clone())
        .ok_or_else(|| ApiError::not_found("user", name))
}
