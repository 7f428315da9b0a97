//! Network namespaces of tests, copies of a machine's files, and programs that die at a chosen step.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A network namespace of its own, removed on drop.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let name = format!(
            "mke-kernel-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let status = Command::new("ip")
            .args(["netns", "add", &name])
            .status()
            .expect("`ip` of Debian package iproute2");
        assert!(status.success(), "network namespaces need root");
        let namespace = Self { name };
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace.ip(&["link", "add", "wire0", "type", "veth", "peer", "name", "wire1"]);
        namespace
    }

    pub(crate) fn ip(&self, args: &[&str]) {
        let status = Command::new("ip")
            .args(["-n", &self.name])
            .args(args)
            .status()
            .unwrap();
        assert!(status.success(), "ip {args:?}");
    }

    /// Runs something inside, on a thread of its own.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let file = File::open(Path::new("/run/netns").join(&self.name)).unwrap();
        std::thread::scope(|scope| {
            scope
                .spawn(move || {
                    let kind = Some(rustix::thread::LinkNameSpaceType::Network);
                    rustix::thread::move_into_link_name_space(file.as_fd(), kind).unwrap();
                    work()
                })
                .join()
                .unwrap()
        })
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        self.inside(|| fs::write(path(Path::new("/"), name), format!("{value}\n")).unwrap());
    }

    pub(crate) fn get(&self, name: &str) -> String {
        self.inside(|| {
            fs::read_to_string(path(Path::new("/"), name))
                .unwrap()
                .trim()
                .to_owned()
        })
    }

    /// Every network parameter that can be read inside.
    pub(crate) fn all(&self) -> BTreeMap<PathBuf, String> {
        self.inside(|| tree(Path::new("/proc/sys/net")))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

/// The file of a parameter.
pub(crate) fn path(root: &Path, name: &str) -> PathBuf {
    root.join("proc/sys").join(name.replace('.', "/"))
}

/// Every file below a directory with its text. Counts that move by themselves stay out.
pub(crate) fn tree(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let moves = ["nf_conntrack_count", "mtu_expires", "base_reachable"];
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if !moves.iter().any(|name| path.ends_with(name))
                && let Ok(text) = fs::read_to_string(&path)
            {
                found.insert(path, text);
            }
        }
    }
    found
}

/// A directory with the kernel's files of a machine, as plain files.
pub(crate) fn machine(values: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, value) in values {
        let path = path(root.path(), name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{value}\n")).unwrap();
    }
    root
}

/// A small sequence of numbers that is the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
