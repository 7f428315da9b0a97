//! Decides which identity an account has in Kubernetes, and which id a written name means (R82, R90).

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::super::authorizer::MASTERS;
use super::super::model::{Binding, BindingSubject};
use super::{AUTHENTICATED, Identity, organization_group, team_group};
use crate::model::{Model, builtin};

/// Names that belong to Kubernetes and are never replaced.
const RESERVED: &str = "system:";

#[derive(Debug, Clone)]
struct Person {
    admin: bool,
    active: bool,
    /// Organizations with their teams, those of the user only.
    organizations: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, Default)]
struct Organization {
    /// Team ids by name.
    teams: FxHashMap<String, String>,
    team_ids: BTreeSet<String>,
}

/// The accounts of the product, as Kubernetes needs them.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    people: FxHashMap<String, Person>,
    user_ids: FxHashMap<String, String>,
    organizations: FxHashMap<String, Organization>,
    organization_ids: FxHashMap<String, String>,
    /// The organization that holds everybody, if it exists (R2).
    everybody: Option<String>,
}

impl Directory {
    /// Reads the accounts of a model.
    pub fn new(model: &Model) -> Self {
        let mut directory = Self::default();
        for user in &model.users {
            let id = user.id.as_str().to_owned();
            // Of two accounts with one id the first counts, as everywhere (R1).
            if directory.people.contains_key(&id) {
                continue;
            }
            directory.user_ids.entry(user.name.clone()).or_insert(id.clone());
            let person = Person {
                admin: user.admin,
                active: user.active,
                organizations: BTreeMap::new(),
            };
            directory.people.insert(id, person);
        }
        for organization in &model.organizations {
            let id = organization.id.as_str().to_owned();
            if directory.people.contains_key(&id) || directory.organizations.contains_key(&id) {
                continue;
            }
            if organization.name == builtin::DEFAULT_ORGANIZATION {
                directory.everybody.get_or_insert_with(|| id.clone());
            }
            for member in &organization.members {
                directory.join(member.as_str(), &id, None);
            }
            let ids = &mut directory.organization_ids;
            ids.entry(organization.name.clone()).or_insert(id.clone());
            directory.organizations.insert(id, Organization::default());
        }
        for team in &model.teams {
            // A team whose organization is gone is gone too (R7).
            let Some(organization) = directory.organizations.get_mut(team.organization.as_str()) else {
                continue;
            };
            let id = team.id.as_str().to_owned();
            organization.teams.entry(team.name.clone()).or_insert(id.clone());
            organization.team_ids.insert(id.clone());
            for member in &team.members {
                directory.join(member.as_str(), team.organization.as_str(), Some(&id));
            }
        }
        directory
    }

    fn join(&mut self, member: &str, organization: &str, team: Option<&str>) {
        if let Some(person) = self.people.get_mut(member) {
            let teams = person.organizations.entry(organization.to_owned()).or_default();
            teams.extend(team.map(str::to_owned));
        }
    }

    /// How Kubernetes sees an account: organizations, teams, `system:authenticated`, and `system:masters` for
    /// administrators. None when there is no such user, or when it is deactivated (R6).
    pub fn identity(&self, id: &str) -> Option<Identity> {
        let person = self.people.get(id).filter(|person| person.active)?;
        let mut organizations: BTreeMap<&str, Option<&BTreeSet<String>>> = BTreeMap::new();
        organizations.extend(self.everybody.as_deref().map(|id| (id, None)));
        let own = person.organizations.iter();
        organizations.extend(own.map(|(id, teams)| (id.as_str(), Some(teams))));
        let mut groups: Vec<_> = organizations.keys().map(|id| organization_group(id)).collect();
        for (organization, teams) in &organizations {
            let teams = teams.iter().flat_map(|teams| teams.iter());
            groups.extend(teams.map(|team| team_group(organization, team)));
        }
        groups.push(AUTHENTICATED.to_owned());
        if person.admin {
            groups.push(MASTERS.to_owned());
        }
        Some(Identity {
            user: id.to_owned(),
            groups,
        })
    }

    /// The subject with ids in the place of names. Ids, names that start with `system:` and unknown names stay,
    /// and so do service accounts.
    ///
    /// Groups may be written as `<org>`, `<org>:<team>`, `org:<org>` and `team:<org>:<team>`. A text that could be
    /// read in two ways, because an organization is called `org` or `team`, is read with the prefix first.
    #[must_use]
    pub fn rewrite(&self, subject: &BindingSubject) -> BindingSubject {
        match subject {
            BindingSubject::User { name } => {
                let id =
                    Some(name).filter(|name| !name.starts_with(RESERVED) && !self.people.contains_key(*name));
                let id = id.and_then(|name| self.user_ids.get(name));
                BindingSubject::User {
                    name: id.unwrap_or(name).clone(),
                }
            }
            BindingSubject::Group { name } => {
                let group = Some(name).filter(|name| !name.starts_with(RESERVED));
                let group = group.and_then(|name| self.group(name));
                BindingSubject::Group {
                    name: group.unwrap_or_else(|| name.clone()),
                }
            }
            BindingSubject::ServiceAccount { .. } => subject.clone(),
        }
    }

    /// The binding with every subject rewritten (K8S-004).
    #[must_use]
    pub fn rewrite_binding(&self, binding: &Binding) -> Binding {
        Binding {
            subjects: binding
                .subjects
                .iter()
                .map(|subject| self.rewrite(subject))
                .collect(),
            ..binding.clone()
        }
    }

    /// Whether Kubernetes sees a user under this name.
    pub(super) fn is_user(&self, name: &str) -> bool {
        self.people.contains_key(name)
    }

    /// Whether this is the group of an organization or team.
    pub(super) fn is_group(&self, name: &str) -> bool {
        self.group(name).as_deref() == Some(name)
    }

    /// The group that a text means.
    fn group(&self, text: &str) -> Option<String> {
        let plain = |text: &str| match text.split_once(':') {
            None => self.organization(text).map(organization_group),
            Some((organization, team)) => {
                let organization = self.organization(organization)?;
                Some(team_group(organization, self.team(organization, team)?))
            }
        };
        let of_organization = || {
            let name = text.strip_prefix("org:")?;
            self.organization(name).map(organization_group)
        };
        let of_team = || {
            let (organization, team) = text.strip_prefix("team:")?.split_once(':')?;
            let organization = self.organization(organization)?;
            Some(team_group(organization, self.team(organization, team)?))
        };
        of_organization().or_else(of_team).or_else(|| plain(text))
    }

    /// The id of an organization, by id or name.
    fn organization(&self, text: &str) -> Option<&str> {
        match self.organizations.get_key_value(text) {
            Some((id, _)) => Some(id),
            None => self.organization_ids.get(text).map(String::as_str),
        }
    }

    /// The id of a team, by id or name.
    fn team(&self, organization: &str, text: &str) -> Option<&str> {
        let organization = self.organizations.get(organization)?;
        match organization.team_ids.get(text) {
            Some(id) => Some(id),
            None => organization.teams.get(text).map(String::as_str),
        }
    }
}
