//! The compiled policy against a slow evaluator, on random models.

use std::collections::BTreeSet;

use crate::slow;
use mke_core::ids::{AccountId, CollectionId};
use mke_rbac::demand::{Access, Home};
use mke_rbac::model::{Collection, Grant, GrantObject, GrantSubject, Model, Organization, Team, User};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::role::{Rights, builtin};
use mke_rbac::{AllowReason, Check, CollectionRow, Decision, Policy, Prepared, Role, Subject, UserRow};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const USERS: usize = 4;
const ORGANIZATIONS: usize = 3;
const TEAMS: usize = 4;
const ROLES: usize = 3;

/// Some ids have the form of those that the product makes, others do not: they are looked up differently.
fn id(kind: &str, number: usize) -> String {
    match number % 2 {
        0 => format!("{kind}{number}"),
        _ => format!("{kind}0000000-0000-4000-8000-{number:012x}").replace('u', "a"),
    }
}

pub(crate) fn user(number: usize) -> AccountId {
    AccountId::from(id("u", number))
}

pub(crate) fn collection(number: usize) -> CollectionId {
    CollectionId::from(id("c", number))
}

pub(crate) fn rights() -> impl Strategy<Value = Rights> {
    let operation = select(Operation::ALL.to_vec());
    vec((operation, any::<u16>()), 0..6).prop_map(|operations| {
        operations
            .into_iter()
            .map(|(operation, bits)| {
                let modifiers = operation.modifiers().iter().enumerate();
                let chosen = modifiers.filter(|(number, _)| bits & (1 << number) != 0);
                (operation, chosen.map(|(_, modifier)| *modifier).collect())
            })
            .collect()
    })
}

/// Every collection hangs below one with a smaller number, or below the root.
fn tree() -> impl Strategy<Value = Vec<Collection>> {
    vec(any::<prop::sample::Index>(), 1..12).prop_map(|parents| {
        parents
            .iter()
            .enumerate()
            .map(|(number, parent)| Collection {
                id: collection(number),
                name: format!("c{number}"),
                parent: Some(match parent.index(number + 1) {
                    0 => "swarm".into(),
                    above => collection(above - 1),
                }),
            })
            .collect()
    })
}

pub(crate) fn grant() -> impl Strategy<Value = Grant> {
    let subject = prop_oneof![
        4 => (0..USERS).prop_map(|number| GrantSubject::User(user(number))),
        3 => (0..TEAMS).prop_map(|number| GrantSubject::Team(format!("t{number}").into())),
        3 => (0..ORGANIZATIONS).prop_map(|number| GrantSubject::Organization(format!("o{number}").into())),
        1 => Just(GrantSubject::Authenticated),
        1 => Just(GrantSubject::Anonymous),
    ];
    let object = prop_oneof![
        // Some of these collections do not exist.
        8 => (0..14usize).prop_map(|number| GrantObject::Collection(collection(number))),
        2 => select(vec!["swarm", "shared", "system"]).prop_map(|id| GrantObject::Collection(id.into())),
        1 => Just(GrantObject::AllNamespaces),
    ];
    let role = prop_oneof![
        // One of these roles does not exist.
        3 => (0..=ROLES).prop_map(|number| format!("r{number}")),
        2 => select(builtin::IDS.to_vec()).prop_map(str::to_owned),
    ];
    (subject, object, role).prop_map(|(subject, object, role)| Grant {
        subject,
        object,
        role: role.into(),
    })
}

prop_compose! {
    pub(crate) fn model()(
        tree in tree(),
        roles in vec(rights(), ROLES),
        grants in vec(grant(), 0..25),
        flags in vec((any::<bool>(), prop::bool::weighted(0.9), any::<bool>()), USERS),
        members in vec(vec(0..USERS, 0..3), ORGANIZATIONS),
        teams in vec((0..ORGANIZATIONS, vec(0..USERS, 0..3)), TEAMS),
        private_role in select(builtin::IDS.to_vec()),
    ) -> Model {
        let mut model = Model::with_builtin_collections();
        model.settings.default_new_user_role = private_role.into();
        let private = tree.first().map(|first| first.id.clone());
        model.collections.extend(tree);
        model.roles = roles.into_iter().enumerate().map(|(number, rights)| Role {
            id: format!("r{number}").into(), name: String::new(), system_role: false, operations: rights.into(),
        }).collect();
        model.users = flags.into_iter().enumerate().map(|(number, (admin, active, logged_in))| User {
            id: user(number), name: format!("user{number}"), admin: admin && number == 0, active,
            private_collection: private.clone().filter(|_| logged_in), default_collection: None,
        }).collect();
        model.organizations = members.into_iter().enumerate().map(|(number, members)| Organization {
            id: format!("o{number}").into(),
            name: if number == 0 { "docker-datacenter".to_owned() } else { format!("org{number}") },
            members: members.into_iter().map(user).collect(),
        }).collect();
        model.teams = teams.into_iter().enumerate().map(|(number, (organization, members))| Team {
            id: format!("t{number}").into(), organization: format!("o{organization}").into(),
            name: format!("team{number}"), members: members.into_iter().map(user).collect(),
        }).collect();
        model.grants = grants;
        model
    }
}

