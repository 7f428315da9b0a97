//! RBAC-036: what the policy costs at the size `ucp-100k`: `cargo bench -p mke-rbac --bench decide`.
//!
//! Questions are drawn at random in advance, half of them about collections that a grant of the user lies on. They
//! are timed one by one, less the cost of reading the clock; the question itself is in the cache, as it is for a caller
//! who has just read it, the policy is as cold as chance leaves it. `decide` gives the whole reason: every
//! deciding grant, or every missing check. `allows` gives the verdict only.

#![expect(clippy::print_stdout, reason = "a benchmark reports what it measured")]

#[path = "../tests/common/shape.rs"]
mod shape;

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use mke_core::ids::{AccountId, CollectionId};
use mke_rbac::demand::Access;
use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model, Team, User};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::{Change, Check, Group, Policy, Subject};
use shape::{Dice, LARGE, SMALL, Size, collection, model, user};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many that what they need does not stay in the cache of a core.
const QUESTIONS: usize = 1 << 18;
const CHANGES: usize = 2000;

type Question = (Subject, Check);

fn main() {
    for (name, size) in [("100 users, 200 grants", SMALL), ("ucp-100k", LARGE)] {
        println!("{name}");
        memory(size);
        let model = model(size, 1);
        let questions = shape::questions(&model, size, QUESTIONS);
        let policy = Policy::compile(model.clone());
        decisions(&policy, &questions);
        views(&policy, size);
        changes(&policy, size, &model);
        println!();
    }
}

/// What stays allocated for a policy, with its grants and without them.
fn memory(size: Size) {
    let resident = |keep: bool| {
        let mut model = model(size, 1);
        if !keep {
            model.grants.clear();
        }
        // The ids belong to the policy too, so the model goes in whole and is measured from before it was made.
        let texts: Vec<_> = model.users.iter().map(|user| user.id.clone()).collect();
        drop(texts);
        let region = Region::new(ALLOCATOR);
        let start = Instant::now();
        let policy = Policy::compile(deep_copy(&model));
        let compiled = start.elapsed();
        let stats = region.change();
        let bytes =
            stats.bytes_allocated as i64 - stats.bytes_deallocated as i64 + stats.bytes_reallocated as i64;
        black_box(&policy);
        (bytes, compiled)
    };
    let (with, compiled) = resident(true);
    let (without, _) = resident(false);
    println!(
        "  compile {:.2} s; resident {:.1} MB, without grants {:.1} MB: {:.1} bytes a grant",
        compiled.as_secs_f64(),
        with as f64 / 1e6,
        without as f64 / 1e6,
        (with - without) as f64 / size.grants as f64,
    );
}

/// A model that shares no text with the other one, as if it had just been read.
fn deep_copy(model: &Model) -> Model {
    let account = |id: &AccountId| AccountId::from(id.as_str());
    let place = |id: &CollectionId| CollectionId::from(id.as_str());
    Model {
        settings: model.settings.clone(),
        users: model
            .users
            .iter()
            .map(|known| User {
                id: account(&known.id),
                ..known.clone()
            })
            .collect(),
        organizations: model.organizations.clone(),
        teams: model
            .teams
            .iter()
            .map(|team| Team {
                members: team.members.iter().map(account).collect(),
                ..team.clone()
            })
            .collect(),
        collections: model
            .collections
            .iter()
            .map(|known| mke_rbac::model::Collection {
                id: place(&known.id),
                name: known.name.clone(),
                parent: known.parent.as_ref().map(place),
            })
            .collect(),
        roles: model.roles.clone(),
        grants: model
            .grants
            .iter()
            .map(|grant| Grant {
                subject: match &grant.subject {
                    GrantSubject::User(id) => GrantSubject::User(account(id)),
                    GrantSubject::Organization(id) => GrantSubject::Organization(account(id)),
                    GrantSubject::Team(id) => GrantSubject::Team(id.as_str().into()),
                    other => other.clone(),
                },
                object: match &grant.object {
                    GrantObject::Collection(id) => GrantObject::Collection(place(id)),
                    other => other.clone(),
                },
                role: grant.role.as_str().into(),
            })
            .collect(),
    }
}

fn decisions(policy: &Policy, questions: &[Question]) {
    let (allowed, denied): (Vec<_>, Vec<_>) = questions
        .iter()
        .cloned()
        .partition(|(subject, check)| policy.allows(subject, check));
    let keys: Vec<_> = questions
        .iter()
        .filter_map(|(subject, check)| {
            let subject = policy.subject_key(subject)?;
            Some((
                subject,
                policy.collection_key(&check.collection)?,
                check.operation,
            ))
        })
        .collect();
    for (name, asked) in [("all", questions), ("allowed", &allowed), ("denied", &denied)] {
        let decide = quantiles(asked, read, |(subject, check)| {
            let check = std::slice::from_ref(check);
            let _ = black_box(policy.decide(subject, Access::Operation, check));
        });
        let allows = quantiles(asked, read, |(subject, check)| {
            black_box(policy.allows(subject, check));
        });
        println!("  {name}: decide {decide}; allows {allows}");
        let mean = mean(asked, |(subject, check)| {
            let check = std::slice::from_ref(check);
            policy.decide(subject, Access::Operation, check).is_allowed()
        });
        let plain = self::mean(asked, |(subject, check)| policy.allows(subject, check));
        println!("  {name}: one after the other: decide {mean:.0} ns; allows {plain:.0} ns");
    }
    let interned = quantiles(
        &keys,
        |key| {
            let _ = black_box(*key);
        },
        |(subject, place, operation)| {
            black_box(subject.allows(*operation, ModifierSet::EMPTY, *place));
        },
    );
    println!("  allows by keys {interned}");
}

