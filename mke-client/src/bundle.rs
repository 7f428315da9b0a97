//! What a client bundle holds, and how it is unpacked.
//!
//! The private key in it exists nowhere else, so files are their owner's alone; names that would leave the directory are
//! refused before anything is written (archive-12).

mod pack;

pub use pack::pack;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use mke_core::secret::Secret;
use serde_json::Value;
use zip::ZipArchive;

use crate::client::{Client, Settings};
use crate::credential::Credential;
use crate::error::ClientError;
use crate::trust::Trust;

/// Largest entry of a bundle, in bytes: far above a long certificate chain.
const MAX_ENTRY_BYTES: u64 = 1024 * 1024;

/// Most entries of a bundle; those that are made have about twenty.
const MAX_ENTRIES: usize = 1000;

/// The files of a client bundle.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    origin: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle")
            .field("origin", &self.origin)
            .field("files", &self.files.keys())
            .finish()
    }
}

impl Bundle {
    /// Reads an archive. `origin` says in errors where it is from.
    ///
    /// # Errors
    /// When it is no archive, an entry leaves the directory or is too large.
    pub fn parse(origin: &str, zip: &[u8]) -> Result<Self, ClientError> {
        let bad = |reason: String| ClientError::Bundle {
            path: origin.to_owned(),
            reason,
        };
        let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|error| bad(error.to_string()))?;
        if archive.len() > MAX_ENTRIES {
            return Err(bad(format!("more than {MAX_ENTRIES} entries")));
        }
        let mut files = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|error| bad(error.to_string()))?;
            let shown = entry.name().map_err(|error| bad(error.to_string()))?.into_owned();
            let name = PathBuf::from(&shown);
            if entry.is_dir() {
                continue;
            }
            if !stays_inside(&name) {
                return Err(bad(format!(
                    "entry name `{}` leaves the directory",
                    shown.escape_default()
                )));
            }
            let mut content = Vec::new();
            entry
                .take(MAX_ENTRY_BYTES + 1)
                .read_to_end(&mut content)
                .map_err(|error| bad(format!("damaged entry: {error}")))?;
            if content.len() as u64 > MAX_ENTRY_BYTES {
                return Err(bad(format!("entry `{}` is too large", name.display())));
            }
            files.insert(name, content);
        }
        Ok(Self {
            origin: origin.to_owned(),
            files,
        })
    }

    /// Reads what a client needs from an unpacked bundle, or an archive of one.
    ///
    /// # Errors
    /// When it cannot be read or is no bundle.
    pub fn open(path: &Path) -> Result<Self, ClientError> {
        let origin = path.display().to_string();
        if !path.is_dir() {
            let zip = std::fs::read(path).map_err(ClientError::file("cannot read", path))?;
            return Self::parse(&origin, &zip);
        }
        let mut files = BTreeMap::new();
        for name in ["ca.pem", "cert.pem", "key.pem", "meta.json"] {
            let file = path.join(name);
            match std::fs::read(&file) {
                Ok(content) => files.insert(PathBuf::from(name), content),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(ClientError::file("cannot read", &file)(error)),
            };
        }
        Ok(Self { origin, files })
    }

    /// The files by their names in the archive.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files
            .iter()
            .map(|(name, content)| (name.as_path(), content.as_slice()))
    }

    fn text(&self, name: &str) -> Result<&str, ClientError> {
        let content = self
            .files
            .get(Path::new(name))
            .ok_or_else(|| self.bad(format!("there is no {name} in it")))?;
        std::str::from_utf8(content).map_err(|_| self.bad(format!("{name} is no text")))
    }

    fn bad(&self, reason: String) -> ClientError {
        ClientError::Bundle {
            path: self.origin.clone(),
            reason,
        }
    }

    /// Where the control plane of the bundle is: the endpoint of its docker context, as `https://HOST:PORT`.
    ///
    /// # Errors
    /// When the bundle does not say.
    pub fn url(&self) -> Result<String, ClientError> {
        let meta: Value = serde_json::from_str(self.text("meta.json")?)
            .map_err(|error| self.bad(format!("meta.json is damaged: {error}")))?;
        let place = meta
            .pointer("/Endpoints/docker/Host")
            .and_then(Value::as_str)
            .and_then(|host| host.strip_prefix("tcp://"))
            .ok_or_else(|| self.bad("meta.json names no endpoint tcp://HOST:PORT".to_owned()))?;
        Ok(format!("https://{place}"))
    }

    /// A client that is whom the bundle was made for.
    ///
    /// # Errors
    /// When a part is missing or cannot be used.
    pub fn client(&self, url: Option<&str>, settings: Settings) -> Result<Client, ClientError> {
        let url = match url {
            Some(url) => url.to_owned(),
            None => self.url()?,
        };
        let trust = Trust::Authorities(self.text("ca.pem")?.to_owned());
        let credential = Credential::Certificate {
            chain: self.text("cert.pem")?.to_owned(),
            key: Secret::new(self.text("key.pem")?),
        };
        Client::with(&url, &trust, credential, settings)
    }

    /// Writes all files into a directory that [`prepare`] made: readable by their owner alone.
    ///
    /// # Errors
    /// When a file cannot be made; none that is there is replaced.
    pub fn unpack(&self, directory: &Path) -> Result<(), ClientError> {
        for (name, content) in &self.files {
            let path = directory.join(name);
            if let Some(parent) = path.parent() {
                make_directory(parent)?;
            }
            write_private(&path, content)?;
        }
        Ok(())
    }
}

