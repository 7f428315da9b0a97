//! Writing a plan: the journal first, then one value after the other, each looked at again; then the wait for somebody
//! who still reaches the machine and says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Progress;
use super::effects::{self, Values};
use super::error::KernelError;
use super::journal::{Change, Entry, Journal, Persisted, Phase, write_durably};
use super::key::Key;
use super::place::{Place, uptime};
use super::plan::{Plan, Step};
use super::revert::{settle, take_back};
use super::{Event, SETTINGS_FILE};

/// Writes a plan. It is taken back when it is not confirmed within `hold`.
///
/// # Errors
/// [`KernelError::Unconfirmed`] while another change waits, [`KernelError::Busy`], [`KernelError::Moved`] when a value
/// changed since the plan was made, [`KernelError::Refused`] when the kernel does not take a value: then everything is
/// as before.
pub fn apply(
    place: &Place,
    plan: &Plan,
    hold: Duration,
    progress: &mut Progress<'_>,
) -> Result<Duration, KernelError> {
    place.inside(|| {
        let journal = Journal::lock(place)?;
        settle(place, &journal, progress)?;
        write(place, &journal, plan, hold, progress)
    })
}

/// As [`apply`], with the journal locked and nothing open in it. Answers when the time is over, since the machine started.
pub(super) fn write(
    place: &Place,
    journal: &Journal,
    plan: &Plan,
    hold: Duration,
    progress: &mut Progress<'_>,
) -> Result<Duration, KernelError> {
    let changes = journal.changes()?;
    if changes.iter().any(|(_, change)| !change.is_settled()) {
        return Err(KernelError::Unconfirmed);
    }
    for (key, value) in &plan.values {
        let touched = plan.steps.iter().any(|step| step.key == *key);
        if touched && place.read(key).map_err(unreadable(place, key))? != *value {
            return Err(KernelError::Moved {
                key: key.clone(),
                expected: value.clone(),
                found: place.read(key).unwrap_or_default(),
            });
        }
    }
    let number = changes.last().map_or(1, |(number, _)| number.saturating_add(1));
    let mut change = Change::new(
        place.boot(),
        plan.steps.clone(),
        entries(&plan.steps, &plan.values),
    );
    journal.write(number, &change)?;
    progress(&Event::Recorded);
    if let Err((key, value, reason)) = steps(place, &change, progress) {
        let after = match take_back(place, journal, number, change, false, progress) {
            Ok(_) => "everything is as before".to_owned(),
            Err(error) => error.to_string(),
        };
        return Err(KernelError::Refused {
            key,
            value,
            reason,
            after,
        });
    }
    let deadline = uptime()?.saturating_add(hold);
    change.phase = Phase::Waiting {
        deadline: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
    };
    journal.write(number, &change)?;
    progress(&Event::Waiting);
    Ok(deadline)
}

/// Every value that the steps change, and those that belong to them: what the kernel changes along with a switch.
fn entries(steps: &[Step], before: &Values) -> BTreeMap<Key, Entry> {
    let mut values = before.clone();
    let mut entries: BTreeMap<Key, Entry> = BTreeMap::new();
    for step in steps {
        let earlier = values.clone();
        effects::write(&mut values, &step.key, &step.to);
        for (key, value) in &values {
            if earlier.get(key) != Some(value) {
                let old = before.get(key).unwrap_or(value).clone();
                let entry = entries.entry(key.clone()).or_insert(Entry {
                    old,
                    ours: Vec::new(),
                });
                entry.ours.push(value.clone());
            }
        }
    }
    // Interfaces that stay as they are count too: taking the switch back would turn them.
    let switched = entries.keys().any(|key| key.forwarding_of().is_some());
    for (key, value) in before {
        if switched && key.forwarding_of().is_some() {
            entries.entry(key.clone()).or_insert_with(|| Entry {
                old: value.clone(),
                ours: Vec::new(),
            });
        }
    }
    entries
}

