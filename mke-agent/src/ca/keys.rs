//! How a new or promoted manager gets the keys of the authorities, and the operator's own certificate: they lie in the
//! replicated store, sealed with the cluster's sealing key (secret `ucp-auth-key`), which only managers have.

use std::path::Path;

use mke_core::pki::{Authority, AuthorityKind};
use mke_core::seal::SealingKey;
use mke_core::secret::Secret;
use mke_core::store::Store;

use crate::controller::vault::{Upload, Vault};
use crate::controller::{AuthorityError, FileError};

/// A certificate that an operator made, with its key and its authority.
#[derive(Clone)]
pub struct External {
    /// The authority of the chain, PEM.
    pub ca_pem: String,
    /// The server's certificate, then intermediates, PEM.
    pub chain_pem: String,
    /// The private key, PEM.
    pub key: Secret,
}

impl External {
    /// Reads one as operators put it into a directory: `ca.pem`, `cert.pem` and `key.pem`.
    ///
    /// # Errors
    /// [`FileError`], also for a file that is missing.
    pub fn read(dir: &Path) -> Result<Self, FileError> {
        let text = |name: &str| {
            let path = dir.join(name);
            std::fs::read_to_string(&path).map_err(FileError::at("server certificate file", &path))
        };
        Ok(Self {
            ca_pem: text("ca.pem")?,
            chain_pem: text("cert.pem")?,
            key: Secret::new(text("key.pem")?),
        })
    }
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("External")
            .field("chain_pem", &self.chain_pem)
            .finish_non_exhaustive()
    }
}

/// Puts an authority into the store for other managers, in the place of one that an earlier installation left there.
///
/// # Errors
/// [`AuthorityError`].
pub async fn publish(
    store: &dyn Store,
    sealing: &SealingKey,
    kind: AuthorityKind,
    authority: &Authority,
) -> Result<(), AuthorityError> {
    Vault { store, sealing }.keep_authority(kind, authority).await
}

/// Gets an authority from the store; nothing when nobody put one there.
///
/// # Errors
/// [`AuthorityError`], for instance when the sealing key does not fit.
pub async fn fetch(
    store: &dyn Store,
    sealing: &SealingKey,
    kind: AuthorityKind,
) -> Result<Option<Authority>, AuthorityError> {
    Vault { store, sealing }.stored_authority(kind).await
}

/// Puts the operator's own certificate of the API port into the store, so that every manager serves it (PKI-005).
///
/// # Errors
/// [`AuthorityError`].
pub async fn publish_external(
    store: &dyn Store,
    sealing: &SealingKey,
    external: &External,
) -> Result<(), AuthorityError> {
    let upload = Upload {
        ca_pem: &external.ca_pem,
        chain_pem: &external.chain_pem,
        key: &external.key,
    };
    Vault { store, sealing }.keep_upload(&upload, None).await
}

/// The operator's own certificate of the API port, if there is one.
///
/// # Errors
/// [`AuthorityError`].
pub async fn fetch_external(
    store: &dyn Store,
    sealing: &SealingKey,
) -> Result<Option<External>, AuthorityError> {
    Vault { store, sealing }.uploaded().await
}

/// The roots of client certificates besides the cluster's own (PKI-008), PEM; empty when there are none.
///
/// # Errors
/// [`AuthorityError`].
pub async fn fetch_client_roots(store: &dyn Store, sealing: &SealingKey) -> Result<String, AuthorityError> {
    let roots = Vault { store, sealing }.client_roots().await?;
    Ok(roots.into_iter().map(|root| root.certificate).collect())
}
