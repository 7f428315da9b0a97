//! A policy with changes applied one by one answers like the changed model compiled anew, and like the slow evaluator.

use std::collections::BTreeSet;

use mke_core::ids::{AccountId, CollectionId, TeamId};
use mke_rbac::demand::{Access, Home};
use mke_rbac::model::{Collection, GrantSubject, Model, Settings, User};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::role::builtin;
use mke_rbac::{Change, ChangeError, Check, Group, Policy, Reach, Role, Subject};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::differential::{collection, grant, model, rights, user};
use crate::slow;

fn a_user() -> impl Strategy<Value = AccountId> {
    (0..6usize).prop_map(user)
}

fn an_organization() -> impl Strategy<Value = AccountId> {
    (0..4usize).prop_map(|number| format!("o{number}").into())
}

fn a_team() -> impl Strategy<Value = TeamId> {
    (0..5usize).prop_map(|number| format!("t{number}").into())
}

fn a_collection() -> impl Strategy<Value = CollectionId> {
    prop_oneof![
        8 => (0..16usize).prop_map(collection),
        1 => select(vec!["shared", "private", "system"]).prop_map(CollectionId::from),
    ]
}

fn a_group() -> impl Strategy<Value = Group> {
    prop_oneof![
        an_organization().prop_map(Group::Organization),
        a_team().prop_map(Group::Team)
    ]
}

/// Also of roles, collections and accounts that do not exist.
fn change() -> impl Strategy<Value = Change> {
    let a_role = || (0..5usize).prop_map(|number| format!("r{number}"));
    let put_user = (
        a_user(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.8),
        prop::option::of(a_collection()),
        prop::option::of(a_collection()),
    );
    let put_user = put_user.prop_map(
        |(id, admin, active, private_collection, default_collection)| User {
            name: format!("name-{id}"),
            id,
            admin,
            active,
            private_collection,
            default_collection,
        },
    );
    let put_collection = (a_collection(), "x?", prop::option::weighted(0.9, a_collection()));
    let put_collection = put_collection.prop_map(|(id, name, parent)| {
        Change::PutCollection(Collection {
            // Renamed now and then, but never to the name of a neighbour.
            name: format!("{id}{name}"),
            parent: parent.filter(|parent| *parent != id),
            id,
        })
    });
    let put_role = (a_role(), rights()).prop_map(|(id, rights)| {
        Change::PutRole(Role {
            id: id.into(),
            name: String::new(),
            system_role: false,
            operations: rights.into(),
        })
    });
    let settings = (
        select(["r1", "viewonly", "admin", "gone", "restrictedcontrol"].as_slice()),
        any::<bool>(),
    );
    let settings = settings.prop_map(|(role, scheduling)| {
        Change::Settings(Settings {
            default_new_user_role: role.into(),
            enable_admin_ucp_scheduling: scheduling,
            advanced_license: true,
        })
    });
    let organization = (
        an_organization(),
        select(["docker-datacenter", "a", "b"].as_slice()),
    );
    let member = || (a_group(), a_user());
    prop_oneof![
        6 => grant().prop_map(Change::PutGrant),
        3 => grant().prop_map(Change::RemoveGrant),
        4 => put_user.prop_map(Change::PutUser),
        2 => organization.prop_map(|(id, name)| Change::PutOrganization { id, name: name.to_owned() }),
        3 => (a_team(), an_organization()).prop_map(|(id, organization)| Change::PutTeam {
            name: id.to_string(), id, organization,
        }),
        1 => prop_oneof![a_user(), an_organization()].prop_map(Change::RemoveAccount),
        1 => a_team().prop_map(Change::RemoveTeam),
        4 => member().prop_map(|(group, member)| Change::AddMember { group, member }),
        2 => member().prop_map(|(group, member)| Change::RemoveMember { group, member }),
        4 => put_collection,
        2 => a_collection().prop_map(Change::RemoveCollection),
        2 => put_role,
        1 => a_role().prop_map(|id| Change::RemoveRole(id.into())),
        1 => settings,
    ]
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort();
    items
}

