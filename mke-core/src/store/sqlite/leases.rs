//! When leases end. Only the time is kept here; the leases themselves are in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::batch::LeaseChange;
use crate::store::LeaseId;

/// A lease that could not be ended (the disk is full) is tried again after this: long enough not to keep the
/// disk busy, short beside any lease.
const RETRY: Duration = Duration::from_secs(1);

/// The deadlines of all leases. Time is monotonic: setting the machine's clock ends no lease.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    leases: BTreeMap<LeaseId, (Duration, Instant)>,
    order: BTreeSet<(Instant, LeaseId)>,
}

impl Deadlines {
    /// The next moment at which something is due, if there is any lease.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// The leases that are due. Each is due again a little later, unless it is reported as ended or renewed.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<LeaseId> {
        let due: Vec<_> = self
            .order
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, lease)| *lease)
            .collect();
        for lease in &due {
            self.move_to(*lease, now + RETRY);
        }
        due
    }

    /// Takes note of a committed change.
    pub(super) fn apply(&mut self, change: LeaseChange, now: Instant) {
        match change {
            LeaseChange::Granted(lease, ttl) => {
                let at = now + ttl;
                self.leases.insert(lease, (ttl, at));
                self.order.insert((at, lease));
            }
            LeaseChange::Renewed(lease) => {
                if let Some((ttl, _)) = self.leases.get(&lease) {
                    self.move_to(lease, now + *ttl);
                }
            }
            LeaseChange::Ended(lease) => {
                if let Some((_, at)) = self.leases.remove(&lease) {
                    self.order.remove(&(at, lease));
                }
            }
        }
    }

    fn move_to(&mut self, lease: LeaseId, later: Instant) {
        if let Some((_, at)) = self.leases.get_mut(&lease) {
            self.order.remove(&(*at, lease));
            *at = later;
            self.order.insert((later, lease));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn due_in_order_and_until_ended() {
        let start = Instant::now();
        let (a, b) = (LeaseId(1), LeaseId(2));
        let mut deadlines = Deadlines::default();
        assert_eq!(
            deadlines.next(),
            None,
            "without a lease there is nothing to wait for"
        );
        deadlines.apply(LeaseChange::Granted(a, 10 * SECOND), start);
        deadlines.apply(LeaseChange::Granted(b, 5 * SECOND), start);
        assert_eq!(deadlines.next(), Some(start + 5 * SECOND));
        assert_eq!(deadlines.take_due(start + 4 * SECOND), []);

        deadlines.apply(LeaseChange::Renewed(b), start + 4 * SECOND);
        assert_eq!(deadlines.next(), Some(start + 9 * SECOND));

        assert_eq!(deadlines.take_due(start + 10 * SECOND), [b, a]);
        assert_eq!(
            deadlines.take_due(start + 10 * SECOND),
            [],
            "not twice at the same moment"
        );
        assert_eq!(
            deadlines.take_due(start + 11 * SECOND),
            [a, b],
            "again, since nobody said that they ended"
        );

        deadlines.apply(LeaseChange::Ended(a), start);
        deadlines.apply(LeaseChange::Ended(b), start);
        deadlines.apply(LeaseChange::Ended(b), start);
        deadlines.apply(LeaseChange::Renewed(b), start);
        assert_eq!(deadlines.next(), None);
    }
}
