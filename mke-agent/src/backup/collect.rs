//! What a backup holds, gathered on a manager: files of its volumes, and every record of the store at one revision. Runs in a
//! container of its own beside the volumes (`ucp-agent backup`), changes nothing but its scratch directory, and nobody waits
//! for it (BKP-001).

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use mke_core::product::{self, ProductVersion, Volume};
use mke_core::secret::Secret;
use mke_core::store::{Entry, KeyRange, Store, StoreError, layout};
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::archive::{Archive, ArchiveError, Metadata, SCHEMA};
use super::selection::{Record, file_of};
use crate::ca::certificates::{Place, SEALING_KEY_FILE};
use crate::controller::configuration::{ChangeError, masked};
use crate::controller::{FileError, files};

/// Where the job lies in the container.
pub const JOB: &str = "/backup.json";
/// The volume in which scratch files lie while a backup runs (VOL-005).
pub const SCRATCH: &str = "ucp-backup";
/// The finished archive in the scratch directory.
pub const ARCHIVE: &str = "archive.tar";
/// The configuration in an archive, secrets masked.
pub const CONFIGURATION: &str = "config.toml";
/// The licence in an archive, when there is one.
pub const LICENSE: &str = "license.lic";
/// The key that opens what is sealed in the store, hexadecimal.
pub const SEALING_KEY: &str = "ucp-auth-key";

/// What the container is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Names the scratch directory: the moment in milliseconds.
    pub id: String,
    /// When the backup began.
    pub made_at: Timestamp,
    /// The cluster.
    pub cluster_id: String,
    /// Its version.
    pub version: ProductVersion,
    /// Host name of this manager.
    pub node: String,
    /// Where members of the store are, that of this node first.
    pub members: Vec<IpAddr>,
    /// The licence.
    pub license: Option<String>,
    /// How long scratch files may stay when nobody says that the backup is done, in seconds.
    pub seconds: u64,
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A file of a volume.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that every manager has.
    #[error("`{}` is missing, this node is no manager that is done; run the backup on another one", .0.display())]
    Missing(PathBuf),
    /// The store.
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    /// The configuration.
    #[error("the configuration cannot be read")]
    Configuration(#[from] ChangeError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl Job {
    /// The scratch directory below `volumes`.
    pub fn directory(&self, volumes: &Path) -> PathBuf {
        volumes.join(SCRATCH).join(&self.id)
    }
}

/// Gathers everything and puts the archive into the scratch directory, whole or not at all.
///
/// # Errors
/// [`CollectError`].
pub async fn collect(job: &Job, volumes: &Path, store: &dyn Store) -> Result<Archive, CollectError> {
    let page = store.range(KeyRange::prefix(layout::ROOT), usize::MAX).await?;
    tracing::info!(
        records = page.entries.len(),
        revision = page.revision.0,
        "the store is read"
    );
    let mut files = of_volumes(volumes)?;
    files.extend(of_store(&page.entries)?);
    if let Some(license) = &job.license {
        files.insert(LICENSE.to_owned(), license.clone().into_bytes());
    }
    let current = page.entries.iter().find(|entry| entry.key == layout::CONFIG);
    let (text, config) = masked(current)?;
    files.insert(CONFIGURATION.to_owned(), text.into_bytes());
    let metadata = Metadata {
        schema: SCHEMA,
        version: job.version,
        swarm_only: config.cluster.swarm_only,
        cluster_id: job.cluster_id.clone(),
        node: job.node.clone(),
        made_at: job.made_at,
        revision: page.revision.0,
        files: BTreeMap::new(),
    };
    let archive = Archive::new(metadata, files);
    let directory = job.directory(volumes);
    files::private_dir("scratch directory", &directory)?;
    let packed = archive.pack()?;
    files::replace("archive", &directory.join(ARCHIVE), files::PRIVATE, &packed)?;
    Ok(archive)
}

