//! An unpacked bundle as an archive again: what lies in its directory, and nothing else.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{MAX_ENTRIES, MAX_ENTRY_BYTES};
use crate::error::ClientError;

/// What every bundle holds; a directory without them is another one.
const NEEDED: [&str; 3] = ["ca.pem", "cert.pem", "key.pem"];

/// Packs a directory into which a bundle was unpacked. The archive is a function of names and contents: everything in it is
/// its owner's alone.
///
/// # Errors
/// When a file cannot be read; when the directory holds no bundle, more than one could, or links, which may lead elsewhere.
pub fn pack(directory: &Path) -> Result<Vec<u8>, ClientError> {
    let bad = |reason: String| ClientError::Bundle {
        path: directory.display().to_string(),
        reason,
    };
    let files = files(directory, &bad)?;
    for needed in NEEDED {
        if !files.iter().any(|file| file == Path::new(needed)) {
            return Err(bad(format!("there is no {needed} in it")));
        }
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o600);
    for file in files {
        let name = file
            .to_str()
            .ok_or_else(|| bad(format!("the name `{}` is no text", file.display())))?;
        let path = directory.join(&file);
        let content = std::fs::read(&path).map_err(ClientError::file("cannot read", &path))?;
        zip.start_file(name, options)
            .map_err(|error| bad(error.to_string()))?;
        zip.write_all(&content).map_err(|error| bad(error.to_string()))?;
    }
    let zip = zip.finish().map_err(|error| bad(error.to_string()))?;
    Ok(zip.into_inner())
}

/// The files below a directory, by their names from there, in order. Sizes are looked at before anything is read.
fn files(directory: &Path, bad: &impl Fn(String) -> ClientError) -> Result<Vec<PathBuf>, ClientError> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(place) = waiting.pop() {
        let path = directory.join(&place);
        let failed = ClientError::file("cannot read", &path);
        let entries = std::fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in entries.map_err(failed)? {
            let name = place.join(entry.file_name());
            let about = entry
                .metadata()
                .map_err(ClientError::file("cannot read", &entry.path()))?;
            if about.is_dir() {
                waiting.push(name);
            } else if !about.is_file() {
                return Err(bad(format!(
                    "`{}` is neither a file nor a directory",
                    name.display()
                )));
            } else if about.len() > MAX_ENTRY_BYTES {
                return Err(bad(format!("`{}` is too large", name.display())));
            } else {
                found.push(name);
            }
            if found.len() + waiting.len() > MAX_ENTRIES {
                return Err(bad(format!("more than {MAX_ENTRIES} entries")));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bundle;

    /// archive-12: what was unpacked comes back as it was; links, which may lead elsewhere, and other directories are refused.
    #[test]
    fn a_directory_becomes_an_archive_again() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |reason: &str| {
            let error = pack(dir.path()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        };
        refused("there is no ca.pem in it");
        for name in NEEDED {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        std::fs::create_dir_all(dir.path().join("tls/docker")).unwrap();
        std::fs::write(dir.path().join("tls/docker/key.pem"), "inner").unwrap();
        let bundle = Bundle::parse("zip", &pack(dir.path()).unwrap()).unwrap();
        let names: Vec<_> = bundle.files().map(|(name, _)| name.to_owned()).collect();
        let expected = ["ca.pem", "cert.pem", "key.pem", "tls/docker/key.pem"].map(PathBuf::from);
        assert_eq!(names, expected);
        assert_eq!(pack(dir.path()).unwrap(), pack(dir.path()).unwrap());
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        refused("`link` is neither a file nor a directory");
        std::fs::remove_file(dir.path().join("link")).unwrap();
        std::fs::write(dir.path().join("big"), vec![0; 1024 * 1024 + 1]).unwrap();
        refused("`big` is too large");
    }
}