fn any_check() -> impl Strategy<Value = (usize, Operation, ModifierSet, usize)> {
    (
        0..USERS,
        select(Operation::ALL.to_vec()),
        any::<u16>(),
        0..12usize,
    )
        .prop_map(|(number, operation, bits, at)| {
            let own = operation.modifiers().iter().enumerate();
            let modifiers = own.filter(|(number, _)| bits & (1 << number) != 0);
            (
                number,
                operation,
                modifiers.map(|(_, modifier)| *modifier).collect(),
                at,
            )
        })
}

fn place(model: &Model, number: usize) -> CollectionId {
    let collections = &model.collections;
    collections[number % collections.len()].id.clone()
}

/// What a user and a collection are found as by name; nothing for a user whose name another one has.
fn rows(
    prepared: &Prepared,
    user: Option<usize>,
    collection: usize,
) -> Option<(Option<UserRow<'_>>, CollectionRow<'_>)> {
    let found = match user {
        None => None,
        Some(user) => {
            let row = prepared.find_user(prepared.user(user)?.name.as_bytes())?;
            Some((row.position() == user).then_some(row)?)
        }
    };
    let path = prepared.collection(collection)?.path.as_str();
    Some((found, prepared.find_collection(path.as_bytes())?))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// rbac-01 (the library's share), RBAC-013, RBAC-019, RBAC-028: verdict, reason and effective role agree with an
    /// evaluator that only knows the rules.
    #[test]
    fn sec_rbac_01_the_policy_agrees_with_the_slow_evaluator(
        model in model(),
        checks in vec(any_check(), 1..20),
    ) {
        let policy = Policy::compile(model.clone());
        for (number, operation, modifiers, at) in checks {
            let at = place(&model, at);
            let subject = Subject::Account(user(number));
            let check = Check { operation, modifiers, collection: at.clone() };
            let expected = slow::allows(&model, &user(number), operation, modifiers, &at);
            let decision = policy.decide(&subject, Access::Operation, std::slice::from_ref(&check));
            prop_assert_eq!(decision.is_allowed(), expected);
            prop_assert_eq!(policy.allows(&subject, &check), expected);
            let home = Home::Collection(at.clone());
            prop_assert_eq!(
                policy.may(&subject, operation, &home),
                slow::allows(&model, &user(number), operation, ModifierSet::EMPTY, &at)
            );
            if let Decision::Allowed(permit) = &decision
                && let AllowReason::Granted(evidence) = permit.reason()
            {
                let got: BTreeSet<_> = evidence[0].grants().collect();
                let above = slow::ancestors(&model, &at);
                let carrying = slow::grants(&model, &user(number)).into_iter().filter(|(_, place, rights)| {
                    above.contains(place) && rights.operations().contains(operation)
                });
                prop_assert_eq!(got, carrying.map(|(grant, ..)| grant).collect());
            }
        }
    }

    /// A policy with everything looked up before decides and explains as the policy itself, everywhere and for everybody.
    #[test]
    fn positions_agree_with_ids(model in model(), checks in vec(any_check(), 1..4)) {
        let policy = Policy::compile(model);
        let (prepared, other) = (policy.prepare(), policy.prepare());
        prop_assert_eq!(prepared.user_count(), policy.user_count());
        prop_assert_eq!(prepared.collection_count(), policy.collection_count());
        for user in prepared.users() {
            let first = prepared.users().position(|other| other.name == user.name);
            let found = prepared.find_user(user.name.as_bytes());
            prop_assert_eq!(found.map(UserRow::position), first);
        }
        for (at, collection) in prepared.collections().enumerate() {
            let found = prepared.find_collection(collection.path.as_str().as_bytes());
            prop_assert_eq!(found.map(CollectionRow::position), Some(at));
        }
        let users = prepared.users().enumerate().map(|(at, user)| (Some(at), Subject::Account(user.id.clone())));
        let users: Vec<_> = users.chain([(None, Subject::Anonymous)]).collect();
        for (_, operation, modifiers, _) in checks {
            for (user, subject) in &users {
                for (at, collection) in prepared.collections().enumerate() {
                    prepared.fetch(*user, at);
                    let check = Check { operation, modifiers, collection: collection.id.clone() };
                    let expected = policy.decide(subject, Access::Operation, std::slice::from_ref(&check));
                    prop_assert_eq!(prepared.allows(*user, operation, modifiers, at), expected.is_allowed());
                    if let Some((user, collection)) = rows(&prepared, *user, at) {
                        prop_assert_eq!(prepared.permits(user, operation, modifiers, collection), expected.is_allowed());
                        prop_assert!(!other.permits(user, operation, modifiers, collection));
                    }
                    prop_assert_eq!(prepared.decide(*user, operation, modifiers, at), Some(expected));
                }
                let nowhere = prepared.collection_count();
                prop_assert!(!prepared.allows(*user, operation, modifiers, nowhere));
                prop_assert_eq!(prepared.decide(*user, operation, modifiers, nowhere), None);
            }
            let nobody = Some(prepared.user_count());
            prop_assert!(!prepared.allows(nobody, operation, modifiers, 0));
            prop_assert_eq!(prepared.decide(nobody, operation, modifiers, 0), None);
        }
    }

    /// RBAC-014, RBAC-020, RBAC-026, RBAC-030: visible collections, effective roles and schedule roots agree as well.
    #[test]
    fn views_of_the_tree_agree_with_the_slow_evaluator(model in model()) {
        let policy = Policy::compile(model.clone());
        for known in &model.users {
            let subject = Subject::Account(known.id.clone());
            let visible: BTreeSet<_> = policy
                .visible_collections(&subject)
                .into_iter()
                .map(|info| info.id.clone())
                .collect();
            prop_assert_eq!(&visible, &slow::visible(&model, &known.id));
            for collection in &model.collections {
                prop_assert_eq!(
                    policy.sees_collection(&subject, &collection.id),
                    visible.contains(&collection.id)
                );
                if known.active && !known.admin {
                    prop_assert_eq!(
                        *policy.effective(&subject, &collection.id).rights(),
                        slow::effective(&model, &known.id, &collection.id)
                    );
                    let root = policy.schedule(&subject, &collection.id).ok().map(|schedule| schedule.root);
                    prop_assert_eq!(root, slow::schedule_root(&model, &known.id, &collection.id));
                }
            }
        }
    }

    /// rbac-01, RBAC-019: one more grant takes nothing away, one less gives nothing.
    #[test]
    fn sec_rbac_01_grants_only_add(model in model(), more in grant()) {
        let before = Policy::compile(model.clone());
        let mut grown = model.clone();
        grown.grants.push(more);
        let after = Policy::compile(grown);
        for known in &model.users {
            let subject = Subject::Account(known.id.clone());
            for collection in &model.collections {
                let (less, more) = (
                    before.effective(&subject, &collection.id),
                    after.effective(&subject, &collection.id),
                );
                prop_assert!(more.rights().covers(less.rights()));
                prop_assert!(
                    !before.sees_collection(&subject, &collection.id)
                        || after.sees_collection(&subject, &collection.id)
                );
            }
        }
    }
}

