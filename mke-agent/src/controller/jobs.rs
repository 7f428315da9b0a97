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
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::directory_sync;
use super::rng;
use super::workplace::Workplace;
use crate::steps;

/// Rest before a change of the store is looked at, so that changes that come close together are one reason, and before what
/// failed is tried again.
const PACE: Duration = Duration::from_secs(1);

/// Whoever asks, as jobs remember it.
pub(super) fn requester(identity: &Identity) -> Requester {
    Requester {
        name: identity.name().to_string(),
        account: Some(identity.account().clone()),
    }
}

/// Runs jobs for as long as it is polled. Without a schedule it wakes up only when something was written.
pub(super) async fn run(place: Arc<Workplace>) {
    let mut revision = place.revision.clone();
    let mut next = Next::AtOnce;
    // Nothing to do at this revision: until the store changes there is nothing to look for.
    let mut idle_at = None;
    // The configuration for which nothing is scheduled, which has been written down.
    let mut unscheduled = None;
    loop {
        let changed = async {
            match revision.changed().await {
                Ok(()) => sleep(PACE).await,
                // Nobody follows the store any more; this ends with the one who did.
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = next.comes() => {}
            () = changed => {}
            () = place.job_made.notified() => idle_at = None,
        }
        next = match make_due(&place, &mut unscheduled).await {
            Ok(true) => Next::Step,
            Ok(false) => Next::Change,
            Err(error) => {
                tracing::warn!(%error, "schedules could not be looked at");
                Next::Soon
            }
        };
        let now_at = *place.revision.borrow();
        if idle_at == Some(now_at) {
            continue;
        }
        // A task of its own, so that a fault in a job does not end the runner; and it ends with the runner.
        let job = AbortOnDropHandle::new(tokio::spawn(run_one(place.clone())));
        match job.await {
            Ok(Ok(did_something)) => idle_at = (!did_something).then_some(now_at),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a job could not be run");
                next = Next::Soon;
            }
            Err(error) => {
                tracing::error!(%error, "a job ended unexpectedly");
                next = Next::Soon;
            }
        }
    }
}

/// When to look again although nothing was written.
enum Next {
    AtOnce,
    /// Something failed.
    Soon,
    /// There is a schedule.
    Step,
    Change,
}

impl Next {
    async fn comes(&self) {
        match self {
            Self::AtOnce => {}
            Self::Soon => sleep(PACE).await,
            Self::Step => steps::pass(1).await,
            Self::Change => std::future::pending().await,
        }
    }
}

/// Makes the synchronisation that the schedule asks for (LDAP-013). The schedule is read each time, so a change of it acts
/// at once. Says whether there is one.
async fn make_due(place: &Workplace, unscheduled: &mut Option<Arc<Config>>) -> Result<bool, JobError> {
    let config = &place.snapshot().config;
    let text = config.auth.ldap.sync_schedule.trim();
    let text = if text.is_empty() { "@hourly" } else { text };
    match Cron::from_text(text).filter(|_| config.auth.backend == "ldap") {
        Some(schedule) => {
            *unscheduled = None;
            place.jobs.create_if_due(LDAP_SYNC, &schedule, &mut rng()).await?;
            Ok(true)
        }
        None if unscheduled
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, config)) =>
        {
            Ok(false)
        }
        None => {
            place.jobs.unschedule(LDAP_SYNC).await?;
            *unscheduled = Some(config.clone());
            Ok(false)
        }
    }
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
