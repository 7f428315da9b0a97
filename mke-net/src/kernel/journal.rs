//! What was changed, durable before the first change: one file for each change, the youngest on top. Whoever finds the
//! files after a crash knows every value from before.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::KernelError;
use super::key::Key;
use super::place::Place;
use super::plan::Step;

/// How far a change is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub(super) enum Phase {
    /// Values are being written. Whoever finds this without its writer takes the change back.
    Applying,
    /// All values are written and wait for a confirmation.
    Waiting {
        /// When the change is taken back, in milliseconds since the machine started.
        deadline: u64,
    },
    /// It was confirmed, and the file for the next start is being written.
    Confirming,
    /// It holds.
    Confirmed,
    /// It is being taken back.
    Reverting {
        /// The values that shall be there.
        to: BTreeMap<Key, String>,
        /// Parameters that others have changed meanwhile, which are left alone.
        left: Vec<Key>,
    },
    /// It was taken back but for what others have changed meanwhile.
    Left,
}

/// A parameter that a change writes, or that the kernel changes along with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its value from before.
    pub(super) old: String,
    /// The values that it goes through, the last one to stay.
    pub(super) ours: Vec<String>,
}

/// The file for the next start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Persisted {
    /// Its text from before; `None` when there was none.
    pub(super) old: Option<String>,
    /// Its text from then on.
    pub(super) new: String,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    /// Version of this form.
    pub(super) schema: u32,
    /// Which start of the machine it belongs to.
    pub(super) boot: Option<String>,
    pub(super) phase: Phase,
    pub(super) steps: Vec<Step>,
    pub(super) entries: BTreeMap<Key, Entry>,
    /// Present when the values shall be there after the next start too.
    pub(super) persisted: Option<Persisted>,
}

const SCHEMA: u32 = 1;

impl Change {
    pub(super) fn new(boot: Option<String>, steps: Vec<Step>, entries: BTreeMap<Key, Entry>) -> Self {
        Self {
            schema: SCHEMA,
            boot,
            phase: Phase::Applying,
            steps,
            entries,
            persisted: None,
        }
    }

    /// Whether it can still be decided about.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Confirmed | Phase::Left)
    }
}

/// The journal of one place, locked: nobody else reads or writes it meanwhile.
#[derive(Debug)]
pub(super) struct Journal {
    directory: PathBuf,
    _lock: File,
}

impl Journal {
    /// Locks the journal of a place.
    ///
    /// # Errors
    /// [`KernelError::Busy`] when somebody else has it.
    pub(super) fn lock(place: &Place) -> Result<Self, KernelError> {
        let directory = place.state().to_owned();
        fs::create_dir_all(&directory).map_err(KernelError::file("cannot make", &directory))?;
        let path = directory.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(KernelError::file("cannot open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                directory,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(KernelError::Busy {
                path: path.display().to_string(),
            }),
            Err(TryLockError::Error(source)) => Err(KernelError::file("cannot lock", &path)(source)),
        }
    }

    /// As [`Self::lock`]; a place where nothing was ever changed has no journal, and gets none by being looked at.
    pub(super) fn lock_if_there(place: &Place) -> Result<Option<Self>, KernelError> {
        if place.state().is_dir() {
            Self::lock(place).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Changes, the oldest first, each with its number.
    pub(super) fn changes(&self) -> Result<Vec<(u32, Change)>, KernelError> {
        read(&self.directory)
    }

    /// Writes a change, so that it is there also when the power fails right after.
    pub(super) fn write(&self, number: u32, change: &Change) -> Result<(), KernelError> {
        let path = self.directory.join(name(number));
        let text = serde_json::to_string_pretty(change).map_err(|error| KernelError::BadJournal {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        write_durably(&path, text.as_bytes())
    }

    /// Forgets a change.
    pub(super) fn remove(&self, number: u32) -> Result<(), KernelError> {
        remove_durably(&self.directory.join(name(number)))
    }
}

/// As [`Journal::changes`], by somebody who only looks.
pub(super) fn read(directory: &Path) -> Result<Vec<(u32, Change)>, KernelError> {
    let mut changes = Vec::new();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(changes),
        Err(error) => return Err(KernelError::file("cannot read", directory)(error)),
    };
    for entry in entries {
        let path = entry.map_err(KernelError::file("cannot read", directory))?.path();
        let number = path.file_name().and_then(|name| name.to_str()).and_then(number);
        let Some(number) = number else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(KernelError::file("cannot read", &path))?;
        let bad = |reason: String| KernelError::BadJournal {
            path: path.display().to_string(),
            reason,
        };
        let change: Change = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if change.schema != SCHEMA {
            return Err(bad(format!(
                "it has version {} and this program knows {SCHEMA}",
                change.schema
            )));
        }
        changes.push((number, change));
    }
    changes.sort_by_key(|(number, _)| *number);
    Ok(changes)
}

fn name(number: u32) -> String {
    format!("change-{number:06}.json")
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("change-")?.strip_suffix(".json")?.parse().ok()
}

/// Writes a file whole or not at all.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), KernelError> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory).map_err(KernelError::file("cannot make", directory))?;
    let beside = path.with_extension("new");
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(KernelError::file("cannot write", path))
}

/// Removes a file; one that is gone is no error.
pub(super) fn remove_durably(path: &Path) -> Result<(), KernelError> {
    let directory = path.parent().unwrap_or(path);
    let remove = || match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::open(directory)?.sync_all(),
    };
    remove().map_err(KernelError::file("cannot remove", path))
}
