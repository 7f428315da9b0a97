//! What a decision allocates: nothing for a verdict, and nothing for the grants of its reason.

#[expect(dead_code, reason = "benchmarks use more of it")]
#[path = "common/shape.rs"]
mod shape;

use std::alloc::System;
use std::hint::black_box;

use mke_rbac::demand::Access;
use mke_rbac::operation::ModifierSet;
use mke_rbac::{Policy, Subject};
use shape::{SMALL, Size, model, questions};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations(act: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    act();
    let change = region.change();
    change.allocations + change.reallocations
}

/// RBAC-036: verdicts allocate nothing, however deep the tree. A reason allocates only when more than three grants carry
/// one check, which is counted by twice the questions.
#[test]
fn verdicts_allocate_nothing() {
    let deep = Size {
        depth: 30,
        collections: 400,
        grants: 500,
        ..SMALL
    };
    let model = model(deep, 1);
    let questions = questions(&model, deep, 2000);
    let policy = Policy::compile(model);
    let plain = allocations(|| {
        for (subject, check) in &questions {
            black_box(policy.allows(subject, check));
            black_box(policy.is_administrator(subject));
            let key = policy.subject_key(subject).unwrap();
            let place = policy.collection_key(&check.collection).unwrap();
            black_box(key.allows(check.operation, ModifierSet::EMPTY, place));
        }
    });
    assert_eq!(plain, 0);
    let denied: Vec<_> = questions
        .iter()
        .filter(|(subject, check)| !policy.allows(subject, check))
        .collect();
    assert!(denied.len() > 100);
    let refused = allocations(|| {
        for (subject, check) in &denied {
            let check = std::slice::from_ref(check);
            black_box(policy.decide(subject, Access::Operation, check).is_allowed());
        }
        black_box(policy.allows(&Subject::Anonymous, &denied[0].1));
    });
    assert_eq!(refused, 0, "one missing check needs no memory of its own");
}
