//! The labels that say in which collection an object lies, and who made it (R12, R13, R18, R37).

use mke_core::ids::CollectionId;
use serde_json::{Map, Value};

use crate::Policy;
use crate::demand::Home;
use crate::model::builtin;

/// The collection by its path: the one label of these that clients set (R12).
pub const ACCESS_LABEL: &str = "com.docker.ucp.access.label";
/// The user who created the object; gives no right (R37).
pub const OWNER: &str = "com.docker.ucp.access.owner";
/// The collection by its id, written by the control plane (R18).
pub const COLLECTION: &str = "com.docker.ucp.collection";
/// What the labels begin with that are `true` for the collection and each of its ancestors (R18).
pub const COLLECTION_PREFIX: &str = "com.docker.ucp.collection.";
/// What all labels of the product begin with.
pub const PRODUCT_PREFIX: &str = "com.docker.ucp.";

/// The session on whose behalf labels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'o> {
    /// The name of the account.
    pub name: &'o str,
    /// Administrators may name another owner, and keep the placement of what they update (R37, R48).
    pub admin: bool,
}

/// A label that looks like the one that places objects, but is not it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label `{}` is not `{meant}`; use exactly that spelling", found.escape_debug())]
pub struct NearMiss {
    /// The label as sent.
    pub found: String,
    /// What it looks like.
    pub meant: &'static str,
}

/// Refuses labels that a person would read as the access label or the owner and no program does (proxy-19).
pub(super) fn check_spelling<'k>(keys: impl Iterator<Item = &'k String>) -> Result<(), NearMiss> {
    for found in keys {
        let plain = plain(found);
        for meant in [ACCESS_LABEL, OWNER] {
            if plain == meant && found != meant {
                return Err(NearMiss {
                    found: found.clone(),
                    meant,
                });
            }
        }
    }
    Ok(())
}

/// A label key without case, white space and invisible characters.
fn plain(key: &str) -> String {
    key.chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether only the control plane writes this label.
pub fn is_system(key: &str) -> bool {
    let plain = plain(key);
    plain == COLLECTION || plain.starts_with(COLLECTION_PREFIX)
}

/// Where an object with these labels lies. Without labels it is the root collection (R39). Labels that name
/// no collection of the policy, or several, are conflicting (R38): nothing then says where the object is.
pub fn home_of(labels: Option<&Map<String, Value>>, policy: &Policy) -> Home {
    let text = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let by_id = text(COLLECTION).map(|id| policy.collection(id));
    let by_path = text(ACCESS_LABEL).map(|label| {
        let id = policy.collection_of_label(label).ok()?;
        policy.collection(id.as_str())
    });
    let found = match (by_id, by_path) {
        (None, None) => return Home::Collection(CollectionId::new(builtin::ROOT)),
        (Some(Some(id)), Some(Some(path))) if id.id == path.id => Some(id),
        (Some(id), None) => id,
        (None, Some(path)) => path,
        _ => None,
    };
    match found {
        Some(found) => Home::Collection(found.id.clone()),
        None => Home::Conflicting,
    }
}

/// Writes the labels of a collection and the owner into an object, over whatever was sent for them.
///
/// `stored` are the labels of the object before an update: it keeps its owner unless an administrator names
/// another one.
pub fn put(
    labels: &mut Map<String, Value>,
    policy: &Policy,
    collection: &CollectionId,
    owner: Owner<'_>,
    stored: Option<&Map<String, Value>>,
) {
    labels.retain(|key, _| !is_system(key));
    for (key, value) in policy.collection_labels(collection) {
        labels.insert(key, Value::String(value));
    }
    let kept = stored.map(|stored| stored.get(OWNER).cloned());
    let owner = match (labels.remove(OWNER), kept) {
        (Some(sent), _) if owner.admin => Some(sent),
        (_, Some(kept)) => kept,
        (_, None) => Some(Value::String(owner.name.to_owned())),
    };
    if let Some(owner) = owner {
        labels.insert(OWNER.to_owned(), owner);
    }
}
