//! What is there on a node: plain data, as the engine and the volumes show it.

use std::collections::{BTreeMap, BTreeSet};

use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Observed {
    /// When somebody looked.
    pub at: Timestamp,
    /// Networks by name.
    pub networks: BTreeMap<String, ObservedNetwork>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, ObservedVolume>,
    /// Containers by name, running or not.
    pub containers: BTreeMap<String, ObservedContainer>,
    /// Full names of images.
    pub images: BTreeSet<String>,
    /// What must be done about certificates and keys, in order.
    pub certificates: Vec<CertificateNeed>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ObservedNetwork {
    /// The engine's id of it.
    pub id: String,
    /// Its driver.
    pub driver: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ObservedVolume {
    /// Its driver.
    pub driver: String,
    /// Where it lies on the node.
    pub mountpoint: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its files by their path in it, as far as they matter; `None` when nobody could look into it.
    pub files: Option<BTreeMap<String, ObservedFile>>,
}

/// A file in a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ObservedFile {
    /// SHA-256 of its content, in hexadecimal.
    pub digest: String,
    /// Its permissions, such as 0o600.
    pub mode: u32,
}

/// Something about certificates and keys that is not as it should be, as whoever knows them found out
/// ([`crate::ca::certificates`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateNeed {
    /// The volume.
    pub volume: String,
    /// What must be done, in words such as `issue the certificate`. Together with the volume it says which need it is.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    /// It was made and never started.
    #[default]
    Created,
    /// It runs.
    Running,
    /// Its processes are frozen.
    Paused,
    /// The engine is about to start it again.
    Restarting,
    /// It is about to be removed.
    Removing,
    /// It ended.
    Exited,
    /// The engine could not remove it.
    Dead,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ObservedContainer {
    /// The engine's id of it.
    pub id: String,
    /// The image it was made from, as it was asked for.
    pub image: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it does.
    pub state: ContainerState,
    /// What it ended with.
    pub exit_code: i64,
    /// Whether the engine had to start it again a moment ago, because it ended by itself, or rests after several starts in
    /// vain.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub looping: bool,
    /// The named volumes that it sees.
    pub volumes: BTreeSet<String>,
}

impl Observed {
    /// Whether labels say that an object belongs to this installation.
    pub fn is_ours(labels: &BTreeMap<String, String>, cluster_id: &str) -> bool {
        !cluster_id.is_empty()
            && labels
                .get(mke_core::product::labels::INSTANCE_ID)
                .is_some_and(|id| id == cluster_id)
    }
}
