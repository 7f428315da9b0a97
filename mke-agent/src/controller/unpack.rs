//! Unpacks the first administrator's bundle into a directory.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use super::files::{self, FileError, PRIVATE};

/// Most bytes of one entry. The archive was made here, so this only guards against a mistake.
const MAX_ENTRY: u64 = 1024 * 1024;

/// Writes every entry, private to the owner, below a fresh directory that then takes its final name: it is there
/// whole or not at all.
pub(super) fn bundle(zip: &[u8], target: &Path) -> Result<(), FileError> {
    const WHAT: &str = "administrator bundle";
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = target.with_file_name(name);
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(FileError::at(WHAT, &fresh))?;
    }
    files::private_dir(WHAT, &fresh)?;
    let unreadable = |error: zip::result::ZipError| FileError::at(WHAT, target)(error.into());
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).map_err(unreadable)?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(unreadable)?;
        let Some(inside) = entry.enclosed_name() else {
            continue;
        };
        let path = fresh.join(inside);
        if entry.is_dir() {
            files::private_dir(WHAT, &path)?;
            continue;
        }
        if let Some(parent) = path.parent() {
            files::private_dir(WHAT, parent)?;
        }
        let mut bytes = Vec::new();
        entry
            .take(MAX_ENTRY)
            .read_to_end(&mut bytes)
            .map_err(FileError::at(WHAT, &path))?;
        files::replace(WHAT, &path, PRIVATE, &bytes)?;
    }
    fs::rename(&fresh, target).map_err(FileError::at(WHAT, target))
}
