//! How many certificates one peer gets in a while, so that a broken agent in a loop, or a stolen certificate, cannot
//! keep an authority busy or fill its log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mke_core::time::{Clock, Timestamp};

/// Peers that are remembered. Full buckets are forgotten first.
const MAX_PEERS: usize = 20_000;

/// A bucket for each peer: so many at once, then so many a minute.
#[derive(Debug)]
pub struct Pace {
    at_once: f64,
    a_minute: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Pace {
    /// For nodes: a manager asks for about six certificates when it is made one.
    pub fn for_nodes() -> Self {
        Self::new(30.0, 10.0)
    }

    /// For controllers, which ask for their users.
    pub fn for_controllers() -> Self {
        Self::new(600.0, 600.0)
    }

    /// So many at once, so many a minute.
    pub fn new(at_once: f64, a_minute: f64) -> Self {
        Self {
            at_once,
            a_minute,
            buckets: Mutex::default(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub fn take(&self, peer: &str, clock: &dyn Clock) -> Result<(), Duration> {
        let now = clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_PEERS && !buckets.contains_key(peer) {
            buckets.retain(|_, bucket| self.filled(bucket, now) < self.at_once);
        }
        let bucket = buckets.entry(peer.to_owned()).or_insert(Bucket {
            left: self.at_once,
            at: now,
        });
        bucket.left = self.filled(bucket, now);
        bucket.at = now;
        if bucket.left < 1.0 {
            let wait = (1.0 - bucket.left) * 60.0 / self.a_minute;
            return Err(Duration::from_secs_f64(wait.clamp(1.0, 3600.0)));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    fn filled(&self, bucket: &Bucket, now: Timestamp) -> f64 {
        // A clock that was set back gives nothing and takes nothing.
        let passed = (now.as_secs() - bucket.at.as_secs()).max(0);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        (bucket.left + f64::from(passed) * self.a_minute / 60.0).min(self.at_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::time::ManualClock;

    /// PKI-002: one peer that asks without end is slowed down, others are not.
    #[test]
    fn slows_one_peer() {
        let clock = ManualClock::at(Timestamp::from_secs(1_000_000));
        let pace = Pace::new(3.0, 6.0);
        for _ in 0..3 {
            assert_eq!(pace.take("n1", &clock), Ok(()));
        }
        assert_eq!(pace.take("n1", &clock), Err(Duration::from_secs(10)));
        assert_eq!(pace.take("n2", &clock), Ok(()));
        clock.set(Timestamp::from_secs(1_000_010));
        assert_eq!(pace.take("n1", &clock), Ok(()));
        clock.set(Timestamp::from_secs(900_000));
        assert!(pace.take("n1", &clock).is_err());
    }
}
