//! What the functions take: moments, secrets, and files that are their owner's alone.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mke_core::secret;
use mke_core::time::Timestamp;
use pyo3::prelude::*;

use crate::config::Secret;

/// The random source of the operating system.
pub(super) fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// The moment that is meant: now, unless one is given.
pub(super) fn moment(at: Option<SystemTime>) -> Timestamp {
    let since = at.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH);
    // A moment before 1970 is none that a certificate knows.
    Timestamp::from_millis(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

/// A moment as Python has it: a `datetime` in UTC.
pub(super) fn datetime(moment: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.as_millis()).unwrap_or(0))
}

/// A secret, also as a text.
#[derive(FromPyObject)]
pub(super) enum Hidden<'py> {
    #[pyo3(transparent)]
    Secret(PyRef<'py, Secret>),
    #[pyo3(transparent)]
    Text(String),
}

impl Hidden<'_> {
    pub(super) fn secret(&self) -> secret::Secret {
        match self {
            Self::Secret(secret) => secret.0.clone(),
            Self::Text(text) => secret::Secret::new(text.as_str()),
        }
    }
}

/// Reads a file with the interpreter free: a pipe or a remote file may let one wait.
pub(super) fn read(py: Python<'_>, file: &Path) -> PyResult<Vec<u8>> {
    py.detach(|| std::fs::read(file)).map_err(at(file, "read"))
}

/// Reads a text in the same way.
pub(super) fn read_text(py: Python<'_>, file: &Path) -> PyResult<String> {
    py.detach(|| std::fs::read_to_string(file))
        .map_err(at(file, "read"))
}

/// Writes a new file with mode 0600. A file that is there is not replaced: a key may exist nowhere else.
pub(super) fn write_private(py: Python<'_>, file: &Path, content: &str) -> PyResult<()> {
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut written = options.write(true).create_new(true).mode(0o600).open(file)?;
        written.write_all(content.as_bytes())?;
        written.sync_all()
    };
    py.detach(write).map_err(at(file, "write"))
}

/// The builtin exception for an error of the file system (`FileNotFoundError`, `FileExistsError` and so on), with the place.
fn at(file: &Path, doing: &str) -> impl FnOnce(std::io::Error) -> PyErr {
    let text = format!("cannot {doing} {}", file.display());
    move |error| std::io::Error::new(error.kind(), format!("{text}: {error}")).into()
}
