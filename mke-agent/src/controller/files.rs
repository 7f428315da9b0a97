//! Files beside the store: written whole or not at all, private unless said otherwise.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Only the owner reads and writes.
pub(crate) const PRIVATE: u32 = 0o600;
/// Everybody reads.
pub(crate) const PUBLIC: u32 = 0o644;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{what} `{}` cannot be used", path.display())]
pub struct FileError {
    /// What it is for.
    pub what: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

/// Makes a directory that only its owner enters, with those above it.
pub(crate) fn private_dir(what: &'static str, path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileError::at(what, path))
}

/// Reads a small file; nothing when there is none.
pub(crate) fn read(what: &'static str, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::at(what, path)(error)),
    }
}

/// Replaces a file: readers see the old or the new one, and after a crash one of them is there.
pub(crate) fn replace(what: &'static str, path: &Path, mode: u32, bytes: &[u8]) -> Result<(), FileError> {
    replace_inner(path, mode, bytes).map_err(FileError::at(what, path))
}

fn replace_inner(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` follows no link that somebody left there.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn replaces_with_the_wanted_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(read("key", &path).unwrap(), None);
        fs::write(path.with_file_name("key.new"), "left by a crash").unwrap();
        replace("key", &path, PRIVATE, b"one").unwrap();
        replace("key", &path, PRIVATE, b"two").unwrap();
        assert_eq!(read("key", &path).unwrap().unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
