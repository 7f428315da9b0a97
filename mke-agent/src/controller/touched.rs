//! What events of the store touched in the policy, and the changes that bring the policy there.
//!
//! Events say what was written, not what it means: a removed account also removes its memberships and grants, one key
//! after the other. So a burst of events is only noted, and then every touched thing is compared with what the
//! tables hold at its end. Where that does not say enough, the policy is compiled anew.

use mke_core::ids::{AccountId, CollectionId, TeamId};
use mke_core::store::layout;
use mke_rbac::model::Grant;
use mke_rbac::{Change, Group, Policy};

use super::snapshot::Tables;

/// More changes at once than this are compiled anew: that takes no longer.
const MOST: usize = 10_000;

/// One thing that was written.
#[derive(Debug)]
pub(super) enum Touch {
    /// A grant, with what stood at its key before.
    Grant {
        /// The key.
        key: String,
        /// The grant that was there.
        before: Option<Grant>,
    },
    /// The role at this key.
    Role(String),
    /// A collection.
    Collection {
        /// Its id.
        id: CollectionId,
        /// The users whose private collection it was and is.
        owners: [Option<AccountId>; 2],
    },
    /// A user, an organization, or what a user chose.
    Account(AccountId),
    /// A team.
    Team(TeamId),
    /// A membership.
    Member(Group, AccountId),
    /// The configuration.
    Settings,
}

/// Everything that was touched since the last snapshot.
#[derive(Debug, Default)]
pub(super) struct Touched {
    everything: bool,
    touches: Vec<Touch>,
}

impl Touched {
    /// It is not known what, so all.
    pub(super) const fn everything() -> Self {
        Self {
            everything: true,
            touches: Vec::new(),
        }
    }

    pub(super) fn one(touch: Touch) -> Self {
        Self {
            everything: false,
            touches: vec![touch],
        }
    }

    /// What a key of the directory is about.
    pub(super) fn people(key: &str) -> Self {
        let parts = |family| layout::parts(family, key).unwrap_or_default();
        let touch = if let [id] = &*parts(layout::ACCOUNTS) {
            Touch::Account((**id).into())
        } else if let [_, id] = &*parts(layout::TEAMS) {
            Touch::Team((**id).into())
        } else if let [organization, user] = &*parts(layout::MEMBERS) {
            Touch::Member(Group::Organization((**organization).into()), (**user).into())
        } else if let [_, team, user] = &*parts(layout::TEAM_MEMBERS) {
            Touch::Member(Group::Team((**team).into()), (**user).into())
        } else {
            return Self::everything();
        };
        Self::one(touch)
    }

    pub(super) const fn is_empty(&self) -> bool {
        !self.everything && self.touches.is_empty()
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.everything |= other.everything;
        self.touches.extend(other.touches);
    }

    /// The policy with everything as the tables hold it; nothing when it must be compiled anew.
    pub(super) fn apply(&self, policy: &Policy, tables: &Tables) -> Option<Policy> {
        if self.everything || self.touches.len() > MOST {
            return None;
        }
        let mut following = Following {
            policy: policy.clone(),
            tables,
        };
        // What others name comes before what names it; within that, in the order of the events.
        for step in [
            Following::settings_and_roles,
            Following::accounts,
            Following::teams,
            Following::members,
            Following::collections,
            Following::grants,
        ] {
            for touch in &self.touches {
                step(&mut following, touch)?;
            }
        }
        Some(following.policy)
    }
}

struct Following<'t> {
    policy: Policy,
    tables: &'t Tables,
}

