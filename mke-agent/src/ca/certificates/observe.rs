//! What lies in the certificate volumes. Nothing is judged here but whether it can be read at all.

use std::collections::BTreeMap;
use std::path::Path;

use mke_core::pki::AuthorityKind;
use mke_core::render::NodeRole;
use mke_core::secret::Secret;

use super::{CLIENT_CA_FILE, Place, SEALING_KEY_FILE};
use crate::ca::bootstrap;
use crate::mtls::{CA_FILE, CERT_FILE, KEY_FILE};

/// What lies in one place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetState {
    /// `ca.pem`, if there is one.
    pub ca_pem: Option<String>,
    /// `cert.pem`.
    pub chain_pem: Option<String>,
    /// `key.pem`. `Debug` prints nothing of it.
    pub key: Option<Secret>,
    /// `client_ca.pem`.
    pub client_ca_pem: Option<String>,
    /// Files that are there and could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// What lies in the volumes of a node.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// By place; an empty volume gives an empty state.
    pub sets: BTreeMap<Place, SetState>,
    /// The certificates of the authorities whose keys are there, PEM.
    pub authorities: BTreeMap<&'static str, String>,
    /// Whether the sealing key lies where the controller looks for it.
    pub sealing_key: Option<Secret>,
}

/// Reads the volumes of a role below `volumes`. Whatever cannot be read counts as missing, and is told.
pub fn observe(volumes: &Path, role: NodeRole) -> Observed {
    let mut observed = Observed::default();
    for place in Place::of(role) {
        observed.sets.insert(*place, set(&volumes.join(place.volume())));
    }
    if role == NodeRole::Manager {
        for kind in [AuthorityKind::Cluster, AuthorityKind::Client] {
            match bootstrap::read(volumes, kind) {
                Ok(Some(authority)) => {
                    observed
                        .authorities
                        .insert(bootstrap::volume_of(kind), authority.certificate_pem());
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "an authority is fetched again"),
            }
        }
        let path = volumes
            .join(Place::ControllerClient.volume())
            .join(SEALING_KEY_FILE);
        observed.sealing_key = std::fs::read(path)
            .ok()
            .map(|bytes| Secret::new(hex::encode(bytes)));
    }
    observed
}

fn set(dir: &Path) -> SetState {
    let mut unreadable = Vec::new();
    let mut text = |name: &str| match std::fs::read_to_string(dir.join(name)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            unreadable.push(format!("{name}: {error}"));
            None
        }
    };
    SetState {
        ca_pem: text(CA_FILE),
        chain_pem: text(CERT_FILE),
        key: text(KEY_FILE).map(Secret::new),
        client_ca_pem: text(CLIENT_CA_FILE),
        unreadable,
    }
}
