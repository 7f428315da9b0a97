//! `simulate`: what a change does, compared with asking for every decision before and after.

use std::collections::BTreeMap;

use mke_rbac::inquiry::{Difference, PlaceState, Simulate, SimulateReport, WhatIf};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::state::World;
use mke_rbac::{Check, Policy, Subject};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bank::{advanced, ask, basic, world};
use crate::dice::{Dice, TEAMS, USERS};

/// Test table: one change of the bank each, with what the report says of it.
#[test]
fn changes_of_the_bank() {
    let cases = [
        (
            json!([{"grant": {"subject": "user:sam", "role": "viewonly", "collection": "/staging"}}]),
            vec!["user:sam: +14 -0 on /staging (3)"],
        ),
        // Sam's team holds it there already, so nothing changes.
        (
            json!([{"grant": {"subject": "user:sam", "role": "viewonly", "collection": "/prod/db"}}]),
            vec![],
        ),
        // Three grants overlap; the one on top carries everything.
        (
            json!([{"revoke": {"subject": "team:orcabank/db", "role": "fullcontrol", "collection": "/prod/db/mobile"}}]),
            vec![],
        ),
        (
            json!([{"revoke": {"subject": "team:orcabank/db", "role": "fullcontrol", "collection": "/prod/db"}}]),
            vec!["user:dina: +0 -81 on /prod/db (1)"],
        ),
        // An administrator needs no grant, and a grant to one gives nothing.
        (
            json!([{"grant": {"subject": "user:root", "role": "viewonly", "collection": "/prod"}}]),
            vec![],
        ),
        (
            json!([{"add-member": {"user": "sam", "to": "team:orcabank/mobile"}}]),
            vec![
                "user:sam: +3 -0 on /prod/db/mobile (1); +67 -0 on /prod/mobile (1); +81 -0 on /staging/mobile (1)",
            ],
        ),
        (
            json!([{"remove-member": {"user": "mindi", "from": "org:orcabank"}}]),
            vec![
                "user:mindi: +0 -5 on /prod/db/mobile (1); +0 -81 on /prod/mobile (1); +0 -81 on /staging/mobile (1)",
            ],
        ),
        (
            json!([{"user": {"name": "peter", "active": false}}]),
            vec![
                "user:peter: +0 -2 on /Shared (7); +0 -5 on /prod/db/payments (1); +0 -65 on own private collection (1); \
                 +0 -81 on /prod/payments (1); +0 -81 on /staging/payments (1)",
            ],
        ),
        (
            json!([{"remove-user": "root"}]),
            vec!["user:root: +0 -81 on / (19)"],
        ),
        (
            json!([{"add-team": "orcabank/audit"}, {"add-member": {"user": "peter", "to": "team:orcabank/audit"}},
                {"grant": {"subject": "team:orcabank/audit", "role": "viewonly", "collection": "/staging/mobile"}}]),
            vec!["user:peter: +14 -0 on /staging/mobile (1)"],
        ),
    ];
    for (changes, expected) in cases {
        let report: SimulateReport = ask::<Simulate>(&advanced(), json!({"changes": changes})).unwrap();
        assert_eq!(short(&report.difference), expected, "{changes}");
    }
}

fn short(difference: &Difference) -> Vec<String> {
    let place = |place: &mke_rbac::inquiry::PlaceChange| {
        let (gained, lost) = (place.gained.names().len(), place.lost.names().len());
        format!(
            "+{gained} -{lost} on {} ({})",
            place.collection, place.collections
        )
    };
    let line = |change: &mke_rbac::inquiry::SubjectChange| {
        let mut places: Vec<_> = change.places.iter().map(place).collect();
        places.sort();
        format!("{}: {}", change.who, places.join("; "))
    };
    difference.swarm.iter().map(line).collect()
}

/// Who is meant by one change together stands together; a moved and a new collection say so.
#[test]
fn text_for_people() {
    let changes = json!([
        {"grant": {"subject": "org:orcabank", "role": "fullcontrol", "collection": "/Shared/mobile"}},
        {"add-collection": "/Shared/db/cache"},
    ]);
    let report: SimulateReport = ask::<Simulate>(&basic(), json!({"changes": changes})).unwrap();
    insta::assert_snapshot!(report.to_string());
    let moved = json!([{"move-collection": {"from": "/Shared/db/mobile", "to": "/Shared/payments/mobile"}}]);
    let report: SimulateReport = ask::<Simulate>(&basic(), json!({"changes": moved})).unwrap();
    insta::assert_snapshot!(report.to_string());
    let nothing = json!([{"grant": {"subject": "user:sam", "role": "none", "collection": "/"}}]);
    let report: SimulateReport = ask::<Simulate>(&advanced(), json!({"changes": nothing})).unwrap();
    assert_eq!(
        report.to_string(),
        "What if: grant none for user:sam on /\nno decision changes"
    );
}

