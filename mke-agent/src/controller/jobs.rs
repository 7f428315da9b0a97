//! Runs jobs on this manager: makes those that are due, takes those that wait, one after the other. A controller that is alone
//! does it itself, in a cluster the authentication worker does (`workplace`).
//!
//! What an action does is in a file of its own; that only one manager does it at a time is the matter of
//! [`mke_auth::jobs`].

use std::sync::Arc;
use std::time::Duration;

use mke_auth::identity::Identity;
use mke_auth::jobs::{JobError, LDAP_SYNC, Requester};
use mke_core::config::{Config, Cron};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::directory_sync;
use super::rng;
use super::workplace::Workplace;

/// How often schedules are looked at, and jobs that other managers made.
const PACE: Duration = Duration::from_secs(1);

/// Whoever asks, as jobs remember it.
pub(super) fn requester(identity: &Identity) -> Requester {
    Requester {
        name: identity.name().to_string(),
        account: Some(identity.account().clone()),
    }
}

/// Runs jobs for as long as it is polled.
pub(super) async fn run(place: Arc<Workplace>) {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Nothing to do at this revision: until the store changes there is nothing to look for.
    let mut idle_at = None;
    // The configuration for which nothing is scheduled, which has been written down.
    let mut unscheduled = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = place.job_made.notified() => idle_at = None,
        }
        if let Err(error) = make_due(&place, &mut unscheduled).await {
            tracing::warn!(%error, "schedules could not be looked at");
        }
        let now_at = *place.revision.borrow();
        if idle_at == Some(now_at) {
            continue;
        }
        // A task of its own, so that a fault in a job does not end the runner; and it ends with the runner.
        let job = AbortOnDropHandle::new(tokio::spawn(run_one(place.clone())));
        match job.await {
            Ok(Ok(did_something)) => idle_at = (!did_something).then_some(now_at),
            Ok(Err(error)) => tracing::warn!(%error, "a job could not be run"),
            Err(error) => tracing::error!(%error, "a job ended unexpectedly"),
        }
    }
}

/// Makes the synchronisation that the schedule asks for (LDAP-013). The schedule is read each time, so a change of it acts
/// at once.
async fn make_due(place: &Workplace, unscheduled: &mut Option<Arc<Config>>) -> Result<(), JobError> {
    let config = &place.snapshot().config;
    let text = config.auth.ldap.sync_schedule.trim();
    let text = if text.is_empty() { "@hourly" } else { text };
    match Cron::from_text(text).filter(|_| config.auth.backend == "ldap") {
        Some(schedule) => {
            *unscheduled = None;
            place.jobs.create_if_due(LDAP_SYNC, &schedule, &mut rng()).await?;
        }
        None if unscheduled
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, config)) => {}
        None => {
            place.jobs.unschedule(LDAP_SYNC).await?;
            *unscheduled = Some(config.clone());
        }
    }
    Ok(())
}

/// Whether there was a job to run.
async fn run_one(place: Arc<Workplace>) -> Result<bool, JobError> {
    let work = |job, log| directory_sync::run(place.clone(), job, log);
    let ended = place.jobs.run_next(LDAP_SYNC, &place.worker, work).await?;
    if let Some(job) = &ended {
        tracing::info!(id = %job.id, action = job.action, state = %job.state, error = job.error, "a job ended");
    }
    Ok(ended.is_some())
}
