//! How each engine is given the data, and asked. Every question is put into the engine's own form beforehand; what is
//! timed is its decision alone.

use mke_rbac::model::{GrantSubject, Model};

use crate::error::BenchError;
use crate::shapes::{Question, Shape};

pub mod casbin;
pub mod cedar;
pub mod ours;
pub mod rego;

/// An engine with data.
pub trait Peer {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// Takes these questions in place of those before.
    ///
    /// # Errors
    ///
    /// When it cannot express one.
    fn prepare(&mut self, questions: &[Question]) -> Result<(), BenchError>;

    /// Decides question `number`. Unknown numbers and errors are denials.
    fn decide(&mut self, number: usize) -> bool;

    /// Takes back the grant that was made last, or makes it again: one change.
    ///
    /// # Errors
    ///
    /// When it refuses.
    fn change(&mut self) -> Result<(), BenchError>;
}

/// How to build an engine: its name and its way.
pub struct Maker {
    /// The name in tables.
    pub name: &'static str,
    /// Builds it from the data of a shape.
    pub make: fn(&Shape) -> Result<Box<dyn Peer>, BenchError>,
    /// Whether a shape of this many grants is asked of it: others take too long.
    pub most_grants: usize,
}

/// Every engine of the Swarm side, ours first.
pub const MAKERS: [Maker; 5] = [
    Maker {
        name: ours::NAME,
        make: ours::make,
        most_grants: usize::MAX,
    },
    Maker {
        name: rego::NAME,
        make: rego::make,
        most_grants: usize::MAX,
    },
    Maker {
        name: cedar::NAME_INDEXED,
        make: cedar::make_indexed,
        most_grants: 100_000,
    },
    Maker {
        name: cedar::NAME,
        make: cedar::make,
        most_grants: usize::MAX,
    },
    Maker {
        name: casbin::NAME,
        make: casbin::make,
        most_grants: usize::MAX,
    },
];

/// The id of a grant's subject, in a form in which users, teams and organizations cannot be mixed up.
fn subject_name(subject: &GrantSubject) -> String {
    match subject {
        GrantSubject::User(id) => format!("u:{id}"),
        GrantSubject::Team(id) => format!("t:{id}"),
        GrantSubject::Organization(id) => format!("o:{id}"),
        GrantSubject::Authenticated => "authenticated".to_owned(),
        GrantSubject::Anonymous => "anonymous".to_owned(),
    }
}

/// The subjects of each user: itself, its teams, their organizations, everybody who is logged in. By user id.
fn subjects_by_user(model: &Model) -> std::collections::BTreeMap<&str, Vec<String>> {
    let mut subjects: std::collections::BTreeMap<&str, Vec<String>> = model
        .users
        .iter()
        .map(|user| {
            let own = subject_name(&GrantSubject::User(user.id.clone()));
            (user.id.as_str(), vec![own, "authenticated".to_owned()])
        })
        .collect();
    for team in &model.teams {
        let both = [
            subject_name(&GrantSubject::Team(team.id.clone())),
            subject_name(&GrantSubject::Organization(team.organization.clone())),
        ];
        for member in &team.members {
            if let Some(subjects) = subjects.get_mut(member.as_str()) {
                for subject in &both {
                    if !subjects.contains(subject) {
                        subjects.push(subject.clone());
                    }
                }
            }
        }
    }
    subjects
}

/// The operations of each role that grants name, by id, in names.
fn operations_by_role(model: &Model) -> std::collections::BTreeMap<String, Vec<&'static str>> {
    let named: std::collections::BTreeSet<_> = model.grants.iter().map(|grant| grant.role.as_str()).collect();
    let roles = mke_rbac::role::builtin::builtin_roles();
    roles
        .iter()
        .filter(|role| named.contains(role.id.as_str()))
        .map(|role| {
            let operations = role
                .operations
                .rights()
                .iter()
                .map(|(operation, _)| operation.name());
            (role.id.to_string(), operations.collect())
        })
        .collect()
}