/// A limit cuts the list, never the counts, and the report says so.
#[test]
fn limits_cut_lists_only() {
    let changes = json!([{"role": {"name": "View & Use Networks + Secrets", "operations": {}}},
        {"revoke": {"subject": "team:orcabank/security", "role": "viewonly", "collection": "/prod/mobile"}}]);
    let all: SimulateReport = ask::<Simulate>(&advanced(), json!({"changes": changes})).unwrap();
    assert_eq!(all.difference.swarm.len(), 2);
    let one: SimulateReport = ask::<Simulate>(&advanced(), json!({"changes": changes, "limit": 1})).unwrap();
    assert_eq!((one.difference.swarm.len(), one.difference.left_out), (1, 1));
    assert_eq!(one.difference.counts, all.difference.counts);
    assert!(one.to_string().contains("1 entry more left out"), "{one}");
}

/// A change that names what is not there is an error, never a change without effect.
#[test]
fn unknown_names_are_errors() {
    let cases = [
        (json!([]), "changes"),
        (
            json!([{"grant": {"subject": "user:nobody", "role": "viewonly", "collection": "/prod"}}]),
            "user:nobody",
        ),
        (
            json!([{"grant": {"subject": "user:sam", "role": "viewall", "collection": "/prod"}}]),
            "viewall",
        ),
        (
            json!([{"grant": {"subject": "user:sam", "role": "viewonly", "collection": "/Prod"}}]),
            "/Prod",
        ),
        (
            json!([{"revoke": {"subject": "user:sam", "role": "viewonly", "collection": "/prod"}}]),
            "no grant",
        ),
        (
            json!([{"add-member": {"user": "sam", "to": "user:dina"}}]),
            "user:dina",
        ),
        (
            json!([{"remove-member": {"user": "sam", "from": "team:orcabank/db"}}]),
            "not in",
        ),
        (
            json!([{"move-collection": {"from": "/prod", "to": "/prod/db/prod"}}]),
            "below itself",
        ),
        (json!([{"add-collection": "/prod/db"}]), "already"),
        (json!([{"add-collection": "/nowhere/x"}]), "/nowhere"),
        (json!([{"remove-role": "fullcontrol"}]), "built in"),
        (
            json!([{"grant": {"subject": "user:sam", "role": "viewonly"}}]),
            "collection",
        ),
        (json!([{"promote": "sam"}]), "promote"),
        (
            json!([{"kubernetes": {"remove_role": {"kind": "ClusterRole", "name": "x"}}}]),
            "ClusterRole `x`",
        ),
    ];
    for (changes, named) in cases {
        let error = ask::<Simulate>(&advanced(), json!({"changes": changes})).unwrap_err();
        assert!(error.to_string().contains(named), "{changes}: {error}");
    }
}

