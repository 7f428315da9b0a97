//! Where things are in this checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The directory of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for `cargo xtask`; the built-in value serves a program started by hand.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let xtask = PathBuf::from(manifest);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_path_buf)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    // A relative directory is meant from where cargo was called, which is where we stand.
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `path` as a person in the checkout would type it.
pub(crate) fn shown(path: &Path) -> String {
    let base = std::env::current_dir().unwrap_or_else(|_| root());
    path.strip_prefix(base).unwrap_or(path).display().to_string()
}

/// The cargo that runs us, so that a `+toolchain` choice reaches the commands that we start.
///
/// It must not see what cargo says of this program: build scripts that watch those variables would run again each time a person
/// calls cargo after us, and everything above them would be compiled anew.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget(&mut command);
    command
}

/// Takes what cargo says of this program out of a command's environment.
pub(crate) fn forget(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
}
