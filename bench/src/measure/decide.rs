//! How long an access decision takes, with the reason that goes with it.
//!
//! The models are those of the benchmark in `mke-rbac`. Half of the questions are about a collection that a grant
//! of the user names, half about any; decisions are timed one by one, less the cost of reading the clock.
//! The questions are spread so widely that what the policy must read for one is seldom in the cache.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mke_rbac::demand::Access;
use mke_rbac::{Check, Policy, Subject};

use crate::error::BenchError;
use crate::report::Table;
use crate::stats::quantile;

#[path = "../../../mke-rbac/tests/common/shape.rs"]
mod shape;

use shape::{LARGE, SMALL};

/// So many users and grants that they do not stay in the cache of a core.
const QUESTIONS: usize = 1 << 18;

/// So few that what they need stays there: a busy hour has fewer users than the directory.
const REPEATED: usize = 1000;

/// What is aimed at for a decision at the larger size.
const AIM: &str = "p50 < 1000, on the way to 250";

type Question = (Subject, Check);

pub(super) fn run() -> Result<Vec<Table>, BenchError> {
    let mut table = Table::new(
        "Access decisions with their reason",
        &[
            "users",
            "grants",
            "questions",
            "p50, ns",
            "p99, ns",
            "verdict only p50, ns",
            "compile, s",
            "aim",
        ],
    );
    for (size, aim) in [(SMALL, ""), (LARGE, AIM)] {
        let model = shape::model(size, 1);
        let spread = shape::questions(&model, size, QUESTIONS);
        let start = Instant::now();
        let policy = Policy::compile(model);
        let compiled = start.elapsed();
        let (allowed, denied): (Vec<_>, Vec<_>) = spread
            .iter()
            .cloned()
            .partition(|(subject, check)| policy.allows(subject, check));
        let repeated: Vec<_> = spread
            .iter()
            .take(REPEATED)
            .cycle()
            .take(QUESTIONS)
            .cloned()
            .collect();
        for (asked, questions) in [
            ("all over the model", &spread),
            ("all over the model, allowed", &allowed),
            ("all over the model, denied", &denied),
            ("a thousand again and again", &repeated),
        ] {
            let (p50, p99) = decide(&policy, questions);
            let (verdict, _) = time(questions, |subject, check| {
                black_box(policy.allows(subject, check));
            });
            table.row([
                as_number(size.users).into(),
                as_number(size.grants).into(),
                asked.into(),
                p50.into(),
                p99.into(),
                verdict.into(),
                compiled.as_secs_f64().into(),
                aim.into(),
            ]);
        }
    }
    table.note("A reason holds every deciding grant, or every missing check; verdicts are what filters of lists use.");
    Ok(vec![table])
}

fn decide(policy: &Policy, questions: &[Question]) -> (Option<f64>, Option<f64>) {
    time(questions, |subject, check| {
        black_box(
            policy
                .decide(subject, Access::Operation, std::slice::from_ref(check))
                .is_allowed(),
        );
    })
}

/// Median and 99th percentile in nanoseconds, without the clock's own share.
fn time(questions: &[Question], act: impl FnMut(&Subject, &Check)) -> (Option<f64>, Option<f64>) {
    let clock = quantile(&mut times(questions, |_, _| ()), 0.5).unwrap_or(0.0);
    let mut times = times(questions, act);
    let mut at = |share| quantile(&mut times, share).map(|time| (time - clock).max(0.0));
    (at(0.5), at(0.99))
}

fn times(questions: &[Question], mut act: impl FnMut(&Subject, &Check)) -> Vec<f64> {
    let each = |(subject, check): &Question| {
        read(subject, check);
        let start = Instant::now();
        act(black_box(subject), black_box(check));
        nanos(start.elapsed())
    };
    questions.iter().map(each).collect()
}

/// Brings the question into the cache, where that of a request that was just parsed is. What the policy needs for
/// the answer stays out of it.
fn read(subject: &Subject, check: &Check) {
    if let Subject::Account(id) = subject {
        black_box(id.as_str().bytes().fold(0, u8::wrapping_add));
    }
    black_box(check.collection.as_str().bytes().fold(0, u8::wrapping_add));
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// Counts stand in tables as numbers too; none here comes near what a float cannot hold.
fn as_number(count: usize) -> f64 {
    count as f64
}
