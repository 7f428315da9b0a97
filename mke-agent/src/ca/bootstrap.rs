//! The authorities of a new cluster: made once, by the installation, on its first manager (PKI-003).

use std::path::Path;

use mke_core::pki::{Authority, AuthorityKind, PkiError};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;

use crate::controller::{FileError, files, rng};
use crate::mtls::{CERT_FILE, KEY_FILE};

/// The volume of the cluster authority.
pub const CLUSTER_VOLUME: &str = "ucp-cluster-root-ca";
/// The volume of the client authority.
pub const CLIENT_VOLUME: &str = "ucp-client-root-ca";
/// Who may read the key of an authority: nobody may even write it by mistake (pki-08).
const KEY_MODE: u32 = 0o400;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate or key.
    #[error("the authority in volume {volume} cannot be used")]
    Pki {
        /// The volume.
        volume: &'static str,
        /// What is wrong.
        #[source]
        source: PkiError,
    },
    /// One of the two files is there without the other.
    #[error(
        "volume {volume} holds only one of {CERT_FILE} and {KEY_FILE}, restore the other one or remove the volume"
    )]
    Half {
        /// The volume.
        volume: &'static str,
    },
}

/// The volume of an authority.
pub fn volume_of(kind: AuthorityKind) -> &'static str {
    match kind {
        AuthorityKind::Cluster => CLUSTER_VOLUME,
        AuthorityKind::Client => CLIENT_VOLUME,
    }
}

/// Reads an authority from its volume below `volumes`; nothing when the volume is empty.
///
/// # Errors
/// [`BootstrapError`].
pub fn read(volumes: &Path, kind: AuthorityKind) -> Result<Option<Authority>, BootstrapError> {
    let volume = volume_of(kind);
    read_dir(&volumes.join(volume), volume)
}

/// The same from its directory.
///
/// # Errors
/// [`BootstrapError`].
pub fn read_dir(dir: &Path, volume: &'static str) -> Result<Option<Authority>, BootstrapError> {
    let text = |name: &str| -> Result<Option<String>, BootstrapError> {
        let bytes = files::read("authority", &dir.join(name))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    match (text(CERT_FILE)?, text(KEY_FILE)?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Authority::from_pem(&certificate, &Secret::new(key))
            .map(Some)
            .map_err(|source| BootstrapError::Pki { volume, source }),
        _ => Err(BootstrapError::Half { volume }),
    }
}

/// Writes an authority into its volume: the key first, so that a certificate never stands there without one.
///
/// # Errors
/// [`BootstrapError::File`].
pub fn write(volumes: &Path, kind: AuthorityKind, authority: &Authority) -> Result<(), BootstrapError> {
    let dir = volumes.join(volume_of(kind));
    files::private_dir("authority", &dir)?;
    files::replace(
        "authority's key",
        &dir.join(KEY_FILE),
        KEY_MODE,
        authority.key_pem().expose().as_bytes(),
    )?;
    let certificate = authority.certificate_pem();
    files::replace(
        "authority",
        &dir.join(CERT_FILE),
        files::PUBLIC,
        certificate.as_bytes(),
    )?;
    Ok(())
}

/// The authority of a new cluster. `preserve` keeps one that an earlier installation left (INST-009); otherwise a new one
/// takes its place. Returns whether it was made now.
///
/// # Errors
/// [`BootstrapError`]; a volume that holds half of an authority is not overwritten when it should be preserved.
pub fn authority(
    volumes: &Path,
    kind: AuthorityKind,
    cluster_id: &str,
    preserve: bool,
    now: Timestamp,
) -> Result<(Authority, bool), BootstrapError> {
    if preserve && let Some(kept) = read(volumes, kind)? {
        return Ok((kept, false));
    }
    let volume = volume_of(kind);
    let made = Authority::create(kind, cluster_id, now, &mut rng())
        .map_err(|source| BootstrapError::Pki { volume, source })?;
    write(volumes, kind, &made)?;
    Ok((made, true))
}
