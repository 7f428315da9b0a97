//! The form of an archive: a tar file that begins with a description of itself, which names every other file with its length
//! and its SHA-256. Reading takes all of it or nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};

use mke_core::product::ProductVersion;
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The form that this version writes; others are refused.
pub const SCHEMA: u32 = 1;
/// The description.
pub const METADATA: &str = "metadata.json";
/// SHA-256 of the description, hexadecimal.
pub const METADATA_DIGEST: &str = "metadata.json.sha256";
/// Longest name of a file: what the plain form of tar holds, with `./` before it.
const MAX_NAME: usize = 98;

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of the cluster.
    pub version: ProductVersion,
    /// Whether the cluster is without Kubernetes.
    pub swarm_only: bool,
    /// The cluster's id, which is the swarm's.
    pub cluster_id: String,
    /// Host name of the manager that made it.
    pub node: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The one revision of the store that it holds.
    pub revision: u64,
    /// Every other file, by name.
    pub files: BTreeMap<String, FileFacts>,
}

/// What is said of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// An archive, unpacked. It holds private keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Archive {
    /// What it says of itself.
    pub metadata: Metadata,
    /// Its files by name, such as `ucp-controller-server-certs/key.pem`.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// Why an archive is not taken. Nothing of its content is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It is something else.
    #[error("it is no archive of `ucp backup`: {0}")]
    Foreign(String),
    /// It is one, and not as it was written.
    #[error("the archive is damaged: {0}; take another copy of it, or an older backup")]
    Damaged(String),
    /// A form that is not known here.
    #[error(
        "the archive has form {0}, this version reads {SCHEMA}: use the image of the version that made it"
    )]
    Schema(u32),
    /// It cannot be written.
    #[error("the archive cannot be written: {0}")]
    Write(String),
}

/// The SHA-256 of bytes, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The MD5 of bytes, hexadecimal: what logs of backups are searched for. It proves nothing against somebody who wants to deceive.
pub fn md5(bytes: &[u8]) -> String {
    hex::encode(md5::Md5::digest(bytes))
}

impl Archive {
    /// An archive of these files; what `metadata` says of files is replaced by what they are.
    pub fn new(mut metadata: Metadata, files: BTreeMap<String, Vec<u8>>) -> Self {
        metadata.files = files
            .iter()
            .map(|(name, content)| (name.clone(), facts(content)))
            .collect();
        Self { metadata, files }
    }

    /// A file as text.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when it is not there or no text.
    pub fn text(&self, name: &str) -> Result<&str, ArchiveError> {
        let content = self.files.get(name);
        let content = content.ok_or_else(|| ArchiveError::Damaged(format!("`{name}` is missing")))?;
        std::str::from_utf8(content).map_err(|_| ArchiveError::Damaged(format!("`{name}` is no text")))
    }

    /// The tar file. The same archive gives the same bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] for names that are too long.
    pub fn pack(&self) -> Result<Vec<u8>, ArchiveError> {
        let failed = |error: &dyn fmt::Display| ArchiveError::Write(error.to_string());
        let mut description = serde_json::to_vec_pretty(&self.metadata).map_err(|error| failed(&error))?;
        description.push(b'\n');
        let digest = format!("{}\n", sha256(&description));
        let mut tar = tar::Builder::new(Vec::new());
        let described = [
            (METADATA, description.as_slice()),
            (METADATA_DIGEST, digest.as_bytes()),
        ];
        let files = self.files.iter();
        let files = files.map(|(name, content)| (name.as_str(), content.as_slice()));
        for (name, content) in described.into_iter().chain(files) {
            self.append(&mut tar, name, content)
                .map_err(|error| failed(&error))?;
        }
        tar.into_inner().map_err(|error| failed(&error))
    }

    fn append(&self, tar: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) -> io::Result<()> {
        if name.len() > MAX_NAME {
            return Err(io::Error::other(format!("the name `{name}` is too long")));
        }
        let mut header = tar::Header::new_ustar();
        // Names begin with `./`, as scripts look for them; the library would leave that out.
        let place = header.as_old_mut().name.iter_mut();
        for (place, byte) in place.zip(b"./".iter().chain(name.as_bytes())) {
            *place = *byte;
        }
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.metadata.made_at.as_secs()).unwrap_or(0));
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        tar.append(&header, content)
    }

    /// Reads a tar file and compares every file with what the description says of it (RST-008).
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn unpack(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let mut files = files_of(bytes)?;
        let foreign = || ArchiveError::Foreign(format!("it does not begin with `{METADATA}`"));
        let description = files.remove(METADATA).ok_or_else(foreign)?;
        let digest = files
            .remove(METADATA_DIGEST)
            .ok_or_else(|| ArchiveError::Damaged(format!("`{METADATA_DIGEST}` is missing")))?;
        if digest.trim_ascii() != sha256(&description).as_bytes() {
            return Err(ArchiveError::Damaged(format!("`{METADATA}` was changed")));
        }
        #[derive(Deserialize)]
        struct Form {
            schema: u32,
        }
        let unreadable = |_| ArchiveError::Damaged(format!("`{METADATA}` cannot be read"));
        let Form { schema } = serde_json::from_slice(&description).map_err(unreadable)?;
        if schema != SCHEMA {
            return Err(ArchiveError::Schema(schema));
        }
        let metadata: Metadata = serde_json::from_slice(&description).map_err(unreadable)?;
        let mut wrong = Vec::new();
        for (name, said) in &metadata.files {
            match files.get(name) {
                None => wrong.push(format!("`{name}` is missing")),
                Some(content) if facts(content) != *said => wrong.push(format!("`{name}` was changed")),
                Some(_) => {}
            }
        }
        let unknown = files.keys().filter(|name| !metadata.files.contains_key(*name));
        wrong.extend(unknown.map(|name| format!("`{name}` does not belong to it")));
        if !wrong.is_empty() {
            return Err(ArchiveError::Damaged(wrong.join(", ")));
        }
        Ok(Self { metadata, files })
    }
}

