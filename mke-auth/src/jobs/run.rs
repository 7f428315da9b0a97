//! Runs one job: takes the lock of its action, reports what a killed manager left, supervises the work, writes its log,
//! and gives the lock back.
//!
//! A manager that loses its lease has stopped to be the one that runs the job, so its work is dropped at the next await,
//! as if it had been killed. Work must therefore be done in steps that hold when the next one does not come.

use std::time::Duration;

use mke_core::ids::JobId;
use mke_core::store::{Compare, LeaseId, StoreError, Txn, layout};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::record::LogPart;
use super::{Job, JobError, JobLog, JobState, Jobs, stopped_by};
use crate::storage::{self, Found, StorageError};

/// How long a lock outlives its manager.
pub const LEASE_TIME: Duration = Duration::from_secs(15);
/// How often the log is written and the question asked whether to stop.
const TICK: Duration = Duration::from_millis(500);
/// How often the lease is renewed.
const RENEWAL: Duration = Duration::from_secs(4);
/// Lines in one record of a log: 1,000 characters each of at most 4 bytes stay below the size of a transaction.
const LINES_PER_PART: usize = 200;

/// How the work on a job went.
enum Ended {
    Work(Result<(), String>),
    Canceled(String),
    Lost(String),
}

impl Jobs {
    /// Does the oldest job of an action that waits, unless another job of it runs on any manager. `worker` is the name
    /// of this manager. Returns the job when it is over; `None` when there was nothing to do.
    ///
    /// `work` gets the job and its log. Its error becomes that of the job. It is dropped when somebody stops the job or
    /// the lease is lost.
    ///
    /// # Errors
    ///
    /// [`JobError::Storage`]: the job then stays as it is, and whoever takes the lock next reports it as failed.
    pub async fn run_next<F>(
        &self,
        action: &str,
        worker: &str,
        work: impl FnOnce(Job, JobLog) -> F,
    ) -> Result<Option<Job>, JobError>
    where
        F: Future<Output = Result<(), String>>,
    {
        let to_do = |found: &Found<Job>| matches!(found.record.state, JobState::Waiting | JobState::Running);
        if !self.of(action).await?.iter().any(to_do) {
            return Ok(None);
        }
        let Some(lease) = self.lock(action).await? else {
            return Ok(None);
        };
        let outcome = self.run_locked(action, worker, lease, work).await;
        // The lease would end by itself; this only saves the next one from waiting.
        if let Err(error) = self.store.revoke_lease(lease).await {
            tracing::debug!(action, %error, "the lease of a job could not be given back");
        }
        outcome
    }

    /// Takes the lock of an action, unless somebody has it.
    async fn lock(&self, action: &str) -> Result<Option<LeaseId>, StorageError> {
        let key = layout::job_lock(action);
        if storage::read_entry(&*self.store, key.clone()).await?.is_some() {
            return Ok(None);
        }
        let lease = self.store.grant_lease(LEASE_TIME).await?;
        let txn = Txn::new()
            .when(Compare::Absent(key.clone()))
            .put_leased(key, lease.0.to_string(), lease);
        if storage::commit(&*self.store, txn).await?.is_some() {
            return Ok(Some(lease));
        }
        self.store.revoke_lease(lease).await.map_err(StorageError::from)?;
        Ok(None)
    }

    async fn run_locked<F>(
        &self,
        action: &str,
        worker: &str,
        lease: LeaseId,
        work: impl FnOnce(Job, JobLog) -> F,
    ) -> Result<Option<Job>, JobError>
    where
        F: Future<Output = Result<(), String>>,
    {
        // Nothing is written unless the lock is still this one.
        let held = || held(action, lease);
        let jobs = self.of(action).await?;
        for left in jobs
            .iter()
            .filter(|found| found.record.state == JobState::Running)
        {
            let over = self.over(&left.record, JobState::Failed, Some(abandoned(&left.record)));
            self.write(Txn::new().when(held()), &over).await?;
        }
        let Some(waiting) = jobs
            .into_iter()
            .find(|found| found.record.state == JobState::Waiting)
        else {
            return Ok(None);
        };
        let job = Job {
            state: JobState::Running,
            begun: Some(self.clock.now()),
            worker: Some(worker.to_owned()),
            ..waiting.record
        };
        // Somebody may stop it at this very moment.
        let same = Compare::Modified(layout::job(&job.id), waiting.modified);
        if !self.write(Txn::new().when(held()).when(same), &job).await? {
            return Ok(None);
        }
        let log = JobLog::new(self.clock.clone());
        let mut parts = 0;
        let ended = {
            let work = work(job.clone(), log.clone());
            tokio::pin!(work);
            self.supervise(&job, lease, &log, &mut parts, work).await
        };
        let (state, error) = match ended {
            Ended::Work(Ok(())) => (JobState::Done, None),
            Ended::Work(Err(error)) => (JobState::Failed, Some(error)),
            Ended::Canceled(by) => (JobState::Canceled, Some(stopped_by(&by))),
            Ended::Lost(why) => {
                tracing::warn!(job = %job.id, why, "a job was given up, because another manager may run it now");
                (JobState::Failed, Some(why))
            }
        };
        if let Some(error) = &error {
            log.error(error.clone());
        }
        log.close();
        while self.save(&job.id, &log, &mut parts, held()).await? {}
        let over = Job {
            counts: log.counts(),
            ..self.over(&job, state, error)
        };
        let txn = Txn::new().when(held()).delete(layout::job_cancel(&job.id));
        self.write(txn, &over).await?;
        self.prune(action).await?;
        Ok(Some(over))
    }

