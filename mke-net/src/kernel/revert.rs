//! Taking changes back: what this program wrote becomes what it was, and what others wrote since stays unless it is asked
//! for. A change whose writer died, or that nobody confirmed in time, is taken back by whoever comes next.

use std::fs;

use serde::Serialize;

use super::apply::keep;
use super::effects::{self, Values};
use super::error::KernelError;
use super::journal::{Change, Journal, Phase, remove_durably, write_durably};
use super::key::Key;
use super::place::{Place, uptime};
use super::{Event, Progress, SETTINGS_FILE};

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reverted {
    /// Parameters that have their value from before again.
    pub restored: Vec<Key>,
    /// Parameters that others have changed meanwhile, and that were left alone.
    pub left: Vec<Key>,
    /// Whether the file for the next start was changed by others and left alone.
    pub left_file: bool,
}

/// What was found open in the journal, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// A change was taken back, because its writer did not end it.
    Interrupted(Reverted),
    /// A change was taken back, because nobody confirmed it in time.
    Expired(Reverted),
    /// A confirmation, that its writer did not end, was ended.
    Confirmed,
    /// The machine was started anew since: the values went with it.
    Forgotten,
}

/// Takes back the youngest change, or all of them. With `force` also what others have changed meanwhile.
///
/// # Errors
/// [`KernelError::Busy`], [`KernelError::NotTakenBack`] when the kernel refuses a value.
pub fn revert(
    place: &Place,
    all: bool,
    force: bool,
    progress: &mut Progress<'_>,
) -> Result<Reverted, KernelError> {
    place.inside(|| {
        let journal = Journal::lock(place)?;
        let mut reverted = Reverted::default();
        for (number, change) in journal.changes()?.into_iter().rev() {
            let one = take_back(place, &journal, number, change, force, progress)?;
            reverted.left_file |= one.left_file;
            for (from, to) in [
                (one.restored, &mut reverted.restored),
                (one.left, &mut reverted.left),
            ] {
                for key in from {
                    if !to.contains(&key) {
                        to.push(key);
                    }
                }
            }
            if !all {
                break;
            }
        }
        Ok(reverted)
    })
}

/// Ends what somebody began and did not end, and takes back what was not confirmed in time.
pub(super) fn settle(
    place: &Place,
    journal: &Journal,
    progress: &mut Progress<'_>,
) -> Result<Option<Settled>, KernelError> {
    let Some((number, change)) = journal.changes()?.pop() else {
        return Ok(None);
    };
    let started_anew = change.boot != place.boot();
    Ok(match change.phase {
        Phase::Confirmed | Phase::Left => None,
        // Before the confirmation nothing was written that outlives the kernel.
        Phase::Applying | Phase::Waiting { .. } if started_anew => {
            journal.remove(number)?;
            Some(Settled::Forgotten)
        }
        Phase::Applying => Some(Settled::Interrupted(take_back(
            place, journal, number, change, false, progress,
        )?)),
        Phase::Reverting { .. } => Some(Settled::Interrupted(take_back(
            place, journal, number, change, false, progress,
        )?)),
        Phase::Waiting { deadline } if uptime()?.as_millis() >= u128::from(deadline) => Some(
            Settled::Expired(take_back(place, journal, number, change, false, progress)?),
        ),
        Phase::Waiting { .. } => None,
        Phase::Confirming => {
            keep(place, journal, number, change, true, progress)?;
            Some(Settled::Confirmed)
        }
    })
}

