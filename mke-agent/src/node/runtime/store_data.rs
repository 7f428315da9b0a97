//! The data of the store's member on a node: a copy of it before its member forgets the others.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Where etcd keeps what a member knows, in its volume.
const DATA: &str = "member";
/// Where a copy is kept.
const COPY: &str = "member.before-recovery";
/// The name of a copy that is not whole yet.
const HALF: &str = "member.before-recovery.half";
/// A copy that is younger belongs to the same recovery: what is there since was written by a member that forgot the others.
const SAME: Duration = Duration::from_secs(3600);

/// Keeps a copy of what the member in the volume at `place` knows, and forgets an older one. The member must not run.
///
/// # Errors
/// When it cannot be read or written; the disk needs as much room as the member takes.
pub(super) fn copy(place: &Path) -> io::Result<()> {
    let (data, kept, half) = (place.join(DATA), place.join(COPY), place.join(HALF));
    if !data.is_dir() {
        return Ok(());
    }
    let age = fs::metadata(&kept)
        .and_then(|about| about.modified())
        .ok()
        .map(|made| SystemTime::now().duration_since(made).unwrap_or_default());
    if age.is_some_and(|age| age < SAME) {
        return Ok(());
    }
    clear(&half)?;
    copy_directory(&data, &half)?;
    clear(&kept)?;
    fs::rename(&half, &kept)
}

fn clear(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy is whole, stays as it was made while the same recovery goes on, and nothing to copy is no fault.
    #[test]
    fn copies() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        copy(place).unwrap();
        assert!(!place.join(COPY).exists());
        fs::create_dir_all(place.join("member/wal")).unwrap();
        fs::write(place.join("member/wal/0.wal"), "first").unwrap();
        fs::create_dir_all(place.join(HALF)).unwrap();
        copy(place).unwrap();
        fs::write(place.join("member/wal/0.wal"), "second").unwrap();
        copy(place).unwrap();
        let kept = fs::read_to_string(place.join(COPY).join("wal/0.wal")).unwrap();
        assert_eq!(kept, "first");
        assert!(!place.join(HALF).exists());
        let old = SystemTime::now() - SAME - Duration::from_secs(1);
        fs::File::open(place.join(COPY))
            .unwrap()
            .set_modified(old)
            .unwrap();
        copy(place).unwrap();
        let kept = fs::read_to_string(place.join(COPY).join("wal/0.wal")).unwrap();
        assert_eq!(kept, "second");
    }
}
