//! Filters and changes tried on resources at hand, without a store: what a client's request would choose or make.

use serde_json::Value;

use super::error::ScimError;
use super::filter::{self, Scope};
use super::schema::{GROUPS, Schema, USERS};
use super::{document, json, patch};

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceType {
    /// Users.
    User,
    /// Groups.
    Group,
}

impl ResourceType {
    const fn schema(self) -> &'static Schema {
        match self {
            Self::User => &USERS,
            Self::Group => &GROUPS,
        }
    }
}

/// Whether a resource passes a filter. Every operator of the RFC works here and in paths of changes; lists take `eq`
/// only.
///
/// ```
/// use mke_auth::scim::{ResourceType, matches};
///
/// let jane = br#"{"userName": "jane", "emails": [{"value": "jane@example.com", "type": "work"}]}"#;
/// let filter = r#"userName sw "JA" and not (emails[type eq "home"])"#;
/// assert!(matches(ResourceType::User, filter, jane)?);
/// # Ok::<(), mke_auth::scim::ScimError>(())
/// ```
///
/// # Errors
///
/// What a client would be answered for the filter, or for the resource as a body.
pub fn matches(kind: ResourceType, filter: &str, resource: &[u8]) -> Result<bool, ScimError> {
    let filter = filter::parse(filter, Scope::Resource(kind.schema()))?;
    let resource = document::read(kind.schema(), &json::object(resource)?)?;
    Ok(filter.passes(&resource))
}

/// What the body of a PATCH would make of a resource.
///
/// ```
/// use mke_auth::scim::{ResourceType, patched};
///
/// let group = br#"{"displayName": "dev", "members": [{"value": "u1"}, {"value": "u2"}]}"#;
/// let patch = br#"{"Operations": [{"op": "remove", "path": "members[value eq \"u1\"]"}]}"#;
/// let group = patched(ResourceType::Group, group, patch)?;
/// assert_eq!(group["members"], serde_json::json!([{"value": "u2"}]));
/// # Ok::<(), mke_auth::scim::ScimError>(())
/// ```
///
/// # Errors
///
/// What a client would be answered.
pub fn patched(kind: ResourceType, resource: &[u8], patch: &[u8]) -> Result<Value, ScimError> {
    let mut document = document::read(kind.schema(), &json::object(resource)?)?;
    let operations = patch::read(kind.schema(), &json::object(patch)?)?;
    patch::apply(kind.schema(), &mut document, &operations)?;
    Ok(Value::Object(document))
}
