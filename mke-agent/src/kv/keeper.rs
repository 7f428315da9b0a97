//! Looks at a real cluster and takes the steps and chores that were decided.

use std::time::Duration;

use mke_core::store::etcd::{AdminError, EtcdAdmin, EtcdOptions};
use tokio::time::{Instant, sleep};

use super::check::{Checked, Refusal, check};
use super::members::{Observed, SeenMember, WantedMember};
use super::plan::{Plan, Step, plan};
use super::upkeep::{Chore, due};

/// Rest between two looks at a member that learns.
const LOOK: Duration = Duration::from_millis(500);

/// Why the members of the store are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Etcd did not do it.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The next step is not safe.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It took too long.
    #[error("the store did not get there in time, it waits: {}", .0.join(", "))]
    Waiting(Vec<String>),
}

/// Looks after the members of one cluster.
#[derive(Debug)]
pub struct Keeper {
    admin: EtcdAdmin,
}

impl Keeper {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// [`AdminError::Store`] when the options contradict themselves.
    pub async fn new(options: &EtcdOptions) -> Result<Self, AdminError> {
        Ok(Self {
            admin: EtcdAdmin::new(options).await?,
        })
    }

    /// Looks at all members.
    ///
    /// # Errors
    /// [`AdminError::Unavailable`] when none answers. One that does not answer is told in its own entry.
    pub async fn observe(&self) -> Result<Observed, AdminError> {
        let mut members = Vec::new();
        for info in self.admin.members().await? {
            let health = match info.client_urls.first() {
                Some(url) => self.admin.health(url).await.map_err(|error| error.to_string()),
                None => Err("it was never started".to_owned()),
            };
            members.push(SeenMember { info, health });
        }
        // Without a majority nobody can tell, and nothing could be done about it.
        let out_of_space = self.admin.out_of_space().await.unwrap_or_default();
        Ok(Observed {
            members,
            out_of_space,
        })
    }

    /// Takes one step.
    ///
    /// # Errors
    /// [`AdminError`]; a step may have been taken all the same, so look again.
    pub async fn apply(&self, step: &Checked) -> Result<(), AdminError> {
        match step.step() {
            Step::AddLearner(wanted) => match self.admin.add_learner(&wanted.peer_url).await {
                Ok(_) | Err(AdminError::MemberExists) => Ok(()),
                Err(error) => Err(error),
            },
            Step::Promote { id, .. } => self.admin.promote(*id).await,
            Step::Remove { id, .. } => match self.admin.remove(*id).await {
                Ok(()) | Err(AdminError::NoSuchMember) => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    /// Looks, plans, checks and applies one step. Returns the plan; a learner that etcd finds too far behind is waited for.
    ///
    /// # Errors
    /// [`KeepError::Refused`] and [`KeepError::Admin`].
    pub async fn step(&self, wanted: &[WantedMember]) -> Result<Plan, KeepError> {
        let observed = self.observe().await?;
        let mut plan = plan(wanted, &observed);
        if let Some(step) = &plan.step {
            let checked = check(step.clone(), &observed)?;
            match self.apply(&checked).await {
                Ok(()) => {}
                Err(AdminError::NotCaughtUp) => {
                    plan.waiting.push("a learner has not caught up".to_owned());
                    plan.step = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(plan)
    }

    /// Takes steps until the store has the members that it should have (DBS-004). `progress` hears of each step that was taken.
    ///
    /// # Errors
    /// [`KeepError::Refused`] when the next step is not safe, [`KeepError::Waiting`] when the time is over.
    pub async fn reconfigure(
        &self,
        wanted: &[WantedMember],
        limit: Duration,
        mut progress: impl FnMut(&Step),
    ) -> Result<(), KeepError> {
        let deadline = Instant::now() + limit;
        loop {
            let plan = self.step(wanted).await?;
            match &plan.step {
                Some(step) => progress(step),
                None if plan.is_done() => return Ok(()),
                None if Instant::now() >= deadline => return Err(KeepError::Waiting(plan.waiting)),
                None => sleep(LOOK).await,
            }
        }
    }

    /// Drops history, makes files smaller and takes back alarms, as far as it is due. Returns what was done.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn upkeep(&self) -> Result<Vec<Chore>, AdminError> {
        let (mut done, mut defragmented) = (Vec::new(), Vec::new());
        loop {
            let observed = self.observe().await?;
            let mut more = false;
            for chore in due(&observed, &defragmented) {
                match &chore {
                    Chore::Compact(_) if !defragmented.is_empty() => continue,
                    Chore::Compact(revision) => self.admin.compact(*revision).await?,
                    Chore::Defragment { id, url } => {
                        self.admin.defragment(url).await?;
                        defragmented.push(*id);
                        more = true;
                    }
                    Chore::Disarm(id) => self.admin.disarm(*id).await?,
                }
                done.push(chore);
            }
            if !more {
                return Ok(done);
            }
        }
    }
}
