//! Jobs: what takes a while, such as a synchronisation with a directory, and is done by one manager for all.
//!
//! A job waits in the store until a manager takes it ([`Jobs::run_next`]). Of one action only one job runs at a time
//! over all managers: the lock lives under a lease of the store, so a manager that is killed loses it, and whoever takes
//! the lock next reports its job as failed. Jobs say how far they are, count what they did and write a log; all of it
//! is bounded. What an action does is the business of its module.

mod log;
mod record;
mod run;

pub use log::{JobLog, MAX_LAST_LINES, MAX_LINE_CHARS, MAX_LINES};
pub use record::{Job, JobState, Level, LogLine, Requester};
pub use run::LEASE_TIME;

use std::sync::Arc;

use mke_core::config::Cron;
use mke_core::ids::JobId;
use mke_core::store::{Compare, KeyRange, Store, Txn, layout};
use mke_core::time::Clock;
use rand_core::CryptoRng;

use self::record::{LogPart, Looked};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// The action that reads the LDAP directory anew.
pub const LDAP_SYNC: &str = "ldap-sync";

/// Jobs of one action that are kept; older ones go with their logs when one ends. Judgement: four days of hourly runs.
pub const KEPT: usize = 100;

/// Why something about jobs could not be done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is no such job, or no more.
    #[error("no such job: {id}")]
    NoSuchJob {
        /// The id that was asked for.
        id: JobId,
    },
    /// The job is over.
    #[error("job {id} is {state} and cannot be stopped any more")]
    Over {
        /// Its id.
        id: JobId,
        /// How it ended.
        state: JobState,
    },
    /// The store refused or failed.
    #[error("jobs could not be read or written")]
    Storage(#[from] StorageError),
}

/// A job to make.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// What is to be done.
    pub action: &'a str,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// Whether to do what would otherwise be refused, such as to deactivate many accounts.
    pub accepted: bool,
    /// Who wants it.
    pub by: Requester,
}

/// The jobs of all managers.
#[derive(Clone)]
pub struct Jobs {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}

impl Jobs {
    /// Jobs kept in this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Makes a job that waits. When one of the same kind waits already, that one is returned: it will see everything
    /// that this one would.
    ///
    /// # Errors
    ///
    /// [`JobError::Storage`].
    pub async fn create(
        &self,
        new: &NewJob<'_>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Job, JobError> {
        let same = |job: &Job| (job.dry_run, job.accepted) == (new.dry_run, new.accepted);
        let waits = |job: &Job| job.state == JobState::Waiting && same(job);
        if let Some(found) = self
            .of(new.action)
            .await?
            .into_iter()
            .find(|found| waits(&found.record))
        {
            return Ok(found.record);
        }
        let job = self.fresh(new, rng);
        let key = layout::job(&job.id);
        storage::commit(&*self.store, Txn::new().put(key, storage::encode(&job)?)).await?;
        Ok(job)
    }

