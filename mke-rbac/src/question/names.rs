//! Ids of a policy as the names and paths that people write and read, and back.

use mke_core::ids::{AccountId, CollectionId};
use mke_core::names::CollectionPath;

use super::GrantTriple;
use crate::decision::Subject;
use crate::model::{Grant, GrantObject, GrantSubject};
use crate::policy::{CollectionInfo, OrganizationInfo, Policy, TeamInfo};

/// Looks names up in one policy. What has no name is called by its id.
#[derive(Debug, Clone, Copy)]
pub struct Names<'p> {
    policy: &'p Policy,
}

impl<'p> Names<'p> {
    /// The names of this policy.
    pub const fn of(policy: &'p Policy) -> Self {
        Self { policy }
    }

    /// The user with this name or id.
    pub fn user(self, name_or_id: &str) -> Option<Subject> {
        let named = self.policy.users().find(|user| user.name == name_or_id);
        let found = named.or_else(|| self.policy.user(name_or_id))?;
        Some(Subject::Account(found.id.clone()))
    }

    /// The collection at this path, exactly (R10).
    pub fn collection(self, path: &str) -> Option<&'p CollectionInfo> {
        self.policy
            .collection_by_path(&path.parse::<CollectionPath>().ok()?)
    }

    /// The path of a collection.
    pub fn path(self, collection: &CollectionId) -> String {
        match self.policy.collection(collection.as_str()) {
            Some(info) => info.path.to_string(),
            None => collection.to_string(),
        }
    }

    /// The name of a user.
    pub fn user_name(self, id: &AccountId) -> String {
        match self.policy.user(id.as_str()) {
            Some(user) => user.name.clone(),
            None => id.to_string(),
        }
    }

    /// The name of a role.
    pub fn role_name(self, id: &str) -> String {
        match self.policy.role(id) {
            Some(role) => role.name.clone(),
            None => id.to_owned(),
        }
    }

    /// A subject of grants as text: `user:<name>`, `org:<name>`, `team:<org>/<name>`, `authenticated` or
    /// `anonymous`.
    pub fn subject(self, subject: &GrantSubject) -> String {
        match subject {
            GrantSubject::User(id) => format!("user:{}", self.user_name(id)),
            GrantSubject::Organization(id) => format!("org:{}", self.organization_name(id)),
            GrantSubject::Team(id) => match self.policy.team(id.as_str()) {
                Some(team) => self.team_name(team),
                None => format!("team:{id}"),
            },
            GrantSubject::Authenticated => AUTHENTICATED.to_owned(),
            GrantSubject::Anonymous => ANONYMOUS.to_owned(),
        }
    }

    /// The subject of grants that such a text names; ids count where names do not.
    pub fn grant_subject(self, text: &str) -> Option<GrantSubject> {
        match text.split_once(':') {
            None if text == AUTHENTICATED => Some(GrantSubject::Authenticated),
            None if text == ANONYMOUS => Some(GrantSubject::Anonymous),
            Some(("user", name)) => match self.user(name)? {
                Subject::Account(id) => Some(GrantSubject::User(id)),
                Subject::Anonymous => None,
            },
            Some(("org", name)) => Some(GrantSubject::Organization(self.organization(name)?.id.clone())),
            Some(("team", name)) => {
                let team = match name.split_once('/') {
                    Some((organization, team)) => {
                        let organization = &self.organization(organization)?.id;
                        self.policy
                            .teams()
                            .find(|known| known.organization == *organization && known.name == team)
                    }
                    None => self.policy.team(name),
                };
                Some(GrantSubject::Team(team?.id.clone()))
            }
            _ => None,
        }
    }

    /// A grant on a collection in names; nothing for grants on namespaces.
    pub fn grant(self, grant: &Grant) -> Option<GrantTriple> {
        let GrantObject::Collection(collection) = &grant.object else {
            return None;
        };
        Some(GrantTriple {
            subject: self.subject(&grant.subject),
            role: grant.role.to_string(),
            role_name: self.role_name(grant.role.as_str()),
            collection: self.path(collection),
        })
    }

    /// A team as a subject of grants: `team:<org>/<name>`.
    pub fn team_name(self, team: &TeamInfo) -> String {
        format!(
            "team:{}/{}",
            self.organization_name(&team.organization),
            team.name
        )
    }

    fn organization(self, name_or_id: &str) -> Option<&'p OrganizationInfo> {
        let named = self.policy.organizations().find(|known| known.name == name_or_id);
        named.or_else(|| self.policy.organization(name_or_id))
    }

    fn organization_name(self, id: &AccountId) -> String {
        match self.policy.organization(id.as_str()) {
            Some(known) => known.name.clone(),
            None => id.to_string(),
        }
    }
}

const AUTHENTICATED: &str = "authenticated";
const ANONYMOUS: &str = "anonymous";
