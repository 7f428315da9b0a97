//! Whom an assertion is about: written subjects as users, and as names in Kubernetes.

use std::collections::{BTreeMap, BTreeSet};

use crate::inquiry::Scene;
use crate::inquiry::directory::{Directory, Identity};
use crate::kubernetes::identity::{organization_group, team_group};
use crate::model::{GrantSubject, User};

/// Some subjects.
#[derive(Debug, Clone, Default)]
pub(super) struct Selected<'p> {
    /// Users by id.
    pub(super) users: BTreeMap<&'p str, &'p User>,
    /// Requests without credentials.
    pub(super) anonymous: bool,
    /// Whether everybody is meant, so that in Kubernetes also names that are no accounts are.
    pub(super) anyone: bool,
    /// Service accounts, groups and users of Kubernetes: what they are called, and how Kubernetes sees them.
    pub(super) others: BTreeMap<String, Identity>,
    /// Groups of Kubernetes that stand for selected teams and organizations.
    pub(super) groups: BTreeSet<String>,
    /// Whether the parts of Kubernetes itself are meant.
    pub(super) system: bool,
}

impl<'p> Selected<'p> {
    /// Reads subjects. All that stand for nothing are named.
    pub(super) fn read(scene: &Scene<'p>, texts: &[String], administrators: bool) -> Result<Self, String> {
        let mut selected = Self::default();
        let problems: Vec<_> = texts
            .iter()
            .filter_map(|text| selected.add(scene, text, administrators).err())
            .collect();
        if problems.is_empty() {
            Ok(selected)
        } else {
            Err(problems.join("; "))
        }
    }

    fn add(&mut self, scene: &Scene<'p>, text: &str, administrators: bool) -> Result<(), String> {
        let policy = scene.policy;
        let known = |user: &&User| user.active && (administrators || !user.admin);
        match text {
            "anyone" => {
                self.anyone = true;
                self.anonymous = true;
                self.users
                    .extend(policy.users().filter(known).map(|user| (user.id.as_str(), user)));
                return Ok(());
            }
            "anonymous" => {
                self.anonymous = true;
                return Ok(());
            }
            "administrators" => {
                let admins = policy.users().filter(|user| user.admin && user.active);
                self.users.extend(admins.map(|user| (user.id.as_str(), user)));
                return Ok(());
            }
            "system" => {
                self.system = true;
                return Ok(());
            }
            _ => {}
        }
        let other = |identity| (text.to_owned(), identity);
        match text.split_once(':') {
            Some(("service-account", account)) => match account.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                    self.others
                        .extend([other(Identity::service_account(namespace, name))]);
                    return Ok(());
                }
                _ => {
                    return Err(format!(
                        "`{text}` is not of the form service-account:NAMESPACE/NAME"
                    ));
                }
            },
            Some(("group", name)) if !name.is_empty() => {
                self.others.extend([other(Identity::group(name))]);
                return Ok(());
            }
            Some(("kubernetes-user", name)) if !name.is_empty() => {
                self.others.extend([other(Identity::user(name))]);
                return Ok(());
            }
            _ => {}
        }
        let subject = scene.names().grant_subject(text).ok_or_else(|| {
            format!("there is no `{text}`; write user:NAME, team:ORG/NAME, org:NAME, anyone, anonymous or administrators")
        })?;
        let reached = policy.reached_by(&subject).into_iter();
        match &subject {
            // Somebody who is named is meant, administrator or not.
            GrantSubject::User(_) => self.users.extend(reached.map(|user| (user.id.as_str(), user))),
            GrantSubject::Anonymous => self.anonymous = true,
            GrantSubject::Authenticated | GrantSubject::Team(_) | GrantSubject::Organization(_) => {
                self.users
                    .extend(reached.filter(known).map(|user| (user.id.as_str(), user)));
            }
        }
        match &subject {
            GrantSubject::Team(id) => {
                let team = policy.team(id.as_str());
                self.groups
                    .extend(team.map(|team| team_group(team.organization.as_str(), id.as_str())));
            }
            GrantSubject::Organization(id) => {
                self.groups.insert(organization_group(id.as_str()));
                let teams = policy.teams().filter(|team| team.organization == *id);
                self.groups
                    .extend(teams.map(|team| team_group(id.as_str(), team.id.as_str())));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes others out.
    pub(super) fn without(mut self, others: &Self) -> Self {
        self.users.retain(|id, _| !others.users.contains_key(id));
        self.others.retain(|name, _| !others.others.contains_key(name));
        self.anonymous &= !others.anonymous;
        self
    }

    /// Whether nobody is meant.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.others.is_empty() && !self.anonymous
    }

    /// Everybody as Kubernetes sees them, by what they are called.
    pub(super) fn identities(&self, directory: &Directory<'_>) -> Vec<(String, Identity)> {
        let users = self.users.values().filter_map(|user| {
            let identity = directory.identity(user)?;
            Some((format!("user:{}", user.name), identity))
        });
        let others = self
            .others
            .iter()
            .map(|(name, identity)| (name.clone(), identity.clone()));
        let anonymous = self.anonymous.then(|| {
            let identity = crate::kubernetes::identity::Identity::anonymous();
            let identity = Identity {
                user: identity.user,
                groups: identity.groups,
            };
            ("anonymous".to_owned(), identity)
        });
        users.chain(others).chain(anonymous).collect()
    }
}
