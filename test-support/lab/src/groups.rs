//! Control groups of labs: empty ones stay behind when their processes end.
//!
//! Both layouts are known: one tree for everything (v2), or one for each controller (v1).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::wait;

const ROOT: &str = "/sys/fs/cgroup";

/// How long the kernel may take until the groups of killed processes are empty.
const PATIENCE: Duration = Duration::from_secs(5);

/// Removes the group `name` with all that are in it. Returns whether it is gone.
pub(crate) fn remove(name: &str) -> bool {
    remove_below(Path::new(ROOT), name)
}

/// The names of groups at the top that begin like this.
pub(crate) fn named(prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = tops(Path::new(ROOT))
        .iter()
        .flat_map(|top| directories(top))
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn remove_below(root: &Path, name: &str) -> bool {
    wait::until(PATIENCE, || {
        let mut gone = true;
        for top in tops(root) {
            let group = top.join(name);
            leaves_first(&group);
            gone &= !group.exists();
        }
        gone.then_some(())
    })
    .is_some()
}

/// The tops of the trees.
fn tops(root: &Path) -> Vec<PathBuf> {
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    directories(root)
}

fn leaves_first(group: &Path) {
    for inner in directories(group) {
        leaves_first(&inner);
    }
    // A group that still has a process is tried again.
    let _ = fs::remove_dir(group);
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_layouts_are_cleaned_and_neighbours_stay() {
        for (layout, tops) in [("v1", &["memory", "pids"][..]), ("v2", &[""][..])] {
            let root = tempfile::tempdir().unwrap();
            for top in tops {
                for group in ["lab-1/n1/container", "lab-1/n2", "lab-12/n1"] {
                    fs::create_dir_all(root.path().join(top).join(group)).unwrap();
                }
            }
            if layout == "v2" {
                fs::write(root.path().join("cgroup.controllers"), "memory pids").unwrap();
            }
            assert!(remove_below(root.path(), "lab-1"), "{layout}");
            for top in tops {
                assert!(!root.path().join(top).join("lab-1").exists(), "{layout}");
                assert!(root.path().join(top).join("lab-12/n1").exists(), "{layout}");
            }
            assert!(remove_below(root.path(), "lab-1"), "nothing to do is fine");
        }
    }
}
