//! How a program of a manager reaches the shared store: addresses and certificate files, which are read again when they change,
//! so that a renewed certificate needs no restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_core::secret::Secret;
use mke_core::store::StoreError;
use mke_core::store::etcd::{EtcdOptions, EtcdStore, EtcdTls};
use tokio::time::{MissedTickBehavior, interval};

use crate::controller::FileError;
use crate::controller::files;

/// How often the files are compared with what is in use: certificates are renewed weeks before their end.
const LOOK: Duration = Duration::from_secs(60);

/// The files that a program shows to the store; all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreCertificates {
    /// The authority of the store's certificates.
    pub ca: PathBuf,
    /// The certificate of this program.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where the shared store is and what opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAccess {
    /// Members as `https://host:port`; the first that answers is used, so the one on this machine stands first.
    pub endpoints: Vec<String>,
    /// Certificates; without, only a store on the loopback interface is used.
    pub certificates: Option<StoreCertificates>,
}

/// Why the shared store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that is not there or is no text.
    #[error("{what} of the store `{}` is missing or is no PEM text", path.display())]
    Missing {
        /// What it is for.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// The store.
    #[error("the shared store cannot be opened")]
    Store(#[from] StoreError),
}

fn text(what: &'static str, path: &Path) -> Result<String, AccessError> {
    let bytes = files::read(what, path)?.unwrap_or_default();
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| text.contains("-----BEGIN "));
    text.ok_or_else(|| AccessError::Missing {
        what,
        path: path.to_owned(),
    })
}

impl StoreAccess {
    /// Reads the files.
    ///
    /// # Errors
    /// [`AccessError::File`] and [`AccessError::Missing`].
    pub fn options(&self) -> Result<EtcdOptions, AccessError> {
        let tls = match &self.certificates {
            None => None,
            Some(files) => Some(EtcdTls {
                ca: text("the authority", &files.ca)?,
                cert: text("the certificate", &files.cert)?,
                key: Secret::new(text("the key", &files.key)?),
            }),
        };
        Ok(EtcdOptions::new(self.endpoints.clone(), tls))
    }

    /// Opens the store.
    ///
    /// # Errors
    /// [`AccessError`].
    pub async fn open(&self) -> Result<Arc<EtcdStore>, AccessError> {
        Ok(Arc::new(EtcdStore::connect(&self.options()?).await?))
    }

    /// Takes over certificates that change on disk, until it is dropped.
    pub async fn follow_files(&self, store: &EtcdStore) {
        let mut used = self.options().ok().and_then(|options| options.tls);
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let options = match self.options() {
                Ok(options) => options,
                Err(error) => {
                    tracing::warn!(%error, "the old certificate for the store is used on");
                    continue;
                }
            };
            if same(used.as_ref(), options.tls.as_ref()) {
                continue;
            }
            match store.reconfigure(&options).await {
                Ok(()) => {
                    tracing::info!("a new certificate for the store is in use");
                    used = options.tls;
                }
                // Certificate and key are replaced one after the other.
                Err(error) => tracing::warn!(%error, "the old certificate for the store is used on"),
            }
        }
    }
}

fn same(one: Option<&EtcdTls>, other: Option<&EtcdTls>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            one.ca == other.ca && one.cert == other.cert && one.key.expose() == other.key.expose()
        }
        _ => false,
    }
}
