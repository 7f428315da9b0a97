//! Schedules in the form of cron, with a field for seconds in front, or as `@daily` and the like. Read and checked
//! here, and when they are due is computed here; nothing runs on them here.

use time::{Date, Month, OffsetDateTime};

use crate::time::Timestamp;

/// A schedule. Every field is a set of allowed values, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cron {
    fields: [u64; 6],
    /// Whether day of month and day of week were both restricted: then either of them is enough.
    either_day: bool,
    written: Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Five,
    Six,
    Descriptor,
    /// `@every`, with its length in nanoseconds.
    Every(u64),
}

/// Smallest and largest value of each field: second, minute, hour, day of month, month, day of week.
const BOUNDS: [(u8, u8); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Reads five or six fields, or a descriptor.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(length) = text.strip_prefix("@every ") {
            let nanoseconds = super::format::duration(length.trim())?;
            // Shorter than a second cannot be kept.
            return (nanoseconds >= 1e9).then_some(Self {
                fields: [0; 6],
                either_day: false,
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a duration is between 0 and 9.2e18"
                )]
                written: Written::Every(nanoseconds as u64),
            });
        }
        if text.starts_with('@') {
            let fields = match text {
                "@yearly" | "@annually" => "0 0 0 1 1 *",
                "@monthly" => "0 0 0 1 * *",
                "@weekly" => "0 0 0 * * 0",
                "@daily" | "@midnight" => "0 0 0 * * *",
                "@hourly" => "0 0 * * * *",
                _ => return None,
            };
            let mut cron = Self::from_text(fields)?;
            cron.written = Written::Descriptor;
            return Some(cron);
        }
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        let written = match words.len() {
            5 => {
                words.insert(0, "0");
                Written::Five
            }
            6 => Written::Six,
            _ => return None,
        };
        let mut fields = [0; 6];
        for (index, word) in words.iter().enumerate() {
            *fields.get_mut(index)? = field(index, word)?;
        }
        let restricted = |index: usize| words.get(index).is_some_and(|word| *word != "*" && *word != "?");
        Some(Self {
            fields,
            either_day: restricted(3) && restricted(5),
            written,
        })
    }

    /// Whether it says at which second it runs, as a descriptor does too.
    pub fn has_seconds_field(&self) -> bool {
        self.written != Written::Five
    }

    /// Whether it runs at second 0 only.
    pub fn runs_on_the_minute(&self) -> bool {
        match self.written {
            Written::Every(_) => true,
            _ => self.fields[0] == 1,
        }
    }

    /// The shortest time between two runs, in hours; `None` when it runs at most once in eight years.
    pub fn shortest_gap_hours(&self) -> Option<u64> {
        if let Written::Every(nanoseconds) = self.written {
            return Some(nanoseconds / 3_600_000_000_000);
        }
        let [seconds, minutes, hours, ..] = self.fields;
        if seconds.count_ones() * minutes.count_ones() > 1 {
            return Some(0);
        }
        if hours.count_ones() > 1 {
            let hours: Vec<u32> = (0..24).filter(|hour| hours >> hour & 1 == 1).collect();
            let gap = hours
                .windows(2)
                .filter_map(|pair| Some(pair.get(1)? - pair.first()?))
                .min();
            return gap.map(u64::from);
        }
        // Once a day at most: look at every day of eight years, which hold every combination of date and weekday
        // that matters for gaps of days.
        let first = Date::from_calendar_date(2024, Month::January, 1).ok()?;
        let (mut last, mut shortest): (Option<u64>, Option<u64>) = (None, None);
        let mut date = Some(first);
        for day in 0..8 * 366_u64 {
            let today = date?;
            if self.runs_on(today) {
                if let Some(last) = last {
                    let gap = (day - last) * 24;
                    shortest = Some(shortest.map_or(gap, |shortest| shortest.min(gap)));
                }
                last = Some(day);
            }
            date = today.next_day();
        }
        shortest
    }

    /// The first run after a moment, in UTC; `None` when there is none within eight years. An interval (`@every`)
    /// counts from 1970, so that every controller comes to the same moments and whole hours are hours of the clock.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if let Written::Every(nanoseconds) = self.written {
            let every = i64::try_from((nanoseconds / 1_000_000_000).max(1)).ok()?;
            return Some(Timestamp::from_secs(
                (after.as_secs() / every + 1).checked_mul(every)?,
            ));
        }
        let from = OffsetDateTime::from_unix_timestamp(after.as_secs()).ok()? + time::Duration::SECOND;
        let [seconds, minutes, hours, ..] = self.fields;
        let mut date = from.date();
        let mut earliest = (from.hour(), from.minute(), from.second());
        for _ in 0..8 * 366 {
            if self.runs_on(date) {
                let first = times(hours, 24)
                    .flat_map(|hour| times(minutes, 60).map(move |minute| (hour, minute)))
                    .flat_map(|(hour, minute)| times(seconds, 60).map(move |second| (hour, minute, second)))
                    .find(|at| *at >= earliest);
                if let Some((hour, minute, second)) = first {
                    let at = date.with_hms(hour, minute, second).ok()?.assume_utc();
                    return Some(Timestamp::from_secs(at.unix_timestamp()));
                }
            }
            date = date.next_day()?;
            earliest = (0, 0, 0);
        }
        None
    }

    fn runs_on(&self, date: Date) -> bool {
        let has = |index: usize, value: u8| self.fields.get(index).is_some_and(|set| set >> value & 1 == 1);
        let day = has(3, date.day());
        let weekday = has(5, date.weekday().number_days_from_sunday());
        let either = if self.either_day {
            day || weekday
        } else {
            day && weekday
        };
        either && has(4, u8::from(date.month()))
    }
}

