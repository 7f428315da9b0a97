//! The smallest set of grants: enough, none too many, and no other set with fewer.

use std::collections::BTreeSet;

use mke_core::ids::{CollectionId, RoleId};
use mke_rbac::demand::Access;
use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model};
use mke_rbac::operation::{Modifier, ModifierSet, Operation};
use mke_rbac::proof::{Obstacle, Proposal, Remedy};
use mke_rbac::role::{Rights, builtin, builtin_roles};
use mke_rbac::{Check, Policy, Role, Subject};

use crate::shape::Dice;
use crate::slow;
use crate::worlds::{self, CROWDED, Question};

/// A model with these grants, and with the roles that have to be made for them.
pub(crate) fn with(model: &Model, proposals: &[Proposal]) -> Model {
    let mut model = model.clone();
    for (number, proposal) in proposals.iter().enumerate() {
        let made = format!("made{number}");
        model.roles.push(Role {
            id: made.as_str().into(),
            name: String::new(),
            system_role: false,
            operations: proposal.rights().into(),
        });
        model.grants.push(proposal.grant(made.into()));
    }
    model
}

fn allows(model: &Model, question: &Question) -> bool {
    let policy = Policy::compile(model.clone());
    policy
        .decide(&question.subject, Access::Operation, &question.checks)
        .is_allowed()
}

/// The collections at which a check fails, by the slow evaluator.
fn places(model: &Model, question: &Question) -> BTreeSet<CollectionId> {
    let Subject::Account(user) = &question.subject else {
        return BTreeSet::new();
    };
    let failing = question
        .checks
        .iter()
        .filter(|check| !slow::allows(model, user, check.operation, check.modifiers, &check.collection));
    failing.map(|check| check.collection.clone()).collect()
}

/// Whether grants of Full Control on all but one of some collections would do: the most that fewer grants can give.
fn fewer_would_do(model: &Model, question: &Question, places: &BTreeSet<CollectionId>, count: usize) -> bool {
    let places: Vec<_> = places.iter().collect();
    let sets = (0..1_u32 << places.len()).filter(|set| set.count_ones() as usize == count);
    let Subject::Account(user) = &question.subject else {
        return false;
    };
    let mut sets = sets.map(|set| {
        let chosen = places
            .iter()
            .enumerate()
            .filter(move |(at, _)| set & (1 << at) != 0);
        chosen.map(|(_, place)| Grant {
            subject: GrantSubject::User(user.clone()),
            object: GrantObject::Collection((*place).clone()),
            role: builtin::FULL_CONTROL.into(),
        })
    });
    sets.any(|grants| {
        let mut model = model.clone();
        model.grants.extend(grants);
        let mut checks = question.checks.iter();
        checks.all(|check| slow::allows(&model, user, check.operation, check.modifiers, &check.collection))
    })
}

/// Whether these grants are what is said of a remedy: with them the decision flips, without any one of them it does
/// not, no smaller set at the collections in question would do, whatever its roles, and neither would a smaller role.
pub(crate) fn is_smallest(model: &Model, question: &Question, proposals: &[Proposal]) -> bool {
    let fewer = |left_out: usize| {
        let mut fewer = proposals.to_vec();
        fewer.remove(left_out);
        with(model, &fewer)
    };
    let places = places(model, question);
    let at_places = question.subject == Subject::Anonymous
        || proposals
            .iter()
            .all(|proposal| places.contains(&proposal.collection))
            && !fewer_would_do(model, question, &places, proposals.len() - 1);
    !proposals.is_empty()
        && allows(&with(model, proposals), question)
        && (0..proposals.len()).all(|left_out| !allows(&fewer(left_out), question))
        && at_places
        && (0..proposals.len()).all(|at| has_smallest_role(model, question, proposals, at))
}

