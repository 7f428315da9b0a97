//! One change at a time: a new snapshot that shares everything with the old one but the pages that changed.
//!
//! Every change means what [`Model::apply`](crate::model::Model) means by it. Where the consequences spread (a collection
//! moves, the default organization is renamed, the role of private collections changes) the whole is compiled anew.

use std::sync::Arc;

use mke_core::ids::{AccountId, CollectionId, RoleId, TeamId};

use super::grants::{Held, IMPLIED};
use super::names::{EVERYTHING, Names, Party, Who};
use super::pages::Pages;
use super::people::{ACTIVE, ADMIN, KNOWN};
use super::set::pair;
use super::views::{OrganizationInfo, TeamInfo};
use super::{ALL_OPERATIONS, Policy, Warning};
use crate::change::{Change, ChangeError, Group, not_built_in};
use crate::model::{Collection, Grant, GrantObject, GrantSubject, Settings, User};
use crate::role::Role;

/// So many numbers may stand for nothing before a policy is compiled anew to be rid of them.
const GONE: usize = 4096;

/// Whether a change could be made in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It is made.
    Here,
    /// Nothing is known about the snapshot at hand; the model must be compiled anew.
    Anew,
}

impl Policy {
    /// The policy with one change. This one stays as it is, and both share what did not change, so that a grant
    /// costs microseconds among a million.
    ///
    /// ```
    /// use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model};
    /// use mke_rbac::{Change, Policy};
    ///
    /// let policy = Policy::compile(Model::with_builtin_collections());
    /// let grant = Grant { subject: GrantSubject::Authenticated,
    ///     object: GrantObject::Collection("shared".into()), role: "scheduler".into() };
    /// let after = policy.with(&Change::PutGrant(grant.clone())).unwrap();
    /// assert!(after.has_grant(&grant) && !policy.has_grant(&grant));
    /// ```
    ///
    /// # Errors
    ///
    /// Members of unknown groups, and changes of built-in roles.
    pub fn with(&self, change: &Change) -> Result<Self, ChangeError> {
        let mut next = self.clone();
        if next.make(change)? == Made::Here && next.gone < GONE {
            return Ok(next);
        }
        let mut model = self.to_model();
        model.apply(change)?;
        let compiled = Self::compile(model);
        let shadowed = self.shadowed.iter().filter(|warning| !settles(change, warning));
        Ok(Self {
            shadowed: shadowed.chain(compiled.shadowed.iter()).cloned().collect(),
            ..compiled
        })
    }

    fn make(&mut self, change: &Change) -> Result<Made, ChangeError> {
        if self.shadowed.iter().any(|warning| settles(change, warning)) {
            return Ok(Made::Anew);
        }
        match change {
            Change::PutGrant(grant) => self.put_grant(grant),
            Change::RemoveGrant(grant) => self.remove_grant(grant),
            Change::PutUser(user) => self.put_user(user.clone()),
            Change::PutOrganization { id, name } => return Ok(self.put_organization(id, name)),
            Change::PutTeam {
                id,
                organization,
                name,
            } => self.put_team(id, organization, name),
            Change::RemoveAccount(account) => return Ok(self.remove_account(account)),
            Change::RemoveTeam(team) => self.remove_group(&GrantSubject::Team(team.clone())),
            Change::AddMember { group, member } => self.add_member(group, member)?,
            Change::RemoveMember { group, member } => self.remove_member(group, member)?,
            Change::PutCollection(collection) => return Ok(self.put_collection(collection)),
            Change::RemoveCollection(collection) => return Ok(self.remove_collection(collection)),
            Change::PutRole(role) => return self.put_role(role),
            Change::RemoveRole(role) => return self.remove_role(role),
            Change::Settings(settings) => return Ok(self.put_settings(settings)),
        }
        Ok(Made::Here)
    }

    fn names_mut(&mut self) -> &mut Names {
        Arc::make_mut(&mut self.names)
    }

    fn parties_mut(&mut self) -> &mut Pages<Party, 32> {
        &mut self.names_mut().parties
    }

