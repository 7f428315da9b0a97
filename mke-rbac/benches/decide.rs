//! RBAC-036: how long a decision takes: `cargo bench -p mke-rbac --bench decide`.
//!
//! Two sizes, questions drawn at random in advance, half of them about collections that a grant of the user
//! covers. `decide` gives the whole reason: every deciding grant, or every missing check. `allows` gives the
//! verdict only.

#![expect(clippy::print_stdout, reason = "a benchmark reports what it measured")]

#[path = "../tests/common/shape.rs"]
mod shape;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use mke_rbac::demand::Access;
use mke_rbac::model::GrantObject;
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::{Check, Policy, Subject};
use shape::{Dice, LARGE, SMALL, Size, collection, model, user};

/// Enough that they do not all stay in the cache of a core.
const QUESTIONS: usize = 1 << 16;

fn questions(policy: &Policy, size: Size) -> Vec<(Subject, Check)> {
    let mut dice = Dice::new(7);
    (0..QUESTIONS)
        .map(|number| {
            let subject = Subject::Account(user(dice.below(size.users)));
            let grants = policy.grants_of(&subject);
            let object = &dice.pick(&grants).object;
            let collection = match object {
                GrantObject::Collection(id) if number % 2 == 0 => id.clone(),
                _ => collection(dice.below(size.collections)),
            };
            let check = Check {
                operation: *dice.pick(Operation::ALL),
                modifiers: ModifierSet::EMPTY,
                collection,
            };
            (subject, check)
        })
        .collect()
}

fn decisions(c: &mut Criterion) {
    for (name, size) in [("100 users, 200 grants", SMALL), ("100k users, 1M grants", LARGE)] {
        let policy = Policy::compile(model(size, 1));
        let questions = questions(&policy, size);
        report_quantiles(name, &policy, &questions);
        let mut group = c.benchmark_group(name);
        let mut next = questions.iter().cycle();
        group.bench_function("decide", |b| {
            b.iter(|| {
                let (subject, check) = next.next().unwrap_or(&questions[0]);
                black_box(policy.decide(subject, Access::Operation, std::slice::from_ref(check)))
            });
        });
        group.bench_function("allows", |b| {
            b.iter(|| {
                let (subject, check) = next.next().unwrap_or(&questions[0]);
                black_box(policy.allows(subject, check))
            });
        });
        group.finish();
    }
}

/// Criterion reports means; single decisions are timed here, less the cost of reading the clock. The question
/// itself is in the cache, as it is for a caller who has just read it; the policy is as cold as chance leaves it.
fn report_quantiles(name: &str, policy: &Policy, questions: &[(Subject, Check)]) {
    let clock = quantiles(questions, |_, _| ());
    let decide = quantiles(questions, |subject, check| {
        let check = std::slice::from_ref(check);
        let _ = black_box(policy.decide(subject, Access::Operation, check));
    });
    let show = |time: Duration, clock: Duration| time.saturating_sub(clock).as_nanos();
    println!(
        "{name}: decide p50 {} ns, p99 {} ns",
        show(decide.0, clock.0),
        show(decide.1, clock.0)
    );
}

fn quantiles(questions: &[(Subject, Check)], mut act: impl FnMut(&Subject, &Check)) -> (Duration, Duration) {
    let mut times: Vec<_> = questions
        .iter()
        .map(|(subject, check)| {
            black_box((subject.clone(), check.clone()));
            let start = Instant::now();
            act(black_box(subject), black_box(check));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

criterion_group!(benches, decisions);
criterion_main!(benches);
