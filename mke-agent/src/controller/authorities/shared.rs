//! Which certificate the API port of a manager shows in a cluster: one of the files that the reconciler keeps, or the one
//! that an administrator uploaded at any manager (PKI-005, PKI-006).

use std::path::{Path, PathBuf};

use mke_core::pki::chain::{ServerIdentity, verify_server_bundle};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;

use super::{AuthorityError, Served};
use crate::ca::certificates::{CLIENT_CA_FILE, share_a_name};
use crate::ca::keys::External;
use crate::controller::files;
use crate::mtls::{CA_FILE, CERT_FILE, KEY_FILE};

/// What lies in the directory.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ServerFiles {
    ca_pem: String,
    chain_pem: String,
    key: Secret,
    /// The authorities of users.
    pub(super) client_ca_pem: String,
}

impl ServerFiles {
    /// Reads the directory. A file that is missing reads as empty, and is told with the other problems.
    pub(super) fn read(dir: &Path) -> Result<Self, AuthorityError> {
        let text = |name: &str| -> Result<String, AuthorityError> {
            let path: PathBuf = dir.join(name);
            let bytes = files::read("server certificate file", &path)?;
            Ok(bytes
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .unwrap_or_default())
        };
        Ok(Self {
            ca_pem: text(CA_FILE)?,
            chain_pem: text(CERT_FILE)?,
            key: Secret::new(text(KEY_FILE)?),
            client_ca_pem: text(CLIENT_CA_FILE)?,
        })
    }

    fn identity(&self, now: Timestamp) -> Result<ServerIdentity, AuthorityError> {
        verify_server_bundle(&self.ca_pem, &self.chain_pem, &self.key, &[], now)
            .map_err(AuthorityError::External)
    }
}

/// Chooses. What an administrator uploaded is shown by all managers, except where an operator put another certificate that has
/// a name in common with it; one that can no longer be used is told and passed over.
pub(super) fn choose(
    files: &ServerFiles,
    uploaded: Option<&External>,
    cluster_ca_pem: &str,
    now: Timestamp,
) -> Result<(ServerIdentity, Served), AuthorityError> {
    let from_files = || {
        let identity = files.identity(now)?;
        let served = Served::new(files.ca_pem.clone(), files.chain_pem.clone(), &identity, false);
        Ok((identity, served))
    };
    let Some(uploaded) = uploaded else {
        return from_files();
    };
    let ours = verify_server_bundle(cluster_ca_pem, &files.chain_pem, &files.key, &[], now).is_ok();
    if !ours && files.identity(now).is_ok() {
        if share_a_name(&files.chain_pem, &uploaded.chain_pem) {
            return from_files();
        }
        tracing::warn!(
            "the certificate of this manager has no name in common with that of the others, theirs is served"
        );
    }
    match verify_server_bundle(&uploaded.ca_pem, &uploaded.chain_pem, &uploaded.key, &[], now) {
        Ok(identity) => {
            let (ca, chain) = (uploaded.ca_pem.clone(), uploaded.chain_pem.clone());
            let served = Served::new(ca, chain, &identity, false);
            Ok((identity, served))
        }
        Err(problems) => {
            let error = AuthorityError::External(problems);
            tracing::error!(%error, "the uploaded certificate is not served, upload another one");
            from_files()
        }
    }
}