    /// Makes a job when its schedule has come due since it was last looked at. Of all managers that look, one makes
    /// it. The first look only remembers the time, so nothing runs before the schedule says so once.
    ///
    /// # Errors
    ///
    /// [`JobError::Storage`].
    pub async fn create_if_due(
        &self,
        action: &str,
        schedule: &Cron,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Option<Job>, JobError> {
        let key = layout::job_schedule(action);
        let now = self.clock.now();
        let looked: Option<Found<Looked>> = storage::read(&*self.store, key.clone()).await?;
        let txn = match &looked {
            None => Txn::new().when(Compare::Absent(key.clone())),
            Some(found) => Txn::new().when(Compare::Modified(key.clone(), found.modified)),
        };
        let txn = txn.put(key, storage::encode(&Looked { at: now })?);
        match looked {
            None => {
                storage::commit(&*self.store, txn).await?;
                Ok(None)
            }
            Some(found) if schedule.next_after(found.record.at).is_none_or(|next| next > now) => Ok(None),
            Some(_) => {
                let new = NewJob {
                    action,
                    dry_run: false,
                    accepted: false,
                    by: Requester::schedule(),
                };
                let job = self.fresh(&new, rng);
                let txn = txn.put(layout::job(&job.id), storage::encode(&job)?);
                Ok(storage::commit(&*self.store, txn).await?.map(|_| job))
            }
        }
    }

    /// Forgets when a schedule was last looked at: its action is switched off, and what it misses is not to be done
    /// when it is switched on again.
    ///
    /// # Errors
    ///
    /// [`JobError::Storage`].
    pub async fn unschedule(&self, action: &str) -> Result<(), JobError> {
        let key = layout::job_schedule(action);
        if storage::read_entry(&*self.store, key.clone()).await?.is_some() {
            storage::commit(&*self.store, Txn::new().delete(key)).await?;
        }
        Ok(())
    }

    /// Jobs, newest first: of one action or of all.
    ///
    /// # Errors
    ///
    /// [`JobError::Storage`].
    pub async fn list(&self, action: Option<&str>) -> Result<Vec<Job>, JobError> {
        let mut jobs: Vec<Job> = self
            .all()
            .await?
            .into_iter()
            .map(|found| found.record)
            .filter(|job| action.is_none_or(|action| job.action == action))
            .collect();
        jobs.reverse();
        Ok(jobs)
    }

    /// One job.
    ///
    /// # Errors
    ///
    /// [`JobError::NoSuchJob`], [`JobError::Storage`].
    pub async fn get(&self, id: &JobId) -> Result<Job, JobError> {
        Ok(self.found(id).await?.record)
    }

    /// What a job has written down so far, oldest first. A running one may know a second's worth more.
    ///
    /// # Errors
    ///
    /// [`JobError::NoSuchJob`], [`JobError::Storage`].
    pub async fn logs(&self, id: &JobId) -> Result<Vec<LogLine>, JobError> {
        self.found(id).await?;
        let mut lines = Vec::new();
        let parts = layout::below(layout::JOB_LOGS, [id.as_str()]);
        for entry in storage::scan(&*self.store, &parts).await? {
            lines.extend(storage::decode::<LogPart>(entry)?.record.lines);
        }
        Ok(lines)
    }

    /// Stops a job: one that waits at once, one that runs as soon as its manager sees it. What a running one has done
    /// until then stays.
    ///
    /// # Errors
    ///
    /// [`JobError::NoSuchJob`], [`JobError::Over`], [`JobError::Storage`].
    pub async fn cancel(&self, id: &JobId, by: &Requester) -> Result<Job, JobError> {
        for _ in 0..ATTEMPTS {
            let Found {
                record: job,
                modified,
            } = self.found(id).await?;
            let key = layout::job(id);
            let txn = Txn::new().when(Compare::Modified(key.clone(), modified));
            let (txn, after) = match job.state {
                JobState::Waiting => {
                    let over = Job {
                        state: JobState::Canceled,
                        ended: Some(self.clock.now()),
                        error: Some(stopped_by(&by.name)),
                        ..job
                    };
                    (txn.put(key, storage::encode(&over)?), over)
                }
                JobState::Running => (txn.put(layout::job_cancel(id), by.name.as_str()), job),
                state => {
                    return Err(JobError::Over {
                        id: id.clone(),
                        state,
                    });
                }
            };
            if storage::commit(&*self.store, txn).await?.is_some() {
                return Ok(after);
            }
        }
        Err(StorageError::Contended.into())
    }

    fn fresh(&self, new: &NewJob<'_>, rng: &mut (impl CryptoRng + ?Sized)) -> Job {
        Job {
            id: JobId::random(rng),
            action: new.action.to_owned(),
            dry_run: new.dry_run,
            accepted: new.accepted,
            state: JobState::Waiting,
            by: new.by.clone(),
            created: self.clock.now(),
            begun: None,
            ended: None,
            worker: None,
            counts: Default::default(),
            error: None,
        }
    }

    async fn found(&self, id: &JobId) -> Result<Found<Job>, JobError> {
        storage::read(&*self.store, layout::job(id))
            .await?
            .ok_or_else(|| JobError::NoSuchJob { id: id.clone() })
    }

    /// All jobs that can be read, oldest first.
    async fn all(&self) -> Result<Vec<Found<Job>>, StorageError> {
        let mut jobs: Vec<(_, Found<Job>)> = Vec::new();
        for entry in storage::scan(&*self.store, layout::JOBS).await? {
            let made = entry.created;
            // A newer manager's job is its own business.
            if let Ok(found) = storage::decode::<Job>(entry) {
                jobs.push((made, found));
            }
        }
        jobs.sort_by_key(|(made, _)| *made);
        Ok(jobs.into_iter().map(|(_, found)| found).collect())
    }

    async fn of(&self, action: &str) -> Result<Vec<Found<Job>>, StorageError> {
        let mut jobs = self.all().await?;
        jobs.retain(|found| found.record.action == action);
        Ok(jobs)
    }

    /// Deletes the oldest jobs that are over, beyond [`KEPT`] of an action.
    async fn prune(&self, action: &str) -> Result<(), StorageError> {
        let over: Vec<JobId> = self
            .of(action)
            .await?
            .into_iter()
            .filter(|found| found.record.state.is_over())
            .map(|found| found.record.id)
            .collect();
        let surplus = over.len().saturating_sub(KEPT);
        for id in over.iter().take(surplus) {
            let logs = KeyRange::prefix(layout::below(layout::JOB_LOGS, [id.as_str()]));
            let txn = Txn::new()
                .delete(layout::job(id))
                .delete(layout::job_cancel(id))
                .delete_range(logs);
            storage::commit(&*self.store, txn).await?;
        }
        Ok(())
    }
}

fn stopped_by(name: &str) -> String {
    format!("stopped by `{name}`")
}