/// Removes what an earlier backup left that was killed: only one runs at a time. Finished archives are files and stay.
///
/// # Errors
/// The system's.
pub fn clear(volumes: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(volumes.join(SCRATCH))? {
        let entry = entry?;
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit);
        if is_ours && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Files of volumes, by volume and name; those of the store are read from the store itself.
fn of_volumes(volumes: &Path) -> Result<BTreeMap<String, Vec<u8>>, CollectError> {
    let mut found = BTreeMap::new();
    for volume in product::volumes().iter().filter(|volume| is_copied(volume)) {
        for name in volume.files {
            let path = volumes.join(volume.name).join(name);
            match files::read("file of a volume", &path)? {
                Some(content) => {
                    found.insert(format!("{}/{name}", volume.name), content);
                }
                // Roots of users are there only where somebody added some.
                None if *name == "client_ca.pem" => {}
                None => return Err(CollectError::Missing(path)),
            }
        }
    }
    let path = volumes
        .join(Place::ControllerClient.volume())
        .join(SEALING_KEY_FILE);
    let key = files::read("sealing key", &path)?.ok_or(CollectError::Missing(path))?;
    let key = Secret::new(hex::encode(key));
    found.insert(SEALING_KEY.to_owned(), key.expose().as_bytes().to_vec());
    Ok(found)
}

fn is_copied(volume: &Volume) -> bool {
    volume.in_backup && volume.made && volume.name != SCRATCH && volume.name != "ucp-kv"
}

/// Records as lines, a file for each family.
fn of_store(entries: &[Entry]) -> Result<BTreeMap<String, Vec<u8>>, CollectError> {
    let mut families: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in entries {
        let line =
            serde_json::to_vec(&Record::of(entry)).map_err(|error| ArchiveError::Write(error.to_string()))?;
        let file = families.entry(file_of(&entry.key)).or_default();
        file.extend(line);
        file.push(b'\n');
    }
    Ok(families)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::selection::records;
    use mke_core::store::Txn;
    use mke_core::store::sqlite::{SqliteOptions, SqliteStore};

    fn job() -> Job {
        Job {
            id: "1700000000000".to_owned(),
            made_at: Timestamp::from_secs(1_700_000_000),
            cluster_id: "c".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            node: "n1".to_owned(),
            members: Vec::new(),
            license: Some("a licence".to_owned()),
            seconds: 60,
        }
    }

    fn volumes() -> tempfile::TempDir {
        let volumes = tempfile::tempdir().unwrap();
        for (volume, file) in [
            ("ucp-client-root-ca", "cert.pem"),
            ("ucp-client-root-ca", "key.pem"),
            ("ucp-cluster-root-ca", "cert.pem"),
            ("ucp-cluster-root-ca", "key.pem"),
            ("ucp-controller-server-certs", "ca.pem"),
            ("ucp-controller-server-certs", "cert.pem"),
            ("ucp-controller-server-certs", "key.pem"),
            ("ucp-controller-client-certs", "sealing.key"),
            ("ucp-controller-client-certs", "key.pem"),
            ("ucp-node-certs", "key.pem"),
            ("ucp-backup", "of-yesterday.tar"),
        ] {
            let dir = volumes.path().join(volume);
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join(file), format!("{volume}/{file}")).unwrap();
        }
        volumes
    }

    /// BKP-001, BKP-007: authorities, server certificate, sealing key, configuration, licence and every record of one revision
    /// are in it; certificates of the node and of components are not.
    #[tokio::test]
    async fn what_is_in_it() {
        let volumes = volumes();
        let store = SqliteStore::open(volumes.path().join("store.db"), SqliteOptions::default()).unwrap();
        for key in ["/mke/accounts/a", "/mke/accounts/b", "/mke/grants/x"] {
            store.txn(Txn::new().put(key, "{}")).await.unwrap();
        }
        let made = collect(&job(), volumes.path(), &store).await.unwrap();
        let names: Vec<&str> = made.files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "config.toml",
                "license.lic",
                "ucp-auth-key",
                "ucp-client-root-ca/cert.pem",
                "ucp-client-root-ca/key.pem",
                "ucp-cluster-root-ca/cert.pem",
                "ucp-cluster-root-ca/key.pem",
                "ucp-controller-server-certs/ca.pem",
                "ucp-controller-server-certs/cert.pem",
                "ucp-controller-server-certs/key.pem",
                "ucp-kv/accounts.jsonl",
                "ucp-kv/grants.jsonl",
            ]
        );
        assert_eq!(made.metadata.revision, 3);
        let keys: Vec<String> = records(&made)
            .unwrap()
            .into_iter()
            .map(|record| record.key)
            .collect();
        assert_eq!(keys, ["/mke/accounts/a", "/mke/accounts/b", "/mke/grants/x"]);
        let written = std::fs::read(job().directory(volumes.path()).join(ARCHIVE)).unwrap();
        assert_eq!(Archive::unpack(&written).unwrap(), made);
    }

    /// VOL-005: what a killed backup left goes with the next one; finished archives stay. Nothing is made of a node that lacks its
    /// certificates.
    #[tokio::test]
    async fn scratch_files_go() {
        let volumes = volumes();
        let store = SqliteStore::open(volumes.path().join("store.db"), SqliteOptions::default()).unwrap();
        collect(&job(), volumes.path(), &store).await.unwrap();
        let names = || {
            let entries = std::fs::read_dir(volumes.path().join(SCRATCH)).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), ["1700000000000", "of-yesterday.tar"]);
        clear(volumes.path()).unwrap();
        assert_eq!(names(), ["of-yesterday.tar"]);
        std::fs::remove_file(volumes.path().join("ucp-cluster-root-ca/key.pem")).unwrap();
        let refused = collect(&job(), volumes.path(), &store).await.unwrap_err();
        assert!(matches!(refused, CollectError::Missing(_)), "{refused}");
        assert_eq!(names(), ["of-yesterday.tar"]);
    }
}