    fn intern(&mut self, subject: &GrantSubject) -> u32 {
        if let Some(number) = self.people.number(subject) {
            return number;
        }
        let parties = &mut Arc::make_mut(&mut self.names).parties;
        let number = self.people.intern(subject, parties);
        self.grants.fit(0, parties.len());
        number
    }

    fn put_grant(&mut self, grant: &Grant) {
        match (&grant.object, self.place_and_role(grant)) {
            (_, Some((place, role))) => {
                let subject = self.intern(&grant.subject);
                self.grants.insert(Held { subject, place, role });
            }
            (GrantObject::Collection(_), None) => drop(self.grants.inert.insert(grant.clone())),
            (_, None) => drop(self.grants.namespaced.insert(grant.clone())),
        }
    }

    fn remove_grant(&mut self, grant: &Grant) {
        if let Some(held) = self.held(grant) {
            self.grants.remove(held);
        }
        self.grants.inert.remove(grant);
        self.grants.namespaced.remove(grant);
    }

    /// Takes every stored grant out that is kept as it was written.
    fn remove_written(&mut self, names_it: impl Fn(&Grant) -> bool) {
        for written in [&mut self.grants.inert, &mut self.grants.namespaced] {
            let gone: Vec<_> = written.iter().filter(|grant| names_it(grant)).cloned().collect();
            for grant in gone {
                written.remove(&grant);
            }
        }
    }

    /// Grants that named something unknown may have an effect now.
    fn revive(&mut self, named: impl Fn(&Grant) -> bool) {
        let inert = self.grants.inert.iter();
        let revived: Vec<_> = inert.filter(|grant| named(grant)).cloned().collect();
        for grant in revived {
            self.grants.inert.remove(&grant);
            self.put_grant(&grant);
        }
    }

    /// Enters or replaces a user, without the subjects of a new one, and gives its number, and the grant on its
    /// private collection (R14) that is not entered yet.
    pub(super) fn enter_user(&mut self, user: User) -> (u32, Option<Held>) {
        let parties = &mut Arc::make_mut(&mut self.names).parties;
        let number = self.people.intern(&GrantSubject::User(user.id.clone()), parties);
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        if let Some(slot) = self.people.users.get_mut(user.id.as_str()) {
            self.people.count += usize::from(slot.flags & KNOWN == 0);
            slot.flags = KNOWN | flag(user.active, ACTIVE) | flag(user.admin, ADMIN);
        }
        if user.admin {
            self.people.administrators.insert(pair(0, number));
        } else {
            self.people.administrators.remove(pair(0, number));
        }
        let private = user.private_collection.clone().filter(|_| !user.admin);
        if let Some(party) = parties.get_mut(number) {
            party.who = Who::User {
                admin: user.admin,
                active: user.active,
                user: Arc::new(user),
            };
        }
        (number, private.and_then(|private| self.implied(number, private)))
    }

    /// The grant of a user on its private collection. Where there is no such collection, the user is noted.
    fn implied(&mut self, subject: u32, private: CollectionId) -> Option<Held> {
        let role = match self.settings.default_new_user_role.as_str() {
            ALL_OPERATIONS => Some(EVERYTHING),
            role => self.names.roles.numbers.get(role).copied(),
        };
        match self.tree.by_id(private.as_str()) {
            Some(place) => Some(Held {
                subject,
                place: place.number,
                role: role? | IMPLIED,
            }),
            None => {
                self.people.homeless.insert((private, subject));
                None
            }
        }
    }

    fn put_user(&mut self, user: User) {
        let id = user.id.clone();
        let old = self.user(id.as_str()).cloned();
        if let (Some(old), Some(number)) = (&old, self.people.number(&GrantSubject::User(id))) {
            self.leave_private(number, old);
        }
        let (number, implied) = self.enter_user(user);
        self.grants.fit(0, self.names.parties.len());
        if let Some(implied) = implied {
            self.grants.insert(implied);
        }
        if old.is_none() {
            self.people.refresh(number, &self.names.parties);
        }
    }

