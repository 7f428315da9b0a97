//! Jobs: one at a time over all managers, with logs, and reported when their manager is gone.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mke_auth::jobs::{
    Job, JobError, JobState, Jobs, KEPT, LDAP_SYNC, MAX_LAST_LINES, MAX_LINES, NewJob, Requester,
};
use mke_core::config::Cron;
use mke_core::store::sqlite::SqliteStore;
use mke_core::store::{KeyRange, Store, Txn, layout};
use mke_core::time::{Clock, ManualClock, Timestamp};
use support::rng;
use tokio::sync::oneshot;

struct Managers {
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    jobs: Jobs,
}

impl Managers {
    fn new() -> Self {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let clock = Arc::new(ManualClock::at("2026-11-21T18:07:00Z".parse().unwrap()));
        let jobs = Jobs::new(store.clone(), clock.clone());
        Self { store, clock, jobs }
    }

    async fn create(&self) -> Job {
        self.create_as(false).await
    }

    async fn create_as(&self, dry_run: bool) -> Job {
        let new = NewJob {
            action: LDAP_SYNC,
            dry_run,
            accepted: false,
            by: jane(),
        };
        self.jobs.create(&new, &mut rng()).await.unwrap()
    }

    async fn run(&self) -> Option<Job> {
        let work = |_, _| async { Ok(()) };
        self.jobs.run_next(LDAP_SYNC, "manager-1", work).await.unwrap()
    }
}

fn jane() -> Requester {
    Requester {
        name: "jane".to_owned(),
        account: Some("u1".into()),
    }
}

/// LDAP-015: a job that somebody asks for waits, runs, and says what it did.
#[tokio::test]
async fn a_job_from_beginning_to_end() {
    let managers = Managers::new();
    assert!(managers.run().await.is_none(), "nothing to do");
    let made = managers.create().await;
    assert_eq!((made.state, made.by.name.as_str()), (JobState::Waiting, "jane"));
    assert_eq!(managers.create().await.id, made.id, "one that waits is enough");
    assert_ne!(
        managers.create_as(true).await.id,
        made.id,
        "a dry run is another matter"
    );
    let ended = managers
        .jobs
        .run_next(LDAP_SYNC, "manager-1", async |job: Job, log| {
            assert_eq!(job.state, JobState::Running);
            managers.clock.advance(Duration::from_secs(5));
            log.info("read 3 people");
            log.warn("left one out\nwith a line break");
            log.count("created", 2);
            log.count("created", 1);
            Ok(())
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(managers.jobs.get(&made.id).await.unwrap(), ended);
    assert_eq!(ended.state, JobState::Done);
    assert_eq!(ended.counts["created"], 3);
    assert_eq!(ended.worker.as_deref(), Some("manager-1"));
    assert_eq!(
        ended.ended.unwrap().since(ended.begun.unwrap()),
        Duration::from_secs(5)
    );
    let lines: Vec<String> = managers
        .jobs
        .logs(&made.id)
        .await
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "2026-11-21T18:07:05.000Z info read 3 people",
            "2026-11-21T18:07:05.000Z warn left one out with a line break"
        ]
    );
    assert_eq!(managers.jobs.list(Some("other")).await.unwrap(), []);
    assert_eq!(managers.jobs.list(None).await.unwrap().len(), 2);
    assert!(managers.run().await.unwrap().dry_run);
}

