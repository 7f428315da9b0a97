//! Issues a client bundle: makes it, registers its key, waits until the key is in force.

use mke_auth::bundle::{self, Place};
use mke_core::ids::{AccountId, KeyId};
use mke_core::names::AccountName;
use mke_core::pki::KeyPair;

use super::error::ApiError;
use super::rng;
use super::snapshot::Snapshot;
use super::state::State;

/// A bundle whose key is registered.
pub(super) struct Bundle {
    /// The archive.
    pub(super) zip: Vec<u8>,
    /// The registered key.
    pub(super) key: KeyId,
}

/// Makes a bundle that works from the moment it is returned.
pub(super) async fn issue_bundle(
    state: &State,
    snapshot: &Snapshot,
    account: &AccountId,
    name: &AccountName,
    label: &str,
) -> Result<Bundle, ApiError> {
    let place = Place::new(
        &state.advertise_host,
        state.port,
        state.kube_port,
        &state.cluster.id,
        false,
    )?;
    let authorities = &state.authorities;
    let pair = KeyPair::generate(&mut rng()).map_err(ApiError::internal)?;
    let signed = authorities.user(&pair, name).await?;
    let certificate = bundle::Certificate {
        pem: signed.pem,
        not_after: signed.not_after,
    };
    let issued = bundle::pack(certificate, &pair, &authorities.server_ca_pem(), &place, name)?;
    let (key, revision) = state
        .keys
        .register(&snapshot.directory, account, issued.public_key(), label)
        .await?;
    state.wait_for(revision).await?;
    Ok(Bundle {
        zip: issued.into_zip(),
        key: key.id,
    })
}