/// Takes one change back. What was begun already is gone on with.
pub(super) fn take_back(
    place: &Place,
    journal: &Journal,
    number: u32,
    mut change: Change,
    force: bool,
    progress: &mut Progress<'_>,
) -> Result<Reverted, KernelError> {
    let (to, left) = match &change.phase {
        // Of another start of the machine, or by force, others are wanted.
        Phase::Reverting { to, left } if !force && change.boot == place.boot() => (to.clone(), left.clone()),
        _ => {
            let (to, left) = targets(place, &change, force);
            change.phase = Phase::Reverting {
                to: to.clone(),
                left: left.clone(),
            };
            journal.write(number, &change)?;
            progress(&Event::Reverting);
            (to, left)
        }
    };
    let now = values(place, to.keys());
    let mut failed: Vec<(Key, String)> = Vec::new();
    for (key, value) in effects::way(&now, &to) {
        match place.write(&key, &value) {
            Ok(()) => progress(&Event::Restored(key)),
            Err(error) => failed.push((key, error.to_string())),
        }
    }
    for (key, found) in values(place, to.keys()) {
        if to.get(&key).is_some_and(|wanted| *wanted != found)
            && failed.iter().all(|(known, _)| *known != key)
        {
            failed.push((key, format!("the kernel keeps `{found}`")));
        }
    }
    if let Some((_, reason)) = failed.first() {
        return Err(KernelError::NotTakenBack {
            reason: reason.clone(),
            keys: failed.iter().map(|(key, _)| key.to_string()).collect(),
        });
    }
    let left_file = file(place, &change, force)?;
    let changed = change.entries.iter().filter(|(_, entry)| !entry.ours.is_empty());
    let restored: Vec<Key> = changed
        .map(|(key, _)| key.clone())
        .filter(|key| !left.contains(key))
        .collect();
    if left.is_empty() && !left_file {
        journal.remove(number)?;
    } else {
        change.entries.retain(|key, _| left.contains(key));
        change.steps.retain(|step| left.contains(&step.key));
        if !left_file {
            change.persisted = None;
        }
        change.phase = Phase::Left;
        journal.write(number, &change)?;
    }
    progress(&Event::Reverted);
    Ok(Reverted {
        restored,
        left,
        left_file,
    })
}

/// The values that shall be there, and the parameters that others have changed meanwhile.
fn targets(place: &Place, change: &Change, force: bool) -> (Values, Vec<Key>) {
    let mut to = values(place, change.entries.keys());
    let mut left = Vec::new();
    for (key, entry) in &change.entries {
        let Some(value) = to.get_mut(key) else {
            continue;
        };
        if *value == entry.old {
            continue;
        }
        if entry.ours.contains(value) || force {
            value.clone_from(&entry.old);
        } else {
            left.push(key.clone());
        }
    }
    // Interfaces that came since took what was set for those that come: they get what that becomes.
    let default = "net.ipv4.conf.default.forwarding".parse::<Key>().ok();
    if let Some(entry) = default.as_ref().and_then(|key| change.entries.get(key)) {
        for key in place.forwarding_keys() {
            if !change.entries.contains_key(&key)
                && let Ok(value) = place.read(&key)
            {
                let inherited = entry.ours.contains(&value);
                to.insert(key, if inherited { entry.old.clone() } else { value });
            }
        }
    }
    // A switch turns redirects along, also when the change did not.
    if to.keys().any(|key| key.forwarding_of().is_some())
        && let Ok(key) = "net.ipv4.conf.all.accept_redirects".parse::<Key>()
        && !to.contains_key(&key)
        && let Ok(value) = place.read(&key)
    {
        to.insert(key, value);
    }
    (to, left)
}

/// The present values of parameters; those that are gone are left out.
fn values<'a>(place: &Place, keys: impl Iterator<Item = &'a Key>) -> Values {
    keys.filter_map(|key| Some((key.clone(), place.read(key).ok()?)))
        .collect()
}

/// Takes the file for the next start back. Answers whether others have changed it, so that it was left alone.
fn file(place: &Place, change: &Change, force: bool) -> Result<bool, KernelError> {
    let Some(persisted) = &change.persisted else {
        return Ok(false);
    };
    let path = place.root().join(SETTINGS_FILE);
    let now = fs::read_to_string(&path).ok();
    if now == persisted.old {
        return Ok(false);
    }
    if now.as_ref() != Some(&persisted.new) && !force {
        return Ok(true);
    }
    match &persisted.old {
        Some(text) => write_durably(&path, text.as_bytes())?,
        None => remove_durably(&path)?,
    }
    Ok(false)
}
