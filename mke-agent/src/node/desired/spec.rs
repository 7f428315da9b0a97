//! What lies around containers: networks, volumes, and what is written into volumes.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A wanted network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
}

/// A wanted volume. One that exists is taken as it is, whatever its driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeSpec {
    /// Its name.
    pub name: String,
    /// Whether what it holds is gone for good when it is removed.
    pub precious: bool,
}

/// A wanted file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// The volume.
    pub volume: String,
    /// The path in it, without a slash at its beginning.
    pub path: String,
    /// Its permissions, such as 0o600.
    pub mode: u32,
    /// What it holds.
    pub content: FileContent,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileContent {
    /// This text. It holds no secret.
    Text(String),
    /// Something that stands in no plan, because it is secret or not known here. It is written when the file is missing, and
    /// never over a file that is there.
    Held(Source),
}

/// Where the content of a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The key with which Kubernetes encrypts its secrets in the store, as its configuration file.
    KubernetesEncryption,
    /// The key that signs tokens of Kubernetes' service accounts.
    ServiceAccountKey,
}

impl FileSpec {
    /// The digest of its content, when it is known here.
    pub fn digest(&self) -> Option<String> {
        match &self.content {
            FileContent::Text(text) => Some(hex::encode(Sha256::digest(text.as_bytes()))),
            FileContent::Held(_) => None,
        }
    }

    /// Its place, for people.
    pub fn place(&self) -> String {
        format!("{}/{}", self.volume, self.path)
    }
}