/// The values below `end` that a set holds.
fn times(set: u64, end: u8) -> impl Iterator<Item = u8> + Clone {
    (0..end).filter(move |value| set >> value & 1 == 1)
}

/// The values that one field allows: `*`, `?`, `5`, `1-5`, `*/10`, `1-30/2`, names, and lists of them.
fn field(index: usize, text: &str) -> Option<u64> {
    let &(min, max) = BOUNDS.get(index)?;
    let value = |text: &str| -> Option<u8> {
        let names: &[&str] = match index {
            4 => &MONTHS,
            5 => &DAYS,
            _ => &[],
        };
        if let Some(position) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(u8::try_from(position).ok()? + min);
        }
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        let number: u8 = digits.then(|| text.parse().ok()).flatten()?;
        (min..=max).contains(&number).then_some(number)
    };
    let mut set = 0_u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u8>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" || (range == "?" && (index == 3 || index == 5)) => (min, max),
            Some((low, high)) => (value(low)?, value(high)?),
            None if part.contains('/') => (value(range)?, max),
            None => (value(range)?, value(range)?),
        };
        if low > high {
            return None;
        }
        for number in (low..=high).step_by(usize::from(step)) {
            // Sunday is 0 and 7.
            let bit = if index == 5 { number % 7 } else { number };
            set |= 1 << bit;
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read() {
        for text in [
            "0 0 * * * *",
            "@hourly",
            "@every 72h",
            "*/15 * * * *",
            "0 0 4 1,15 * ?",
            "0 0 0 ? jan-mar MON-fri",
            "0 0 0 * * 7",
        ] {
            assert!(Cron::from_text(text).is_some(), "{text}");
        }
        for text in [
            "",
            "@never",
            "* * * *",
            "60 * * * * *",
            "0 0 0 0 * *",
            "0 0 0 * 13 *",
            "0 0 0 * * 8",
            "0 5-1 * * * *",
            "0 */0 * * * *",
            "a b c d e f",
            "@every 1ms",
            "0 0 0 * * * *",
            "0 , * * * *",
            "0 +5 * * * *",
        ] {
            assert!(Cron::from_text(text).is_none(), "{text}");
        }
    }

    /// LDAP-013: the next run, at the hour of the clock for intervals in hours.
    #[test]
    fn next_runs() {
        for (schedule, after, next) in [
            ("@hourly", "2026-11-21T18:00:00Z", "2026-11-21T19:00:00Z"),
            ("@hourly", "2026-11-21T18:59:59.999Z", "2026-11-21T19:00:00Z"),
            ("@daily", "2026-12-31T00:00:01Z", "2027-01-01T00:00:00Z"),
            ("0 0 */6 * * *", "2026-11-21T18:00:00Z", "2026-11-22T00:00:00Z"),
            ("@every 6h", "2026-11-21T17:59:59Z", "2026-11-21T18:00:00Z"),
            ("@every 6h", "2026-11-21T18:00:00Z", "2026-11-22T00:00:00Z"),
            ("@every 90m", "2026-11-21T00:00:00Z", "2026-11-21T01:30:00Z"),
            ("30 15 4 * * 7", "2026-11-21T18:00:00Z", "2026-11-22T04:15:30Z"),
            ("0 0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 12 13 * FRI", "2026-11-21T18:00:00Z", "2026-11-27T12:00:00Z"),
            ("*/15 * * * *", "2026-11-21T18:07:00Z", "2026-11-21T18:15:00Z"),
        ] {
            let at = |text: &str| text.parse::<Timestamp>().unwrap();
            let found = Cron::from_text(schedule).unwrap().next_after(at(after));
            assert_eq!(found, Some(at(next)), "{schedule} after {after}");
        }
        let never = Cron::from_text("0 0 0 31 2 *").unwrap();
        assert_eq!(never.next_after(Timestamp::from_secs(1_800_000_000)), None);
    }

    #[test]
    fn gaps() {
        for (text, hours) in [
            ("0 0 0 * * *", Some(24)),
            ("0 0 */6 * * *", Some(6)),
            ("* * * * * *", Some(0)),
            ("0 0 0 * * 1", Some(168)),
            ("0 0 0 * * 1,4", Some(72)),
            ("0 0 0 * * 1,3", Some(48)),
            ("@monthly", Some(28 * 24)),
            ("0 0 0 1,30 * *", Some(24)),
            ("@every 80h", Some(80)),
            ("0 0 0 31 2 *", None),
        ] {
            assert_eq!(
                Cron::from_text(text).unwrap().shortest_gap_hours(),
                hours,
                "{text}"
            );
        }
        assert!(Cron::from_text("30 0 * * * *").unwrap().has_seconds_field());
        assert!(!Cron::from_text("30 0 * * * *").unwrap().runs_on_the_minute());
        assert!(Cron::from_text("*/15 * * * *").unwrap().runs_on_the_minute());
        assert!(!Cron::from_text("*/15 * * * *").unwrap().has_seconds_field());
    }
}
