//! One change of the model, as a value: what an administrator did, or what the store reports.
//!
//! [`Policy::with`](crate::Policy::with) applies a change to a compiled policy, [`Model::apply`] to a model. Both mean
//! the same: the policy with the change answers like the changed model compiled anew. Whether a change is permitted
//! is asked of [`crate::admin`] before.

use mke_core::ids::{AccountId, CollectionId, RoleId, TeamId};

use crate::model::{Collection, Grant, Model, Organization, Settings, Team, User};
use crate::role::{Role, builtin_roles};

/// One change. Putting what exists replaces it, removing what does not exist changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A grant is made (R28). Grants are compared by value, so making one again changes nothing.
    PutGrant(Grant),
    /// A grant is taken back.
    RemoveGrant(Grant),
    /// A user is made, renamed, activated, logs in for the first time or chooses a default collection. Its
    /// memberships stay.
    PutUser(User),
    /// An organization is made or renamed. Its members stay.
    PutOrganization {
        /// Its id.
        id: AccountId,
        /// Its name.
        name: String,
    },
    /// A team is made or renamed. Its members stay.
    PutTeam {
        /// Its id.
        id: TeamId,
        /// The organization that it belongs to.
        organization: AccountId,
        /// Its name.
        name: String,
    },
    /// A user, or an organization with its teams, is removed with its memberships and grants (R7).
    RemoveAccount(AccountId),
    /// A team is removed with its grants. Its members stay in the organization.
    RemoveTeam(TeamId),
    /// Somebody joins.
    AddMember {
        /// What is joined.
        group: Group,
        /// Who. An account that does not exist (yet) is kept, and counts from when it exists.
        member: AccountId,
    },
    /// Somebody leaves. Who leaves a team stays in its organization only if the organization lists it too.
    RemoveMember {
        /// What is left.
        group: Group,
        /// Who.
        member: AccountId,
    },
    /// A collection is made, renamed or moved.
    PutCollection(Collection),
    /// A collection is removed with its grants (R17).
    RemoveCollection(CollectionId),
    /// A custom role is made or replaced.
    PutRole(Role),
    /// A custom role is removed with its grants (R27).
    RemoveRole(RoleId),
    /// The switches change.
    Settings(Settings),
}

/// What has members.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Group {
    /// An organization.
    Organization(AccountId),
    /// A team.
    Team(TeamId),
}

/// Why a change cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Members join what exists.
    #[error("organization `{0}` does not exist; put it before its members")]
    UnknownOrganization(AccountId),
    /// Members join what exists.
    #[error("team `{0}` does not exist; put it before its members")]
    UnknownTeam(TeamId),
    /// The built-in roles always exist and never change (R24).
    #[error("role `{0}` is built in and cannot be put or removed")]
    BuiltInRole(RoleId),
}

impl Model {
    /// Applies one change. When it fails, the model is as it was.
    pub fn apply(&mut self, change: &Change) -> Result<(), ChangeError> {
        match change {
            Change::PutGrant(grant) => {
                if !self.grants.contains(grant) {
                    self.grants.push(grant.clone());
                }
            }
            Change::RemoveGrant(grant) => self.grants.retain(|known| known != grant),
            Change::PutUser(user) => put(&mut self.users, user.clone(), |known| known.id == user.id),
            Change::PutOrganization { id, name } => self.put_organization(id, name),
            Change::PutTeam {
                id,
                organization,
                name,
            } => self.put_team(id, organization, name),
            Change::RemoveAccount(account) => drop(self.remove_account(account)),
            Change::RemoveTeam(team) => drop(self.remove_team(team)),
            Change::AddMember { group, member } => {
                let members = self.members(group)?;
                if !members.contains(member) {
                    members.push(member.clone());
                }
            }
            Change::RemoveMember { group, member } => self.members(group)?.retain(|known| known != member),
            Change::PutCollection(collection) => {
                let same = |known: &Collection| known.id == collection.id;
                put(&mut self.collections, collection.clone(), same);
            }
            Change::RemoveCollection(collection) => drop(self.remove_collection(collection)),
            Change::PutRole(role) => {
                not_built_in(&role.id)?;
                put(&mut self.roles, role.clone(), |known| known.id == role.id);
            }
            Change::RemoveRole(role) => {
                not_built_in(role)?;
                self.remove_role(role);
            }
            Change::Settings(settings) => self.settings = settings.clone(),
        }
        Ok(())
    }

    fn put_organization(&mut self, id: &AccountId, name: &str) {
        let known = self.organizations.iter().find(|known| known.id == *id);
        let organization = Organization {
            id: id.clone(),
            name: name.to_owned(),
            members: known.map(|known| known.members.clone()).unwrap_or_default(),
        };
        put(&mut self.organizations, organization, |known| known.id == *id);
    }

    fn put_team(&mut self, id: &TeamId, organization: &AccountId, name: &str) {
        let known = self.teams.iter().find(|known| known.id == *id);
        let team = Team {
            id: id.clone(),
            organization: organization.clone(),
            name: name.to_owned(),
            members: known.map(|known| known.members.clone()).unwrap_or_default(),
        };
        put(&mut self.teams, team, |known| known.id == *id);
    }

    fn members(&mut self, group: &Group) -> Result<&mut Vec<AccountId>, ChangeError> {
        match group {
            Group::Organization(id) => self
                .organizations
                .iter_mut()
                .find(|known| known.id == *id)
                .map(|known| &mut known.members)
                .ok_or_else(|| ChangeError::UnknownOrganization(id.clone())),
            Group::Team(id) => self
                .teams
                .iter_mut()
                .find(|known| known.id == *id)
                .map(|known| &mut known.members)
                .ok_or_else(|| ChangeError::UnknownTeam(id.clone())),
        }
    }
}

/// Replaces the first of its kind and drops the others, or adds it.
fn put<T>(all: &mut Vec<T>, item: T, mut same: impl FnMut(&T) -> bool) {
    match all.iter().position(&mut same) {
        Some(position) => {
            let mut at = 0;
            all.retain(|known| {
                at += 1;
                at == position + 1 || !same(known)
            });
            all[position] = item;
        }
        None => all.push(item),
    }
}

pub(crate) fn not_built_in(role: &RoleId) -> Result<(), ChangeError> {
    if builtin_roles().iter().any(|known| known.id == *role) {
        return Err(ChangeError::BuiltInRole(role.clone()));
    }
    Ok(())
}