    fn leave_private(&mut self, number: u32, user: &User) {
        if let Some(private) = user.private_collection.clone() {
            let own = self.grants.of(number);
            let implied: Vec<_> = own.filter(|(_, role)| role & IMPLIED != 0).collect();
            for (place, role) in implied {
                self.grants.remove(Held {
                    subject: number,
                    place,
                    role,
                });
            }
            self.people.homeless.remove(&(private, number));
        }
    }

    fn put_organization(&mut self, id: &AccountId, name: &str) -> Made {
        let info = OrganizationInfo {
            id: id.clone(),
            name: name.to_owned(),
        };
        let old = self.organization(id.as_str());
        let was_common = old.is_some_and(OrganizationInfo::holds_everybody);
        if was_common != info.holds_everybody() {
            return Made::Anew;
        }
        let is_new = old.is_none();
        let number = self.intern(&GrantSubject::Organization(id.clone()));
        if let Some(party) = self.parties_mut().get_mut(number) {
            party.who = Who::Organization(Arc::new(info));
        }
        if is_new {
            self.refresh_members(number);
        }
        Made::Here
    }

    fn put_team(&mut self, id: &TeamId, organization: &AccountId, name: &str) {
        let home = self.intern(&GrantSubject::Organization(organization.clone()));
        let number = self.intern(&GrantSubject::Team(id.clone()));
        let old = match self.names.parties.get(number).map(|party| &party.who) {
            Some(Who::Team(_, old)) => Some(*old),
            _ => None,
        };
        let parties = self.parties_mut();
        if let Some(party) = parties.get_mut(number) {
            let info = TeamInfo {
                id: id.clone(),
                organization: organization.clone(),
                name: name.to_owned(),
            };
            party.who = Who::Team(Arc::new(info), home);
        }
        if old == Some(home) {
            return;
        }
        if let Some(crowd) = old.and_then(|old| parties.get_mut(old)).map(Party::crowd_mut) {
            crowd.teams.remove(pair(0, number));
        }
        if let Some(party) = parties.get_mut(home) {
            party.crowd_mut().teams.insert(pair(0, number));
        }
        self.refresh_members(number);
    }

    /// Writes the subjects of all members of a group anew, those of its teams included.
    fn refresh_members(&mut self, number: u32) {
        for member in self.all_members(number) {
            self.people.refresh(member, &self.names.parties);
        }
    }

