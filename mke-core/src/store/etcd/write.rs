//! One transaction, made at most once, whatever becomes of members and connections on the way.

use etcd_client::{Compare, CompareOp, Txn as EtcdTxn, TxnOp, TxnOpResponse};
use tokio::time::Instant;

use super::Core;
use super::error::{Failure, unknown};
use super::keys::from_etcd;
use super::lanes::Lane;
use super::members::pause;
use super::plan::{Answer, Mark, Plan, answer, put_mark};
use crate::store::{StoreError, Txn, TxnOutcome};

/// What became of a transaction whose answer was lost.
enum Settled {
    /// It was made at this revision of etcd.
    Made(i64),
    /// It was not, and cannot be any more. The lane was last written at this revision.
    NotMade(i64),
    /// Nobody can say.
    Open(String),
}

fn strange() -> StoreError {
    StoreError::Unavailable("etcd gave an answer that does not belong to the request".to_owned())
}

/// Applies a transaction.
pub(super) async fn apply(core: &Core, txn: Txn) -> Result<TxnOutcome, StoreError> {
    txn.check()?;
    let plan = Plan::of(&txn);
    drop(txn);
    if !plan.changes() {
        let asked = core.members.ask(|client| {
            let question = plan.question();
            async move { client.kv_client().txn(question).await }
        });
        let response = asked.await.map_err(|failure| failure.give_up(false))?;
        return match answer(&response) {
            Answer::Nothing(revision) => Ok(TxnOutcome::Committed(revision)),
            Answer::Refused { revision, .. } => Ok(TxnOutcome::Conflict(revision)),
            Answer::Made(_) | Answer::Strange => Err(strange()),
        };
    }
    let deadline = core.members.deadline();
    let (mut lane, _permit) = core.lanes.take().await?;
    let outcome = make(core, &plan, &mut lane, deadline).await;
    core.lanes.free(lane);
    outcome
}

async fn make(
    core: &Core,
    plan: &Plan,
    lane: &mut Lane,
    deadline: Instant,
) -> Result<TxnOutcome, StoreError> {
    loop {
        let lease = core.lane_lease().await?;
        let Some(known) = lane.known else {
            // A transaction before this one was left open: it must not be made after its caller was told so.
            lane.known = Some(close(core, &lane.key, lease, deadline).await?);
            continue;
        };
        let token = core.lanes.token();
        let mark = Mark {
            lane: &lane.key,
            known,
            token: &token,
            lease,
        };
        let request = plan.request(&mark);
        let asked = core
            .members
            .once(|client| async move { client.kv_client().txn(request).await });
        let failure = match asked.await {
            Ok(response) => match answer(&response) {
                Answer::Made(at) => {
                    lane.known = Some(at);
                    return Ok(TxnOutcome::Committed(from_etcd(at)));
                }
                Answer::Nothing(revision) => return Ok(TxnOutcome::Committed(revision)),
                Answer::Refused { lane: at, revision } if at == known => {
                    return Ok(TxnOutcome::Conflict(revision));
                }
                // The lane's lease ended, or a write that was left open came in time: this one was not made.
                Answer::Refused { lane: at, .. } => {
                    lane.known = Some(at);
                    Failure::NotDone("etcd changed the mark of this writer".to_owned())
                }
                Answer::Strange => {
                    lane.known = None;
                    return Err(strange());
                }
            },
            Err(Failure::NoSuchLease) => {
                for asked in &plan.leases {
                    if !core.lease_exists(*asked).await? {
                        return Err(StoreError::NoSuchLease(*asked));
                    }
                }
                core.forget_lane_lease(lease).await;
                Failure::NotDone("the lease of this writer ended".to_owned())
            }
            Err(Failure::Unknown(why)) => match settle(core, &mark, why, deadline).await {
                Settled::Made(at) => {
                    lane.known = Some(at);
                    return Ok(TxnOutcome::Committed(from_etcd(at)));
                }
                Settled::NotMade(at) => {
                    lane.known = Some(at);
                    Failure::NotDone("etcd did not answer in time".to_owned())
                }
                Settled::Open(why) => {
                    lane.known = None;
                    return Err(unknown(&why));
                }
            },
            Err(failure) => failure,
        };
        if !failure.blames_the_member() || Instant::now() >= deadline {
            return Err(failure.give_up(true));
        }
        pause().await;
    }
}

/// Finds out whether a transaction was made, and if it was not, sees to it that it never is.
async fn settle(core: &Core, mark: &Mark<'_>, why: String, deadline: Instant) -> Settled {
    // The question gets the time of one answer even when the transaction used up its own.
    let deadline = deadline.max(Instant::now()) + core.members.attempt();
    let mut fences: Vec<String> = Vec::new();
    loop {
        let fence = core.lanes.fence();
        let request = EtcdTxn::new()
            .when([Compare::mod_revision(mark.lane, CompareOp::Equal, mark.known)])
            .and_then([put_mark(&Mark {
                token: &fence,
                ..*mark
            })])
            .or_else([TxnOp::get(mark.lane, None)]);
        let asked = core
            .members
            .once(|client| async move { client.kv_client().txn(request).await });
        match asked.await {
            Ok(response) => {
                let at = response.header().map(|header| header.revision());
                let ops = response.op_responses();
                let found = match ops.first() {
                    Some(TxnOpResponse::Get(got)) => got.kvs().first(),
                    _ => None,
                };
                return match (response.succeeded(), at, found) {
                    (true, Some(at), _) => Settled::NotMade(at),
                    (false, _, Some(kv)) if kv.value() == mark.token.as_bytes() => {
                        Settled::Made(kv.mod_revision())
                    }
                    (false, _, Some(kv)) if fences.iter().any(|fence| kv.value() == fence.as_bytes()) => {
                        Settled::NotMade(kv.mod_revision())
                    }
                    // The mark is gone with its lease, and with it what it told.
                    _ => Settled::Open(why),
                };
            }
            Err(failure) if failure.blames_the_member() && Instant::now() < deadline => {
                fences.push(fence);
                pause().await;
            }
            Err(_) => return Settled::Open(why),
        }
    }
}

/// Writes a lane whose state is not known, so that what was left open in it cannot be made any more.
async fn close(core: &Core, lane: &[u8], lease: i64, deadline: Instant) -> Result<i64, StoreError> {
    loop {
        let fence = core.lanes.fence();
        let mark = Mark {
            lane,
            known: 0,
            token: &fence,
            lease,
        };
        let request = EtcdTxn::new().and_then([put_mark(&mark)]);
        let asked = core
            .members
            .once(|client| async move { client.kv_client().txn(request).await });
        match asked.await {
            Ok(response) => {
                return response
                    .header()
                    .map(|header| header.revision())
                    .ok_or_else(strange);
            }
            Err(Failure::NoSuchLease) => {
                core.forget_lane_lease(lease).await;
                return Err(StoreError::Unavailable(
                    "the lease of this writer ended; nothing was written".to_owned(),
                ));
            }
            Err(failure) if failure.blames_the_member() && Instant::now() < deadline => pause().await,
            // Nothing of the caller's was sent.
            Err(Failure::Unknown(why)) => return Err(Failure::NotDone(why).give_up(true)),
            Err(failure) => return Err(failure.give_up(true)),
        }
    }
}
