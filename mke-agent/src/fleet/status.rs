//! The text of a container's state, such as `Up 5 minutes`, some time after the engine wrote it. Pure.
//!
//! A list that is kept must not stand still where it shows time. The engine rounds down, so the text that is carried
//! forward is at most one unit behind what the engine would write now.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// The text `elapsed` after it was written. Texts without a time in them stay.
pub fn later(text: &str, elapsed: Duration) -> Option<String> {
    let (before, duration, after) = parts(text)?;
    let seconds = seconds(duration)?;
    let now = written(seconds.checked_add(elapsed.as_secs())?);
    (now != duration).then(|| format!("{before}{now}{after}"))
}

/// What stands before the time, the time, and what stands behind it.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    if let Some(rest) = text.strip_prefix("Up ") {
        let end = rest.find(" (").unwrap_or(rest.len());
        let (duration, after) = rest.split_at(end);
        return Some(("Up ", duration, after));
    }
    let rest = text.strip_suffix(" ago")?;
    let start = rest.find(") ")? + 2;
    let (before, duration) = rest.split_at(start);
    Some((before, duration, " ago"))
}

/// The least time that the engine writes so.
fn seconds(duration: &str) -> Option<u64> {
    match duration {
        "Less than a second" => return Some(0),
        "1 second" => return Some(1),
        "About a minute" => return Some(MINUTE),
        "About an hour" => return Some(HOUR),
        _ => {}
    }
    let (number, unit) = duration.split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    let unit = match unit {
        "seconds" => 1,
        "minutes" => MINUTE,
        "hours" => HOUR,
        "days" => DAY,
        "weeks" => WEEK,
        "months" => MONTH,
        "years" => YEAR,
        _ => return None,
    };
    // Hours and more are rounded to the next whole hour.
    let rounded = if unit >= HOUR { HOUR / 2 } else { 0 };
    number.checked_mul(unit)?.checked_sub(rounded)
}

/// As the engine writes durations.
fn written(seconds: u64) -> String {
    // Hours are rounded, all other units are cut.
    let hours = (seconds + HOUR / 2) / HOUR;
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        _ if seconds < MINUTE => format!("{seconds} seconds"),
        _ if seconds < 2 * MINUTE => "About a minute".to_owned(),
        _ if seconds < HOUR => format!("{} minutes", seconds / MINUTE),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        _ if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        _ if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_go_on() {
        for (text, seconds, expected) in [
            ("Up Less than a second", 1, "Up 1 second"),
            ("Up 5 seconds", 3, "Up 8 seconds"),
            ("Up 5 seconds", 0, "Up 5 seconds"),
            ("Up 58 seconds (healthy)", 4, "Up About a minute (healthy)"),
            ("Up 59 minutes", 60, "Up About an hour"),
            ("Up 2 hours (Paused)", 30, "Up 2 hours (Paused)"),
            (
                "Up 4 seconds (health: starting)",
                1,
                "Up 5 seconds (health: starting)",
            ),
            ("Exited (0) 3 seconds ago", 60, "Exited (0) About a minute ago"),
            ("Exited (137) 2 days ago", 5, "Exited (137) 2 days ago"),
            ("Restarting (1) 1 second ago", 9, "Restarting (1) 10 seconds ago"),
            ("Created", 100, "Created"),
            ("Dead", 100, "Dead"),
            ("Removal In Progress", 100, "Removal In Progress"),
            ("Up some other words", 100, "Up some other words"),
            (
                "Up 99999999999999999999 years",
                1,
                "Up 99999999999999999999 years",
            ),
        ] {
            let found = later(text, Duration::from_secs(seconds)).unwrap_or_else(|| text.to_owned());
            assert_eq!(found, expected, "{text} + {seconds}");
        }
    }

    proptest! {
        /// Whatever the age, the text never says more than the truth and never goes back.
        #[test]
        fn never_more_than_the_truth(age in 0u64..700 * DAY, elapsed in 0u64..40 * DAY) {
            let text = format!("Up {}", written(age));
            let shown = later(&text, Duration::from_secs(elapsed)).unwrap_or_else(|| text.clone());
            let least = |text: &str| seconds(&text["Up ".len()..]).unwrap();
            prop_assert!(least(&text) <= age);
            prop_assert!(least(&shown) <= age + elapsed, "{} {}", text, shown);
            prop_assert!(least(&shown) >= least(&text), "{} {}", text, shown);
        }
    }
}
