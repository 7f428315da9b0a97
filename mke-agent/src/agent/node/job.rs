//! What the agent hands to `ucp-reconcile`, and what comes back.
//!
//! The agent puts [`PATH`] into the container before it starts it; the program reads the file, deletes it and only then
//! begins, so that secrets do not stay in the container's layer. What it did comes back as [`OUTCOMES`] in the volume of
//! the node's certificates, which the agent sees too.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use mke_core::product::Role;
use mke_core::secret::Secret;
use serde::{Deserialize, Serialize, Serializer};

use crate::controller::FileError;
use crate::controller::files;
use crate::life::report::OutcomeReport;
use crate::node::WireSpec;

/// Where the job lies in the container.
pub const PATH: &str = "/job.json";
/// Where the volumes are mounted in the container, each under its name.
pub const VOLUMES: &str = "/v";
/// Where the certificate that the swarm gave to the node is mounted in the container.
pub const SWARM_CERTIFICATES: &str = "/swarm-certificates";
/// The volume of the node's certificate.
pub const NODE_VOLUME: &str = "ucp-node-certs";
/// The file with what was done, in [`NODE_VOLUME`].
pub const OUTCOMES: &str = "outcomes.json";
/// The specification that the agent keeps, in [`NODE_VOLUME`].
pub const SPEC: &str = "spec.json";

/// What is to be done.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The installation.
    pub cluster_id: String,
    /// Swarm's id of the node.
    pub node_id: String,
    /// Its role.
    pub role: Role,
    /// What is wanted; without it only the node's certificate is brought up to date.
    pub spec: Option<WireSpec>,
    /// Where managers are.
    pub managers: Vec<IpAddr>,
    /// The certificate of the cluster's authority, PEM.
    pub cluster_ca: String,
    /// The key that opens what is sealed in the store, hexadecimal. Managers only.
    #[serde(default, serialize_with = "exposed", skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<Secret>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("node_id", &self.node_id)
            .field("role", &self.role)
            .field("revision", &self.spec.as_ref().map(|spec| spec.revision))
            .finish_non_exhaustive()
    }
}

/// The file is the one place where it leaves the process.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn exposed<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// Each step, in order.
    pub outcomes: Vec<OutcomeReport>,
    /// Why it ended early; nothing when it did all it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Done {
    /// Writes it below `volumes`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, volumes: &Path) -> Result<(), FileError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let path = volumes.join(NODE_VOLUME).join(OUTCOMES);
        files::replace("outcomes", &path, files::PUBLIC, &text)
    }

    /// Reads it from the directory of the node's certificates. Nothing when it is not there or is none.
    pub fn read(node_certs: &Path) -> Option<Self> {
        let text = files::read("outcomes", &node_certs.join(OUTCOMES)).ok()??;
        serde_json::from_slice(&text).ok()
    }

    /// Forgets what was done before.
    pub fn forget(node_certs: &Path) {
        // What is not there need not be forgotten.
        let _ = std::fs::remove_file(node_certs.join(OUTCOMES));
    }
}