    /// Waits for the work, renews the lease, writes the log, and looks whether somebody stops the job.
    async fn supervise(
        &self,
        job: &Job,
        lease: LeaseId,
        log: &JobLog,
        parts: &mut u64,
        mut work: impl Future<Output = Result<(), String>> + Unpin,
    ) -> Ended {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                ended = &mut work => return Ended::Work(ended),
                _ = ticks.tick() => {}
            }
            let now = Instant::now();
            if now.duration_since(renewed) >= RENEWAL {
                match self.store.keep_alive(lease).await {
                    Ok(()) => renewed = now,
                    // Until it ends the lease protects, so a store that stumbles gets another chance.
                    Err(error) if now.duration_since(renewed) >= LEASE_TIME - RENEWAL => {
                        return Ended::Lost(format!("the lease could not be renewed: {error}"));
                    }
                    Err(StoreError::NoSuchLease(_)) => {
                        return Ended::Lost("the lease has ended".to_owned());
                    }
                    Err(error) => tracing::warn!(job = %job.id, %error, "the lease of a job was not renewed"),
                }
            }
            match self.look(job, log, parts, held(&job.action, lease)).await {
                Ok(None) => {}
                Ok(Some(by)) => return Ended::Canceled(by),
                Err(StorageError::Contended) => {
                    return Ended::Lost("another manager has the lock".to_owned());
                }
                Err(error) => tracing::warn!(job = %job.id, %error, "the log of a job was not written"),
            }
        }
    }

    /// Saves what was logged and counted, and says who wants the job to stop, if anybody does.
    async fn look(
        &self,
        job: &Job,
        log: &JobLog,
        parts: &mut u64,
        lock: Compare,
    ) -> Result<Option<String>, StorageError> {
        if self.save(&job.id, log, parts, lock.clone()).await? {
            let so_far = Job {
                counts: log.counts(),
                ..job.clone()
            };
            self.write(Txn::new().when(lock), &so_far).await?;
        }
        let asked = storage::read_entry(&*self.store, layout::job_cancel(&job.id)).await?;
        Ok(asked.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()))
    }

    /// Writes one part of the log. Whether there was any; [`StorageError::Contended`] when the lock is lost.
    async fn save(
        &self,
        id: &JobId,
        log: &JobLog,
        parts: &mut u64,
        lock: Compare,
    ) -> Result<bool, StorageError> {
        let lines = log.take(LINES_PER_PART);
        if lines.is_empty() {
            return Ok(false);
        }
        // Numbers of one length keep the order of keys that of the lines.
        let key = layout::job_log(id, &format!("{parts:08}"));
        *parts += 1;
        let txn = Txn::new()
            .when(lock)
            .put(key, storage::encode(&LogPart { lines })?);
        match storage::commit(&*self.store, txn).await? {
            Some(_) => Ok(true),
            None => Err(StorageError::Contended),
        }
    }

    async fn write(&self, txn: Txn, job: &Job) -> Result<bool, StorageError> {
        let txn = txn.put(layout::job(&job.id), storage::encode(job)?);
        Ok(storage::commit(&*self.store, txn).await?.is_some())
    }

    fn over(&self, job: &Job, state: JobState, error: Option<String>) -> Job {
        Job {
            state,
            ended: Some(self.clock.now()),
            error,
            ..job.clone()
        }
    }
}

/// The condition that the lock of an action is still held under this lease.
fn held(action: &str, lease: LeaseId) -> Compare {
    Compare::Value(layout::job_lock(action), lease.0.to_string().into_bytes())
}

fn abandoned(job: &Job) -> String {
    let worker = job.worker.as_deref().unwrap_or("unknown");
    format!("manager `{worker}` stopped while it ran the job; what was done until then stays")
}