/// Writes the values; says which one failed and why.
fn steps(place: &Place, change: &Change, progress: &mut Progress<'_>) -> Result<(), (Key, String, String)> {
    for step in &change.steps {
        let failed = |reason: String| (step.key.clone(), step.to.clone(), reason);
        place.write(&step.key, &step.to).map_err(|error| {
            failed(match error.kind() {
                std::io::ErrorKind::PermissionDenied => format!("{error}; only root may change it"),
                _ => error.to_string(),
            })
        })?;
        let found = place.read(&step.key).map_err(|error| failed(error.to_string()))?;
        if found != step.to {
            return Err(failed(format!("the kernel made `{found}` of it")));
        }
        progress(&Event::Wrote(step.clone()));
    }
    for (key, entry) in &change.entries {
        let wanted = entry.ours.last().unwrap_or(&entry.old);
        // An interface that is gone since has no value.
        if let Ok(found) = place.read(key)
            && found != *wanted
        {
            return Err((
                key.clone(),
                wanted.clone(),
                format!("it is `{found}` after all steps"),
            ));
        }
    }
    Ok(())
}

/// Keeps the change that waits. With `persist`, and not for a namespace, the values are there after the next start too.
///
/// # Errors
/// [`KernelError::NothingToConfirm`], [`KernelError::TooLate`] when the change has been taken back.
pub fn confirm(place: &Place, persist: bool, progress: &mut Progress<'_>) -> Result<Vec<Step>, KernelError> {
    place.inside(|| {
        let journal = Journal::lock(place)?;
        let settled = settle(place, &journal, progress)?;
        match journal.changes()?.pop() {
            Some((number, change)) if !change.is_settled() => {
                keep(place, &journal, number, change, persist, progress)
            }
            _ if settled.is_some() => Err(KernelError::TooLate),
            _ => Err(KernelError::NothingToConfirm),
        }
    })
}

/// Confirms a change with the journal locked.
pub(super) fn keep(
    place: &Place,
    journal: &Journal,
    number: u32,
    mut change: Change,
    persist: bool,
    progress: &mut Progress<'_>,
) -> Result<Vec<Step>, KernelError> {
    if change.phase != Phase::Confirming {
        if persist && place.namespace_name().is_none() {
            let old = fs::read_to_string(place.root().join(SETTINGS_FILE)).ok();
            let new = settings(old.as_deref(), &change.steps);
            change.persisted = Some(Persisted { old, new });
        }
        change.phase = Phase::Confirming;
        journal.write(number, &change)?;
        progress(&Event::Confirming);
    }
    if let Some(persisted) = &change.persisted {
        let path = place.root().join(SETTINGS_FILE);
        write_durably(&path, persisted.new.as_bytes())?;
        progress(&Event::Persisted);
    }
    change.phase = Phase::Confirmed;
    journal.write(number, &change)?;
    progress(&Event::Confirmed);
    Ok(change.steps)
}

/// The text of the file for the next start: what was there, with the new values in place of older ones.
fn settings(old: Option<&str>, steps: &[Step]) -> String {
    let mut text = String::new();
    let header = "# Kernel parameters of a cluster node, written by `ucp kernel confirm`; `ucp kernel revert` takes them back.";
    for line in old.unwrap_or(header).lines() {
        let name = line
            .split_once('=')
            .and_then(|(name, _)| name.trim().parse::<Key>().ok());
        if name.is_none_or(|name| steps.iter().all(|step| step.key != name)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    for step in steps {
        text.push_str(&format!("{} = {}\n", step.key, step.to));
    }
    text
}

/// For `map_err` on reads of parameters.
pub(super) fn unreadable<'a>(
    place: &'a Place,
    key: &'a Key,
) -> impl FnOnce(std::io::Error) -> KernelError + 'a {
    move |source| KernelError::File {
        doing: "cannot read",
        path: Path::new("/")
            .join(place.root())
            .join(key.file())
            .display()
            .to_string(),
        source,
    }
}
