//! Does what a plan says, step by step: one that fails does not keep the others from being done.

use std::path::Path;

use mke_core::pki::{Authority, AuthorityKind};

use super::plan::{Action, Plan, Target};
use super::{CLIENT_CA_FILE, Place, SEALING_KEY_FILE};
use crate::ca::bootstrap::{self, BootstrapError};
use crate::ca::client::{CaClient, CaError};
use crate::controller::{FileError, files};
use crate::mtls::{CA_FILE, CERT_FILE, KEY_FILE};

/// What became of a step.
#[derive(Debug)]
pub struct Outcome {
    /// What was to be done, in words.
    pub step: String,
    /// Whether it was.
    pub result: Result<(), ApplyError>,
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// No certificate.
    #[error("there is no certificate")]
    Authority(#[from] CaError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The authority's key.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The store has no authority yet.
    #[error("the store does not hold the {0} authority yet, a manager that has it puts it there")]
    NotPublished(&'static str),
    /// What a step needs was not given with the target.
    #[error("{0} is not known here")]
    NotGiven(&'static str),
}

/// Where the keys of authorities come from.
pub struct Authorities<'a> {
    /// The cluster authority, if the store has it.
    pub cluster: Option<&'a Authority>,
    /// The client authority.
    pub client: Option<&'a Authority>,
}

/// Does all of it below `volumes`. The private key is written first and the certificate after it, each whole or not at
/// all; whoever reads in between keeps what it had.
pub async fn apply(
    volumes: &Path,
    target: &Target<'_>,
    plan: &Plan,
    issuer: &CaClient,
    authorities: &Authorities<'_>,
) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(plan.actions.len());
    for action in &plan.actions {
        let result = step(volumes, target, action, issuer, authorities).await;
        if let Err(error) = &result {
            tracing::warn!(%error, step = action.to_string(), "a certificate could not be brought up to date");
        }
        outcomes.push(Outcome {
            step: action.to_string(),
            result,
        });
    }
    outcomes
}

async fn step(
    volumes: &Path,
    target: &Target<'_>,
    action: &Action,
    issuer: &CaClient,
    authorities: &Authorities<'_>,
) -> Result<(), ApplyError> {
    match action {
        Action::Issue { place, hosts, .. } => {
            let issued = issuer.issue(place.wanted(target.role), hosts.clone()).await?;
            let key = issued.key.expose();
            write_set(volumes, *place, target.cluster_ca_pem, &issued.chain_pem, key)
        }
        Action::CopyExternal { .. } => {
            let external = target
                .external
                .ok_or(ApplyError::NotGiven("the operator's certificate"))?;
            let place = Place::ControllerServer;
            write_set(
                volumes,
                place,
                &external.ca_pem,
                &external.chain_pem,
                external.key.expose(),
            )
        }
        Action::WriteRoots { place, file, pem } => {
            let dir = dir(volumes, *place)?;
            Ok(files::replace(
                "authorities",
                &dir.join(file),
                files::PUBLIC,
                pem.as_bytes(),
            )?)
        }
        Action::FetchAuthority(kind) => {
            let (authority, word) = match kind {
                AuthorityKind::Cluster => (authorities.cluster, "cluster"),
                AuthorityKind::Client => (authorities.client, "client"),
            };
            let authority = authority.ok_or(ApplyError::NotPublished(word))?;
            Ok(bootstrap::write(volumes, *kind, authority)?)
        }
        Action::WriteSealingKey => {
            let key = target
                .sealing_key
                .ok_or(ApplyError::NotGiven("the sealing key"))?;
            let bytes = hex::decode(key.expose()).map_err(|_| ApplyError::NotGiven("the sealing key"))?;
            let path = dir(volumes, Place::ControllerClient)?.join(SEALING_KEY_FILE);
            Ok(files::replace("sealing key", &path, files::PRIVATE, &bytes)?)
        }
    }
}

fn write_set(volumes: &Path, place: Place, ca: &str, chain: &str, key: &str) -> Result<(), ApplyError> {
    let dir = dir(volumes, place)?;
    files::replace("private key", &dir.join(KEY_FILE), files::PRIVATE, key.as_bytes())?;
    files::replace(
        "certificate",
        &dir.join(CERT_FILE),
        files::PUBLIC,
        chain.as_bytes(),
    )?;
    files::replace("authorities", &dir.join(CA_FILE), files::PUBLIC, ca.as_bytes())?;
    Ok(())
}

fn dir(volumes: &Path, place: Place) -> Result<std::path::PathBuf, ApplyError> {
    let dir = volumes.join(place.volume());
    files::private_dir("certificate volume", &dir)?;
    Ok(dir)
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Issue { place, reason, .. } => {
                write!(f, "issue the certificate in {}: {reason}", place.volume())
            }
            Self::CopyExternal { reason } => {
                write!(f, "write {}: {reason}", Place::ControllerServer.volume())
            }
            Self::WriteRoots { place, file, .. } if *file == CLIENT_CA_FILE => {
                write!(f, "write the authorities of users to {}", place.volume())
            }
            Self::WriteRoots { place, .. } => write!(f, "write the authorities to {}", place.volume()),
            Self::FetchAuthority(kind) => write!(f, "get {} from the store", bootstrap::volume_of(*kind)),
            Self::WriteSealingKey => write!(f, "write the sealing key for the controller"),
        }
    }
}
