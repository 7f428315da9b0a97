//! Whether anything of the cluster lies in a collection (R17).
//!
//! What cannot be looked up counts as a reason to refuse; an engine outside a swarm has no swarm objects.

use mke_core::ids::CollectionId;
use mke_rbac::demand::{ObjectKind, ObjectRef};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::engine::{EngineClient, EngineError};
use crate::fleet::Fleet;

/// Label that names the collection of an object (R18).
const COLLECTION_LABEL: &str = "com.docker.ucp.collection";

/// A kind, where it is listed, which filter knows its labels, and whether it is of the swarm.
type Listed = (ObjectKind, &'static str, &'static str, bool);

/// Every kind, those of single nodes last.
const KINDS: &[Listed] = &[
    (ObjectKind::Node, "/nodes", "node.label", true),
    (ObjectKind::Service, "/services", "label", true),
    (ObjectKind::Secret, "/secrets", "label", true),
    (ObjectKind::Config, "/configs", "label", true),
    (ObjectKind::Container, "/containers/json?all=1&", "label", false),
    (ObjectKind::Network, "/networks", "label", false),
    (ObjectKind::Volume, "/volumes", "label", false),
];

/// The first object that lies in the collection itself, not below it.
pub(super) async fn first_in(
    fleet: &Fleet,
    collection: &CollectionId,
) -> Result<Option<ObjectRef>, ApiError> {
    if let Some(found) = first_on(fleet.local(), collection, KINDS).await? {
        return Ok(Some(found));
    }
    // What is on a node that does not answer cannot be looked up either.
    for member in fleet.members().iter().flat_map(|members| members.iter()) {
        if !member.is_local()
            && let Some(found) = first_on(member.engine(), collection, of_nodes()).await?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// What other nodes have of their own.
fn of_nodes() -> &'static [Listed] {
    let first = KINDS.iter().position(|(_, _, _, of_swarm)| !of_swarm);
    first.and_then(|first| KINDS.get(first..)).unwrap_or_default()
}

async fn first_on(
    engine: &EngineClient,
    collection: &CollectionId,
    kinds: &[Listed],
) -> Result<Option<ObjectRef>, ApiError> {
    for (kind, list, filter, of_swarm) in kinds {
        let filters = json!({ *filter: [format!("{COLLECTION_LABEL}={collection}")] }).to_string();
        let separator = if list.ends_with('&') { "" } else { "?" };
        let path = format!("{list}{separator}filters={}", escape(&filters));
        let found: Value = match engine.get_json(&path).await {
            Ok(found) => found,
            Err(EngineError::Refused { status, .. }) if *of_swarm && status.as_u16() == 503 => continue,
            Err(error) => return Err(error.into()),
        };
        let items = found.get("Volumes").unwrap_or(&found);
        if let Some(first) = items.as_array().and_then(|items| items.first()) {
            return Ok(Some(ObjectRef::new(*kind, name_of(first))));
        }
    }
    Ok(None)
}

/// The name that people know an object by.
fn name_of(object: &Value) -> String {
    [
        "/Spec/Name",
        "/Description/Hostname",
        "/Name",
        "/Names/0",
        "/Id",
        "/ID",
    ]
    .iter()
    .find_map(|pointer| object.pointer(pointer)?.as_str())
    .unwrap_or_default()
    .trim_start_matches('/')
    .to_owned()
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
