//! What the store keeps of the configuration, also as earlier programs wrote it, and the same as it is worked with.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use mke_auth::identity::Identity;
use mke_core::config::{Config, Difference, Kept, Problems, ReadOptions};
use mke_core::ids::AccountId;
use mke_core::store::StoreError;
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChangeError, Expected, STORED};

/// The number of a version of the configuration. Installation makes 1; 0 are the defaults of a store without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one `count` before this, if there was one.
    pub fn minus(self, count: u64) -> Option<Self> {
        self.0.checked_sub(count).map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Who made a version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Author {
    /// The account's name then, or what part of the program it was.
    pub name: String,
    /// The account; nothing when it was the program itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AccountId>,
}

impl Author {
    /// A part of the program, such as `installation`.
    pub fn program(part: &str) -> Self {
        Self {
            name: part.to_owned(),
            id: None,
        }
    }
}

impl From<&Identity> for Author {
    fn from(identity: &Identity) -> Self {
        Self {
            name: identity.name().to_string(),
            id: Some(identity.account().clone()),
        }
    }
}

/// The record at [`mke_core::store::layout::CONFIG`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(in crate::controller) struct ConfigRecord {
    /// Its number.
    pub(in crate::controller) version: Version,
    /// The texts, with secrets.
    pub(in crate::controller) kept: Kept,
    /// Who made it.
    pub(in crate::controller) by: Author,
    /// When.
    pub(in crate::controller) at: Timestamp,
    /// Why, in the words of who made it.
    pub(in crate::controller) why: String,
}

/// The form in the store. Earlier programs wrote `config` alone, as the fields of a struct or as the text of all keys;
/// that is read as version 1, which nobody is known to have made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    config: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ldap: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(default)]
    by: Author,
    #[serde(default)]
    at: Timestamp,
    #[serde(default)]
    why: String,
}

impl From<ConfigRecord> for Stored {
    fn from(record: ConfigRecord) -> Self {
        Self {
            config: Value::String(record.kept.text),
            ldap: record.kept.ldap,
            version: Some(record.version),
            by: record.by,
            at: record.at,
            why: record.why,
        }
    }
}

impl TryFrom<Stored> for ConfigRecord {
    type Error = serde_json::Error;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let kept = match (stored.version, stored.config) {
            (Some(_), Value::String(text)) => Kept {
                text,
                ldap: stored.ldap,
            },
            (_, earlier) => Kept::of(&serde_json::from_value::<Config>(earlier)?),
        };
        Ok(Self {
            version: stored.version.unwrap_or(Version(1)),
            kept,
            by: stored.by,
            at: stored.at,
            why: stored.why,
        })
    }
}

impl ConfigRecord {
    /// What the texts mean.
    ///
    /// # Errors
    /// When the record was written by a version whose keys are not known here.
    pub(in crate::controller) fn in_force(self) -> Result<InForce, StoreError> {
        let options = ReadOptions {
            in_force: true,
            ..STORED
        };
        let reading = self.kept.read(&options).map_err(|problems| {
            StoreError::Corrupt(format!("the stored configuration cannot be read: {problems}"))
        })?;
        Ok(InForce {
            version: self.version,
            kept: self.kept,
            by: self.by,
            at: self.at,
            why: self.why,
            config: Arc::new(reading.value),
            export: OnceLock::new(),
        })
    }
}

/// An entry of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HistoryRecord {
    #[serde(flatten)]
    pub(super) record: ConfigRecord,
    /// What it changed, as the API shows it: secrets are masked.
    pub(super) differences: Vec<Value>,
}

impl HistoryRecord {
    pub(super) fn new(record: ConfigRecord, differences: &[Difference]) -> Self {
        Self {
            record,
            // A difference is made of texts and always becomes a value.
            differences: differences
                .iter()
                .filter_map(|difference| serde_json::to_value(difference).ok())
                .collect(),
        }
    }
}

/// A version of the configuration with its meaning: what the controllers work with.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Its number.
    pub version: Version,
    /// The texts, with secrets.
    pub kept: Kept,
    /// Who made it.
    pub by: Author,
    /// When.
    pub at: Timestamp,
    /// Why, in the words of who made it.
    pub why: String,
    /// What they mean.
    pub config: Arc<Config>,
    /// The file for people, made when it is first asked for.
    export: OnceLock<Result<String, Problems>>,
}

impl Default for InForce {
    /// The defaults, version 0.
    fn default() -> Self {
        Self {
            version: Version(0),
            kept: Kept::default(),
            by: Author::program("defaults"),
            at: Timestamp::default(),
            why: String::new(),
            config: Arc::default(),
            export: OnceLock::new(),
        }
    }
}

impl InForce {
    /// The file for people: every key, the operator's comments, secrets masked, nothing of the directory.
    ///
    /// # Errors
    /// When the kept text cannot be shown; it can always be read.
    pub fn export(&self) -> Result<&str, Problems> {
        let export = self.export.get_or_init(|| self.kept.export());
        export.as_deref().map_err(Clone::clone)
    }

    pub(super) fn record(&self) -> ConfigRecord {
        ConfigRecord {
            version: self.version,
            kept: self.kept.clone(),
            by: self.by.clone(),
            at: self.at,
            why: self.why.clone(),
        }
    }

    /// Refuses a change that was based on another version.
    pub(super) fn meets(&self, expected: Expected, tried: &[Difference]) -> Result<(), ChangeError> {
        match expected {
            Expected::Any => Ok(()),
            Expected::Version(version) if version == self.version => Ok(()),
            Expected::Version(version) => Err(ChangeError::Stale {
                expected: version,
                current: self.version,
                tried: tried.to_vec(),
            }),
            // A controller may learn a little later of what others applied: what is older than the request is none
            // of its overlaps.
            Expected::AsAtBegin { version, begun } if version == self.version || self.at < begun => Ok(()),
            Expected::AsAtBegin { .. } => Err(ChangeError::Overlapped {
                current: self.version,
                by: self.by.name.clone(),
                tried: tried.to_vec(),
            }),
        }
    }
}
