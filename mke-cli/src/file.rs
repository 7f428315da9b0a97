//! Files are read as a whole and replaced as a whole, or not at all: half of a policy is another policy.

use std::io::{Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CliError;

/// Largest question, state or manifest file, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Whether standard input was read. It is empty the second time, and an empty file of roles says that nobody may do
/// anything.
static STDIN_WAS_READ: AtomicBool = AtomicBool::new(false);

/// Reads a file, or standard input for `-`, which can be named once.
pub(crate) fn read(path: &Path) -> Result<String, CliError> {
    if path.as_os_str() == "-" {
        return whole(claim_stdin()?, path, MAX_BYTES);
    }
    let file = std::fs::File::open(path).map_err(CliError::file("cannot read", path))?;
    whole(file, path, MAX_BYTES)
}

/// Standard input, for the one who asks first.
pub(crate) fn claim_stdin() -> Result<std::io::StdinLock<'static>, CliError> {
    if STDIN_WAS_READ.swap(true, Ordering::Relaxed) {
        return Err(CliError::Usage(
            "`-` is named twice, but standard input can be read only once; name a file".to_owned(),
        ));
    }
    Ok(std::io::stdin().lock())
}

fn whole(source: impl Read, path: &Path, most: u64) -> Result<String, CliError> {
    let mut text = String::new();
    let mut source = source.take(most + 1);
    source
        .read_to_string(&mut text)
        .map_err(CliError::file("cannot read", path))?;
    if source.limit() == 0 {
        return Err(CliError::Usage(format!(
            "{}: larger than {most} bytes, the most that is read; split it",
            path.display()
        )));
    }
    Ok(text)
}

/// Writes a file. One that is there keeps its mode, a new one is its owner's alone.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), CliError> {
    let mode = std::fs::metadata(path).map_or(0o600, |meta| meta.permissions().mode() & 0o777);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".tmp{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        CliError::file("cannot write", path)(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is too long is refused, never cut: the first half of a list of roles is a valid list too.
    #[test]
    fn nothing_is_read_in_part() {
        let path = Path::new("x");
        assert_eq!(whole(&b"12345"[..], path, 5).unwrap(), "12345");
        assert_eq!(whole(&b""[..], path, 5).unwrap(), "");
        let error = whole(&b"123456"[..], path, 5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x: larger than 5 bytes, the most that is read; split it"
        );
        assert!(whole(&b"\xff"[..], path, 5).is_err(), "not text");
    }
}
