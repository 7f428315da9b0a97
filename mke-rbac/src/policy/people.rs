//! Users with the subjects through which grants reach them (R2).

use std::collections::HashMap;

use mke_core::ids::AccountId;
use rustc_hash::FxHashSet;

use super::above::Subjects;
use super::by_id::ById;
use super::grants::GrantIndex;
use super::{Caller, Warning};
use crate::decision::Denial;
use crate::model::{GrantSubject, Model, User, builtin};

#[derive(Debug, Clone, Copy)]
struct Person {
    /// Position in the model.
    position: u32,
    admin: bool,
    active: bool,
    /// See [`Subjects`].
    filter: u64,
    /// Where its subjects begin and end in the common list.
    first: u32,
    last: u32,
}

/// All users.
#[derive(Debug, Clone)]
pub(crate) struct People {
    by_id: ById<Person>,
    subjects: Vec<u32>,
}

impl People {
    pub(crate) fn compile(model: &Model, grants: &GrantIndex, warnings: &mut Vec<Warning>) -> Self {
        let memberships = memberships(model, grants);
        let everybody: Vec<_> = common_subjects(model)
            .iter()
            .filter_map(|subject| grants.number(subject))
            .collect();
        let mut people = Self {
            by_id: ById::default(),
            subjects: Vec::new(),
        };
        for (position, user) in model.users.iter().enumerate() {
            if people.by_id.contains(user.id.as_str()) {
                warnings.push(Warning::DuplicateAccount(user.id.clone()));
                continue;
            }
            let mut subjects: Vec<_> = grants
                .number(&GrantSubject::User(user.id.clone()))
                .into_iter()
                .chain(memberships.get(user.id.as_str()).into_iter().flatten().copied())
                .chain(everybody.iter().copied())
                .collect();
            subjects.sort_unstable();
            subjects.dedup();
            let filter = Subjects::filter(&subjects);
            let first = number(people.subjects.len());
            people.subjects.append(&mut subjects);
            let person = Person {
                position: number(position),
                admin: user.admin,
                active: user.active,
                filter,
                first,
                last: number(people.subjects.len()),
            };
            people.by_id.insert(user.id.as_str(), person);
        }
        for organization in &model.organizations {
            if people.by_id.contains(organization.id.as_str()) {
                warnings.push(Warning::DuplicateAccount(organization.id.clone()));
            }
        }
        people
    }

    pub(crate) fn caller(&self, id: &str) -> Result<Caller<'_>, Denial> {
        match self.by_id.get(id) {
            None => Err(Denial::UnknownAccount),
            Some(person) if !person.active => Err(Denial::Inactive),
            Some(person) if person.admin => Ok(Caller::Administrator),
            Some(person) => Ok(Caller::User(self.subjects_of(*person))),
        }
    }

    /// The subjects of a user, also of one that is deactivated or administrator.
    pub(crate) fn subjects(&self, id: &str) -> Option<Subjects<'_>> {
        self.by_id.get(id).map(|person| self.subjects_of(*person))
    }

    fn subjects_of(&self, person: Person) -> Subjects<'_> {
        let numbers = &self.subjects[person.first as usize..person.last as usize];
        Subjects::with_filter(numbers, person.filter)
    }

    pub(crate) fn user<'m>(&self, model: &'m Model, id: &str) -> Option<&'m User> {
        model.users.get(self.by_id.get(id)?.position as usize)
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// The subjects of every logged-in user (R2).
fn common_subjects(model: &Model) -> Vec<GrantSubject> {
    let organizations = model.organizations.iter();
    organizations
        .filter(|organization| organization.name == builtin::DEFAULT_ORGANIZATION)
        .map(|organization| GrantSubject::Organization(organization.id.clone()))
        .chain([GrantSubject::Authenticated])
        .collect()
}

/// The organizations and teams of each user that have grants. A team of an unknown organization reaches
/// nobody: with its organization gone it is gone too (R7).
fn memberships<'m>(model: &'m Model, grants: &GrantIndex) -> HashMap<&'m str, Vec<u32>> {
    let mut memberships: HashMap<&str, Vec<u32>> = HashMap::new();
    let mut join = |members: &'m [AccountId], subject: &GrantSubject| {
        let Some(subject) = grants.number(subject) else {
            return;
        };
        for member in members {
            memberships.entry(member.as_str()).or_default().push(subject);
        }
    };
    let mut organizations = FxHashSet::default();
    for organization in &model.organizations {
        organizations.insert(organization.id.as_str());
        join(
            &organization.members,
            &GrantSubject::Organization(organization.id.clone()),
        );
    }
    for team in &model.teams {
        if organizations.contains(team.organization.as_str()) {
            join(&team.members, &GrantSubject::Team(team.id.clone()));
            join(
                &team.members,
                &GrantSubject::Organization(team.organization.clone()),
            );
        }
    }
    memberships
}
