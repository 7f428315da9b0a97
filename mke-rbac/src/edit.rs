//! Removing things from a model together with everything that names them (R7, R17, R27).
//!
//! Grants hold ids, and ids are not used again; removing the grants as well keeps the model free of dead ones, and
//! keeps a store that does reuse an id from reviving a right. Whether a removal is permitted is asked of
//! [`crate::admin`] before.

use mke_core::ids::{AccountId, CollectionId, RoleId, TeamId};

use crate::model::{Grant, GrantObject, GrantSubject, Model};

impl Model {
    /// Removes a user, or an organization with its teams. Returns the grants that went with it. The private
    /// collection of a user stays, as things may lie in it.
    pub fn remove_account(&mut self, account: &AccountId) -> Vec<Grant> {
        self.users.retain(|user| user.id != *account);
        self.organizations
            .retain(|organization| organization.id != *account);
        for organization in &mut self.organizations {
            organization.members.retain(|member| member != account);
        }
        for team in &mut self.teams {
            team.members.retain(|member| member != account);
        }
        let of_organization = self.teams.extract_if(.., |team| team.organization == *account);
        let teams: Vec<_> = of_organization.map(|team| team.id).collect();
        self.remove_grants(|grant| match &grant.subject {
            GrantSubject::User(id) | GrantSubject::Organization(id) => id == account,
            GrantSubject::Team(id) => teams.contains(id),
            GrantSubject::Authenticated | GrantSubject::Anonymous => false,
        })
    }

    /// Removes a team. Its members stay in the organization. Returns the grants that went with it.
    pub fn remove_team(&mut self, team: &TeamId) -> Vec<Grant> {
        self.teams.retain(|known| known.id != *team);
        self.remove_grants(|grant| grant.subject == GrantSubject::Team(team.clone()))
    }

    /// Removes a custom role. Returns the grants that went with it; [`crate::admin::check_delete_role`] wants none.
    pub fn remove_role(&mut self, role: &RoleId) -> Vec<Grant> {
        self.roles.retain(|known| known.id != *role);
        self.remove_grants(|grant| grant.role == *role)
    }

    /// Removes a collection. Users that had it as default fall back to their first one. Returns the grants that
    /// went with it.
    pub fn remove_collection(&mut self, collection: &CollectionId) -> Vec<Grant> {
        self.collections.retain(|known| known.id != *collection);
        for user in &mut self.users {
            for place in [&mut user.default_collection, &mut user.private_collection] {
                place.take_if(|place| place == collection);
            }
        }
        self.remove_grants(|grant| grant.object == GrantObject::Collection(collection.clone()))
    }

    fn remove_grants(&mut self, mut names_it: impl FnMut(&Grant) -> bool) -> Vec<Grant> {
        self.grants.extract_if(.., |grant| names_it(grant)).collect()
    }
}
