//! Where `up` keeps things: `.mke/` in the checkout.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// The engine makes sockets some forty characters below its run directory, and the kernel takes 107 bytes at most.
const LONGEST_RUN_DIR: usize = 60;

/// The directories and files, none of which need to exist.
#[derive(Debug)]
pub(super) struct Places {
    /// `.mke/`
    pub(super) base: PathBuf,
    /// Store, authorities and keys of the control plane.
    pub(super) data: PathBuf,
    /// The administrator's client bundle, unpacked.
    pub(super) bundle: PathBuf,
    /// Log of `ucp serve`.
    pub(super) serve_log: PathBuf,
    /// Log of the private engine.
    pub(super) engine_log: PathBuf,
    /// Images, containers and swarm state of the private engine.
    pub(super) engine_data: PathBuf,
    /// Sockets and other run-time files of the private engine.
    pub(super) engine_run: PathBuf,
}

impl Places {
    pub(super) fn of(root: &Path) -> Self {
        let base = root.join(".mke");
        Self {
            data: base.join("data"),
            bundle: base.join("admin-bundle"),
            serve_log: base.join("serve.log"),
            engine_log: base.join("engine.log"),
            engine_data: base.join("engine/data"),
            engine_run: run_dir(&base),
            base,
        }
    }

    /// What is remembered from one run to the next.
    pub(super) fn record(&self) -> PathBuf {
        self.base.join("up.json")
    }

    /// The socket of the private engine.
    pub(super) fn engine_socket(&self) -> PathBuf {
        self.engine_run.join("docker.sock")
    }

    /// Makes `.mke/` and keeps a second `up` or `down` out until the value is dropped.
    pub(super) fn lock(&self) -> Outcome<File> {
        create_private(&self.base)?;
        let path = self.base.join("lock");
        let file = File::create(&path).map_err(Failure::file("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Failure::Precondition(
                "another `cargo xtask up` or `down` is at work in this checkout; wait for it to end"
                    .to_owned(),
            )),
            Err(TryLockError::Error(error)) => Err(Failure::file("lock", &path)(error)),
        }
    }
}

/// A directory that only its owner may enter: it will hold keys.
pub(super) fn create_private(path: &Path) -> Outcome {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Failure::file("create", path))
}

/// Beside the data; for a checkout whose path is too long, below `/run` under a name that belongs to this checkout.
fn run_dir(base: &Path) -> PathBuf {
    let beside = base.join("engine/run");
    if beside.as_os_str().len() <= LONGEST_RUN_DIR {
        return beside;
    }
    PathBuf::from(format!(
        "/run/mke-{:08x}",
        fnv1a(base.as_os_str().as_encoded_bytes())
    ))
}

/// FNV-1a, 32 bits: short, and the same in every release of the compiler.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_stay_within_the_limit_of_the_kernel() {
        let short = Places::of(Path::new("/src/mke"));
        assert_eq!(
            short.engine_socket(),
            Path::new("/src/mke/.mke/engine/run/docker.sock")
        );
        let deep = "/a-directory-with-a-long-name".repeat(4);
        let long = Places::of(Path::new(&deep));
        assert!(long.engine_run.starts_with("/run"), "{long:?}");
        assert_ne!(long.engine_run, Places::of(Path::new(&(deep + "x"))).engine_run);
    }

    #[test]
    fn two_at_once_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::of(dir.path());
        let first = places.lock().unwrap();
        assert!(matches!(places.lock(), Err(Failure::Precondition(text)) if text.contains("another")));
        drop(first);
        places.lock().unwrap();
    }
}