fn facts(content: &[u8]) -> FileFacts {
    FileFacts {
        bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
        sha256: sha256(content),
    }
}

fn files_of(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let mut files = BTreeMap::new();
    // What begins as an archive is one that was damaged, what does not is something else.
    let failed = |error: io::Error, begun: bool| match begun {
        true => ArchiveError::Damaged(error.to_string()),
        false => ArchiveError::Foreign(error.to_string()),
    };
    let mut tar = tar::Archive::new(bytes);
    for entry in tar.entries().map_err(|error| failed(error, false))? {
        let begun = !files.is_empty();
        let mut entry = entry.map_err(|error| failed(error, begun))?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        if !kind.is_file() {
            return Err(ArchiveError::Foreign(format!("`{name}` is no plain file")));
        }
        let mut content = Vec::new();
        entry
            .read_to_end(&mut content)
            .map_err(|error| failed(error, begun))?;
        if entry.header().size().ok() != u64::try_from(content.len()).ok() {
            return Err(ArchiveError::Damaged(format!("`{name}` is cut off")));
        }
        if files.insert(name.clone(), content).is_some() {
            return Err(ArchiveError::Damaged(format!("`{name}` is there twice")));
        }
    }
    Ok(files)
}

#[cfg(test)]
pub(crate) mod examples {
    use super::*;

    /// A description of version 3.4.15 of cluster `c`.
    pub(crate) fn metadata() -> Metadata {
        Metadata {
            schema: SCHEMA,
            version: ProductVersion::new(3, 4, 15),
            swarm_only: true,
            cluster_id: "c".to_owned(),
            node: "n1".to_owned(),
            made_at: Timestamp::from_secs(1_700_000_000),
            revision: 7,
            files: BTreeMap::new(),
        }
    }

    /// A small archive.
    pub(crate) fn archive() -> Archive {
        let files = [("config.toml", "a = 1\n"), ("ucp-kv/accounts.jsonl", "{}\n{}\n")];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        Archive::new(metadata(), files.into())
    }
}

#[cfg(test)]
mod tests {
    use super::examples::{archive, metadata};
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let archive = archive();
        let bytes = archive.pack().unwrap();
        assert_eq!(Archive::unpack(&bytes).unwrap(), archive);
        assert_eq!(archive.pack().unwrap(), bytes);
        assert!(bytes.starts_with(b"./metadata.json\0"));
        let long = Archive::new(metadata(), [("x".repeat(99), Vec::new())].into());
        assert!(matches!(long.pack(), Err(ArchiveError::Write(_))));
    }

    /// RST-008: wherever a byte is changed and wherever the file ends, it is refused, or nothing that counts is different.
    #[test]
    fn damage_is_found() {
        let archive = archive();
        let bytes = archive.pack().unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            if let Ok(read) = Archive::unpack(&changed) {
                // Bytes that fill up blocks.
                assert_eq!((bytes[at], read), (0, archive.clone()), "{at}");
            }
        }
        for end in (0..bytes.len() - 1024).step_by(37) {
            assert!(Archive::unpack(&bytes[..end]).is_err(), "{end}");
        }
    }

    /// RST-008: what is no archive, of another form, or holds more than it says.
    #[test]
    fn others_are_refused() {
        let refused = |bytes: &[u8]| Archive::unpack(bytes).unwrap_err();
        assert!(matches!(refused(b""), ArchiveError::Foreign(_)));
        assert!(matches!(refused(&[7; 2000]), ArchiveError::Foreign(_)));
        let mut newer = archive();
        newer.metadata.schema = 2;
        assert_eq!(refused(&newer.pack().unwrap()), ArchiveError::Schema(2));
        let mut more = archive();
        more.files.insert("more".to_owned(), Vec::new());
        let said = refused(&more.pack().unwrap()).to_string();
        assert!(said.contains("`more` does not belong"), "{said}");
        let mut less = archive();
        less.files.remove("config.toml");
        let said = refused(&less.pack().unwrap()).to_string();
        assert!(said.contains("`config.toml` is missing"), "{said}");
    }
}
