//! Finds and removes what is left of labs whose program was killed: their directories and empty control groups. Their processes and
//! links are gone already, because the kernel ends them with the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::groups;
use crate::process::Process;
use crate::record::Record;

/// Directories of labs that are not kept are here, because paths of sockets must be short.
pub(crate) const BASE: &str = "/tmp";

/// Names of such directories, and of control groups: this, the owner's process id, `-`, a number.
pub(crate) const PREFIX: &str = "mke-lab-";

/// How long a killed process may take to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// Removes what nobody owns any more.
pub(crate) fn remove_all() {
    remove_below(Path::new(BASE));
    for name in groups::named(PREFIX) {
        if owner(&name).is_some_and(|pid| Process::observe(pid).is_none()) {
            groups::remove(&name);
        }
    }
}

fn remove_below(base: &Path) {
    for directory in directories(base) {
        let name = directory.file_name().and_then(|name| name.to_str());
        let Some(owner) = name.and_then(owner) else {
            continue;
        };
        let record = Record::read(&directory);
        let lives = match &record {
            Some(record) => record.owner.is_some_and(Process::runs),
            // Its owner may be about to write the record.
            None => Process::observe(owner).is_some(),
        };
        if !lives {
            remove(&directory, record.as_ref());
        }
    }
}

/// Removes one lab with everything that its record names.
pub(crate) fn remove(directory: &Path, record: Option<&Record>) {
    if let Some(record) = record {
        for process in record.processes() {
            process.kill(PATIENCE);
        }
        groups::remove(&record.name);
    }
    // Somebody else may clean up at the same time.
    let _ = fs::remove_dir_all(directory);
}

/// The process id in the name of a directory or group of a lab; nothing for names that are not ours.
fn owner(name: &str) -> Option<u32> {
    let (pid, number) = name.strip_prefix(PREFIX)?.split_once('-')?;
    number.parse::<u32>().ok()?;
    pid.parse().ok()
}

fn directories(base: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id of a process that has ended.
    fn dead() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn only_labs_of_the_dead_are_removed() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        let own = std::process::id();
        let (gone, lives) = (format!("{PREFIX}{}-0", dead()), format!("{PREFIX}{own}-0"));
        let strange = [
            format!("{PREFIX}kept-1"),
            format!("{PREFIX}{}", dead()),
            "other".to_owned(),
        ];
        for name in [&gone, &lives].into_iter().chain(&strange) {
            fs::create_dir(at(name)).unwrap();
        }
        remove_below(base.path());
        assert!(!at(&gone).exists());
        for name in [&lives].into_iter().chain(&strange) {
            assert!(at(name).exists(), "{name}");
        }
    }
}