/// Any existing role with fewer operations, or with as many and fewer modifiers, leaves the request denied; when a role
/// must be made, any existing one does, Full Control left aside. What is needed cannot lose any of its parts.
fn has_smallest_role(model: &Model, question: &Question, proposals: &[Proposal], at: usize) -> bool {
    let size = |rights: &Rights| {
        let modifiers = rights.iter().map(|(_, modifiers)| modifiers.iter().count());
        (rights.iter().count(), modifiers.sum::<usize>())
    };
    let instead = |rights: Rights| {
        let mut proposals = proposals.to_vec();
        proposals[at].role = None;
        proposals[at].needs = rights
            .iter()
            .map(|(operation, modifiers)| (operation, modifiers.iter().collect()))
            .collect();
        allows(&with(model, &proposals), question)
    };
    let roles: Vec<_> = builtin_roles().into_iter().chain(model.roles.clone()).collect();
    let rights_of = |id: &RoleId| {
        roles
            .iter()
            .find(|role| role.id == *id)
            .map(|role| *role.operations.rights())
    };
    let chosen = proposals[at]
        .role
        .as_ref()
        .map(|id| rights_of(id).map(|rights| size(&rights)));
    let smaller = |role: &&Role| match chosen {
        Some(chosen) => Some(size(role.operations.rights())) < chosen,
        None => role.id.as_str() != builtin::FULL_CONTROL,
    };
    let needs = proposals[at].rights();
    let without = |left_out: Operation| {
        needs
            .iter()
            .filter(|(other, _)| *other != left_out)
            .collect::<Rights>()
    };
    let less = needs.iter().flat_map(|(operation, modifiers)| {
        let fewer = modifiers.iter().map(move |modifier| {
            let mut less = without(operation);
            less.insert(operation, modifiers.minus(ModifierSet::of(modifier)));
            less
        });
        std::iter::once(without(operation)).chain(fewer.collect::<Vec<_>>())
    });
    chosen != Some(None)
        && instead(needs)
        && !less.into_iter().any(instead)
        && !roles
            .iter()
            .filter(smaller)
            .any(|role| instead(*role.operations.rights()))
}

/// What the engine proposes is what is said of a remedy, on generated policies.
#[test]
fn remedies_are_enough_and_smallest() {
    let mut sizes = [0; 4];
    for seed in 0..20 {
        let model = worlds::for_slow(&worlds::model(CROWDED, seed));
        let policy = Policy::compile(model.clone());
        let mut dice = Dice::new(seed);
        for _ in 0..30 {
            let question = worlds::question(&model, &mut dice);
            let remedy = policy.remedy(&question.subject, &question.checks);
            match remedy {
                _ if allows(&model, &question) => assert_eq!(remedy, Remedy::Grants(Vec::new())),
                Remedy::Impossible(_) => check_impossible(&model, &question),
                Remedy::Grants(proposals) => {
                    sizes[proposals.len().min(3)] += 1;
                    assert!(
                        is_smallest(&model, &question, &proposals),
                        "{question:?} {proposals:?}"
                    );
                }
            }
        }
    }
    assert!(sizes[1] > 50 && sizes[2] > 5, "{sizes:?}");
}

/// Nothing helps: not even Full Control for the user itself everywhere.
fn check_impossible(model: &Model, question: &Question) {
    let mut model = model.clone();
    let subject = match &question.subject {
        Subject::Anonymous => GrantSubject::Anonymous,
        Subject::Account(user) => GrantSubject::User(user.clone()),
    };
    model.grants.push(Grant {
        subject,
        object: GrantObject::Collection("swarm".into()),
        role: builtin::FULL_CONTROL.into(),
    });
    assert!(!allows(&model, question));
}

