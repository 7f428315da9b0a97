//! The way of managers' agents to the replicated store, with the certificate of their node.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mke_core::secret::Secret;
use mke_core::store::etcd::{EtcdOptions, EtcdStore, EtcdTls};
use mke_core::store::{Store, StoreError};
use tokio::time::Instant;

use crate::mtls::{CA_FILE, CERT_FILE, KEY_FILE};
use crate::steps;

/// Port at which members of the store answer.
pub const PORT: u16 = 12379;
/// Port at which members of the store talk to each other.
pub const PEER_PORT: u16 = 12380;

/// How often is looked whether the member of the store lives that a program follows, in steps.
const LOOK_STEPS: u32 = 2;

/// The next such moment, which wakes a program together with all else that recurs.
pub fn look() -> Instant {
    steps::next(LOOK_STEPS)
}

/// Why the store cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum StoreAccessError {
    /// A file of the node's certificate.
    #[error("cannot read `{}`, which the node's reconciler writes", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No member is known.
    #[error("no member of the store is known")]
    NoMembers,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How members on these nodes are reached with the certificate in `certs`, the first one first.
///
/// # Errors
/// [`StoreAccessError`].
pub fn options(
    certs: &Path,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Result<EtcdOptions, StoreAccessError> {
    let text = |name: &str| {
        let path = certs.join(name);
        std::fs::read_to_string(&path).map_err(|source| StoreAccessError::File { path, source })
    };
    let endpoints: Vec<String> = addresses
        .into_iter()
        .map(|address| format!("https://{}", SocketAddr::from((address, PORT))))
        .collect();
    if endpoints.is_empty() {
        return Err(StoreAccessError::NoMembers);
    }
    let tls = EtcdTls {
        ca: text(CA_FILE)?,
        cert: text(CERT_FILE)?,
        key: Secret::new(text(KEY_FILE)?),
    };
    Ok(EtcdOptions {
        looks: look,
        ..EtcdOptions::new(endpoints, Some(tls))
    })
}

/// Connects.
///
/// # Errors
/// [`StoreAccessError`].
pub async fn open(
    certs: &Path,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Result<Arc<dyn Store>, StoreAccessError> {
    let store = EtcdStore::connect(&options(certs, addresses)?).await?;
    Ok(Arc::new(store))
}
