//! A whole synchronisation: read, plan, check, apply. The parts can be used one by one too.

use mke_core::config::Problem;
use mke_core::ids::AccountId;
use mke_core::store::Revision;
use mke_core::time::Timestamp;
use rand_core::CryptoRng;
use serde::Serialize;

use super::before::Before;
use super::check::{Refusal, check};
use super::fetch::{FetchError, fetch};
use super::fetched::Fetched;
use super::plan::{AccountPlan, Counts, Create, Gone, Options, Plan, Target, plan};
use super::settings::{Settings, TeamSync};
use crate::accounts::{
    AccountError, Accounts, BatchChange, BatchCreate, BatchOutcome, BatchStep, Join, Place,
};
use crate::directory::Directory;
use crate::records::{Origin, Source};

/// Accounts that are handed to the service at once: bounds memory, and lets transactions share commits.
const STEPS_AT_ONCE: usize = 20_000;

/// Where a synchronisation says what it does. One line at a time, for the log of a job.
pub type Log<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What a synchronisation came to.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// How much there was to do.
    pub planned: Counts,
    /// How many accounts were written.
    pub done: usize,
    /// Accounts that were not, with the reason; the next run tries them again.
    pub refused: Vec<String>,
    /// The revision of the last write, for whoever waits for it; `None` when nothing was written.
    #[serde(skip)]
    pub revision: Option<Revision>,
}

/// What a synchronisation would do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// How much there is to do.
    pub planned: Counts,
    /// Why it would not be done.
    pub refusals: Vec<Refusal>,
    /// One line for each step and note.
    pub text: String,
}