/// A model as text, in an order of its own.
fn shown(model: &Model) -> Vec<String> {
    let mut model = model.clone();
    for group in &mut model.organizations {
        group.members.sort();
        group.members.dedup();
    }
    for group in &mut model.teams {
        group.members.sort();
        group.members.dedup();
    }
    model.grants.sort();
    model.grants.dedup();
    let users = model.users.iter().map(|known| format!("{known:?}"));
    let organizations = model.organizations.iter().map(|known| format!("{known:?}"));
    let teams = model.teams.iter().map(|known| format!("{known:?}"));
    let collections = model.collections.iter().map(|known| format!("{known:?}"));
    let roles = model
        .roles
        .iter()
        .map(|known| format!("{:?}", (&known.id, &known.operations)));
    let grants = model.grants.iter().map(|known| format!("{known:?}"));
    let all = users
        .chain(organizations)
        .chain(teams)
        .chain(collections)
        .chain(roles)
        .chain(grants);
    sorted(all.chain([format!("{:?}", model.settings)]))
}

fn collections_of(model: &Model) -> impl Iterator<Item = CollectionId> {
    let known = model.collections.iter().map(|known| known.id.clone());
    known.chain(["gone".into()]).collect::<BTreeSet<_>>().into_iter()
}

fn subjects_of(model: &Model) -> impl Iterator<Item = Subject> {
    let users = model.users.iter().map(|known| Subject::Account(known.id.clone()));
    users.chain([Subject::Anonymous, Subject::Account("gone".into())])
}

/// Everything that can be asked, of both.
fn agree(changed: &Policy, fresh: &Policy, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(shown(&changed.to_model()), shown(&fresh.to_model()));
    prop_assert_eq!(
        sorted(changed.warnings().iter().map(|warning| format!("{warning:?}"))),
        sorted(fresh.warnings().iter().map(|warning| format!("{warning:?}")))
    );
    prop_assert_eq!(sorted(changed.grants()), sorted(fresh.grants()));
    prop_assert_eq!(changed.grant_count(), changed.grants().count());
    prop_assert_eq!(changed.collection_count(), changed.collections().count());
    prop_assert_eq!(changed.user_count(), changed.users().count());
    for policy in [changed, fresh] {
        let mut seen = BTreeSet::new();
        for info in policy.collections() {
            prop_assert!(info.parent_ids.iter().all(|parent| seen.contains(parent)));
            seen.insert(info.id.clone());
        }
    }
    for subject in subjects_of(model) {
        prop_assert_eq!(changed.grants_of(&subject), fresh.grants_of(&subject));
        prop_assert_eq!(changed.total(&subject), fresh.total(&subject));
        let visible = |policy: &Policy| -> BTreeSet<_> {
            let visible = policy.visible_collections(&subject);
            visible.into_iter().map(|info| info.path.clone()).collect()
        };
        prop_assert_eq!(visible(changed), visible(fresh));
        for at in collections_of(model) {
            prop_assert_eq!(changed.effective(&subject, &at), fresh.effective(&subject, &at));
            prop_assert_eq!(changed.schedule(&subject, &at), fresh.schedule(&subject, &at));
            prop_assert_eq!(
                changed.sees_collection(&subject, &at),
                fresh.sees_collection(&subject, &at)
            );
        }
    }
    Ok(())
}

