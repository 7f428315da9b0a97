//! The versions that were in force: who made them, when, why, and what they changed.

use mke_core::store::{KeyRange, layout};
use mke_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::record::HistoryRecord;
use super::{ChangeError, Configuration, InForce, Version, read};
use crate::controller::records::decode;

/// How many versions are kept; the oldest goes when one more is made.
pub const KEPT: u64 = 100;

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The version that it made.
    pub version: Version,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the words of who made it.
    pub why: String,
    /// How many keys it changed. Comments and order are no keys.
    pub differences: usize,
}

/// A version that is or was in force, with everything that is kept of it.
#[derive(Debug, Clone)]
pub struct Past {
    /// The texts and their meaning.
    pub in_force: InForce,
    /// What it changed, as it was shown then: key, before, after, effect; secrets are masked.
    pub differences: Vec<Value>,
}

/// Where a version lies in the store. Numbers have one length, so that their order is that of the keys.
pub(super) fn key(version: Version) -> String {
    layout::config_version(&format!("{:020}", version.0))
}

impl Configuration {
    /// The versions that are kept, newest first.
    ///
    /// # Errors
    /// When the store does not answer, or a record cannot be read.
    pub async fn history(&self) -> Result<Vec<Change>, ChangeError> {
        let page = self
            .store
            .range(KeyRange::prefix(layout::CONFIG_HISTORY), usize::MAX)
            .await?;
        let mut changes = Vec::with_capacity(page.entries.len());
        for entry in page.entries.iter().rev() {
            let HistoryRecord { record, differences } = decode(entry)?;
            changes.push(Change {
                version: record.version,
                by: record.by.name,
                at: record.at,
                why: record.why,
                differences: differences.len(),
            });
        }
        if changes.is_empty() {
            // A store from before there was a history.
            let (current, _) = read(&*self.store).await?;
            changes.push(Change {
                version: current.version,
                by: current.by.name,
                at: current.at,
                why: current.why,
                differences: 0,
            });
        }
        Ok(changes)
    }

    /// One version.
    ///
    /// # Errors
    /// When it is not kept, or its record cannot be read.
    pub async fn past(&self, version: Version) -> Result<Past, ChangeError> {
        let page = self.store.range(KeyRange::key(key(version)), 1).await?;
        if let Some(entry) = page.entries.first() {
            let HistoryRecord { record, differences } = decode(entry)?;
            return Ok(Past {
                in_force: record.in_force()?,
                differences,
            });
        }
        let (current, _) = read(&*self.store).await?;
        if current.version == version {
            return Ok(Past {
                in_force: current,
                differences: Vec::new(),
            });
        }
        Err(ChangeError::NoSuchVersion(version))
    }
}
