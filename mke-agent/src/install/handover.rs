//! What the installer hands to the first node's `ucp-reconcile`, and nobody else ever gets: everything that later nodes
//! find in the store, the authority and the swarm, before there is a store or an authority.
//!
//! The installer creates the container, puts this file into it ([`PATH`], mode 0600) and starts it as
//! `ucp-agent reconcile --bootstrap`. The program reads the file, deletes it, and only then begins: the file lives in the
//! container's own layer, so nothing of it stays behind.

use std::net::IpAddr;

use mke_core::secret::Secret;
use serde::{Deserialize, Serialize, Serializer};

use crate::backup::selection::Record;

/// Where the file lies in the container.
pub const PATH: &str = "/handover.json";

/// Where the volumes of a manager are mounted in the container, each under its name.
pub const VOLUMES: &str = "/v";

/// Where the certificate that the swarm gave to the node is mounted in the container.
pub const SWARM_CERTIFICATES: &str = "/swarm-certificates";

/// The form that this version writes; others are refused.
pub const SCHEMA: u32 = 2;

/// All that the first node needs to become a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The swarm's id, which is the id of the installation.
    pub cluster_id: String,
    /// The version that is installed, such as `3.4.15`.
    pub version: String,
    /// Where images come from: `mirantis`, or `registry.example.com/mirantis`.
    pub organisation: String,
    /// Swarm's id of the first node.
    pub node_id: String,
    /// The address at which other nodes reach the first one.
    pub address: IpAddr,
    /// The configuration as TOML, valid.
    pub config: String,
    /// The licence, as it was given.
    pub license: Option<String>,
    /// Further names of the servers' certificates.
    pub sans: Vec<String>,
    /// The first administrator's name.
    pub admin_username: String,
    /// The first administrator's password.
    #[serde(serialize_with = "exposed")]
    pub admin_password: Secret,
    /// 32 bytes in hexadecimal: the content of the secret `ucp-auth-key`, which a container that is no swarm task
    /// cannot be given.
    #[serde(serialize_with = "exposed")]
    pub sealing_key: Secret,
    /// Signs the certificates of nodes and components.
    pub cluster_authority: AuthorityFiles,
    /// Signs the certificates of users.
    pub client_authority: AuthorityFiles,
    /// Whether `ucp-controller-server-certs` holds a certificate that the operator put there: it is kept, and every manager serves it.
    pub external_server_cert: bool,
    /// What a backup holds for the new cluster; then the first administrator is one of its accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
}

/// What comes from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// The records of the store.
    pub records: Vec<Record>,
    /// The certificate of the API port.
    pub server: ServerFiles,
    /// Names of certificates that the configuration gets besides its own.
    pub names: Vec<String>,
}

/// The certificate of the API port as it lies in its volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerFiles {
    /// `ca.pem`
    pub ca: String,
    /// `cert.pem`
    pub certificate: String,
    /// `key.pem`
    #[serde(serialize_with = "exposed")]
    pub key: Secret,
}

/// An authority as it lies in its volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityFiles {
    /// `cert.pem`
    pub certificate: String,
    /// `key.pem`
    #[serde(serialize_with = "exposed")]
    pub key: Secret,
}

/// Why a handover cannot be used. Nothing of its text is shown: it holds secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// It is not of this form.
    #[error("`{PATH}` is no handover: run `install` with the image of the same version")]
    Form,
    /// Another version wrote it.
    #[error(
        "`{PATH}` has form {0}, this version reads {SCHEMA}: run `install` with the image of the same version"
    )]
    Schema(u32),
}

impl Handover {
    /// The file's content. It holds secrets.
    ///
    /// # Errors
    /// [`HandoverError::Form`]: never for values that can be made.
    pub fn to_json(&self) -> Result<Secret, HandoverError> {
        serde_json::to_string(self)
            .map(Secret::new)
            .map_err(|_| HandoverError::Form)
    }

    /// Reads the file's content.
    ///
    /// # Errors
    /// [`HandoverError`], without anything of the text.
    pub fn from_json(text: &str) -> Result<Self, HandoverError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let Version { schema } = serde_json::from_str(text).map_err(|_| HandoverError::Form)?;
        if schema != SCHEMA {
            return Err(HandoverError::Schema(schema));
        }
        serde_json::from_str(text).map_err(|_| HandoverError::Form)
    }
}

/// The one place where these secrets leave the process: into the file that only root and the container see.
fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handover() -> Handover {
        let authority = |name: &str| AuthorityFiles {
            certificate: format!("{name} certificate"),
            key: Secret::new(format!("{name} key")),
        };
        Handover {
            schema: SCHEMA,
            cluster_id: "c".to_owned(),
            version: "3.4.15".to_owned(),
            organisation: "mirantis".to_owned(),
            node_id: "n".to_owned(),
            address: [10, 0, 0, 1].into(),
            config: "[auth]\n".to_owned(),
            license: None,
            sans: vec!["mke.example.com".to_owned()],
            admin_username: "admin".to_owned(),
            admin_password: Secret::new("correct horse"),
            sealing_key: Secret::new("00".repeat(32)),
            cluster_authority: authority("cluster"),
            client_authority: authority("client"),
            external_server_cert: false,
            restored: Some(Restored {
                records: Vec::new(),
                server: ServerFiles {
                    ca: "ca".to_owned(),
                    certificate: "certificate".to_owned(),
                    key: Secret::new("correct horse"),
                },
                names: vec!["mke.example.com".to_owned()],
            }),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let handover = handover();
        let text = handover.to_json().unwrap();
        assert_eq!(Handover::from_json(text.expose()).unwrap(), handover);
    }

    /// Another form, an unknown field and no JSON are refused, and nothing of a refused text is shown.
    #[test]
    fn others_are_refused() {
        let text = handover().to_json().unwrap();
        let other = text.expose().replace("\"schema\":2", "\"schema\":3");
        assert_eq!(Handover::from_json(&other), Err(HandoverError::Schema(3)));
        let more = text.expose().replace("\"schema\":2", "\"schema\":2,\"more\":1");
        assert_eq!(Handover::from_json(&more), Err(HandoverError::Form));
        assert_eq!(Handover::from_json("correct horse"), Err(HandoverError::Form));
        assert!(!format!("{:?}", handover()).contains("correct horse"));
    }
}
