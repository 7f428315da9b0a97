//! Runs jobs on this manager: makes those that are due, takes those that wait, one after the other.
//!
//! What an action does is in a file of its own; that only one manager does it at a time is the matter of
//! [`mke_auth::jobs`].

use std::sync::Arc;
use std::time::Duration;

use mke_auth::identity::Identity;
use mke_auth::jobs::{JobError, LDAP_SYNC, Requester};
use mke_core::config::Cron;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::directory_sync;
use super::rng;
use super::state::State;

/// How often schedules are looked at, and jobs that other managers made.
const PACE: Duration = Duration::from_secs(1);

/// Whoever asks, as jobs remember it.
pub(super) fn requester(identity: &Identity) -> Requester {
    Requester {
        name: identity.name().to_string(),
        account: Some(identity.account().clone()),
    }
}

/// Runs jobs for as long as the controller does.
pub(super) async fn run(state: Arc<State>) {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Nothing to do at this revision: until the store changes there is nothing to look for.
    let mut idle_at = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = state.job_made.notified() => idle_at = None,
        }
        if let Err(error) = make_due(&state).await {
            tracing::warn!(%error, "schedules could not be looked at");
        }
        let now_at = *state.revision.borrow();
        if idle_at == Some(now_at) {
            continue;
        }
        // A task of its own, so that a fault in a job does not end the runner; and it ends with the runner.
        let job = AbortOnDropHandle::new(tokio::spawn(run_one(state.clone())));
        match job.await {
            Ok(Ok(did_something)) => idle_at = (!did_something).then_some(now_at),
            Ok(Err(error)) => tracing::warn!(%error, "a job could not be run"),
            Err(error) => tracing::error!(%error, "a job ended unexpectedly"),
        }
    }
}

/// Makes the synchronisation that the schedule asks for (LDAP-013). The schedule is read each time, so a change of it acts
/// at once.
async fn make_due(state: &State) -> Result<(), JobError> {
    let config = &state.snapshot().config;
    let text = config.auth.ldap.sync_schedule.trim();
    let text = if text.is_empty() { "@hourly" } else { text };
    match Cron::from_text(text).filter(|_| config.auth.backend == "ldap") {
        Some(schedule) => {
            state.jobs.create_if_due(LDAP_SYNC, &schedule, &mut rng()).await?;
        }
        None => state.jobs.unschedule(LDAP_SYNC).await?,
    }
    Ok(())
}

/// Whether there was a job to run.
async fn run_one(state: Arc<State>) -> Result<bool, JobError> {
    let worker = state.server_identity.name().to_owned();
    let work = |job, log| directory_sync::run(state.clone(), job, log);
    let ended = state.jobs.run_next(LDAP_SYNC, &worker, work).await?;
    if let Some(job) = &ended {
        tracing::info!(id = %job.id, action = job.action, state = %job.state, error = job.error, "a job ended");
    }
    Ok(ended.is_some())
}
