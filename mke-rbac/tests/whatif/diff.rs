//! `diff`: two states, compared by names.

use mke_rbac::inquiry::{Diff, DiffReport, Report as _};
use mke_rbac::model::Model;
use mke_rbac::state::World;
use mke_rbac::{Check, Policy, Subject};
use proptest::prelude::*;
use serde_json::json;

use crate::bank::{advanced, ask, file, users};
use crate::dice::Dice;
use crate::simulate::uses;

/// Between the two banks everybody gains in one tree and loses in the other; a state compared with itself is the same.
#[test]
fn states_of_the_bank() {
    let same = json!({"state": file("swarm-orcabank-advanced.yaml"), "fail_on": "any"});
    let report: DiffReport = ask::<Diff>(&advanced(), same).unwrap();
    assert_eq!(report.to_string(), "no decision changes");
    assert!(!report.is_no());
    let text = file("swarm-orcabank-advanced.yaml").replace(
        "- {id: pay-1,",
        "- {id: new, subject: 'team:orcabank/payments', role: scheduler, collection: /prod}\n    - {id: pay-1,",
    );
    for (reverse, fail_on, gained, lost, failed) in [
        (false, "gained", 2 * 5, 0, true),
        (false, "lost", 2 * 5, 0, false),
        (true, "gained", 0, 2 * 5, false),
        (true, "lost", 0, 2 * 5, true),
        (true, "any", 0, 2 * 5, true),
    ] {
        let body = json!({"state": text, "reverse": reverse, "fail_on": fail_on});
        let report: DiffReport = ask::<Diff>(&advanced(), body).unwrap();
        let counts = report.difference.counts;
        assert_eq!((counts.gained, counts.lost), (gained, lost), "{report}");
        assert_eq!(report.is_no(), failed, "{reverse} {fail_on}");
    }
}

/// What cannot be compared is an error.
#[test]
fn what_cannot_be_read_is_an_error() {
    for (body, named) in [
        (json!({}), "state"),
        (json!({"state": "format: other/1\nworlds: {}"}), "other/1"),
        (
            json!({"state": file("swarm-mixed.yaml"), "world": "nowhere"}),
            "nowhere",
        ),
        (json!({"manifests": "kind: Pod"}), "manifests"),
        (json!({"stat": ""}), "stat"),
    ] {
        let error = ask::<Diff>(&advanced(), body.clone()).unwrap_err();
        assert!(error.to_string().contains(named), "{body}: {error}");
    }
}

/// Decisions that flip, by names.
fn every_flip(before: &World, after: &World) -> (u64, u64) {
    let mut names = users(before.policy());
    names.extend(users(after.policy()));
    names.sort();
    names.dedup();
    let mut paths: Vec<String> = Vec::new();
    for policy in [before.policy(), after.policy()] {
        paths.extend(policy.collections().map(|info| info.path.to_string()));
    }
    paths.sort();
    paths.dedup();
    let (mut gained, mut lost) = (0, 0);
    for name in names.iter().map(Some).chain([None]) {
        for path in &paths {
            for (operation, modifiers, _) in uses() {
                let asked = |world: &World| {
                    let subject = match name {
                        Some(name) => match world.subject(Some(name)) {
                            Some(subject) => subject,
                            None => return false,
                        },
                        None => Subject::Anonymous,
                    };
                    let known = world.policy().collection_by_path(&path.parse().unwrap());
                    let collection = known.map_or("none".into(), |info| info.id.clone());
                    world.policy().allows(
                        &subject,
                        &Check {
                            operation,
                            modifiers,
                            collection,
                        },
                    )
                };
                match (asked(before), asked(after)) {
                    (false, true) => gained += 1,
                    (true, false) => lost += 1,
                    _ => {}
                }
            }
        }
    }
    (gained, lost)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The differences of two states are those that asking both for every decision finds, and the way back is the
    /// reverse.
    #[test]
    fn differences_are_those_of_all_decisions(seed: u64, other: u64) {
        let one = World::parse(&Dice::text(&Dice::new(seed).world().0), None).unwrap();
        let text = Dice::text(&Dice::new(other).world().0);
        let two = World::parse(&text, None).unwrap();
        let (gained, lost) = every_flip(&one, &two);
        let report: DiffReport = ask::<Diff>(&one, json!({"state": text})).unwrap();
        prop_assert_eq!((report.difference.counts.gained, report.difference.counts.lost), (gained, lost));
        let back: DiffReport = ask::<Diff>(&one, json!({"state": text, "reverse": true})).unwrap();
        prop_assert_eq!((back.difference.counts.gained, back.difference.counts.lost), (lost, gained));
    }
}

/// A policy without users and a full one: the smallest and the largest difference.
#[test]
fn an_empty_state() {
    let empty = Policy::compile(Model::with_builtin_collections());
    assert_eq!(users(&empty).len(), 0);
    let text = "format: rbac-scenarios/1\nworlds: {empty: {}}";
    let report: DiffReport = ask::<Diff>(&advanced(), json!({"state": text, "fail_on": "gained"})).unwrap();
    assert_eq!(report.difference.counts.gained, 0);
    assert_eq!(report.difference.counts.users_losing, 5);
    assert!(!report.is_no());
}
