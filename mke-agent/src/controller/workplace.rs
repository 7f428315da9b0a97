//! What jobs are run with, and running them where no API is served: in a cluster the authentication worker of each manager does
//! it, so that a large directory never holds up who answers requests (decision 0030).

use std::io::Write;
use std::sync::Arc;

use arc_swap::ArcSwap;
use mke_auth::accounts::Accounts;
use mke_auth::jobs::Jobs;
use mke_auth::password::{HashLimits, PasswordError, PasswordHasher};
use mke_core::store::{Revision, Store, StoreError};
use mke_core::time::Clock;
use tokio::sync::{Notify, watch};

use super::audit::Audit;
use super::follow::Follower;
use super::jobs;
use super::live::Logs;
use super::metrics::Metrics;
use super::snapshot::Snapshot;
use super::state::{NotInForce, reached};
use super::streams::Streams;

/// What jobs are run with.
pub(super) struct Workplace {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) accounts: Accounts,
    pub(super) jobs: Jobs,
    pub(super) audit: Arc<Audit>,
    pub(super) current: Arc<ArcSwap<Snapshot>>,
    pub(super) revision: watch::Receiver<Revision>,
    /// Who runs them, as jobs remember it.
    pub(super) worker: String,
    /// Wakes the runner.
    pub(super) job_made: Arc<Notify>,
}

impl Workplace {
    /// The newest view.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Waits until what was written at `revision` is in force here.
    ///
    /// # Errors
    /// When the snapshot does not get there in time.
    pub(super) async fn wait_for(&self, revision: Revision) -> Result<(), NotInForce> {
        reached(&self.revision, revision).await
    }
}

/// Why jobs cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// Password hashing.
    #[error("passwords cannot be hashed")]
    Password(#[from] PasswordError),
}

/// Runs jobs of a store for as long as it is polled. `worker` is the name under which that is remembered; audit records go to
/// `audit` and, with everything else that `logs` gets, to where the configuration sends it.
///
/// # Errors
/// [`WorkerError`] when it cannot begin.
pub async fn work_on_jobs(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    logs: Logs,
    audit: Box<dyn Write + Send>,
    worker: String,
) -> Result<(), WorkerError> {
    let (metrics, streams) = (Arc::new(Metrics::default()), Arc::new(Streams::default()));
    let (follower, followed) = Follower::start(store.clone(), metrics, streams, logs.clone()).await?;
    let processors = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let hasher = Arc::new(PasswordHasher::new(HashLimits::for_processors(processors))?);
    let workplace = Arc::new(Workplace {
        accounts: Accounts::new(store.clone(), clock.clone(), hasher),
        jobs: Jobs::new(store, clock.clone()),
        clock,
        audit: Arc::new(Audit::new(audit, logs)),
        current: followed.current,
        revision: followed.revision,
        worker,
        job_made: Arc::default(),
    });
    tokio::join!(follower.run(), followed.live.send(), jobs::run(workplace));
    Ok(())
}