/// In Kubernetes: what a binding gives its subjects, and what somebody keeps in a namespace by another one.
#[test]
fn kubernetes_bindings() {
    let world = world(
        "
users: {ann: {}, bob: {}}
orgs: {dev: {teams: {web: [ann, bob]}}}
k8s:
  roles:
  - {kind: ClusterRole, name: reader, rules: [{verbs: [get, list], apiGroups: [''], resources: [pods, services]}]}
  - {kind: Role, name: pods, namespace: blue, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}
  bindings:
  - {kind: RoleBinding, name: ann, namespace: blue, role: {kind: Role, name: pods}, subjects: [{kind: User, name: u-ann}]}
  - {kind: ClusterRoleBinding, name: all, role: {kind: ClusterRole, name: reader},
     subjects: [{kind: Group, name: 'team:o-dev:t-dev/web'}]}
",
    );
    let remove = json!([{"kubernetes": {"remove_binding": {"kind": "ClusterRoleBinding", "name": "all"}}}]);
    let report: SimulateReport = ask::<Simulate>(&world, json!({"changes": remove})).unwrap();
    insta::assert_snapshot!(report.to_string());
    // Who becomes an administrator gains everything that Kubernetes has.
    let promote = json!([{"user": {"name": "bob", "admin": true}}]);
    let report: SimulateReport = ask::<Simulate>(&world, json!({"changes": promote})).unwrap();
    let gained = &report.difference.kubernetes[0];
    assert_eq!(gained.who, ["user:bob"]);
    assert_eq!(gained.scopes[0].gained[0].verbs, ["*"]);
    assert_eq!(report.difference.counts.kubernetes_lost, 0);
    // A role that nobody has changes nothing.
    let role = json!([{"kubernetes": {"put_role": {"kind": "ClusterRole", "name": "idle",
        "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}}}]);
    let report: SimulateReport = ask::<Simulate>(&world, json!({"changes": role})).unwrap();
    assert!(report.difference.is_empty());
}

/// Every use of every operation, one by one.
pub(crate) fn uses() -> Vec<(Operation, ModifierSet, String)> {
    let mut uses = Vec::new();
    for operation in Operation::ALL {
        uses.push((*operation, ModifierSet::EMPTY, operation.to_string()));
        for modifier in operation.modifiers() {
            let text = format!("{operation} with {modifier}");
            uses.push((*operation, ModifierSet::of(*modifier), text));
        }
    }
    uses
}

/// What somebody gains and loses, by asking for every decision: by user and id of the collection.
type Flips = BTreeMap<(String, String), (Vec<String>, Vec<String>)>;

fn every_flip(before: &Policy, after: &Policy) -> Flips {
    // A name may stand for another account afterwards; without one it may do nothing.
    let mut subjects: BTreeMap<String, [Option<Subject>; 2]> = BTreeMap::new();
    for (side, policy) in [before, after].into_iter().enumerate() {
        for user in policy.users() {
            subjects.entry(user.name.clone()).or_default()[side] = Some(Subject::Account(user.id.clone()));
        }
    }
    let anonymous = Some(Subject::Anonymous);
    subjects.insert("anonymous".to_owned(), [anonymous.clone(), anonymous]);
    let mut collections: Vec<_> = before
        .collections()
        .chain(after.collections())
        .map(|info| info.id.clone())
        .collect();
    collections.sort();
    collections.dedup();
    let mut flips = Flips::new();
    for (name, [older, newer]) in &subjects {
        for collection in &collections {
            for (operation, modifiers, text) in uses() {
                let check = Check {
                    operation,
                    modifiers,
                    collection: collection.clone(),
                };
                let key = (name.clone(), collection.to_string());
                let may = |policy: &Policy, subject: &Option<Subject>| {
                    subject
                        .as_ref()
                        .is_some_and(|subject| policy.allows(subject, &check))
                };
                match (may(before, older), may(after, newer)) {
                    (false, true) => flips.entry(key).or_default().0.push(text),
                    (true, false) => flips.entry(key).or_default().1.push(text),
                    _ => {}
                }
            }
        }
    }
    flips
}

/// One random change in names; some name what is not there.
fn change(dice: &mut Dice, paths: &[String]) -> Value {
    let grant = |dice: &mut Dice| json!({"subject": dice.subject(), "role": dice.role(), "collection": dice.pick(paths)});
    match dice.below(16) {
        0..=3 => json!({"grant": grant(dice)}),
        4 => json!({"revoke": grant(dice)}),
        5 | 6 => {
            json!({"add-member": {"user": dice.pick(&USERS), "to": format!("team:{}", dice.pick(&TEAMS))}})
        }
        7 => {
            json!({"remove-member": {"user": dice.pick(&USERS), "from": format!("team:{}", dice.pick(&TEAMS))}})
        }
        8 => json!({"remove-member": {"user": dice.pick(&USERS), "from": dice.pick(&["org:x", "org:y"])}}),
        9 => {
            json!({"user": {"name": dice.pick(&USERS), "admin": dice.chance(50), "active": dice.chance(70)}})
        }
        10 => json!({"add-collection": format!("{}/new{}", dice.pick(&paths[3..]), dice.below(3))}),
        11 => {
            json!({"move-collection": {"from": dice.pick(&paths[3..]), "to": format!("{}/moved{}", dice.pick(&paths[3..]), dice.below(3))}})
        }
        12 => json!({"remove-collection": dice.pick(&paths[4..])}),
        13 => {
            json!({"role": {"name": "Builder", "operations": {"Network": {"Network Create": ["Attachable"]}}}})
        }
        14 => dice.pick(&[
            json!({"remove-user": "ada"}),
            json!({"remove-team": "x/one"}),
            json!({"remove-organization": "y"}),
            json!({"remove-role": "Runner"}),
            json!({"user": {"name": "eve"}}),
        ]),
        _ => json!({"settings": {"default_new_user_role": dice.pick(&["viewonly", "none", "admin"])}}),
    }
}

/// Simulates the random changes of a seed and compares the report with asking for every decision.
fn compare_with_all_decisions(seed: u64) -> Result<(), TestCaseError> {
    let dice = &mut Dice::new(seed);
    let (record, paths) = dice.world();
    let before = World::parse(&Dice::text(&record), None).unwrap();
    let mut changes = Vec::new();
    let mut after = before.policy().clone();
    for _ in 0..1 + dice.below(3) {
        let one: WhatIf = serde_json::from_value(change(dice, &paths)).unwrap();
        let mut longer = changes.clone();
        longer.push(one);
        // The library itself says how the changed policy looks; what is compared is the report about it.
        if let Some(changed) = mke_rbac::inquiry::changed(before.policy(), &longer) {
            changes = longer;
            after = changed;
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let flips = every_flip(before.policy(), &after);
    let simulate = Simulate {
        changes: changes.clone(),
        limit: 1000,
    };
    let report: SimulateReport = ask::<Simulate>(&before, serde_json::to_value(&simulate).unwrap()).unwrap();
    let difference = &report.difference;
    let sum = |side: fn(&(Vec<String>, Vec<String>)) -> usize| flips.values().map(side).sum::<usize>() as u64;
    prop_assert_eq!(
        difference.counts.gained,
        sum(|flips| flips.0.len()),
        "{:?}",
        changes
    );
    prop_assert_eq!(
        difference.counts.lost,
        sum(|flips| flips.1.len()),
        "{:?}",
        changes
    );
    for subject in &difference.swarm {
        let names = match subject.users.is_empty() {
            true => vec!["anonymous".to_owned()],
            false => subject.users.clone(),
        };
        prop_assert_eq!(names.len() as u64, subject.count);
        for (name, place) in names
            .iter()
            .flat_map(|name| subject.places.iter().map(move |place| (name, place)))
        {
            let path = match place.collection.as_str() {
                "own private collection" => format!("/Shared/Private/{name}"),
                path => path.to_owned(),
            };
            let policy = if place.state == PlaceState::Removed {
                before.policy()
            } else {
                &after
            };
            let id = policy
                .collection_by_path(&path.parse().unwrap())
                .map(|info| info.id.to_string());
            let known = before
                .policy()
                .collections()
                .any(|info| Some(info.id.to_string()) == id);
            let here = match place.state {
                PlaceState::Kept => true,
                PlaceState::Added => !known,
                PlaceState::Removed => after.collections().all(|info| Some(info.id.to_string()) != id),
            };
            if here && let Some(id) = id {
                let expected = flips.get(&(name.clone(), id)).cloned().unwrap_or_default();
                prop_assert_eq!(
                    (place.gained.names(), place.lost.names()),
                    expected,
                    "{} {}",
                    name,
                    path
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The flips of a simulation are those that asking for every decision finds: the counts exactly, and what is listed
    /// about the topmost collections word for word.
    #[test]
    fn flips_are_those_of_all_decisions(seed: u64) {
        compare_with_all_decisions(seed)?;
    }
}

/// An active account that is removed and made again in one simulation: the name counts, not the two ids. The seed once
/// told apart what the report and the slow evaluator take for one person.
#[test]
fn an_account_that_is_removed_and_made_again_is_one_person() {
    compare_with_all_decisions(10_746_197_064_004_255_308).unwrap();
    let world = world("\nusers: {ada: {admin: true}, ben: {}, cyd: {admin: true}}");
    let again = |form: Value| {
        let changes = json!([{"remove-user": "ada"}, {"user": form}]);
        let report: SimulateReport = ask::<Simulate>(&world, json!({"changes": changes})).unwrap();
        let counts = &report.difference.counts;
        assert_eq!(counts.users_gaining, 0, "{changes}");
        assert_eq!(counts.users_losing, u64::from(counts.lost > 0), "{changes}");
        short(&report.difference)
    };
    // An administrator who is not active may do nothing.
    assert_eq!(
        again(json!({"name": "ada", "admin": true, "active": false})),
        ["user:ada: +0 -81 on / (8)"]
    );
    // An active one keeps what every user has.
    assert_eq!(
        again(json!({"name": "ada"})),
        ["user:ada: +0 -79 on /Shared (6); +0 -81 on / (2)"]
    );
    // Everything that the old one could do the new one can.
    assert!(again(json!({"name": "ada", "admin": true})).is_empty());
}
