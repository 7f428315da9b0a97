//! Models of a given size, the same for the same seed: for the benchmark and for tests that need many.

use std::collections::HashMap;

use mke_core::ids::{AccountId, CollectionId, TeamId};
use mke_rbac::model::{Collection, Grant, GrantObject, GrantSubject, Model, Organization, Team, User};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::role::builtin;
use mke_rbac::{Check, Subject};

/// A sequence of numbers that depends on the seed only (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The remainder is below `bound`, which is a usize.
        usize::try_from(self.roll() % bound as u64).unwrap_or(0)
    }

    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

/// How large a model is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) organizations: usize,
    pub(crate) teams: usize,
    /// Besides the built-in ones; none deeper than `depth`.
    pub(crate) collections: usize,
    pub(crate) depth: usize,
    pub(crate) grants: usize,
    /// Teams that each user is in.
    pub(crate) memberships: usize,
}

pub(crate) const SMALL: Size = Size {
    users: 100,
    organizations: 3,
    teams: 12,
    collections: 60,
    depth: 4,
    grants: 200,
    memberships: 2,
};

pub(crate) const LARGE: Size = Size {
    users: 100_000,
    organizations: 100,
    teams: 10_000,
    collections: 100_000,
    depth: 6,
    grants: 1_000_000,
    memberships: 3,
};

/// Ids of the form that the product makes.
fn uuid(kind: u32, number: usize) -> String {
    let mixed = Dice::new(number as u64).roll();
    format!("{kind:08x}-{:04x}-4000-8000-{number:012x}", mixed & 0xffff)
}

pub(crate) fn user(number: usize) -> AccountId {
    AccountId::from(uuid(1, number))
}

fn organization(number: usize) -> AccountId {
    AccountId::from(uuid(2, number))
}

pub(crate) fn team(number: usize) -> TeamId {
    TeamId::from(uuid(3, number))
}

pub(crate) fn collection(number: usize) -> CollectionId {
    CollectionId::from(uuid(4, number))
}

/// Builds a model: seven grants in ten are for teams, two for users, one for organizations.
pub(crate) fn model(size: Size, seed: u64) -> Model {
    let mut dice = Dice::new(seed);
    let mut model = Model::with_builtin_collections();
    tree(&mut model, size, &mut dice);
    people(&mut model, size, &mut dice);
    let roles = [
        builtin::VIEW_ONLY,
        builtin::RESTRICTED_CONTROL,
        builtin::SCHEDULER,
        builtin::FULL_CONTROL,
    ];
    for _ in 0..size.grants {
        let subject = match dice.below(10) {
            0..7 => GrantSubject::Team(team(dice.below(size.teams))),
            7..9 => GrantSubject::User(user(dice.below(size.users))),
            _ => GrantSubject::Organization(organization(dice.below(size.organizations))),
        };
        model.grants.push(Grant {
            subject,
            object: GrantObject::Collection(collection(dice.below(size.collections))),
            role: (*dice.pick(&roles)).into(),
        });
    }
    model.grants.push(Grant {
        subject: GrantSubject::Authenticated,
        object: GrantObject::Collection("shared".into()),
        role: builtin::SCHEDULER.into(),
    });
    model
}

fn tree(model: &mut Model, size: Size, dice: &mut Dice) {
    let mut depths = Vec::with_capacity(size.collections);
    for number in 0..size.collections {
        // One in fifty starts at the top, the others below an earlier one that is not too deep.
        let above = (number > 0 && dice.below(50) > 0).then(|| dice.below(number));
        let above = above.filter(|above| depths[*above] < size.depth);
        depths.push(above.map_or(1, |above| depths[above] + 1));
        model.collections.push(Collection {
            id: collection(number),
            name: format!("c{number}"),
            parent: Some(above.map_or_else(|| "swarm".into(), collection)),
        });
    }
}

fn people(model: &mut Model, size: Size, dice: &mut Dice) {
    let mut members = vec![Vec::new(); size.teams];
    for number in 0..size.users {
        for _ in 0..size.memberships {
            members[dice.below(size.teams)].push(user(number));
        }
        model.users.push(User {
            id: user(number),
            name: format!("user{number}"),
            admin: false,
            active: true,
            private_collection: None,
            default_collection: None,
        });
    }
    for (number, members) in members.into_iter().enumerate() {
        model.teams.push(Team {
            id: team(number),
            organization: organization(number % size.organizations),
            name: format!("team{number}"),
            members,
        });
    }
    for number in 0..size.organizations {
        model.organizations.push(Organization {
            id: organization(number),
            name: format!("org{number}"),
            members: Vec::new(),
        });
    }
}

/// Questions about a model of this size, half of them about a collection that a grant of the user lies on: one of its
/// own, or one of a team that it is in.
pub(crate) fn questions(model: &Model, size: Size, count: usize) -> Vec<(Subject, Check)> {
    let mut near: HashMap<&GrantSubject, Vec<&CollectionId>> = HashMap::new();
    for grant in &model.grants {
        if let GrantObject::Collection(place) = &grant.object {
            near.entry(&grant.subject).or_default().push(place);
        }
    }
    let mut subjects: HashMap<&AccountId, Vec<GrantSubject>> = HashMap::new();
    for team in &model.teams {
        for member in &team.members {
            let subject = GrantSubject::Team(team.id.clone());
            subjects.entry(member).or_default().push(subject);
        }
    }
    let mut dice = Dice::new(7);
    let question = |number: usize| {
        let user = user(dice.below(size.users));
        let mut own = subjects.get(&user).cloned().unwrap_or_default();
        own.push(GrantSubject::User(user.clone()));
        let granted = near.get(dice.pick(&own)).filter(|_| number.is_multiple_of(2));
        let collection = match granted {
            Some(granted) => (*dice.pick(granted.as_slice())).clone(),
            None => collection(dice.below(size.collections)),
        };
        let check = Check {
            operation: *dice.pick(Operation::ALL),
            modifiers: ModifierSet::EMPTY,
            collection: collection.as_str().into(),
        };
        (Subject::Account(user), check)
    };
    (0..count).map(question).collect()
}
