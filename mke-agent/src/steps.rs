//! When things are done that recur while nothing happens: at common moments of the program, so that what falls due together
//! wakes it once.
//!
//! Only what keeps a program awake goes by this: heartbeats, looks at what may have been missed. Whoever waits for an answer or
//! rests after a failure has times of its own.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The least rest between two such moments. The runtime keeps timers in a wheel whose slots are 64 times as long from level to
/// level, and wakes up once more for every level that a timer comes down. A timer at a multiple of 64 × 64 ms comes down none.
pub const STEP: Duration = Duration::from_millis(4096);

static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Counts steps from now on. A program calls it right before it makes its runtime, whose timers count from then.
pub fn begin() {
    let _ = BEGAN.get_or_init(Instant::now);
}

/// The next moment that is a multiple of so many steps. Powers of two fall together.
pub fn next(steps: u32) -> Instant {
    after(
        *BEGAN.get_or_init(Instant::now),
        Instant::now(),
        STEP * steps.max(1),
    )
}

/// Waits for [`next`].
pub async fn pass(steps: u32) {
    sleep_until(next(steps)).await;
}

fn after(began: Instant, now: Instant, period: Duration) -> Instant {
    // Clocks of tests may stand before the beginning.
    let Some(passed) = now.checked_duration_since(began) else {
        return now + period;
    };
    let into = passed.as_nanos() % period.as_nanos().max(1);
    let rest = period.as_nanos().saturating_sub(into);
    now + Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_common() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let period = Duration::from_millis(100);
        for (now, expected) in [(0, 100), (1, 100), (99, 100), (100, 200), (250, 300)] {
            assert_eq!(after(began, at(now), period), at(expected), "{now}");
        }
        assert_eq!(after(at(500), at(10), period), at(110));
    }

    /// What is asked for twice within a step is the same moment, and longer periods end where shorter ones do.
    #[tokio::test(start_paused = true)]
    async fn what_recurs_falls_together() {
        assert_eq!(next(1), next(1));
        pass(2).await;
        let begun = Instant::now();
        pass(1).await;
        assert!(begun.elapsed() <= STEP + Duration::from_millis(1));
        assert!(next(1) <= next(2) && next(2) <= next(4));
    }
}
