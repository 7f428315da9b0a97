//! Where parameters are read and written: the machine or one network namespace, with the directory that remembers changes.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::KernelError;
use super::key::{Key, normal};

/// The kernel's files of one machine or network namespace.
#[derive(Debug)]
pub struct Place {
    root: PathBuf,
    state: PathBuf,
    namespace: Option<Namespace>,
}

#[derive(Debug)]
struct Namespace {
    /// As the caller named it.
    name: String,
    file: File,
}

/// Where changes are remembered, below the root.
const STATE: &str = "var/lib/mke/kernel";

impl Place {
    /// The machine whose files lie below `root`, which is `/` outside of tests.
    pub fn host(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            state: root.join(STATE).join("host"),
            namespace: None,
        }
    }

    /// A network namespace: a name that `ip netns` knows, the number of a process, or a path.
    ///
    /// # Errors
    /// [`KernelError::NoNamespace`] when there is none.
    pub fn namespace(root: &Path, name: &str) -> Result<Self, KernelError> {
        let path = if name.contains('/') {
            PathBuf::from(name)
        } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
            PathBuf::from(format!("/proc/{name}/ns/net"))
        } else {
            Path::new("/run/netns").join(name)
        };
        let wrong = |source| KernelError::NoNamespace {
            name: name.to_owned(),
            source,
        };
        let file = File::open(path).map_err(wrong)?;
        // The number of the namespace itself: under another name it is the same one.
        let number = file.metadata().map_err(wrong)?.ino();
        Ok(Self {
            root: root.to_owned(),
            state: root.join(STATE).join(format!("netns-{number}")),
            namespace: Some(Namespace {
                name: name.to_owned(),
                file,
            }),
        })
    }

    /// The name of the network namespace; `None` for the machine.
    pub fn namespace_name(&self) -> Option<&str> {
        self.namespace.as_ref().map(|namespace| namespace.name.as_str())
    }

    /// The root of the machine's files.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory that remembers changes of this place.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// Runs something inside the namespace, on a thread of its own, so that no other thread is taken along.
    pub(super) fn inside<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, KernelError> + Send,
    ) -> Result<T, KernelError> {
        let Some(namespace) = &self.namespace else {
            return work();
        };
        std::thread::scope(|scope| {
            let entered = scope.spawn(|| {
                rustix::thread::move_into_link_name_space(
                    namespace.file.as_fd(),
                    Some(rustix::thread::LinkNameSpaceType::Network),
                )
                .map_err(|source| KernelError::NoNamespace {
                    name: namespace.name.clone(),
                    source: source.into(),
                })?;
                work()
            });
            // A panic in there is one of ours; it goes on here.
            entered
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The value of a parameter.
    pub(super) fn read(&self, key: &Key) -> std::io::Result<String> {
        fs::read_to_string(self.root.join(key.file())).map(|text| normal(&text))
    }

    /// Sets a parameter. It takes effect with the one write, or not at all.
    pub(super) fn write(&self, key: &Key, value: &str) -> std::io::Result<()> {
        let mut file = File::options()
            .write(true)
            .truncate(true)
            .open(self.root.join(key.file()))?;
        file.write_all(format!("{value}\n").as_bytes())
    }

    /// The interfaces that have switches of their own.
    pub(super) fn forwarding_keys(&self) -> Vec<Key> {
        let entries = fs::read_dir(self.root.join("proc/sys/net/ipv4/conf"));
        let names = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut keys: Vec<Key> = names
            .filter_map(|name| format!("net/ipv4/conf/{name}/forwarding").parse().ok())
            .collect();
        keys.sort();
        keys
    }

    /// Which start of the machine this is; `None` when it does not tell.
    pub(super) fn boot(&self) -> Option<String> {
        let id = fs::read_to_string(self.root.join("proc/sys/kernel/random/boot_id")).ok()?;
        Some(id.trim().to_owned())
    }
}

/// How long the machine has been on: a clock that nobody sets back.
pub(super) fn uptime() -> Result<Duration, KernelError> {
    let path = Path::new("/proc/uptime");
    let text = fs::read_to_string(path).map_err(KernelError::file("cannot read", path))?;
    let seconds = text
        .split_ascii_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or(KernelError::NoClock)
}