fn jane(grants: &[(&str, &str)]) -> (Policy, Subject) {
    let mut model = Model::with_builtin_collections();
    for (id, parent) in [
        ("prod", "swarm"),
        ("db", "prod"),
        ("web", "prod"),
        ("test", "swarm"),
    ] {
        model.collections.push(mke_rbac::model::Collection {
            id: id.into(),
            name: id.to_owned(),
            parent: Some(parent.into()),
        });
    }
    model.users.push(mke_rbac::model::User {
        id: "jane".into(),
        name: "jane".to_owned(),
        admin: false,
        active: true,
        private_collection: None,
        default_collection: None,
    });
    for (role, collection) in grants {
        model.grants.push(Grant {
            subject: GrantSubject::User("jane".into()),
            object: GrantObject::Collection((*collection).into()),
            role: (*role).into(),
        });
    }
    (Policy::compile(model), Subject::Account("jane".into()))
}

fn check(operation: Operation, modifiers: &[Modifier], collection: &str) -> Check {
    Check {
        operation,
        modifiers: modifiers.iter().copied().collect(),
        collection: collection.into(),
    }
}

/// One grant per topmost collection, the smallest role that fits, what is held already counted, and no
/// grant where none can help.
#[test]
fn what_smallest_means() {
    use Modifier::{HostBindMounts, Privileged};
    use Operation::{SecretUse, ServiceCreate, ServiceView};
    /// Roles with their collections that jane has, what she asks, and collections with the roles that are proposed.
    type Case<'c> = (
        &'c [(&'c str, &'c str)],
        Vec<Check>,
        &'c [(&'c str, Option<&'c str>)],
    );
    let cases: [Case<'_>; 6] = [
        (
            &[],
            vec![check(ServiceView, &[], "web")],
            &[("web", Some("viewonly"))],
        ),
        // Two collections side by side, neither of them above the other: nothing is granted above them.
        (
            &[],
            vec![check(ServiceView, &[], "web"), check(ServiceView, &[], "db")],
            &[("db", Some("viewonly")), ("web", Some("viewonly"))],
        ),
        // What is missing below is covered from above, with one role for both.
        (
            &[],
            vec![check(SecretUse, &[], "db"), check(ServiceCreate, &[], "prod")],
            &[("prod", Some("restrictedcontrol"))],
        ),
        // What is held counts.
        (
            &[("viewonly", "swarm")],
            vec![check(ServiceView, &[], "prod"), check(SecretUse, &[], "db")],
            &[("db", Some("restrictedcontrol"))],
        ),
        // A modifier is missing that only Full Control has: a new role is better.
        (
            &[("restrictedcontrol", "prod")],
            vec![check(ServiceCreate, &[HostBindMounts], "web")],
            &[("web", None)],
        ),
        (
            &[("fullcontrol", "swarm")],
            vec![check(ServiceCreate, &[HostBindMounts], "web")],
            &[],
        ),
    ];
    for (grants, checks, expected) in cases {
        let (policy, jane) = jane(grants);
        let Remedy::Grants(proposals) = policy.remedy(&jane, &checks) else {
            unreachable!("{checks:?} is possible")
        };
        let got: Vec<_> = proposals
            .iter()
            .map(|proposal| {
                (
                    proposal.collection.as_str(),
                    proposal.role.as_ref().map(|role| role.as_str()),
                )
            })
            .collect();
        assert_eq!(got, expected, "{checks:?}");
    }
    let (policy, jane) = jane(&[]);
    let impossible = [
        (vec![], Obstacle::NothingAsked),
        (
            vec![check(ServiceView, &[], "nowhere")],
            Obstacle::Collection("nowhere".into()),
        ),
        (
            vec![check(ServiceView, &[Privileged], "web")],
            Obstacle::Modifier(ServiceView, Privileged),
        ),
    ];
    for (checks, obstacle) in impossible {
        assert_eq!(policy.remedy(&jane, &checks), Remedy::Impossible(vec![obstacle]));
    }
    let nobody = Subject::Account("nobody".into());
    let remedy = policy.remedy(&nobody, &[check(ServiceView, &[], "web")]);
    assert_eq!(remedy, Remedy::Impossible(vec![Obstacle::UnknownAccount]));
}
