//! Decides nothing: accounts by id, and who is in what.

use std::collections::{BTreeMap, BTreeSet};

use super::is_reserved;
use crate::kubernetes::identity::{organization_group, team_group};
use crate::model::{GrantSubject, Model, Organization, Team, User, builtin};

/// The accounts of a model, looked up by id.
#[derive(Debug)]
pub(super) struct People<'m> {
    pub(super) users: BTreeMap<&'m str, &'m User>,
    pub(super) organizations: BTreeMap<&'m str, &'m Organization>,
    /// Teams whose organization exists; of others nobody holds anything (R7).
    pub(super) teams: BTreeMap<&'m str, &'m Team>,
    /// Names of active members by the group that MKE 3 shows Kubernetes.
    groups: BTreeMap<String, BTreeSet<&'m str>>,
}

impl<'m> People<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        let mut users: BTreeMap<&str, &User> = BTreeMap::new();
        for user in &model.users {
            // Of two accounts with one id the first counts, as everywhere (R1).
            users.entry(user.id.as_str()).or_insert(user);
        }
        let mut organizations: BTreeMap<&str, &Organization> = BTreeMap::new();
        for organization in &model.organizations {
            if !users.contains_key(organization.id.as_str()) {
                organizations
                    .entry(organization.id.as_str())
                    .or_insert(organization);
            }
        }
        let mut teams: BTreeMap<&str, &Team> = BTreeMap::new();
        for team in &model.teams {
            if organizations.contains_key(team.organization.as_str()) {
                teams.entry(team.id.as_str()).or_insert(team);
            }
        }
        let active = |id: &str| {
            users
                .get(id)
                .filter(|user| Self::is_carried(user))
                .map(|user| user.name.as_str())
        };
        let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (id, organization) in &organizations {
            let members = groups.entry(organization_group(id)).or_default();
            if organization.name == builtin::DEFAULT_ORGANIZATION {
                members.extend(users.keys().filter_map(|id| active(id)));
            }
            members.extend(organization.members.iter().filter_map(|id| active(id.as_str())));
        }
        for (id, team) in &teams {
            let names: BTreeSet<_> = team.members.iter().filter_map(|id| active(id.as_str())).collect();
            let organization = team.organization.as_str();
            groups
                .entry(organization_group(organization))
                .or_default()
                .extend(&names);
            groups
                .entry(team_group(organization, id))
                .or_default()
                .extend(&names);
        }
        Self {
            users,
            organizations,
            teams,
            groups,
        }
    }

    /// Whether rights of this account come along.
    pub(super) fn is_carried(user: &User) -> bool {
        user.active && !is_reserved(&user.name)
    }

    /// The names of the active members of a group of MKE 3; none when there is no such group.
    pub(super) fn members(&self, group: &str) -> Option<&BTreeSet<&'m str>> {
        self.groups.get(group)
    }

    /// A subject in names.
    pub(super) fn subject(&self, subject: &GrantSubject) -> String {
        let unknown = |id: &str| format!("an unknown account ({id})");
        match subject {
            GrantSubject::User(id) => self
                .users
                .get(id.as_str())
                .map_or_else(|| unknown(id.as_str()), |user| format!("user {}", user.name)),
            GrantSubject::Organization(id) => self.organizations.get(id.as_str()).map_or_else(
                || unknown(id.as_str()),
                |found| format!("organization {}", found.name),
            ),
            GrantSubject::Team(id) => self.teams.get(id.as_str()).map_or_else(
                || unknown(id.as_str()),
                |team| format!("team {}", self.team_name(team)),
            ),
            GrantSubject::Authenticated => "every logged-in user".to_owned(),
            GrantSubject::Anonymous => "requests without credentials".to_owned(),
        }
    }

    /// `shop/ops`
    pub(super) fn team_name(&self, team: &Team) -> String {
        let organization = self.organizations.get(team.organization.as_str());
        format!(
            "{}/{}",
            organization.map_or("?", |found| found.name.as_str()),
            team.name
        )
    }
}