fn views(policy: &Policy, size: Size) {
    let mut dice = Dice::new(3);
    let homes: Vec<_> = (0..10_000)
        .map(|_| collection(dice.below(size.collections)))
        .collect();
    let users: Vec<_> = (0..50)
        .map(|_| Subject::Account(user(dice.below(size.users))))
        .collect();
    let filter = quantiles(
        &users,
        |_| (),
        |subject| {
            let filter = policy.filter(subject, Operation::ServiceView);
            black_box(homes.iter().filter(|home| filter.admits_in(home)).count());
        },
    );
    println!("  filter of 10,000 objects {filter}");
    let checks: Vec<_> = homes
        .iter()
        .take(200)
        .map(|home| Check {
            operation: Operation::ServiceView,
            modifiers: ModifierSet::EMPTY,
            collection: home.clone(),
        })
        .collect();
    let who_can = quantiles(
        &checks,
        |_| (),
        |check| {
            black_box(policy.who_can(check).users().len());
        },
    );
    println!("  who_can {who_can}");
    let everybody = Check {
        operation: Operation::NodeSchedule,
        modifiers: ModifierSet::EMPTY,
        collection: "shared".into(),
    };
    let all = quantiles(
        &vec![everybody; 20],
        |_| (),
        |check| {
            black_box(policy.who_can(check).users().len());
        },
    );
    println!("  who_can where everybody can {all}");
    let visible = quantiles(
        &users,
        |_| (),
        |subject| {
            black_box(policy.visible_collections(subject).len());
        },
    );
    println!("  visible_collections {visible}");
}

fn changes(policy: &Policy, size: Size, model: &Model) {
    let mut dice = Dice::new(5);
    let grants: Vec<_> = (0..CHANGES)
        .map(|_| Grant {
            subject: GrantSubject::User(user(dice.below(size.users))),
            object: GrantObject::Collection(collection(dice.below(size.collections))),
            role: "viewonly".into(),
        })
        .collect();
    let removed: Vec<_> = (0..CHANGES)
        .map(|_| Change::RemoveGrant(dice.pick(&model.grants).clone()))
        .collect();
    let put: Vec<_> = grants.into_iter().map(Change::PutGrant).collect();
    let members: Vec<_> = (0..CHANGES)
        .map(|_| Change::AddMember {
            group: Group::Team(shape::team(dice.below(size.teams))),
            member: user(dice.below(size.users)),
        })
        .collect();
    let collections: Vec<_> = (0..CHANGES)
        .map(|number| {
            Change::PutCollection(mke_rbac::model::Collection {
                id: collection(size.collections + number),
                name: format!("new{number}"),
                parent: Some(collection(dice.below(size.collections))),
            })
        })
        .collect();
    let users: Vec<_> = (0..CHANGES)
        .map(|number| {
            let mut user = model.users[number % model.users.len()].clone();
            user.active = false;
            Change::PutUser(user)
        })
        .collect();
    let all = [
        ("put a grant", put),
        ("remove a grant", removed),
        ("add a member", members),
        ("put a collection", collections),
        ("put a user", users),
    ];
    for (name, changes) in all {
        let mut current = policy.clone();
        let time = quantiles(
            &changes,
            |_| (),
            |change| {
                if let Ok(next) = current.with(change) {
                    current = next;
                }
            },
        );
        println!("  {name}, the old snapshot dropped: {time}");
    }
}

fn read((subject, check): &Question) {
    if let Subject::Account(id) = subject {
        black_box(id.as_str().bytes().fold(0, u8::wrapping_add));
    }
    black_box(check.collection.as_str().bytes().fold(0, u8::wrapping_add));
    black_box((subject.clone(), check.clone()));
}

struct Quantiles {
    p50: Duration,
    p99: Duration,
}

impl std::fmt::Display for Quantiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:?} p99 {:?}", self.p50, self.p99)
    }
}

fn quantiles<Q>(questions: &[Q], prepare: impl Fn(&Q), act: impl FnMut(&Q)) -> Quantiles {
    let times = |mut act: Box<dyn FnMut(&Q) + '_>| {
        let each = |question: &Q| {
            prepare(question);
            let start = Instant::now();
            act(black_box(question));
            start.elapsed()
        };
        let mut times: Vec<_> = questions.iter().map(each).collect();
        times.sort_unstable();
        times
    };
    let clock = times(Box::new(|_| ()));
    let clock = clock[clock.len() / 2];
    let times = times(Box::new(act));
    Quantiles {
        p50: times[times.len() / 2].saturating_sub(clock),
        p99: times[times.len() * 99 / 100].saturating_sub(clock),
    }
}

/// The mean in nanoseconds of many questions in a row, where the work on one overlaps with that on the next.
fn mean(questions: &[Question], mut act: impl FnMut(&Question) -> bool) -> f64 {
    let start = Instant::now();
    for question in questions {
        black_box(act(black_box(question)));
    }
    start.elapsed().as_secs_f64() * 1e9 / questions.len() as f64
}
