//! What the controller itself keeps in the store: roles, collections, grants, default collections and the cluster's
//! identity. Accounts, sessions and keys belong to `mke-auth`, the configuration to `configuration`.
//!
//! Every record is JSON with its schema version in `v`. A record of a newer version is refused, not guessed at.

use mke_core::ids::{AccountId, CollectionId, RoleId};
use mke_core::store::{Entry, StoreError};
use mke_core::time::Timestamp;
use mke_rbac::model::{Collection, Grant};
use mke_rbac::role::{Role, RoleBody};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The schema version that this program writes and the newest that it reads.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct VersionedRef<'a, T> {
    v: u32,
    #[serde(flatten)]
    record: &'a T,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

/// Writes a record.
pub(crate) fn encode(record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&VersionedRef { v: VERSION, record })
        .map_err(|error| StoreError::Invalid(format!("a record cannot be written: {error}")))
}

/// Reads a record.
pub(crate) fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<T, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt(format!("record `{}`: {why}", entry.key));
    let VersionOnly { v } =
        serde_json::from_slice(&entry.value).map_err(|error| corrupt(error.to_string()))?;
    if v != VERSION {
        return Err(corrupt(format!(
            "schema version {v} is not known, this program reads {VERSION}; use the version that wrote it"
        )));
    }
    serde_json::from_slice(&entry.value).map_err(|error| corrupt(error.to_string()))
}

/// A custom role. Built-in ones are code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleRecord {
    /// Its id.
    pub id: RoleId,
    /// Its display name; need not be unique (R27).
    pub name: String,
    /// What it allows.
    pub operations: RoleBody,
    /// When it was made.
    pub created_at: Timestamp,
}

impl RoleRecord {
    /// The role as the policy knows it.
    pub fn to_role(&self) -> Role {
        Role {
            id: self.id.clone(),
            name: self.name.clone(),
            system_role: false,
            operations: self.operations.clone(),
        }
    }
}

/// A collection, built-in ones included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectionRecord {
    /// Its id.
    pub id: CollectionId,
    /// Its own name.
    pub name: String,
    /// Its parent; only the root has none.
    pub parent: Option<CollectionId>,
    /// The user whose private collection it is (R14).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_of: Option<AccountId>,
    /// Constraints for workloads in it, as the API gives and takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_constraints: Vec<Value>,
    /// Key of the label that stood for it in old releases.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub legacy_label_key: String,
    /// Value of that label.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub legacy_label_value: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl CollectionRecord {
    /// The collection as the policy knows it.
    pub fn to_collection(&self) -> Collection {
        Collection {
            id: self.id.clone(),
            name: self.name.clone(),
            parent: self.parent.clone(),
        }
    }
}

/// A grant. Its key says the same again, in the words of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    /// The triple.
    pub(crate) grant: Grant,
}

/// The default collection that a user chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefaultCollectionRecord {
    /// Where its unlabelled resources go.
    pub(crate) collection: CollectionId,
}

/// What the cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Its id: that of the swarm where there is one.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version of the program that made it.
    pub created_by: String,
    /// Whether everything that the first start makes was made.
    pub setup_done: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::store::Revision;
    use mke_rbac::model::{GrantObject, GrantSubject};

    fn entry(value: Vec<u8>) -> Entry {
        Entry {
            key: "/mke/grants/x".into(),
            value,
            created: Revision(1),
            modified: Revision(1),
            version: 1,
            lease: None,
        }
    }

    #[test]
    fn records_carry_their_version() {
        let record = GrantRecord {
            grant: Grant {
                subject: GrantSubject::User("u1".into()),
                object: GrantObject::Collection("shared".into()),
                role: "viewonly".into(),
            },
        };
        let text = encode(&record).unwrap();
        assert_eq!(decode::<GrantRecord>(&entry(text.clone())).unwrap(), record);
        let newer = String::from_utf8(text).unwrap().replace("\"v\":1", "\"v\":2");
        let error = decode::<GrantRecord>(&entry(newer.into_bytes())).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
        assert!(decode::<GrantRecord>(&entry(b"{}".to_vec())).is_err());
    }
}
