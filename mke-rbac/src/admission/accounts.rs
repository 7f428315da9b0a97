//! Accounts by name, for settings and bindings that name them.

use mke_core::ids::AccountId;

use crate::model::{Model, Organization, Team, User};

/// The accounts that names in settings and bindings stand for.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// All users.
    pub users: Vec<User>,
    /// All organizations.
    pub organizations: Vec<Organization>,
    /// All teams.
    pub teams: Vec<Team>,
}

impl From<&Model> for Accounts {
    fn from(model: &Model) -> Self {
        Self {
            users: model.users.clone(),
            organizations: model.organizations.clone(),
            teams: model.teams.clone(),
        }
    }
}

impl Accounts {
    /// The user of this name, or of this id when no name is so.
    pub fn user(&self, name: &str) -> Option<&User> {
        let named = self.users.iter().find(|user| user.name == name);
        named.or_else(|| self.users.iter().find(|user| user.id.as_str() == name))
    }

    /// The organization of this name, or of this id when no name is so.
    pub fn organization(&self, name: &str) -> Option<&Organization> {
        let mut all = self.organizations.iter();
        let named = all.find(|organization| organization.name == name);
        named.or_else(|| self.organizations.iter().find(|found| found.id.as_str() == name))
    }

    /// The team `organization/team`; organization and team each by name or id.
    pub fn team(&self, name: &str) -> Option<&Team> {
        let (organization, team) = name.split_once('/')?;
        self.team_of(&self.organization(organization)?.id, team)
    }

    /// The team of an organization, by name or else by id.
    pub fn team_of(&self, organization: &AccountId, name: &str) -> Option<&Team> {
        let of = || {
            self.teams
                .iter()
                .filter(|team| team.organization == *organization)
        };
        of().find(|team| team.name == name)
            .or_else(|| of().find(|team| team.id.as_str() == name))
    }
}
