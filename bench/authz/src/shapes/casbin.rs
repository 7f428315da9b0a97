//! The shapes of casbin's own benchmark of roles: ten users in a role, ten roles on an object, one operation. Roles
//! become teams here, and each permission of a role a grant of a role that allows only to look.
//!
//! casbin asks one question again and again. Here each question is another: half about an object that the user may see,
//! half about any.

use mke_core::ids::{AccountId, CollectionId, TeamId};
use mke_rbac::model::{Collection, Grant, GrantObject, GrantSubject, Model, Organization, Team, User};
use mke_rbac::operation::Operation;
use mke_rbac::role::builtin;

use super::{Dice, QUESTIONS, Question, Shape};

/// What is asked in these shapes, and what every grant allows.
pub const READ: Operation = Operation::ServiceView;

/// The three sizes.
pub fn shapes() -> Vec<Shape> {
    [
        ("1k/100", 1_000, 100, "1,000 users, 100 roles"),
        ("10k/1k", 10_000, 1_000, "10,000 users, 1,000 roles"),
        ("100k/10k", 100_000, 10_000, "100,000 users, 10,000 roles"),
    ]
    .map(|(name, users, roles, size)| shape(name, users, roles, size))
    .into()
}

fn user(number: usize) -> AccountId {
    AccountId::from(format!("user{number}"))
}

fn team(number: usize) -> TeamId {
    TeamId::from(format!("group{number}"))
}

fn object(number: usize) -> CollectionId {
    CollectionId::from(format!("data{number}"))
}

fn shape(name: &'static str, users: usize, roles: usize, size: &str) -> Shape {
    let mut model = Model::with_builtin_collections();
    let organization = AccountId::from("org");
    model.organizations.push(Organization {
        id: organization.clone(),
        name: "org".to_owned(),
        members: Vec::new(),
    });
    for number in 0..users {
        model.users.push(User {
            id: user(number),
            name: format!("user{number}"),
            admin: false,
            active: true,
            private_collection: None,
            default_collection: None,
        });
    }
    for number in 0..roles {
        model.teams.push(Team {
            id: team(number),
            organization: organization.clone(),
            name: format!("group{number}"),
            members: (number * 10..number * 10 + 10).map(user).collect(),
        });
        model.grants.push(Grant {
            subject: GrantSubject::Team(team(number)),
            object: GrantObject::Collection(object(number / 10)),
            role: builtin::VIEW_ONLY.into(),
        });
    }
    for number in 0..roles / 10 {
        model.collections.push(Collection {
            id: object(number),
            name: format!("data{number}"),
            parent: Some("swarm".into()),
        });
    }
    let mut dice = Dice::new(11);
    let question = |number: usize| {
        let who = dice.below(users);
        let what = if number.is_multiple_of(2) {
            who / 100
        } else {
            dice.below(roles / 10)
        };
        Question::new(user(who), READ, object(what))
    };
    let questions = (0..QUESTIONS).map(question).collect();
    Shape {
        name,
        size: size.to_owned(),
        model,
        questions,
        flat: true,
    }
}
