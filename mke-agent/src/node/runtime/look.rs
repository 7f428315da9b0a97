//! Files in the volumes of a node, as far as plans look at them: in volumes of certificates and configuration, not deep,
//! not many.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mke_core::product::{Content, volume};
use sha2::{Digest as _, Sha256};

use crate::node::observed::ObservedFile;

/// Directories below directories.
const MAX_DEPTH: usize = 3;
/// Files in a volume that are looked at; the product writes a dozen.
const MAX_FILES: usize = 1_000;
/// Bytes of a file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The files of a volume that is mounted at `place`; `None` when it holds other things than files of ours, or is not
/// mounted there.
///
/// # Errors
/// When it is there and cannot be read.
pub(super) fn files(name: &str, place: &Path) -> io::Result<Option<BTreeMap<String, ObservedFile>>> {
    let is_ours = volume(name)
        .is_some_and(|volume| matches!(volume.content, Content::Certificates | Content::Configuration));
    if !is_ours || !place.is_dir() {
        return Ok(None);
    }
    let mut files = BTreeMap::new();
    walk(place, "", 0, &mut files)?;
    Ok(Some(files))
}

fn walk(
    place: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, ObservedFile>,
) -> io::Result<()> {
    for entry in std::fs::read_dir(place)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        // No link is followed: what it leads to is not in the volume.
        let about = entry.metadata()?;
        if about.is_dir() && depth < MAX_DEPTH {
            walk(&entry.path(), &path, depth + 1, files)?;
        } else if about.is_file() && files.len() < MAX_FILES {
            let mode = about.permissions().mode() & 0o7777;
            // What only its owner may read is secret: nothing about it goes into a picture that is kept or sent.
            let digest = if mode & 0o077 == 0 || about.len() > MAX_BYTES {
                String::new()
            } else {
                hex::encode(Sha256::digest(std::fs::read(entry.path())?))
            };
            files.insert(path, ObservedFile { digest, mode });
        }
    }
    Ok(())
}