/// A job that fails says why, and the next one is not kept from running.
#[tokio::test]
async fn a_job_that_fails() {
    let managers = Managers::new();
    let made = managers.create().await;
    let failed = managers
        .jobs
        .run_next(LDAP_SYNC, "manager-1", async |_, _| {
            Err("the directory is gone".to_owned())
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(failed.state, JobState::Failed);
    assert_eq!(failed.error.as_deref(), Some("the directory is gone"));
    let logs = managers.jobs.logs(&made.id).await.unwrap();
    assert!(logs.iter().any(|line| line.text == "the directory is gone"));
    managers.create().await;
    assert_eq!(managers.run().await.unwrap().state, JobState::Done);
}

/// Of many managers that see a job, one runs it, and no two jobs of an action run at once.
#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time() {
    let managers = Arc::new(Managers::new());
    let (now, most, ran) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let counters = Arc::new((now, most, ran));
    for _ in 0..3 {
        managers.create().await;
        let tries: Vec<_> = (0..8)
            .map(|i| {
                let (managers, counters) = (managers.clone(), counters.clone());
                tokio::spawn(async move {
                    let (now, most, ran) = &*counters;
                    let work = async |_, _| {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        ran.fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        now.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    };
                    managers
                        .jobs
                        .run_next(LDAP_SYNC, &format!("manager-{i}"), work)
                        .await
                })
            })
            .collect();
        for run in tries {
            run.await.unwrap().unwrap();
        }
        // Who found the lock taken has left the job to its holder.
        while managers.run().await.is_some() {}
    }
    assert_eq!(counters.1.load(Ordering::SeqCst), 1, "two jobs ran at once");
    assert!(
        managers
            .jobs
            .list(None)
            .await
            .unwrap()
            .iter()
            .all(|job| job.state == JobState::Done)
    );
}

/// A job whose manager was killed is reported as failed by whoever takes the lock next, and what it logged stays.
#[tokio::test]
async fn a_killed_manager() {
    let managers = Managers::new();
    let made = managers.create().await;
    let (started, begun) = oneshot::channel();
    let jobs = managers.jobs.clone();
    let killed = tokio::spawn(async move {
        let work = async |_, _| {
            started.send(()).unwrap();
            std::future::pending::<Result<(), String>>().await
        };
        jobs.run_next(LDAP_SYNC, "manager-1", work).await
    });
    begun.await.unwrap();
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    assert_eq!(
        managers.jobs.get(&made.id).await.unwrap().state,
        JobState::Running
    );
    assert!(
        managers.run().await.is_none(),
        "the lock lives as long as its lease"
    );
    // What the end of the lease does.
    managers
        .store
        .txn(Txn::new().delete(layout::job_lock(LDAP_SYNC)))
        .await
        .unwrap();
    let next = managers.create().await;
    assert_ne!(next.id, made.id);
    assert_eq!(managers.run().await.unwrap().id, next.id);
    let reported = managers.jobs.get(&made.id).await.unwrap();
    assert_eq!(reported.state, JobState::Failed);
    assert!(reported.error.unwrap().contains("`manager-1` stopped"));
}

/// A manager that loses the lock stops working and writes nothing any more.
#[tokio::test]
async fn a_lost_lock() {
    let managers = Managers::new();
    let made = managers.create().await;
    let (started, begun) = oneshot::channel();
    let (stolen, was_stolen) = oneshot::channel();
    let jobs = managers.jobs.clone();
    let slow = tokio::spawn(async move {
        let work = async |_, log: mke_auth::jobs::JobLog| {
            started.send(()).unwrap();
            was_stolen.await.unwrap();
            log.info("still here");
            std::future::pending::<Result<(), String>>().await
        };
        jobs.run_next(LDAP_SYNC, "manager-1", work).await
    });
    begun.await.unwrap();
    let theft = Txn::new().put(layout::job_lock(LDAP_SYNC), "another lease");
    managers.store.txn(theft).await.unwrap();
    stolen.send(()).unwrap();
    assert!(
        slow.await.unwrap().is_err(),
        "it must not report as if the job were its own"
    );
    assert_eq!(
        managers.jobs.get(&made.id).await.unwrap().state,
        JobState::Running
    );
}

/// Somebody stops a job: one that waits at once, one that runs soon; one that is over stays what it is.
#[tokio::test]
async fn stopping_jobs() {
    let managers = Managers::new();
    let waiting = managers.create().await;
    let stopped = managers.jobs.cancel(&waiting.id, &jane()).await.unwrap();
    assert_eq!(stopped.state, JobState::Canceled);
    assert!(managers.run().await.is_none());

    let running = managers.create().await;
    let jobs = managers.jobs.clone();
    let (started, begun) = oneshot::channel();
    let run = tokio::spawn(async move {
        let work = async |_, _| {
            started.send(()).unwrap();
            std::future::pending::<Result<(), String>>().await
        };
        jobs.run_next(LDAP_SYNC, "manager-1", work).await
    });
    begun.await.unwrap();
    managers.jobs.cancel(&running.id, &jane()).await.unwrap();
    let stopped = run.await.unwrap().unwrap().unwrap();
    assert_eq!(stopped.state, JobState::Canceled);
    assert_eq!(stopped.error.as_deref(), Some("stopped by `jane`"));
    assert!(matches!(
        managers.jobs.cancel(&running.id, &jane()).await,
        Err(JobError::Over {
            state: JobState::Canceled,
            ..
        })
    ));
    assert!(matches!(
        managers.jobs.cancel(&"nothing".into(), &jane()).await,
        Err(JobError::NoSuchJob { .. })
    ));
}

/// Logs and the list of jobs are bounded; of a long log the beginning and the end are kept, and the rest is counted.
#[tokio::test]
async fn jobs_and_logs_are_bounded() {
    let managers = Managers::new();
    managers.create().await;
    let job = managers
        .jobs
        .run_next(LDAP_SYNC, "manager-1", async |_, log| {
            for i in 0..MAX_LINES + 500 {
                log.info(format!("line {i} {}", "é".repeat(if i == 0 { 5000 } else { 0 })));
            }
            Err("after all of this".to_owned())
        })
        .await
        .unwrap()
        .unwrap();
    let logs = managers.jobs.logs(&job.id).await.unwrap();
    assert_eq!(logs.len(), MAX_LINES + 1 + MAX_LAST_LINES);
    assert_eq!(logs[0].text.chars().count(), 1000);
    assert_eq!(logs[1].text.trim(), "line 1");
    assert!(logs[MAX_LINES].text.starts_with("401 lines were left out"));
    assert_eq!(logs[MAX_LINES + MAX_LAST_LINES].text, "after all of this");

    for _ in 0..KEPT + 3 {
        managers.create().await;
        managers.run().await.unwrap();
    }
    let kept = managers.jobs.list(None).await.unwrap();
    assert_eq!(kept.len(), KEPT);
    assert!(matches!(
        managers.jobs.get(&job.id).await,
        Err(JobError::NoSuchJob { .. })
    ));
    let logs = managers
        .store
        .range(KeyRange::prefix(layout::JOB_LOGS), 10)
        .await
        .unwrap();
    assert!(logs.entries.is_empty(), "logs go with their job");
}

/// LDAP-013: a schedule makes one job over all managers at the top of the hour; missed hours make one job, and a schedule
/// that was off makes none for the time before.
#[tokio::test]
async fn schedules() {
    let managers = Managers::new();
    let hourly = Cron::from_text("@hourly").unwrap();
    let due = async || {
        managers
            .jobs
            .create_if_due(LDAP_SYNC, &hourly, &mut rng())
            .await
            .unwrap()
    };
    assert!(due().await.is_none(), "the first look only remembers the time");
    managers.clock.set("2026-11-21T18:59:59Z".parse().unwrap());
    assert!(due().await.is_none());
    managers.clock.set("2026-11-21T19:00:00Z".parse().unwrap());
    let (one, two) = tokio::join!(due(), due());
    let made: Vec<Job> = one.into_iter().chain(two).collect();
    assert_eq!(made.len(), 1, "one manager makes it");
    assert_eq!(made[0].by, Requester::schedule());
    assert!(due().await.is_none());
    managers.run().await.unwrap();

    managers.clock.advance(Duration::from_secs(5 * 3600));
    assert!(
        due().await.is_some() && due().await.is_none(),
        "what was missed is made up once"
    );
    managers.jobs.unschedule(LDAP_SYNC).await.unwrap();
    managers.clock.advance(Duration::from_secs(5 * 3600));
    assert!(due().await.is_none(), "what was off is not made up");
    assert!(managers.clock.now() > Timestamp::default());
}
