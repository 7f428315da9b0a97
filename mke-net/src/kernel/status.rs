//! What is open, what holds and what has drifted; and the one who watches the time.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::Progress;
use super::error::KernelError;
use super::journal::{Change, Journal, Phase, read};
use super::key::Key;
use super::place::{Place, uptime};
use super::plan::Step;
use super::revert::{Settled, settle};

/// A parameter that is not any more what was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The parameter.
    pub key: Key,
    /// What was written.
    pub expected: String,
    /// What is there; `None` when it is gone, with its module or its interface.
    pub found: Option<String>,
}

/// How far the youngest change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing was changed, or everything was taken back.
    Untouched,
    /// Somebody is writing now.
    Changing,
    /// A change waits for its confirmation.
    Waiting,
    /// All changes are confirmed.
    Confirmed,
    /// Something was not taken back, because others have changed it.
    Left,
}

/// What there is to know about changes of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The network namespace; `None` for the machine.
    pub namespace: Option<String>,
    /// How far the youngest change is.
    pub standing: Standing,
    /// Seconds until a waiting change is taken back.
    pub seconds_left: Option<u64>,
    /// What was found open and ended by this look.
    pub settled: Option<Settled>,
    /// Every change that holds or waits, the oldest first.
    pub changes: Vec<Vec<Step>>,
    /// What is not any more what was written.
    pub drift: Vec<Drift>,
}

/// Looks, and takes back what was not confirmed in time. Somebody who may not write only looks.
///
/// # Errors
/// [`KernelError`] when the journal cannot be read, or a change not be taken back.
pub fn status(place: &Place, progress: &mut Progress<'_>) -> Result<Status, KernelError> {
    place.inside(|| {
        let settled = match Journal::lock_if_there(place) {
            Ok(None) | Err(KernelError::Busy { .. }) => None,
            Ok(Some(journal)) => settle(place, &journal, progress)?,
            Err(KernelError::File { source, .. })
                if matches!(
                    source.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        let changes: Vec<Change> = read(place.state())?
            .into_iter()
            .map(|(_, change)| change)
            .collect();
        let mut seconds_left = None;
        let standing = match changes.last().map(|change| &change.phase) {
            None => Standing::Untouched,
            Some(Phase::Applying | Phase::Reverting { .. } | Phase::Confirming) => Standing::Changing,
            Some(Phase::Waiting { deadline }) => {
                let left = Duration::from_millis(*deadline).saturating_sub(uptime()?);
                seconds_left = Some(left.as_secs());
                Standing::Waiting
            }
            Some(Phase::Confirmed) => Standing::Confirmed,
            Some(Phase::Left) => Standing::Left,
        };
        Ok(Status {
            namespace: place.namespace_name().map(str::to_owned),
            standing,
            seconds_left,
            settled,
            drift: drift(place, &changes),
            changes: changes.into_iter().map(|change| change.steps).collect(),
        })
    })
}

/// The youngest change of a parameter says what it shall be.
fn drift(place: &Place, changes: &[Change]) -> Vec<Drift> {
    let mut seen: Vec<&Key> = Vec::new();
    let mut found = Vec::new();
    for change in changes.iter().rev() {
        if !matches!(change.phase, Phase::Waiting { .. } | Phase::Confirmed) {
            continue;
        }
        for (key, entry) in &change.entries {
            let Some(expected) = entry.ours.last().filter(|_| !seen.contains(&key)) else {
                continue;
            };
            seen.push(key);
            let now = place.read(key).ok();
            if now.as_ref() != Some(expected) {
                found.push(Drift {
                    key: key.clone(),
                    expected: expected.clone(),
                    found: now,
                });
            }
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}

/// How often the watcher looks whether there is still something to watch.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until the open change is confirmed or taken back by others, or takes it back when its time is over or its writer
/// is gone. It runs in a process of its own, so that it outlives the one that changed something.
///
/// # Errors
/// [`KernelError`] when the change cannot be taken back.
pub fn watch(place: &Place, progress: &mut Progress<'_>) -> Result<Option<Settled>, KernelError> {
    place.inside(|| {
        loop {
            let wait = match read(place.state())?.pop().map(|(_, change)| change.phase) {
                None | Some(Phase::Confirmed | Phase::Left) => return Ok(None),
                Some(Phase::Waiting { deadline }) => Duration::from_millis(deadline)
                    .saturating_sub(uptime()?)
                    .min(LOOK),
                // Its writer holds the lock as long as it lives.
                Some(Phase::Applying | Phase::Confirming | Phase::Reverting { .. }) => Duration::ZERO,
            };
            if wait.is_zero() {
                match Journal::lock(place) {
                    Ok(journal) => {
                        if let Some(settled) = settle(place, &journal, progress)? {
                            return Ok(Some(settled));
                        }
                    }
                    Err(KernelError::Busy { .. }) => {}
                    Err(error) => return Err(error),
                }
                pause(Duration::from_millis(20));
            } else {
                pause(wait);
            }
        }
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time of a change is real time, and nobody tells when it is over"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