impl Following<'_> {
    fn change(&mut self, change: &Change) -> Option<()> {
        match self.policy.with(change) {
            Ok(policy) => {
                self.policy = policy;
                Some(())
            }
            Err(error) => {
                tracing::debug!(%error, "a change does not fit, the policy is compiled anew");
                None
            }
        }
    }

    fn settings_and_roles(&mut self, touch: &Touch) -> Option<()> {
        match touch {
            Touch::Settings => self.change(&Change::Settings(self.tables.settings())),
            // Without its role a grant stays and has no effect; removing the role would remove the grant.
            Touch::Role(key) => {
                let role = self.tables.role(key)?.to_role();
                self.change(&Change::PutRole(role))
            }
            _ => Some(()),
        }
    }

    fn accounts(&mut self, touch: &Touch) -> Option<()> {
        let Touch::Account(id) = touch else {
            return Some(());
        };
        let known = self.policy.user(id.as_str());
        let was_organization = self.policy.organization(id.as_str()).is_some();
        match self.tables.directory().account(id) {
            Some(account) if account.is_organization() => {
                if known.is_some() {
                    return None;
                }
                self.change(&Change::PutOrganization {
                    id: id.clone(),
                    name: account.name.to_string(),
                })?;
                if was_organization || account.is_default_organization() {
                    return Some(());
                }
                // Members may have been written before it.
                let members = self.tables.directory().members(id);
                let members: Vec<_> = members.iter().map(|member| member.account.id.clone()).collect();
                self.join(&Group::Organization(id.clone()), members)
            }
            Some(account) => {
                if was_organization {
                    return None;
                }
                let is_new = known.is_none();
                let private = match known {
                    Some(user) => user.private_collection.clone(),
                    None => self.tables.private_collection(id),
                };
                let user = self.tables.user(account, private)?;
                self.change(&Change::PutUser(user))?;
                if is_new { self.join_all(id) } else { Some(()) }
            }
            None if self.tables.has_grants(id.as_str()) || self.tables.has_teams(id) => None,
            None => self.change(&Change::RemoveAccount(id.clone())),
        }
    }

    fn join(&mut self, group: &Group, members: Vec<AccountId>) -> Option<()> {
        members.into_iter().try_for_each(|member| {
            self.change(&Change::AddMember {
                group: group.clone(),
                member,
            })
        })
    }

    /// Memberships of a new user that were written before it. Groups that are not there yet take their members
    /// themselves.
    fn join_all(&mut self, user: &AccountId) -> Option<()> {
        let directory = self.tables.directory();
        let organizations = directory.organizations_of(user);
        let organizations = organizations
            .iter()
            .filter(|member| !member.account.is_default_organization())
            .map(|member| Group::Organization(member.account.id.clone()));
        let teams = directory
            .teams_of(user)
            .map(|(team, _)| Group::Team(team.id.clone()));
        let groups: Vec<_> = organizations.chain(teams).collect();
        for group in groups {
            let known = match &group {
                Group::Organization(id) => self.policy.organization(id.as_str()).is_some(),
                Group::Team(id) => self.policy.team(id.as_str()).is_some(),
            };
            if known {
                self.join(&group, vec![user.clone()])?;
            }
        }
        Some(())
    }

    fn teams(&mut self, touch: &Touch) -> Option<()> {
        let Touch::Team(id) = touch else {
            return Some(());
        };
        match self.tables.directory().team(id) {
            Some(team) => {
                let is_new = self.policy.team(id.as_str()).is_none();
                self.change(&Change::PutTeam {
                    id: id.clone(),
                    organization: team.organization.clone(),
                    name: team.name.to_string(),
                })?;
                let members = self.tables.directory().team_members(id).filter(|_| is_new);
                let members: Vec<_> = members.map(|member| member.account.id.clone()).collect();
                self.join(&Group::Team(id.clone()), members)
            }
            None if self.tables.has_grants(id.as_str()) => None,
            None => self.change(&Change::RemoveTeam(id.clone())),
        }
    }

    fn members(&mut self, touch: &Touch) -> Option<()> {
        let Touch::Member(group, member) = touch else {
            return Some(());
        };
        let directory = self.tables.directory();
        let account = directory.account(member);
        let (exists, is_in) = match group {
            Group::Organization(id) => match directory.account(id) {
                // The policy knows that it holds everybody.
                Some(account) if account.is_default_organization() => return Some(()),
                Some(_) => (true, directory.membership(id, member).is_some()),
                None => (false, false),
            },
            Group::Team(id) => (
                directory.team(id).is_some(),
                directory.team_membership(id, member).is_some(),
            ),
        };
        let account = account.filter(|account| !account.is_organization());
        match (exists, is_in && account.is_some()) {
            (false, _) => Some(()),
            (true, true) => self.change(&Change::AddMember {
                group: group.clone(),
                member: member.clone(),
            }),
            (true, false) => self.change(&Change::RemoveMember {
                group: group.clone(),
                member: member.clone(),
            }),
        }
    }

    fn collections(&mut self, touch: &Touch) -> Option<()> {
        let Touch::Collection { id, owners } = touch else {
            return Some(());
        };
        // A grant on a collection that is gone stays and has no effect; removing the collection would remove it.
        let record = self.tables.collection(id)?;
        self.change(&Change::PutCollection(record.to_collection()))?;
        let [before, now] = owners;
        if before.is_some() && before != now {
            return None;
        }
        let Some(owner) = now.as_ref() else {
            return Some(());
        };
        let Some(account) = self.tables.directory().account(owner) else {
            return Some(());
        };
        let known = self.policy.user(owner.as_str())?.private_collection.clone();
        if known.is_some_and(|known| known != *id) {
            return None;
        }
        let user = self.tables.user(account, Some(id.clone()))?;
        self.change(&Change::PutUser(user))
    }

    fn grants(&mut self, touch: &Touch) -> Option<()> {
        let Touch::Grant { key, before } = touch else {
            return Some(());
        };
        let now = self.tables.grant(key).cloned();
        if let Some(before) = before.clone().filter(|before| Some(before) != now.as_ref()) {
            self.change(&Change::RemoveGrant(before))?;
        }
        match now {
            Some(grant) => self.change(&Change::PutGrant(grant)),
            None => Some(()),
        }
    }
}

#[cfg(test)]
mod tests;
