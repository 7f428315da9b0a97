//! Where things are in this checkout.

use std::path::{Path, PathBuf};

/// The directory of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for `cargo xtask`; the built-in value serves a program started by hand.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let xtask = PathBuf::from(manifest);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf)
}

/// `path` as a person in the checkout would type it.
pub(crate) fn shown(path: &Path) -> String {
    let base = std::env::current_dir().unwrap_or_else(|_| root());
    path.strip_prefix(base).unwrap_or(path).display().to_string()
}

/// The cargo that runs us, so that a `+toolchain` choice reaches the commands that we start.
pub(crate) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
