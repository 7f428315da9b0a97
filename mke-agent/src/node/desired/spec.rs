//! What lies around containers: networks, volumes, and what is written into volumes.

use std::collections::BTreeSet;
use std::fmt;

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
    /// The key that seals secrets in the store.
    SealingKey,
    /// The certificate of an authority.
    AuthorityCertificate(Authority),
    /// The key of an authority.
    AuthorityKey(Authority),
    /// The key with which Kubernetes encrypts its secrets in the store, as its configuration file.
    KubernetesEncryption,
    /// The key that signs tokens of Kubernetes' service accounts.
    ServiceAccountKey,
}

/// One of the two authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// That of nodes and components.
    Cluster,
    /// That of users.
    Client,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateUse {
    /// The node towards other nodes.
    Node,
    /// The replicated store, on both of its ports.
    Store,
    /// The controller towards users.
    ControllerServer,
    /// The controller towards other components.
    ControllerClient,
    /// The authentication service.
    AuthApi,
    /// The worker of the authentication service.
    AuthWorker,
}

/// A wanted certificate: `ca.pem`, `cert.pem` and `key.pem` in the top directory of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    /// The volume.
    pub volume: String,
    /// What it is for.
    pub usage: CertificateUse,
    /// The subject's common name: the swarm's id of the node.
    pub common_name: String,
    /// The subject's organizational unit: `ucp-manager` or `ucp-worker`.
    pub unit: String,
    /// Names that it must hold at least: host names, addresses and URIs as text.
    pub names: BTreeSet<String>,
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

impl CertificateSpec {
    /// The certificate's file in its volume.
    pub const FILE: &'static str = "cert.pem";
    /// Its key's file.
    pub const KEY: &'static str = "key.pem";
    /// The file of the authority that issued it.
    pub const AUTHORITY: &'static str = "ca.pem";

    /// Its place, for people.
    pub fn place(&self) -> String {
        format!("{}/{}", self.volume, Self::FILE)
    }
}

impl fmt::Display for CertificateUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Store => "store",
            Self::ControllerServer => "controller server",
            Self::ControllerClient => "controller client",
            Self::AuthApi => "authentication service",
            Self::AuthWorker => "authentication worker",
        })
    }
}
