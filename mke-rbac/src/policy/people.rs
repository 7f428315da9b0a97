//! Accounts by id, and the subjects through which grants reach a user (R2).

use std::sync::Arc;

use mke_core::ids::CollectionId;

use super::Caller;
use super::grants::Subjects;
use super::names::{Party, Who};
use super::pages::Pages;
use super::set::Set;
use super::table::{Slot, Table};
use crate::decision::Denial;
use crate::model::GrantSubject;

/// A user with this id exists; without it something only names the id.
pub(crate) const KNOWN: u8 = 1;
/// Passes nothing without it (R6).
pub(crate) const ACTIVE: u8 = 2;
/// Passes every operation check (R5).
pub(crate) const ADMIN: u8 = 4;

/// All accounts and teams, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    /// Users; the list of a slot holds the numbers of the user's own subjects, sorted.
    pub(crate) users: Table,
    pub(crate) organizations: Table,
    pub(crate) teams: Table,
    /// The subjects of every logged-in user, sorted.
    pub(crate) common: Arc<[u32]>,
    /// The numbers of the administrators.
    pub(crate) administrators: Set,
    /// Users whose private collection does not exist.
    pub(crate) homeless: imbl::OrdSet<(CollectionId, u32)>,
    /// How many users there are.
    pub(crate) count: usize,
}

impl People {
    pub(crate) fn caller(&self, id: &str) -> Result<Caller<'_>, Denial> {
        let slot = self.users.get(id).ok_or(Denial::UnknownAccount)?;
        if slot.flags & (KNOWN | ACTIVE | ADMIN) == KNOWN | ACTIVE {
            return Ok(Caller::User(self.subjects_of(slot)));
        }
        if slot.flags & KNOWN == 0 {
            return Err(Denial::UnknownAccount);
        }
        if slot.flags & ACTIVE == 0 {
            return Err(Denial::Inactive);
        }
        Ok(Caller::Administrator)
    }

    /// The subjects of a user, also of one that is deactivated or administrator.
    pub(crate) fn subjects(&self, id: &str) -> Option<Subjects<'_>> {
        let slot = self.users.get(id)?;
        (slot.flags & KNOWN != 0).then(|| self.subjects_of(slot))
    }

    fn subjects_of<'p>(&'p self, slot: &'p Slot) -> Subjects<'p> {
        Subjects::new(slot.list.as_slice(), &self.common)
    }

    /// The number of a subject that something names.
    pub(crate) fn number(&self, subject: &GrantSubject) -> Option<u32> {
        let slot = match subject {
            GrantSubject::Authenticated => return Some(super::names::AUTHENTICATED),
            GrantSubject::Anonymous => return Some(super::names::ANONYMOUS),
            GrantSubject::User(id) => self.users.get(id.as_str()),
            GrantSubject::Organization(id) => self.organizations.get(id.as_str()),
            GrantSubject::Team(id) => self.teams.get(id.as_str()),
        };
        Some(slot?.number)
    }

    /// The number of a subject, a new one if nothing named it yet.
    pub(crate) fn intern(&mut self, subject: &GrantSubject, parties: &mut Pages<Party, 32>) -> u32 {
        if let Some(number) = self.number(subject) {
            return number;
        }
        let number = parties.push(Party::only(subject.clone()));
        match subject {
            GrantSubject::User(id) => self.users.put(id.as_str(), Slot::new(number, 0, &[number])),
            GrantSubject::Organization(id) => self.organizations.put(id.as_str(), Slot::new(number, 0, &[])),
            GrantSubject::Team(id) => self.teams.put(id.as_str(), Slot::new(number, 0, &[])),
            GrantSubject::Authenticated | GrantSubject::Anonymous => {}
        }
        number
    }

    /// The subjects of a user: itself, the groups that list it, and the organizations of its teams. A team of an
    /// unknown organization reaches nobody: with its organization gone it is gone too (R7). Those that reach
    /// everybody are left out.
    pub(crate) fn own_subjects(&self, number: u32, parties: &Pages<Party, 32>) -> Vec<u32> {
        let party = |number: u32| parties.get(number).map(|party| &party.who);
        let known = |number: u32| matches!(party(number), Some(Who::Organization(_)));
        let mut own = vec![number];
        let listed = parties.get(number).map(Party::listed).unwrap_or_default();
        for group in listed {
            match party(*group) {
                Some(Who::Organization(_)) => own.push(*group),
                Some(Who::Team(_, organization)) if known(*organization) => {
                    own.extend([*group, *organization])
                }
                _ => {}
            }
        }
        own.sort_unstable();
        own.dedup();
        own.retain(|subject| !self.common.contains(subject));
        own
    }

    /// Writes the subjects of a user anew.
    pub(crate) fn refresh(&mut self, number: u32, parties: &Pages<Party, 32>) {
        let own = self.own_subjects(number, parties);
        let id = parties.get(number).and_then(Party::account);
        if let Some(slot) = id.and_then(|id| self.users.get_mut(id.as_str())) {
            *slot = slot.with_list(&own);
        }
    }
}