/// Why a synchronisation did not happen, or not to its end. Nobody was deactivated, unless writing itself failed: what
/// was written then was planned and checked, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The options of some teams are wrong.
    #[error("the synchronisation of some teams is not set up right: {}", problems(.0))]
    Teams(Vec<Problem>),
    /// The directory could not be read whole.
    #[error("{0}; nothing was changed")]
    Fetch(#[from] FetchError),
    /// The plan must not be carried out without an administrator's word.
    #[error("{}; nothing was changed", refusals(.0))]
    Refused(Vec<Refusal>),
    /// Writing failed.
    #[error("the changes could not be written to their end: {0}")]
    Write(#[from] AccountError),
}

fn problems(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn refusals(refusals: &[Refusal]) -> String {
    refusals
        .iter()
        .map(Refusal::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Reads the directory, compares it with what is known here, and writes the difference.
///
/// # Errors
///
/// [`SyncError`].
pub async fn sync(
    settings: &Settings,
    accounts: &Accounts,
    directory: &Directory,
    options: &Options,
    rng: &mut (impl CryptoRng + Send + ?Sized),
    log: Log<'_>,
) -> Result<Outcome, SyncError> {
    let teams = TeamSync::of(directory).map_err(SyncError::Teams)?;
    let fetched = fetch(settings, &teams, accounts.now());
    let (fetched, before) = tokio::join!(fetched, Before::of_meanwhile(directory));
    let fetched = fetched?;
    log_fetched(&fetched, log);
    let plan = before.plan(&fetched, options);
    for note in &plan.notes.texts {
        log(note);
    }
    if plan.notes.more > 0 {
        log(&format!("and {} more of the kind", plan.notes.more));
    }
    let planned = plan.counts();
    log(&format!("planned: {planned}"));
    check(&plan, &fetched, directory, options).map_err(SyncError::Refused)?;
    Ok(apply(&plan, accounts, rng, log).await?)
}

/// What [`sync`] would do now. Nothing is written.
///
/// # Errors
///
/// [`SyncError`], but never [`SyncError::Refused`]: reasons against it are part of the answer.
pub async fn dry_run(
    settings: &Settings,
    directory: &Directory,
    options: &Options,
    now: Timestamp,
) -> Result<DryRun, SyncError> {
    let teams = TeamSync::of(directory).map_err(SyncError::Teams)?;
    let fetched = fetch(settings, &teams, now).await?;
    let plan = plan(&fetched, directory, options);
    Ok(DryRun {
        planned: plan.counts(),
        refusals: check(&plan, &fetched, directory, options)
            .err()
            .unwrap_or_default(),
        text: plan.to_string(),
    })
}

/// Says what was read: each search with what it found, the members of each linked team, the administrators.
pub fn log_fetched(fetched: &Fetched, log: Log<'_>) {
    for (number, search) in fetched.searches().iter().enumerate() {
        log(&format!(
            "search {} below `{}`: {} entries, {} users",
            number + 1,
            search.base,
            search.entries,
            search.users
        ));
    }
    for team in fetched.teams() {
        log(&format!(
            "`{}`: {} members in the directory",
            team.sync.name,
            team.members.len()
        ));
    }
    if let Some(admins) = fetched.admins() {
        log(&format!("{} administrators in the directory", admins.len()));
    }
}

/// Writes what a plan says, in batches that each are durable when they are done. A run that is killed leaves whole
/// batches; the next one plans anew and does the rest.
///
/// # Errors
///
/// [`AccountError::Storage`] when the store fails. Accounts that do not fit any more are in the outcome.
pub async fn apply(
    plan: &Plan<'_>,
    accounts: &Accounts,
    rng: &mut (impl CryptoRng + Send + ?Sized),
    log: Log<'_>,
) -> Result<Outcome, AccountError> {
    let mut outcome = Outcome {
        planned: plan.counts(),
        ..Outcome::default()
    };
    // First those that give up a name, so that others find it free.
    let aside = plan
        .change
        .iter()
        .take_while(|change| change.deactivate == Some(Gone::Replaced))
        .count();
    let (first, rest) = plan.change.split_at(aside);
    for changes in [first, rest] {
        for changes in changes.chunks(STEPS_AT_ONCE) {
            let steps: Vec<BatchStep> = changes
                .iter()
                .map(|change| BatchStep::Change(Box::new(change_step(change, &plan.targets))))
                .collect();
            let batch = accounts.apply_batch(&steps, plan.keeper.as_ref()).await?;
            take(batch, &mut outcome, log, |at| {
                changes.get(at).map(|change| change.account.name.to_string())
            });
        }
    }
    // In the order of the store, new records lie side by side there.
    let mut ids: Vec<AccountId> = plan.create.iter().map(|_| AccountId::random(rng)).collect();
    ids.sort_unstable();
    for (creates, ids) in plan.create.chunks(STEPS_AT_ONCE).zip(ids.chunks(STEPS_AT_ONCE)) {
        let steps: Vec<BatchStep> = creates
            .iter()
            .zip(ids)
            .map(|(create, id)| BatchStep::Create(Box::new(create_step(create, id, &plan.targets))))
            .collect();
        let batch = accounts.apply_batch(&steps, plan.keeper.as_ref()).await?;
        take(batch, &mut outcome, log, |at| {
            creates.get(at).map(|create| create.name.to_string())
        });
    }
    log(&format!("{} accounts written", outcome.done));
    Ok(outcome)
}

fn take(batch: BatchOutcome, outcome: &mut Outcome, log: Log<'_>, name: impl Fn(usize) -> Option<String>) {
    outcome.done += batch.done;
    outcome.revision = outcome.revision.max(batch.revision);
    for (at, error) in batch.refused {
        let line = format!("`{}`: {error}", name(at).unwrap_or_default());
        log(&line);
        outcome.refused.push(line);
    }
}

fn place(at: u32, targets: &[Target]) -> Option<&Target> {
    targets.get(usize::try_from(at).ok()?)
}

fn joins(join: &[u32], targets: &[Target]) -> Vec<Join> {
    join.iter()
        .filter_map(|at| {
            let target = place(*at, targets)?;
            Some(Join {
                place: target.place.clone(),
                is_admin: target.admins,
            })
        })
        .collect()
}

fn create_step(create: &Create<'_>, id: &AccountId, targets: &[Target]) -> BatchCreate {
    BatchCreate {
        id: id.clone(),
        name: create.name.clone(),
        full_name: create.full_name.to_owned(),
        origin: Origin {
            dn: Some(create.dn.to_owned()),
            ..Origin::new(Source::Ldap, create.id)
        },
        is_admin: create.is_admin,
        join: joins(&create.join, targets),
    }
}

fn change_step(change: &AccountPlan<'_>, targets: &[Target]) -> BatchChange {
    let mut join = joins(&change.join, targets);
    let mut leave: Vec<Place> = Vec::new();
    for target in change.leave.iter().filter_map(|at| place(*at, targets)) {
        if target.admins {
            // No longer an administrator of the organization, but still a member.
            join.push(Join {
                place: target.place.clone(),
                is_admin: false,
            });
        } else {
            leave.push(target.place.clone());
        }
    }
    let gone = change.deactivate.is_some();
    let origin = change
        .account
        .origin()
        .filter(|_| change.dn.is_some() || gone || change.reactivate)
        .map(|origin| Origin {
            dn: change
                .dn
                .map_or_else(|| origin.dn.clone(), |dn| Some(dn.to_owned())),
            gone: gone || (origin.gone && !change.reactivate),
            ..origin.clone()
        });
    BatchChange {
        name: change.rename.clone(),
        full_name: change.full_name.map(str::to_owned),
        origin,
        is_active: if gone {
            Some(false)
        } else {
            change.reactivate.then_some(true)
        },
        is_admin: change.admin,
        join,
        leave,
        ..BatchChange::of(change.account.id.clone())
    }
}