    fn all_members(&self, number: u32) -> Vec<u32> {
        let parties = &self.names.parties;
        let Some(party) = parties.get(number) else {
            return Vec::new();
        };
        let teams = party.teams().filter_map(|team| parties.get(team));
        let mut members: Vec<_> = party.members().chain(teams.flat_map(Party::members)).collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    fn remove_account(&mut self, account: &AccountId) -> Made {
        let organization = GrantSubject::Organization(account.clone());
        let number = self.people.number(&organization);
        if number.is_some_and(|number| self.people.common.contains(&number)) {
            return Made::Anew;
        }
        let user = GrantSubject::User(account.clone());
        if let Some(number) = self.people.number(&user) {
            if let Some(old) = self.user(account.as_str()).cloned() {
                self.leave_private(number, &old);
                self.people.count -= 1;
            }
            self.people.administrators.remove(pair(0, number));
            let groups = self
                .names
                .parties
                .get(number)
                .map(|party| party.listed().to_vec());
            for group in groups.into_iter().flatten() {
                if let Some(party) = self.parties_mut().get_mut(group) {
                    party.crowd_mut().members.remove(pair(0, number));
                }
            }
            self.people.users.remove(account.as_str());
            self.forget(number);
        }
        self.remove_written(|grant| grant.subject == user);
        if let Some(number) = number {
            let teams = self
                .names
                .parties
                .get(number)
                .map(|party| party.teams().collect::<Vec<_>>());
            for team in teams.into_iter().flatten() {
                if let Some(team) = self.names.parties.get(team).and_then(Party::subject) {
                    self.remove_group(&team);
                }
            }
        }
        self.remove_group(&organization);
        Made::Here
    }

    /// Removes a team, or an organization without teams.
    fn remove_group(&mut self, group: &GrantSubject) {
        self.remove_written(|grant| grant.subject == *group);
        let Some(number) = self.people.number(group) else {
            return;
        };
        match group {
            GrantSubject::Organization(id) => self.people.organizations.remove(id.as_str()),
            GrantSubject::Team(id) => self.people.teams.remove(id.as_str()),
            _ => return,
        }
        let members = self.all_members(number);
        let parties = self.parties_mut();
        for member in &members {
            if let Some(party) = parties.get_mut(*member) {
                let listed = party.listed().iter().copied();
                party.listed = Some(listed.filter(|listed| *listed != number).collect());
            }
        }
        let home = parties.get(number).and_then(|party| match &party.who {
            Who::Team(_, home) => Some(*home),
            _ => None,
        });
        if let Some(home) = home.and_then(|home| parties.get_mut(home)) {
            home.crowd_mut().teams.remove(pair(0, number));
        }
        self.forget(number);
        for member in members {
            self.people.refresh(member, &self.names.parties);
        }
    }

    /// Takes a subject out with its grants.
    fn forget(&mut self, number: u32) {
        let own: Vec<_> = self.grants.of(number).collect();
        for (place, role) in own {
            self.grants.remove(Held {
                subject: number,
                place,
                role,
            });
        }
        if let Some(party) = self.parties_mut().get_mut(number) {
            *party = Party::default();
        }
        self.gone += 1;
    }

    /// The number of a group that exists.
    fn group(&self, group: &Group) -> Result<u32, ChangeError> {
        let subject = match group {
            Group::Organization(id) => GrantSubject::Organization(id.clone()),
            Group::Team(id) => GrantSubject::Team(id.clone()),
        };
        let known = self.people.number(&subject).filter(|number| {
            let party = self.names.parties.get(*number);
            party.is_some_and(|party| matches!(party.who, Who::Organization(_) | Who::Team(..)))
        });
        known.ok_or_else(|| match group {
            Group::Organization(id) => ChangeError::UnknownOrganization(id.clone()),
            Group::Team(id) => ChangeError::UnknownTeam(id.clone()),
        })
    }

    fn add_member(&mut self, group: &Group, member: &AccountId) -> Result<(), ChangeError> {
        let group = self.group(group)?;
        let member = self.intern(&GrantSubject::User(member.clone()));
        let parties = self.parties_mut();
        let joined = parties
            .get_mut(group)
            .is_some_and(|party| party.crowd_mut().members.insert(pair(0, member)));
        if joined && let Some(party) = parties.get_mut(member) {
            let mut listed = party.listed().to_vec();
            listed.push(group);
            listed.sort_unstable();
            party.listed = Some(listed.into());
            self.people.refresh(member, &self.names.parties);
        }
        Ok(())
    }

    fn remove_member(&mut self, group: &Group, member: &AccountId) -> Result<(), ChangeError> {
        let group = self.group(group)?;
        let Some(member) = self.people.number(&GrantSubject::User(member.clone())) else {
            return Ok(());
        };
        let parties = self.parties_mut();
        if let Some(party) = parties.get_mut(group) {
            party.crowd_mut().members.remove(pair(0, member));
        }
        if let Some(party) = parties.get_mut(member) {
            let listed = party.listed().iter().copied();
            party.listed = Some(listed.filter(|listed| *listed != group).collect());
        }
        self.people.refresh(member, &self.names.parties);
        Ok(())
    }

    fn put_collection(&mut self, collection: &Collection) -> Made {
        if let Some(info) = self.collection(collection.id.as_str()) {
            let same = info.name == collection.name && info.parent_ids.last() == collection.parent.as_ref();
            return if same { Made::Here } else { Made::Anew };
        }
        if !self.tree.unplaced.is_empty() {
            return Made::Anew;
        }
        let spots = &mut Arc::make_mut(&mut self.names).places;
        if self.tree.enter(collection, spots).is_none() {
            return Made::Anew;
        }
        self.grants.fit(spots.len(), 0);
        let object = GrantObject::Collection(collection.id.clone());
        self.revive(|grant| grant.object == object);
        let homeless = self.people.homeless.iter();
        let arrived: Vec<_> = homeless
            .filter(|(home, _)| *home == collection.id)
            .cloned()
            .collect();
        for (home, number) in arrived {
            self.people.homeless.remove(&(home.clone(), number));
            if let Some(implied) = self.implied(number, home) {
                self.grants.insert(implied);
            }
        }
        Made::Here
    }

    fn remove_collection(&mut self, collection: &CollectionId) -> Made {
        let Some(place) = self.tree.by_id(collection.as_str()).map(|place| place.number) else {
            return Made::Anew;
        };
        let is_leaf = self.tree.children(place).next().is_none();
        let info = self.names.places.get(place).and_then(|spot| spot.info.clone());
        let (true, true, Some(info)) = (is_leaf, self.tree.unplaced.is_empty(), info) else {
            return Made::Anew;
        };
        let here: Vec<_> = self.grants.at(place).collect();
        for (subject, role) in here {
            self.grants.remove(Held { subject, place, role });
        }
        let object = GrantObject::Collection(collection.clone());
        self.remove_written(|grant| grant.object == object);
        let is_it = |place: &Option<CollectionId>| place.as_ref() == Some(collection);
        let users = self.users();
        let homes: Vec<_> = users
            .filter(|user| is_it(&user.private_collection) || is_it(&user.default_collection))
            .cloned()
            .collect();
        self.tree
            .leave(&info, place, &mut Arc::make_mut(&mut self.names).places);
        for mut user in homes {
            for place in [&mut user.default_collection, &mut user.private_collection] {
                place.take_if(|place| place == collection);
            }
            self.put_user(user);
        }
        self.gone += 1;
        Made::Here
    }

    fn put_role(&mut self, role: &Role) -> Result<Made, ChangeError> {
        not_built_in(&role.id)?;
        let is_new = self.role(role.id.as_str()).is_none();
        if is_new && self.settings.default_new_user_role == role.id {
            return Ok(Made::Anew);
        }
        Arc::make_mut(&mut self.names_mut().roles).put(role.clone());
        if is_new {
            self.revive(|grant| grant.role == role.id);
        }
        Ok(Made::Here)
    }

    fn remove_role(&mut self, role: &RoleId) -> Result<Made, ChangeError> {
        not_built_in(role)?;
        if self.settings.default_new_user_role == *role {
            return Ok(Made::Anew);
        }
        self.remove_written(|grant| grant.role == *role);
        let Some(number) = self.names.roles.numbers.get(role).copied() else {
            return Ok(Made::Here);
        };
        let with_it: Vec<_> = self.grants.iter().filter(|held| held.role == number).collect();
        for held in with_it {
            self.grants.remove(held);
        }
        Arc::make_mut(&mut self.names_mut().roles).remove(role);
        Ok(Made::Here)
    }

    fn put_settings(&mut self, settings: &Settings) -> Made {
        if settings.default_new_user_role != self.settings.default_new_user_role {
            return Made::Anew;
        }
        self.settings = Arc::new(settings.clone());
        Made::Here
    }
}

/// Whether a change replaces or removes all that a warning about two of one id is about.
fn settles(change: &Change, warning: &Warning) -> bool {
    match (change, warning) {
        (Change::PutUser(user), Warning::DuplicateAccount(id)) => user.id == *id,
        (Change::RemoveAccount(account), Warning::DuplicateAccount(id)) => account == id,
        (Change::PutRole(role), Warning::DuplicateRole(id)) => role.id == *id,
        (Change::RemoveRole(role), Warning::DuplicateRole(id)) => role == id,
        _ => false,
    }
}
