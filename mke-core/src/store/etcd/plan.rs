//! A transaction in etcd's terms. Pure.
//!
//! Every transaction that may change something also writes its lane, under the condition that the lane is as its writer left it
//! (see `lanes`). One that only deletes writes its lane only if there is something to delete, so that deleting nothing takes no
//! revision: the deletions stand in an inner transaction whose condition is that all their ranges are empty.

use etcd_client::{
    Compare as EtcdCompare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn as EtcdTxn, TxnOp,
    TxnOpResponse, TxnResponse,
};

use super::keys::{Span, from_etcd, place, to_etcd};
use crate::store::{Change, Compare, LeaseId, Revision, Txn};

/// What a lane is written with when a transaction is made, followed by its number.
pub(super) const MADE: &str = "made ";

/// A transaction, ready to be sent any number of times.
pub(super) struct Plan {
    compares: Vec<EtcdCompare>,
    puts: Vec<(Vec<u8>, Vec<u8>, i64)>,
    deletes: Vec<Span>,
    /// Position of each change: true for the next of `puts`.
    order: Vec<bool>,
    /// The leases that keys are written under.
    pub(super) leases: Vec<LeaseId>,
}

/// Where a lane is, how its writer left it, and what to write into it.
pub(super) struct Mark<'a> {
    pub(super) lane: &'a [u8],
    /// Etcd's revision of its last write, 0 when there is none.
    pub(super) known: i64,
    pub(super) token: &'a str,
    pub(super) lease: i64,
}

/// What etcd answered to a plan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Every change was made, at this revision of etcd.
    Made(i64),
    /// The conditions hold and there was nothing to change since this revision.
    Nothing(Revision),
    /// Some condition does not hold, or the lane is not as expected: it was last written at `lane`.
    Refused { lane: i64, revision: Revision },
    /// Not an answer to a plan.
    Strange,
}

impl Plan {
    pub(super) fn of(txn: &Txn) -> Self {
        let mut plan = Self {
            compares: txn.compares.iter().map(compare).collect(),
            puts: Vec::new(),
            deletes: Vec::new(),
            order: Vec::new(),
            leases: Vec::new(),
        };
        for change in &txn.changes {
            match change {
                Change::Put { key, value, lease } => {
                    plan.leases.extend(lease);
                    plan.puts
                        .push((place(key), value.clone(), lease.map_or(0, |lease| lease.0)));
                    plan.order.push(true);
                }
                Change::Delete(range) => {
                    if let Some(span) = Span::of(range) {
                        plan.deletes.push(span);
                        plan.order.push(false);
                    }
                }
            }
        }
        plan
    }

    /// Whether it can change something at all.
    pub(super) fn changes(&self) -> bool {
        !self.order.is_empty()
    }

    /// The transaction that makes the changes and leaves the mark.
    pub(super) fn request(&self, mark: &Mark<'_>) -> EtcdTxn {
        let lane = EtcdCompare::mod_revision(mark.lane, CompareOp::Equal, mark.known);
        let compares: Vec<_> = self.compares.iter().cloned().chain([lane]).collect();
        let mut changes = self.ops();
        changes.push(put_mark(mark));
        let then = if self.puts.is_empty() {
            let empty: Vec<_> = self
                .deletes
                .iter()
                .map(|span| {
                    EtcdCompare::create_revision(span.start.clone(), CompareOp::Equal, 0)
                        .with_range(span.end.clone())
                })
                .collect();
            vec![TxnOp::txn(
                EtcdTxn::new()
                    .when(empty)
                    .and_then([get_lanes()])
                    .or_else(changes),
            )]
        } else {
            changes
        };
        EtcdTxn::new()
            .when(compares)
            .and_then(then)
            .or_else([TxnOp::get(mark.lane, None)])
    }

    /// The transaction that only asks whether the conditions hold. It reads something, because etcd answers one without any
    /// operation from what one member happens to know.
    pub(super) fn question(&self) -> EtcdTxn {
        EtcdTxn::new()
            .when(self.compares.clone())
            .and_then([get_lanes()])
            .or_else([get_lanes()])
    }

    fn ops(&self) -> Vec<TxnOp> {
        let (mut puts, mut deletes) = (self.puts.iter(), self.deletes.iter());
        let next = |put: &bool| {
            if *put {
                puts.next().map(|(key, value, lease)| {
                    TxnOp::put(
                        key.clone(),
                        value.clone(),
                        Some(PutOptions::new().with_lease(*lease)),
                    )
                })
            } else {
                deletes.next().map(|span| {
                    TxnOp::delete(
                        span.start.clone(),
                        Some(DeleteOptions::new().with_range(span.end.clone())),
                    )
                })
            }
        };
        self.order.iter().filter_map(next).collect()
    }
}

/// Writes a lane.
pub(super) fn put_mark(mark: &Mark<'_>) -> TxnOp {
    TxnOp::put(
        mark.lane,
        mark.token,
        Some(PutOptions::new().with_lease(mark.lease)),
    )
}

fn get_lanes() -> TxnOp {
    let span = Span::lanes();
    TxnOp::get(span.start, Some(GetOptions::new().with_range(span.end)))
}

fn compare(compare: &Compare) -> EtcdCompare {
    match compare {
        Compare::Absent(key) => EtcdCompare::create_revision(place(key), CompareOp::Equal, 0),
        Compare::Present(key) => EtcdCompare::create_revision(place(key), CompareOp::Greater, 0),
        Compare::Modified(key, revision) => {
            EtcdCompare::mod_revision(place(key), CompareOp::Equal, to_etcd(*revision))
        }
        Compare::Value(key, value) => EtcdCompare::value(place(key), CompareOp::Equal, value.clone()),
    }
}

/// Reads the answer to [`Plan::request`] or [`Plan::question`].
pub(super) fn answer(response: &TxnResponse) -> Answer {
    let Some(header) = response.header() else {
        return Answer::Strange;
    };
    let ops = response.op_responses();
    if !response.succeeded() {
        return Answer::Refused {
            lane: last_written(ops.first(), ""),
            revision: from_etcd(header.revision()),
        };
    }
    match ops.first() {
        Some(TxnOpResponse::Txn(inner)) if inner.succeeded() => {
            Answer::Nothing(from_etcd(last_written(inner.op_responses().first(), MADE)))
        }
        Some(lanes @ TxnOpResponse::Get(_)) => Answer::Nothing(from_etcd(last_written(Some(lanes), MADE))),
        Some(_) => Answer::Made(header.revision()),
        None => Answer::Strange,
    }
}

/// The last write among keys whose values start like this; 0 when there is none.
///
/// When nothing changed, the revision of the last transaction is what a caller may wait for. Etcd's own may be one of somebody
/// else's keys, which no watch of the store will ever bring.
fn last_written(response: Option<&TxnOpResponse>, start: &str) -> i64 {
    match response {
        Some(TxnOpResponse::Get(got)) => got
            .kvs()
            .iter()
            .filter(|kv| kv.value().starts_with(start.as_bytes()))
            .map(|kv| kv.mod_revision())
            .max()
            .unwrap_or(0),
        _ => 0,
    }
}
