//! What a lab needs of its machine.

use std::path::{Path, PathBuf};

use crate::error::LabError;

/// Programs and the Debian packages that have them.
const NEEDED: [(&str, &str); 8] = [
    ("dockerd", "docker.io"),
    ("containerd", "containerd"),
    ("docker", "docker.io"),
    ("docker-init", "docker.io"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
];

/// Where programs are, before what the caller's path says: the distribution's client fits the distribution's engine.
const DIRECTORIES: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/bin",
    "/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
];

/// The path for everything that runs in a node.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Root, and every program.
pub(crate) fn check() -> Result<(), LabError> {
    let missing: Vec<_> = NEEDED
        .into_iter()
        .filter(|(name, _)| find(name).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(LabError::Missing(missing));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    Ok(())
}

/// The full path of a program.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
}

/// The docker client.
pub(crate) fn docker() -> PathBuf {
    find("docker").unwrap_or_else(|| "docker".into())
}
