//! Accounts for answers: who exists, who is in what, and how a grant's subject reaches a user (R2, R4).

use mke_core::ids::{AccountId, CollectionId, TeamId};

use super::names::{Party, Who};
use super::{Caller, Place, Policy};
use crate::change::Group;
use crate::decision::Subject;
use crate::model::{GrantSubject, User, builtin};
use crate::operation::{ModifierSet, Operation};

/// An organization, without its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationInfo {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
}

impl OrganizationInfo {
    /// Whether it holds every user (R2).
    pub fn holds_everybody(&self) -> bool {
        self.name == builtin::DEFAULT_ORGANIZATION
    }
}

/// A team, without its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamInfo {
    /// Its id.
    pub id: TeamId,
    /// The organization that it belongs to. Without it the team reaches nobody.
    pub organization: AccountId,
    /// Its name.
    pub name: String,
}

/// How grants for a subject reach a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The subject is the user.
    Itself,
    /// The user is in the team.
    Team,
    /// The user is in the organization.
    Organization {
        /// The organization lists it.
        listed: bool,
        /// Its teams that the user is in.
        teams: Vec<TeamId>,
    },
    /// The organization holds every user (R2).
    Everybody,
    /// Every logged-in user is reached.
    Authenticated,
}

/// A subject, looked up once for many questions to the policy that it came from.
#[derive(Debug, Clone, Copy)]
pub struct SubjectKey<'p> {
    policy: &'p Policy,
    caller: Caller<'p>,
}

/// A collection, looked up once for many questions to the policy that it came from.
#[derive(Debug, Clone, Copy)]
pub struct CollectionKey<'p> {
    policy: &'p Policy,
    place: Place<'p>,
}

impl SubjectKey<'_> {
    /// As [`Policy::allows`]. A key of another policy is refused.
    pub fn allows(
        &self,
        operation: Operation,
        modifiers: ModifierSet,
        collection: CollectionKey<'_>,
    ) -> bool {
        std::ptr::eq(self.policy, collection.policy)
            && self
                .policy
                .holds(&self.caller, collection.place, operation, modifiers)
    }
}

impl Policy {
    /// Every user, in no particular order.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.parties().filter_map(Party::user)
    }

    /// How many users there are.
    pub const fn user_count(&self) -> usize {
        self.people.count
    }

    fn parties(&self) -> impl Iterator<Item = &Party> {
        self.names.parties.iter().map(|(_, party)| party)
    }

    /// Every organization, in no particular order.
    pub fn organizations(&self) -> impl Iterator<Item = &OrganizationInfo> {
        self.parties().filter_map(|party| match &party.who {
            Who::Organization(info) => Some(&**info),
            _ => None,
        })
    }

    /// An organization by id.
    pub fn organization(&self, id: &str) -> Option<&OrganizationInfo> {
        let slot = self.people.organizations.get(id)?;
        match &self.names.parties.get(slot.number)?.who {
            Who::Organization(info) => Some(info),
            _ => None,
        }
    }

    /// Every team, in no particular order.
    pub fn teams(&self) -> impl Iterator<Item = &TeamInfo> {
        self.parties().filter_map(|party| match &party.who {
            Who::Team(info, _) => Some(&**info),
            _ => None,
        })
    }

    /// A team by id.
    pub fn team(&self, id: &str) -> Option<&TeamInfo> {
        let slot = self.people.teams.get(id)?;
        self.team_numbered(slot.number)
    }

    fn team_numbered(&self, number: u32) -> Option<&TeamInfo> {
        match &self.names.parties.get(number)?.who {
            Who::Team(info, _) => Some(info),
            _ => None,
        }
    }

    /// The accounts that a group lists, those that do not exist included. Of an organization not those that are
    /// only in its teams, nor all users for the organization that holds everybody: see
    /// [`Policy::reached_by`].
    pub fn members(&self, group: &Group) -> impl Iterator<Item = &AccountId> {
        let slot = match group {
            Group::Organization(id) => self.people.organizations.get(id.as_str()),
            Group::Team(id) => self.people.teams.get(id.as_str()),
        };
        let party = slot.and_then(|slot| self.names.parties.get(slot.number));
        let members = party.into_iter().flat_map(Party::members);
        members.filter_map(|member| self.names.parties.get(member)?.account())
    }

    /// The users that grants for this subject reach, inactive ones included. Nobody for
    /// [`GrantSubject::Anonymous`]: that reaches requests without credentials.
    pub fn reached_by(&self, subject: &GrantSubject) -> Vec<&User> {
        let Some(number) = self.people.number(subject) else {
            return Vec::new();
        };
        if self.people.common.contains(&number) {
            return self.users().collect();
        }
        let mut numbers = Vec::new();
        self.reached(number, |user| numbers.push(user));
        numbers.sort_unstable();
        numbers.dedup();
        let users = numbers.into_iter();
        users
            .filter_map(|user| self.names.parties.get(user)?.user())
            .collect()
    }

    /// The numbers of the accounts that a subject reaches, some more than once, those of no user included. Not for
    /// subjects that reach everybody.
    pub(super) fn reached(&self, subject: u32, mut each: impl FnMut(u32)) {
        let parties = &self.names.parties;
        let Some(party) = parties.get(subject) else {
            return;
        };
        match &party.who {
            Who::User { .. } => each(subject),
            Who::Organization(_) => {
                party.members().for_each(&mut each);
                let teams = party.teams().filter_map(|team| parties.get(team));
                teams.for_each(|team| team.members().for_each(&mut each));
            }
            Who::Team(_, organization) => {
                let home = parties.get(*organization).map(|party| &party.who);
                if matches!(home, Some(Who::Organization(_))) {
                    party.members().for_each(each);
                }
            }
            Who::Only(_) | Who::Gone => {}
        }
    }

    /// How grants for the subject reach a user; nothing when they do not, or when there is no such user.
    pub fn reach(&self, user: &AccountId, subject: &GrantSubject) -> Option<Reach> {
        self.user(user.as_str())?;
        let listed = {
            let slot = self.people.users.get(user.as_str())?;
            self.names.parties.get(slot.number)?.listed()
        };
        match subject {
            GrantSubject::User(id) => (id == user).then_some(Reach::Itself),
            GrantSubject::Authenticated => Some(Reach::Authenticated),
            GrantSubject::Anonymous => None,
            GrantSubject::Team(id) => {
                self.organization(self.team(id.as_str())?.organization.as_str())?;
                let number = self.people.number(subject)?;
                listed.contains(&number).then_some(Reach::Team)
            }
            GrantSubject::Organization(id) => {
                if self.organization(id.as_str())?.holds_everybody() {
                    return Some(Reach::Everybody);
                }
                let number = self.people.number(subject)?;
                let own = listed.iter().filter_map(|group| self.team_numbered(*group));
                let teams: Vec<_> = own
                    .filter(|team| team.organization == *id)
                    .map(|team| team.id.clone())
                    .collect();
                let listed = listed.contains(&number);
                (listed || !teams.is_empty()).then_some(Reach::Organization { listed, teams })
            }
        }
    }

    /// A subject for many questions; nothing when it is unknown or inactive, and so passes nothing.
    pub fn subject_key(&self, subject: &Subject) -> Option<SubjectKey<'_>> {
        let caller = self.caller(subject).ok()?;
        Some(SubjectKey { policy: self, caller })
    }

    /// A collection for many questions; nothing when there is none with this id.
    pub fn collection_key(&self, collection: &CollectionId) -> Option<CollectionKey<'_>> {
        let place = self.place(collection)?;
        Some(CollectionKey { policy: self, place })
    }
}