fn stays_inside(name: &Path) -> bool {
    !name.as_os_str().is_empty() && name.components().all(|part| matches!(part, Component::Normal(_)))
}

fn make_directory(path: &Path) -> Result<(), ClientError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(ClientError::file("cannot create", path))
}

/// Makes the directory for a bundle, before the key is made that cannot be had twice.
///
/// # Errors
/// When it cannot be made, or holds something already.
pub fn prepare(directory: &Path) -> Result<(), ClientError> {
    make_directory(directory)?;
    let mut entries = std::fs::read_dir(directory).map_err(ClientError::file("cannot read", directory))?;
    if entries.next().is_some() {
        return Err(ClientError::NotEmpty {
            path: directory.display().to_string(),
        });
    }
    Ok(())
}

/// A new file of its owner's alone; one that is there is never replaced.
///
/// # Errors
/// When it cannot be made or is there already.
pub fn create_private(path: &Path) -> Result<std::fs::File, ClientError> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(ClientError::file("cannot create", path))
}

/// A new file of its owner's alone with this content.
///
/// # Errors
/// As [`create_private`], and when it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), ClientError> {
    create_private(path)?
        .write_all(content)
        .map_err(ClientError::file("cannot write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, content) in entries {
            writer.start_file(*name, stored).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// archive-12: no entry can be written outside; such an archive is refused as a whole.
    #[test]
    fn entries_stay_inside() {
        for name in ["../evil", "/etc/evil", "a/../../evil"] {
            let zip = zip_of(&[("ok.txt", "fine"), (name, "x")]);
            assert!(Bundle::parse("zip", &zip).is_err(), "{name}");
        }
        let dir = tempfile::tempdir().unwrap();
        let bundle = Bundle::parse("zip", &zip_of(&[("tls/docker/key.pem", "canary")])).unwrap();
        bundle.unpack(dir.path()).unwrap();
        let key = dir.path().join("tls/docker/key.pem");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&key), 0o600);
        assert_eq!(mode(&dir.path().join("tls")), 0o700);
        assert!(bundle.unpack(dir.path()).is_err(), "nothing is replaced");
        assert!(!format!("{bundle:?}").contains("canary"));
    }

    /// A directory that already holds something is refused before a key is made.
    #[test]
    fn only_an_empty_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x"), "x").unwrap();
        assert!(matches!(prepare(dir.path()), Err(ClientError::NotEmpty { .. })));
        assert!(prepare(&dir.path().join("new/deep")).is_ok());
    }

    #[test]
    fn a_bundle_says_where_its_control_plane_is() {
        let meta = r#"{"Endpoints":{"docker":{"Host":"tcp://mke.example:8443"}}}"#;
        let bundle = Bundle::parse("zip", &zip_of(&[("meta.json", meta)])).unwrap();
        assert_eq!(bundle.url().unwrap(), "https://mke.example:8443");
        let error = bundle.client(None, Settings::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "zip is no client bundle: there is no ca.pem in it"
        );
        for broken in [
            "{}",
            "no JSON",
            r#"{"Endpoints":{"docker":{"Host":"unix:///x"}}}"#,
        ] {
            let bundle = Bundle::parse("zip", &zip_of(&[("meta.json", broken)])).unwrap();
            assert!(bundle.url().is_err(), "{broken}");
        }
        assert!(Bundle::parse("zip", b"no archive").is_err());
        assert!(Bundle::open(Path::new("/nonexistent")).is_err());
    }
}
