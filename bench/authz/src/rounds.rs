//! How time is taken: engines alternate round by round, so that what disturbs the machine disturbs all of them, and
//! ratios are taken within a round.
//!
//! Each decision is timed by itself, between two readings of the clock; what two readings cost with nothing between them
//! is taken off (its median, measured anew in each round). A row of decisions timed at once would hide the slow ones and
//! let the processor overlap what a server asks one by one. The next question is another one each time, and is brought
//! into the cache before the clock starts, where a request that was just parsed is; what the engine needs for the answer
//! is not.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::error::BenchError;
use crate::stats::{Spread, quantile};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds in which each engine has its turn.
    pub rounds: usize,
    /// How long a turn is.
    pub turn: Duration,
}

/// Samples of a turn at most.
const MOST: usize = 60_000;

/// One engine's turn: nanoseconds of single decisions.
type Turn<'a> = Box<dyn FnMut(Duration) -> Result<Vec<f64>, BenchError> + 'a>;

/// What is timed.
pub struct Case<'a> {
    name: String,
    turn: Turn<'a>,
}

impl<'a> Case<'a> {
    /// Something that is timed elsewhere.
    pub fn elsewhere(
        name: impl Into<String>,
        turn: impl FnMut(Duration) -> Result<Vec<f64>, BenchError> + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            turn: Box::new(turn),
        }
    }

    /// Calls in this process, over `count` questions by number, again and again. `touch` brings a question into the
    /// cache.
    pub fn here<T>(
        name: impl Into<String>,
        count: usize,
        mut touch: impl FnMut(usize) + 'a,
        mut call: impl FnMut(usize) -> T + 'a,
    ) -> Self {
        let mut next = 0;
        Self::elsewhere(name, move |turn| {
            let clock = clock_cost();
            let mut samples = Vec::new();
            let end = Instant::now() + turn;
            while samples.len() < MOST && (samples.is_empty() || Instant::now() < end) {
                touch(next);
                let start = Instant::now();
                let answer = call(black_box(next));
                let took = start.elapsed();
                drop(black_box(answer));
                samples.push((nanos(took) - clock).max(0.0));
                next = (next + 1) % count.max(1);
            }
            Ok(samples)
        })
    }
}

/// What one engine's rounds came to, in nanoseconds.
#[derive(Debug, Clone)]
pub struct Series {
    /// What was timed.
    pub name: String,
    /// The median of each round.
    pub p50: Vec<f64>,
    /// The 99th percentile of each round.
    pub p99: Vec<f64>,
    /// Decisions timed.
    pub samples: usize,
}

impl Series {
    /// The median of the rounds' medians.
    pub fn median(&self) -> f64 {
        Spread::of(self.p50.iter().copied()).map_or(f64::NAN, |spread| spread.median)
    }

    /// The median of the rounds' 99th percentiles; nothing when there were too few decisions to speak of one.
    pub fn tail(&self) -> Option<f64> {
        let enough = self.samples >= 100 * self.p50.len();
        Spread::of(self.p99.iter().copied())
            .filter(|_| enough)
            .map(|spread| spread.median)
    }

    /// How many times as long this one takes as `other`, round by round: median, least and greatest.
    pub fn times(&self, other: &Self) -> Option<(f64, f64, f64)> {
        let spread = Spread::of_ratios(&self.p50, &other.p50)?;
        Some((spread.median, spread.least, spread.greatest))
    }
}

/// Gives every case a turn in each round.
///
/// # Errors
///
/// When a case fails.
pub fn alternate(plan: Plan, mut cases: Vec<Case<'_>>) -> Result<Vec<Series>, BenchError> {
    let mut series: Vec<_> = cases
        .iter()
        .map(|case| Series {
            name: case.name.clone(),
            p50: Vec::new(),
            p99: Vec::new(),
            samples: 0,
        })
        .collect();
    for _ in 0..plan.rounds {
        for (case, series) in cases.iter_mut().zip(&mut series) {
            let mut samples = (case.turn)(plan.turn)?;
            series.samples += samples.len();
            series.p50.extend(quantile(&mut samples, 0.5));
            series.p99.extend(quantile(&mut samples, 0.99));
        }
    }
    Ok(series)
}

/// What two readings of the clock cost, in nanoseconds.
fn clock_cost() -> f64 {
    let mut samples: Vec<_> = (0..4096)
        .map(|number| {
            let start = Instant::now();
            black_box(number);
            nanos(start.elapsed())
        })
        .collect();
    quantile(&mut samples, 0.5).unwrap_or(0.0)
}

/// In nanoseconds.
pub fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// Reads a text, so that it is in the cache.
pub fn read(text: &str) {
    black_box(text.bytes().fold(0, u8::wrapping_add));
}

/// Runs `work` again and again for about `turn`, at least `least` times, and gives the nanoseconds of each.
///
/// # Errors
///
/// When the work fails.
pub fn repeat(
    turn: Duration,
    least: usize,
    mut work: impl FnMut() -> Result<(), BenchError>,
) -> Result<Vec<f64>, BenchError> {
    let clock = clock_cost();
    let end = Instant::now() + turn;
    let mut samples = Vec::new();
    while samples.len() < MOST && (samples.len() < least || Instant::now() < end) {
        let start = Instant::now();
        work()?;
        samples.push((nanos(start.elapsed()) - clock).max(0.0));
    }
    Ok(samples)
}

/// The median of samples.
pub fn median(mut samples: Vec<f64>) -> f64 {
    quantile(&mut samples, 0.5).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_has_its_turn_in_each_round() {
        let mut turns = 0;
        let plan = Plan {
            rounds: 3,
            turn: Duration::ZERO,
        };
        let cases = vec![
            Case::here("a", 10, |_| (), |number| number),
            Case::elsewhere("b", |_| {
                turns += 1;
                Ok(vec![100.0])
            }),
        ];
        let series = alternate(plan, cases).unwrap_or_default();
        assert_eq!(turns, 3);
        let sizes: Vec<_> = series
            .iter()
            .map(|series| (series.p50.len(), series.samples))
            .collect();
        assert_eq!(sizes, [(3, 3), (3, 3)], "at least one decision a turn");
    }
}
