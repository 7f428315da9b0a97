//! What is asked about: models and questions, the same for the same seed.

use std::collections::HashMap;

use mke_core::ids::CollectionId;
use mke_rbac::demand::Access;
use mke_rbac::model::{GrantObject, GrantSubject, Model};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::{Check, Subject};

pub mod casbin;
pub mod kubernetes;
#[expect(dead_code, reason = "shared with tests, which use the small size too")]
#[path = "../../../../mke-rbac/tests/common/shape.rs"]
mod large;

pub(crate) use large::Dice;

/// Questions about one shape: so many users and grants that they do not stay in the cache of a core.
pub const QUESTIONS: usize = 1 << 17;

/// A question: who wants to do what where.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who.
    pub subject: Subject,
    /// What, and where.
    pub check: Check,
}

impl Question {
    fn new(user: mke_core::ids::AccountId, operation: Operation, collection: CollectionId) -> Self {
        Self {
            subject: Subject::Account(user),
            check: Check {
                operation,
                modifiers: ModifierSet::EMPTY,
                collection,
            },
        }
    }

    /// The id of the user.
    pub fn user(&self) -> &str {
        match &self.subject {
            Subject::Account(id) => id.as_str(),
            Subject::Anonymous => "",
        }
    }

    /// What the policy is asked.
    pub const fn access(&self) -> Access {
        Access::Operation
    }
}

/// Data with questions about it.
pub struct Shape {
    /// Its name in tables.
    pub name: &'static str,
    /// Users, roles or teams, grants: for tables.
    pub size: String,
    /// The data.
    pub model: Model,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Objects lie in one flat list, and every question is about one operation that every grant allows: the rules of the
    /// peers may then be written for just that.
    pub flat: bool,
}

/// 100,000 users in 10,000 teams, 100,000 collections to depth 6, a million grants. Half of the questions are about a
/// collection that a grant of the user names, half about any.
pub fn ucp_100k() -> Shape {
    let size = large::LARGE;
    let model = large::model(size, 1);
    let granted = Granted::of(&model);
    let mut dice = Dice::new(7);
    let question = |number: usize| {
        let user = large::user(dice.below(size.users));
        let named = granted
            .one_of(user.as_str(), &mut dice)
            .filter(|_| number.is_multiple_of(2));
        let collection = named
            .cloned()
            .unwrap_or_else(|| large::collection(dice.below(size.collections)));
        Question::new(user, *dice.pick(Operation::ALL), collection)
    };
    let questions = (0..QUESTIONS).map(question).collect();
    Shape {
        name: "ucp-100k",
        size: "100,000 users, 10,000 teams, 100,000 collections, 1,000,000 grants".to_owned(),
        model,
        questions,
        flat: false,
    }
}

/// The collections that grants name, by subject, and the subjects of each user.
struct Granted<'m> {
    collections: HashMap<&'m str, Vec<&'m CollectionId>>,
    subjects: HashMap<&'m str, Vec<&'m str>>,
}

impl<'m> Granted<'m> {
    fn of(model: &'m Model) -> Self {
        let mut collections: HashMap<&str, Vec<&CollectionId>> = HashMap::new();
        for grant in &model.grants {
            let subject = match &grant.subject {
                GrantSubject::User(id) | GrantSubject::Organization(id) => id.as_str(),
                GrantSubject::Team(id) => id.as_str(),
                GrantSubject::Authenticated | GrantSubject::Anonymous => continue,
            };
            if let GrantObject::Collection(collection) = &grant.object {
                collections.entry(subject).or_default().push(collection);
            }
        }
        let mut subjects: HashMap<&str, Vec<&str>> = HashMap::new();
        for team in &model.teams {
            for member in &team.members {
                subjects
                    .entry(member.as_str())
                    .or_default()
                    .extend([team.id.as_str(), team.organization.as_str()]);
            }
        }
        for user in &model.users {
            subjects
                .entry(user.id.as_str())
                .or_default()
                .push(user.id.as_str());
        }
        Self {
            collections,
            subjects,
        }
    }

    /// A collection that one of the grants of the user names.
    fn one_of(&self, user: &str, dice: &mut Dice) -> Option<&'m CollectionId> {
        let lists = self
            .subjects
            .get(user)?
            .iter()
            .filter_map(|subject| self.collections.get(subject));
        let count = lists.clone().map(Vec::len).sum();
        let mut place = if count == 0 {
            return None;
        } else {
            dice.below(count)
        };
        for list in lists {
            match list.get(place) {
                Some(collection) => return Some(collection),
                None => place -= list.len(),
            }
        }
        None
    }
}
