//! Accounts as Kubernetes sees them, and who is in what (R82, R90).

use std::collections::HashMap;

use crate::change::Group;
use crate::kubernetes::identity::{AUTHENTICATED, Identity as Known, organization_group, team_group};
use crate::kubernetes::{BindingSubject, MASTERS};
use crate::model::{GrantSubject, User};
use crate::policy::Policy;
use crate::question::Names;

/// A user name and groups, as a request to Kubernetes carries them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) groups: Vec<String>,
}

impl Identity {
    /// Whether it passes everything.
    pub(super) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// A user that is no account.
    pub(super) fn user(name: &str) -> Self {
        Self {
            user: name.to_owned(),
            groups: vec![AUTHENTICATED.to_owned()],
        }
    }

    /// Somebody in this group about whom nothing else is known.
    pub(super) fn group(name: &str) -> Self {
        Self {
            user: String::new(),
            groups: vec![name.to_owned()],
        }
    }

    /// A service account with the groups that it always has (R89).
    pub(super) fn service_account(namespace: &str, name: &str) -> Self {
        let Known { user, groups } = Known::service_account(namespace, name);
        Self { user, groups }
    }
}

/// Accounts of a policy with their teams and organizations, looked up once.
pub(super) struct Directory<'p> {
    policy: &'p Policy,
    joined: HashMap<&'p str, Vec<Group>>,
    everybody: Vec<String>,
}

impl<'p> Directory<'p> {
    pub(super) fn of(policy: &'p Policy) -> Self {
        let teams = policy.teams().map(|team| Group::Team(team.id.clone()));
        let organizations = policy.organizations();
        let organizations = organizations.map(|organization| Group::Organization(organization.id.clone()));
        let groups: Vec<_> = teams.chain(organizations).collect();
        let mut joined: HashMap<&str, Vec<Group>> = HashMap::new();
        for group in groups {
            for member in policy.members(&group) {
                joined.entry(member.as_str()).or_default().push(group.clone());
            }
        }
        let all = policy.organizations().filter(|known| known.holds_everybody());
        Self {
            policy,
            joined,
            everybody: all.map(|known| organization_group(known.id.as_str())).collect(),
        }
    }

    pub(super) const fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// The teams and organizations that list a user.
    pub(super) fn groups(&self, user: &User) -> &[Group] {
        self.joined.get(user.id.as_str()).map_or(&[], Vec::as_slice)
    }

    /// What a team or organization is called.
    pub(super) fn name(&self, group: &Group) -> String {
        Names::of(self.policy).subject(&grant_subject(group))
    }

    /// How Kubernetes sees an account. Nothing for one that is deactivated (R6).
    pub(super) fn identity(&self, user: &User) -> Option<Identity> {
        if !user.active {
            return None;
        }
        let mut groups = self.everybody.clone();
        for group in self.groups(user) {
            match group {
                Group::Organization(id) => groups.push(organization_group(id.as_str())),
                Group::Team(id) => {
                    let Some(team) = self.policy.team(id.as_str()) else {
                        continue;
                    };
                    let organization = team.organization.as_str();
                    groups.push(organization_group(organization));
                    groups.push(team_group(organization, id.as_str()));
                }
            }
        }
        groups.push(AUTHENTICATED.to_owned());
        if user.admin {
            groups.push(MASTERS.to_owned());
        }
        groups.sort();
        groups.dedup();
        Some(Identity {
            user: user.id.to_string(),
            groups,
        })
    }

    /// A subject of bindings for people. Accounts, teams and organizations by their names.
    pub(super) fn subject(&self, subject: &BindingSubject, own_namespace: Option<&str>) -> String {
        let names = Names::of(self.policy);
        match subject {
            BindingSubject::User { name } => match self.policy.user(name) {
                Some(user) => format!("user:{}", user.name),
                None => format!("User {name}"),
            },
            BindingSubject::Group { name } => {
                let parts: Vec<_> = name.splitn(3, ':').collect();
                let known = match parts[..] {
                    ["org", id] if self.policy.organization(id).is_some() => {
                        Some(GrantSubject::Organization(id.into()))
                    }
                    ["team", _, id] if self.policy.team(id).is_some() => Some(GrantSubject::Team(id.into())),
                    _ => None,
                };
                known.map_or_else(|| format!("Group {name}"), |known| names.subject(&known))
            }
            BindingSubject::ServiceAccount { name, namespace } => {
                let namespace = namespace.as_deref().or(own_namespace).unwrap_or_default();
                format!("ServiceAccount {namespace}:{name}")
            }
        }
    }
}

/// A group as a subject of grants.
pub(super) fn grant_subject(group: &Group) -> GrantSubject {
    match group {
        Group::Organization(id) => GrantSubject::Organization(id.clone()),
        Group::Team(id) => GrantSubject::Team(id.clone()),
    }
}