/// The fast views against the questions that they answer many of.
fn many_at_once(policy: &Policy, model: &Model, check: &Check) -> Result<(), TestCaseError> {
    let able = policy.who_can(check);
    let names = |users: Vec<&User>| -> BTreeSet<AccountId> {
        users.into_iter().map(|user| user.id.clone()).collect()
    };
    prop_assert_eq!(able.users().len(), names(able.users().collect()).len());
    let expected = model.users.iter().filter(|known| {
        slow::allows(
            model,
            &known.id,
            check.operation,
            check.modifiers,
            &check.collection,
        )
    });
    prop_assert_eq!(names(able.users().collect()), names(expected.collect()));
    prop_assert_eq!(able.anonymous(), policy.allows(&Subject::Anonymous, check));
    for subject in subjects_of(model) {
        let filter = policy.filter(&subject, check.operation);
        let key = policy.subject_key(&subject);
        for at in collections_of(model) {
            let expected = policy.may(&subject, check.operation, &Home::Collection(at.clone()));
            prop_assert_eq!(filter.admits(&Home::Collection(at.clone())), expected);
            let place = policy.collection_key(&at);
            if let (Some(key), Some(place)) = (&key, place) {
                let plain = Check {
                    collection: at.clone(),
                    ..check.clone()
                };
                prop_assert_eq!(
                    key.allows(check.operation, check.modifiers, place),
                    policy.allows(&subject, &plain)
                );
            }
        }
        prop_assert_eq!(
            filter.admits(&Home::Conflicting),
            policy.may(&subject, check.operation, &Home::Conflicting)
        );
    }
    let reaching: BTreeSet<_> = policy.grants().map(|grant| grant.subject).collect();
    for subject in &reaching {
        let reached = names(policy.reached_by(subject));
        for known in &model.users {
            let reach = policy.reach(&known.id, subject);
            prop_assert_eq!(reach.is_some(), reached.contains(&known.id));
            prop_assert_eq!(
                reach.is_some(),
                slow::reaches(model, &known.id, subject),
                "{:?}",
                subject
            );
            if let Some(Reach::Organization { teams, .. }) = reach {
                for team in teams {
                    prop_assert!(slow::reaches(model, &known.id, &GrantSubject::Team(team)));
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// rbac-01, rbac-04, RBAC-014, RBAC-019, RBAC-030: whatever changes in whatever order, the policy answers like the
    /// changed model compiled anew and like the slow evaluator, and the policies before stay as they were.
    #[test]
    fn sec_rbac_01_changes_one_by_one_mean_what_they_mean_together(
        start in model(),
        changes in vec(change(), 1..25),
        asked in vec((select(Operation::ALL.to_vec()), any::<u16>()), 4),
    ) {
        let mut model = start.clone();
        let mut policy = Policy::compile(start.clone());
        for change in &changes {
            let before = model.clone();
            let applied = model.apply(change);
            match policy.with(change) {
                Ok(next) => {
                    prop_assert_eq!(&applied, &Ok(()));
                    policy = next;
                }
                Err(error) => {
                    prop_assert_eq!(applied, Err(error));
                    prop_assert_eq!(shown(&before), shown(&model));
                }
            }
        }
        agree(&policy, &Policy::compile(model.clone()), &model)?;
        agree(&Policy::compile(policy.to_model()), &policy, &model)?;
        for (number, (operation, bits)) in asked.into_iter().enumerate() {
            let own = operation.modifiers().iter().enumerate();
            let modifiers: ModifierSet =
                own.filter(|(number, _)| bits & (1 << number) != 0).map(|(_, modifier)| *modifier).collect();
            for at in collections_of(&model) {
                let check = Check { operation, modifiers, collection: at.clone() };
                for known in &model.users {
                    let subject = Subject::Account(known.id.clone());
                    let expected = slow::allows(&model, &known.id, operation, modifiers, &at);
                    prop_assert_eq!(policy.allows(&subject, &check), expected);
                    let decision = policy.decide(&subject, Access::Operation, std::slice::from_ref(&check));
                    prop_assert_eq!(decision.is_allowed(), expected);
                }
                if number == 0 {
                    many_at_once(&policy, &model, &check)?;
                }
            }
        }
        let untouched = Policy::compile(start.clone());
        let mut shared = untouched.clone();
        for change in &changes {
            shared = shared.with(change).unwrap_or(shared);
        }
        agree(&untouched, &Policy::compile(start.clone()), &start)?;
    }
}

/// R24: the built-in roles are not changed, and members join what exists.
#[test]
fn impossible_changes_are_refused() {
    let policy = Policy::compile(Model::with_builtin_collections());
    for id in builtin::IDS {
        let refused = policy.with(&Change::RemoveRole(id.into())).map(|_| ());
        assert_eq!(refused, Err(ChangeError::BuiltInRole(id.into())));
    }
    let join = |group| Change::AddMember {
        group,
        member: "u".into(),
    };
    assert_eq!(
        policy.with(&join(Group::Team("t".into()))).map(|_| ()),
        Err(ChangeError::UnknownTeam("t".into()))
    );
    assert_eq!(
        policy.with(&join(Group::Organization("o".into()))).map(|_| ()),
        Err(ChangeError::UnknownOrganization("o".into()))
    );
}
