//! Which records of the store a restored cluster gets. Pure.
//!
//! A backup holds every record, so that nothing has to be decided when it is made; what belongs to nodes, sessions and runs of
//! the old cluster is left out when it is restored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::store::{Entry, layout};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::archive::{Archive, ArchiveError};

/// Directory of the records in an archive; a file for each family.
pub const STORE: &str = "ucp-kv/";

/// Families that stay behind, with the reason.
const LEFT: [(&str, &str); 13] = [
    (layout::SESSIONS, "everybody logs in again"),
    (layout::SAML_SESSIONS, "they belong to sessions"),
    (layout::LOGIN_FAILURES, "they end by themselves"),
    (layout::JOBS, "they ran on managers of the old cluster"),
    (layout::JOB_LOGS, "they belong to jobs"),
    (layout::JOB_CANCELS, "they belong to jobs"),
    (layout::JOB_LOCKS, "they belong to jobs"),
    (layout::NODES, "nodes are found in the swarm"),
    (layout::NODE_REPORTS, "nodes report anew"),
    (layout::NODE_BEATS, "nodes are heard of anew"),
    (layout::CONTROLLER_BEATS, "controllers are heard of anew"),
    (layout::STORE_MEMBERS, "the store is a new one"),
    (layout::MANAGER_TURN, "it belongs to a manager of the old cluster"),
];

/// A record in an archive: one line of JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its key.
    pub key: String,
    /// Its value, base64.
    pub value: String,
    /// Whether it would have ended by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leased: bool,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Record").field(&self.key).finish()
    }
}

impl Record {
    /// A record of the store.
    pub fn of(entry: &Entry) -> Self {
        Self {
            key: entry.key.clone(),
            value: STANDARD.encode(&entry.value),
            leased: entry.lease.is_some(),
        }
    }

    /// Its value; nothing when it is no base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.value).ok()
    }
}

/// The file of a record: its family, without what would make a path of it.
pub fn file_of(key: &str) -> String {
    let family = key.strip_prefix(layout::ROOT).unwrap_or(key);
    let family = family.split('/').next().unwrap_or_default();
    let plain = family.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c,
        _ => '_',
    });
    format!("{STORE}{}.jsonl", plain.collect::<String>())
}

/// Every record of an archive, in the order of its files.
///
/// # Errors
/// [`ArchiveError::Damaged`].
pub fn records(archive: &Archive) -> Result<Vec<Record>, ArchiveError> {
    let mut records = Vec::new();
    for name in archive.files.keys().filter(|name| name.starts_with(STORE)) {
        for line in archive.text(name)?.lines() {
            let damaged = || ArchiveError::Damaged(format!("`{name}` holds what is no record"));
            let record: Record = serde_json::from_str(line).map_err(|_| damaged())?;
            if record.bytes().is_none() || !record.key.starts_with(layout::ROOT) {
                return Err(damaged());
            }
            records.push(record);
        }
    }
    Ok(records)
}

/// Whether a record comes back.
fn comes_back(record: &Record) -> bool {
    let left = LEFT.iter().any(|(family, _)| record.key.starts_with(family));
    !record.leased && !left
}

/// The records that a cluster with this id begins with. The record of the cluster itself keeps its age and gets the new id.
pub fn restored(records: Vec<Record>, cluster_id: &str) -> Vec<Record> {
    let chosen = records.into_iter().filter(comes_back);
    chosen
        .map(|mut record| {
            if record.key == layout::CLUSTER
                && let Some(mut value) = record
                    .bytes()
                    .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
                && let Some(fields) = value.as_object_mut()
            {
                fields.insert("id".to_owned(), Value::String(cluster_id.to_owned()));
                record.value = STANDARD.encode(value.to_string());
            }
            record
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &str) -> Record {
        Record {
            key: key.to_owned(),
            value: STANDARD.encode(value),
            leased: false,
        }
    }

    /// BKP-007: people, rights, configuration and keys come back; nodes, sessions, runs and whatever lives under a lease do not.
    /// A family that nobody thought of comes back.
    #[test]
    fn what_comes_back() {
        for (key, comes) in [
            ("/mke/accounts/a", true),
            ("/mke/account-names/a", true),
            ("/mke/teams/o/t", true),
            ("/mke/team-members/o/t/u", true),
            ("/mke/public-keys/k", true),
            ("/mke/second-factors/a", true),
            ("/mke/login-locks/a", true),
            ("/mke/roles/r", true),
            ("/mke/collections/c", true),
            ("/mke/grants/s/o/r", true),
            ("/mke/config/current", true),
            ("/mke/config-history/1", true),
            ("/mke/first-administrator", true),
            ("/mke/pki/server", true),
            ("/mke/scim-token", true),
            ("/mke/of-a-later-version/x", true),
            ("/mke/sessions/a/s", false),
            ("/mke/jobs/j", false),
            ("/mke/job-schedules/ldap", true),
            ("/mke/nodes/n", false),
            ("/mke/node-reports/n", false),
            // So that etcd goes on refusing managers of before.
            ("/mke/store-certificates/n/1", true),
            ("/mke/store-members", false),
            ("/mke/manager-turn", false),
        ] {
            let found = restored(vec![record(key, "{}")], "new");
            assert_eq!(!found.is_empty(), comes, "{key}");
        }
        let mut leased = record("/mke/saml-used/x/y", "{}");
        leased.leased = true;
        assert_eq!(restored(vec![leased], "new"), []);
        let cluster = record(layout::CLUSTER, r#"{"v":1,"id":"old","setup_done":true}"#);
        let found = restored(vec![cluster], "new").remove(0).bytes().unwrap();
        let found: Value = serde_json::from_slice(&found).unwrap();
        assert_eq!(
            found,
            serde_json::json!({ "v": 1, "id": "new", "setup_done": true })
        );
    }

    #[test]
    fn files_of_families() {
        for (key, file) in [
            ("/mke/accounts/a", "ucp-kv/accounts.jsonl"),
            ("/mke/config/current", "ucp-kv/config.jsonl"),
            ("/mke/cluster", "ucp-kv/cluster.jsonl"),
            ("/other/x", "ucp-kv/.jsonl"),
            ("/mke/../x", "ucp-kv/__.jsonl"),
        ] {
            assert_eq!(file_of(key), file);
        }
    }
}
