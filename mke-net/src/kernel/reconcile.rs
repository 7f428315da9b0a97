//! The whole way in one call, for the agent of a node: look, plan, write, see whether the node is well, keep or take back.

use std::time::Duration;

use serde::Serialize;

use super::Progress;
use super::apply::{keep, write};
use super::error::KernelError;
use super::journal::Journal;
use super::observe;
use super::place::Place;
use super::plan::{Intent, Plan, Step, plan};
use super::revert::{Reverted, Settled, settle, take_back};

/// How long an agent that dies right after a change leaves it.
const HOLD: Duration = Duration::from_secs(60);

/// What an agent has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// What was found open of an earlier run, and ended.
    pub settled: Option<Settled>,
    /// What there was to do and to know.
    pub plan: Plan,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There was nothing to write.
    Nothing,
    /// The values were written and kept.
    Kept(Vec<Step>),
    /// The node was not well afterwards, and the values from before are back.
    TakenBack(Reverted),
    /// Somebody else's change waits for its confirmation; nothing was written.
    WaitsForConfirmation,
}

/// Brings a node to what is wanted. `well` is asked once, after the values are written: whether the node still reaches
/// what it must. Should the agent die meanwhile, the change is taken back by whoever comes next.
///
/// # Errors
/// [`KernelError`]; the values from before are kept in the journal, whatever happens.
pub fn reconcile(
    place: &Place,
    intent: &Intent,
    well: impl FnOnce() -> bool + Send,
    progress: &mut Progress<'_>,
) -> Result<Reconciled, KernelError> {
    place.inside(|| {
        let journal = Journal::lock(place)?;
        let settled = settle(place, &journal, progress)?;
        let plan = plan(&observe::inside(place, &intent.keys()), intent);
        if journal.changes()?.iter().any(|(_, change)| !change.is_settled()) {
            return Ok(Reconciled {
                settled,
                plan,
                outcome: Outcome::WaitsForConfirmation,
            });
        }
        if plan.is_empty() {
            return Ok(Reconciled {
                settled,
                plan,
                outcome: Outcome::Nothing,
            });
        }
        write(place, &journal, &plan, HOLD, progress)?;
        let outcome = match journal.changes()?.pop() {
            Some((number, change)) if well() => {
                Outcome::Kept(keep(place, &journal, number, change, true, progress)?)
            }
            Some((number, change)) => {
                Outcome::TakenBack(take_back(place, &journal, number, change, false, progress)?)
            }
            None => return Err(KernelError::NothingToConfirm),
        };
        Ok(Reconciled {
            settled,
            plan,
            outcome,
        })
    })
}