/// Requests that are compared at least; the environment variable `MKE_REQUESTS` asks for more.
const REQUESTS: usize = 250_000;

/// rbac-01, RBAC-019, RBAC-028: many requests, every operation of every user everywhere in random models, plain and with
/// random modifiers, without one difference to the slow evaluator. Optimised code asks millions in seconds:
/// `MKE_REQUESTS=1000000 cargo test --release -p mke-rbac --test policy every_request_agrees`.
#[test]
fn sec_rbac_01_every_request_agrees() {
    let wanted = std::env::var("MKE_REQUESTS").map_or(REQUESTS, |wanted| wanted.parse().unwrap());
    let mut runner = TestRunner::default();
    let mut asked = 0;
    while asked < wanted {
        let model = model().new_tree(&mut runner).unwrap().current();
        let bits = any::<u16>().new_tree(&mut runner).unwrap().current();
        let policy = Policy::compile(model.clone());
        for known in &model.users {
            for collection in &model.collections {
                asked += compare(&policy, &model, known, &collection.id, bits);
            }
        }
    }
}

/// Asks for every operation in one place, and gives how many requests that were.
fn compare(policy: &Policy, model: &Model, known: &User, at: &CollectionId, bits: u16) -> usize {
    let subject = Subject::Account(known.id.clone());
    let held = match known.admin {
        true => Rights::all(),
        false => slow::effective(model, &known.id, at),
    };
    let mut asked = 0;
    for operation in Operation::ALL {
        let own = operation.modifiers().iter().enumerate();
        let some = own.filter(|(number, _)| bits & (1 << number) != 0);
        let some: ModifierSet = some.map(|(_, modifier)| *modifier).collect();
        for modifiers in [ModifierSet::EMPTY, some] {
            let check = Check {
                operation: *operation,
                modifiers,
                collection: at.clone(),
            };
            let expected = known.active && (known.admin || held.allows(*operation, modifiers));
            let decision = policy.decide(&subject, Access::Operation, std::slice::from_ref(&check));
            assert_eq!(
                decision.is_allowed(),
                expected,
                "{known:?} {check:?} in {model:?}"
            );
            assert_eq!(
                policy.allows(&subject, &check),
                expected,
                "{known:?} {check:?} in {model:?}"
            );
            asked += 1;
        }
    }
    asked
}
