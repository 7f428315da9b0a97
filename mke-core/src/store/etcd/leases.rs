//! Leases, and the one under which this writer's lanes live.
//!
//! Ids are chosen here, so that a grant whose answer was lost can be asked for again without making a second lease.

use std::time::Duration;

use etcd_client::LeaseGrantOptions;
use tokio::time::{Instant, timeout};

use super::Core;
use super::error::{Failure, unknown};
use super::lanes::{LANE_TTL, random};
use super::members::pause;
use super::renewals::Line;
use crate::store::{LeaseId, StoreError, check_ttl};

impl Core {
    /// Makes a lease. Etcd counts whole seconds, so a lease may last up to a second longer than asked.
    pub(super) async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        check_ttl(ttl)?;
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let deadline = self.members.deadline();
        let (mut id, mut open) = (new_id()?, false);
        loop {
            let options = LeaseGrantOptions::new().with_id(id);
            let asked = self
                .members
                .once(|client| async move { client.lease_client().grant(seconds, Some(options)).await });
            match asked.await {
                Ok(granted) => return Ok(LeaseId(granted.id())),
                // It is the one that was asked for before.
                Err(Failure::LeaseExists) if open => return Ok(LeaseId(id)),
                Err(Failure::LeaseExists) => id = new_id()?,
                Err(failure) if failure.blames_the_member() && Instant::now() < deadline => {
                    open |= matches!(failure, Failure::Unknown(_));
                    pause().await;
                }
                // A lease that nobody knows of ends by itself.
                Err(Failure::Unknown(why)) => return Err(StoreError::Unreached(why)),
                Err(failure) => return Err(failure.give_up(true)),
            }
        }
    }

    pub(super) async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let (index, _) = self.members.current();
        if let Some(mut line) = self.renewals.take(lease.0) {
            match timeout(self.members.attempt(), line.renew()).await {
                Ok(Ok(true)) => {
                    self.members.hear();
                    self.renewals.give(line);
                    return Ok(());
                }
                Ok(Ok(false)) => return Err(StoreError::NoSuchLease(lease)),
                // How the member does is seen when it is asked anew.
                Ok(Err(_)) => {}
                Err(_) => self.members.leave(index),
            }
        }
        let moved = self.members.moved();
        let asked = self
            .members
            .ask(|client| async move { client.lease_client().keep_alive(lease.0).await });
        match asked.await {
            Ok(opened) => self.renewals.give(Line::new(opened, moved)),
            Err(Failure::NoSuchLease) => return Err(StoreError::NoSuchLease(lease)),
            Err(other) => return Err(other.give_up(false)),
        }
        Ok(())
    }

    pub(super) async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        let deadline = self.members.deadline();
        let mut open = false;
        loop {
            let asked = self
                .members
                .once(|client| async move { client.lease_client().revoke(lease.0).await });
            match asked.await {
                Ok(_) => return Ok(()),
                // An attempt before this one ended it.
                Err(Failure::NoSuchLease) if open => return Ok(()),
                Err(Failure::NoSuchLease) => return Err(StoreError::NoSuchLease(lease)),
                Err(failure) if failure.blames_the_member() && Instant::now() < deadline => {
                    open |= matches!(failure, Failure::Unknown(_));
                    pause().await;
                }
                Err(Failure::NotDone(why)) if open => return Err(unknown(&why)),
                Err(failure) => return Err(failure.give_up(true)),
            }
        }
    }

    /// Whether a lease has not ended.
    pub(super) async fn lease_exists(&self, lease: LeaseId) -> Result<bool, StoreError> {
        let asked = self
            .members
            .ask(|client| async move { client.lease_client().time_to_live(lease.0, None).await });
        match asked.await {
            Ok(told) => Ok(told.ttl() >= 0),
            Err(Failure::NoSuchLease) => Ok(false),
            Err(failure) => Err(failure.give_up(false)),
        }
    }

    /// The lease of this writer's lanes, made when there is none.
    pub(super) async fn lane_lease(&self) -> Result<i64, StoreError> {
        let mut lease = self.lane_lease.lock().await;
        if let Some(lease) = *lease {
            return Ok(lease);
        }
        let granted = self.grant(LANE_TTL).await?.0;
        *lease = Some(granted);
        Ok(granted)
    }

    /// Takes note that the lease of the lanes has ended.
    pub(super) async fn forget_lane_lease(&self, ended: i64) {
        let mut lease = self.lane_lease.lock().await;
        if *lease == Some(ended) {
            *lease = None;
        }
    }

    /// Keeps the lease of the lanes alive until the store is closed.
    pub(super) async fn keep_lanes(&self) {
        let mut closed = self.closed.subscribe();
        loop {
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                () = tokio::time::sleep(LANE_TTL / 4) => {}
            }
            let lease = *self.lane_lease.lock().await;
            if let Some(lease) = lease
                && let Err(StoreError::NoSuchLease(_)) = self.keep_alive(LeaseId(lease)).await
            {
                self.forget_lane_lease(lease).await;
            }
        }
    }
}

fn new_id() -> Result<i64, StoreError> {
    let id = i64::from_be_bytes(random()?) & i64::MAX;
    Ok(id.max(1))
}
