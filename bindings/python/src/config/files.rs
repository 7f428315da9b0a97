//! Texts of files that people name.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use mke_core::config::MAX_BYTES;
use pyo3::prelude::*;

use crate::errors::invalid;

/// The text of a file. One that is larger than any configuration is refused before it is read whole.
///
/// # Errors
/// `OSError` as `open` raises it; `InvalidValueError` for what is no text.
pub(super) fn text(path: &Path) -> PyResult<String> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| with_name(error, path))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        invalid(
            &path.display().to_string(),
            &format!("no text in UTF-8, byte {at} is the first that is none"),
        )
    })
}

/// `OSError` with number, text and file name, as Python's own functions raise it.
fn with_name(error: std::io::Error, path: &Path) -> PyErr {
    match error.raw_os_error() {
        Some(number) => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default().to_owned();
            pyo3::exceptions::PyOSError::new_err((number, text, path.display().to_string()))
        }
        None => error.into(),
    }
}
