//! Waits for a condition with a deadline.

use std::time::{Duration, Instant};

/// Time between two looks at the condition.
const INTERVAL: Duration = Duration::from_millis(50);

/// Looks until `ready` returns something or the time is over. Looks at least once.
#[expect(
    clippy::disallowed_methods,
    reason = "the interval of the one polling loop; the end is a condition"
)]
pub fn until<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(INTERVAL);
    }
}
