//! What a [`Directory`] can be asked.

use std::ops::Bound;
use std::sync::Arc;

use mke_core::ids::{AccountId, KeyId, SessionId, TeamId};
use mke_core::names::DEFAULT_ORGANIZATION;

use super::{Directory, StoredSession};
use crate::records::{
    Account, Login, Membership, PublicKey, ScimToken, SecondFactor, Source, Team, TokenHash,
};

/// A member of an organization or a team.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub account: Arc<Account>,
    /// How.
    pub membership: Membership,
}

const PLAIN: Membership = Membership { is_admin: false };

/// Accounts.
impl Directory {
    /// The account with this id.
    pub fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(id)
    }

    /// The account with this name.
    pub fn account_by_name(&self, name: &str) -> Option<&Arc<Account>> {
        self.account(self.names.get(name)?)
    }

    /// The account that is this person of a source.
    pub fn account_by_origin(&self, source: Source, id: &str) -> Option<&Arc<Account>> {
        self.account(self.origins.get(&(source, id.into()))?)
    }

    /// The accounts that come from a source, in no order.
    pub fn accounts_of(&self, source: Source) -> impl Iterator<Item = &Arc<Account>> {
        self.origins
            .iter()
            .filter(move |((of, _), _)| *of == source)
            .filter_map(|(_, id)| self.accounts.get(id))
    }

    /// The second factor of an account, switched on or only begun.
    pub fn second_factor(&self, account: &AccountId) -> Option<&Arc<SecondFactor>> {
        self.second_factors.get(account)
    }

    /// Whether an account's logins need a second factor.
    pub fn has_second_factor(&self, account: &AccountId) -> bool {
        self.second_factor(account)
            .is_some_and(|factor| factor.confirmed.is_some())
    }

    /// The account that a path element of the API means: a name, or else an id. No name has the form of an id.
    pub fn resolve(&self, name_or_id: &str) -> Option<&Arc<Account>> {
        self.account_by_name(name_or_id)
            .or_else(|| self.accounts.get(name_or_id))
    }

    /// All accounts by name.
    pub fn accounts(&self) -> impl DoubleEndedIterator<Item = &Arc<Account>> {
        self.names.iter().filter_map(|(_, id)| self.accounts.get(id))
    }

    /// The accounts from this name on, by name.
    pub fn accounts_from<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a Arc<Account>> {
        self.names
            .range::<_, str>((Bound::Included(start), Bound::Unbounded))
            .filter_map(|(_, id)| self.accounts.get(id))
    }

    /// All organizations by name.
    pub fn organizations(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.organizations
            .iter()
            .filter_map(|(_, id)| self.accounts.get(id))
    }

    /// How many users there are.
    pub fn users_count(&self) -> usize {
        self.names.len().saturating_sub(self.organizations.len())
    }

    /// How many organizations there are.
    pub fn organizations_count(&self) -> usize {
        self.organizations.len()
    }

    /// The organization that holds every user (R2).
    pub fn default_organization(&self) -> Option<&Arc<Account>> {
        self.account_by_name(DEFAULT_ORGANIZATION)
            .filter(|account| account.is_organization())
    }

    /// When an account logged in; `None` when it never did.
    pub fn login(&self, account: &AccountId) -> Option<&Login> {
        self.logins.get(account)
    }

    /// Keys of the store whose records cannot be used, with the reason.
    pub fn damaged(&self) -> impl Iterator<Item = (&str, &str)> {
        self.damaged.iter().map(|(key, why)| (key.as_str(), &**why))
    }
}

/// Organizations and their members.
impl Directory {
    /// Whether and how a user is a member of an organization; every user is one of the default organization.
    pub fn membership(&self, organization: &AccountId, user: &AccountId) -> Option<Membership> {
        let organization = self.accounts.get(organization)?;
        let user = self.accounts.get(user)?;
        user.user()?;
        let explicit = self
            .members
            .get(&(organization.id.clone(), user.id.clone()))
            .copied();
        explicit.or_else(|| organization.is_default_organization().then_some(PLAIN))
    }

    /// The members of an organization by user id.
    pub fn members(&self, organization: &AccountId) -> Vec<Member> {
        let everyone = self
            .accounts
            .get(organization)
            .is_some_and(|account| account.is_default_organization());
        if everyone {
            let mut members: Vec<Member> = self
                .accounts
                .values()
                .filter(|account| !account.is_organization())
                .filter_map(|account| {
                    Some(Member {
                        account: Arc::clone(account),
                        membership: self.membership(organization, &account.id)?,
                    })
                })
                .collect();
            members.sort_by(|a, b| a.account.id.cmp(&b.account.id));
            return members;
        }
        self.explicit_members(organization)
            .filter_map(|(user, membership)| self.member(user, membership))
            .collect()
    }

    /// How many members an organization has.
    pub fn members_count(&self, organization: &AccountId) -> usize {
        match self.accounts.get(organization) {
            Some(account) if account.is_default_organization() => self.users_count(),
            _ => self.explicit_members(organization).count(),
        }
    }

    /// The organizations that a user is a member of, by name, the default one included.
    pub fn organizations_of(&self, user: &AccountId) -> Vec<Member> {
        let mut found: Vec<Member> = self
            .member_of
            .range((user.clone(), AccountId::from(""))..)
            .take_while(|(member, _)| member == user)
            .map(|(_, organization)| organization)
            .chain(self.default_organization().map(|organization| &organization.id))
            .filter_map(|organization| {
                Some(Member {
                    account: Arc::clone(self.accounts.get(organization)?),
                    membership: self.membership(organization, user)?,
                })
            })
            .collect();
        found.sort_by(|a, b| a.account.name.cmp(&b.account.name));
        found.dedup_by(|a, b| a.account.id == b.account.id);
        found
    }

    fn explicit_members(&self, organization: &AccountId) -> impl Iterator<Item = (&AccountId, Membership)> {
        self.members
            .range((organization.clone(), AccountId::from(""))..)
            .take_while(move |((org, _), _)| org == organization)
            .map(|((_, user), membership)| (user, *membership))
    }

    fn member(&self, user: &AccountId, membership: Membership) -> Option<Member> {
        Some(Member {
            account: Arc::clone(self.accounts.get(user)?),
            membership,
        })
    }
}

/// Teams and their members.
impl Directory {
    /// The team with this id.
    pub fn team(&self, id: &TeamId) -> Option<&Arc<Team>> {
        self.teams.get(id)
    }

    /// The team of an organization that a path element of the API means: a name, or else an id.
    pub fn resolve_team(&self, organization: &AccountId, name_or_id: &str) -> Option<&Arc<Team>> {
        self.team_names
            .get(&(organization.clone(), name_or_id.into()))
            .and_then(|id| self.teams.get(id))
            .or_else(|| {
                self.teams
                    .get(name_or_id)
                    .filter(|team| team.organization == *organization)
            })
    }

    /// The teams of an organization by name.
    pub fn teams_of_organization(&self, organization: &AccountId) -> impl Iterator<Item = &Arc<Team>> {
        self.team_names
            .range((organization.clone(), "".into())..)
            .take_while(move |((org, _), _)| org == organization)
            .filter_map(|(_, id)| self.teams.get(id))
    }

    /// All teams, by organization id and name.
    pub fn teams(&self) -> impl Iterator<Item = &Arc<Team>> {
        self.team_names.iter().filter_map(|(_, id)| self.teams.get(id))
    }

    /// Whether and how a user is a member of a team.
    pub fn team_membership(&self, team: &TeamId, user: &AccountId) -> Option<Membership> {
        self.team_members.get(&(team.clone(), user.clone())).copied()
    }

    /// The members of a team by user id.
    pub fn team_members(&self, team: &TeamId) -> impl Iterator<Item = Member> {
        self.team_members
            .range((team.clone(), AccountId::from(""))..)
            .take_while(move |((found, _), _)| found == team)
            .filter_map(|((_, user), membership)| self.member(user, *membership))
    }

    /// How many members a team has.
    pub fn team_members_count(&self, team: &TeamId) -> usize {
        self.team_members(team).count()
    }

    /// The teams of a user in all organizations, by team id.
    pub fn teams_of(&self, user: &AccountId) -> impl Iterator<Item = (&Arc<Team>, Membership)> {
        self.member_of_team
            .range((user.clone(), TeamId::from(""))..)
            .take_while(move |(member, _)| member == user)
            .filter_map(|(user, team)| Some((self.teams.get(team)?, self.team_membership(team, user)?)))
    }
}

/// Credentials.
impl Directory {
    /// The token of the SCIM client, if one was made.
    pub fn scim_token(&self) -> Option<&Arc<ScimToken>> {
        self.scim_token.as_ref()
    }

    /// The public key with this id.
    pub fn key(&self, id: &KeyId) -> Option<&Arc<PublicKey>> {
        self.keys.get(id)
    }

    /// The public keys of an account by id.
    pub fn keys_of(&self, account: &AccountId) -> impl Iterator<Item = &Arc<PublicKey>> {
        self.account_keys
            .range((account.clone(), KeyId::from(""))..)
            .take_while(move |(owner, _)| owner == account)
            .filter_map(|(_, id)| self.keys.get(id))
    }

    /// The session with this id.
    pub fn session(&self, id: &SessionId) -> Option<&Arc<StoredSession>> {
        self.sessions.get(id)
    }

    /// The session that a token with this hash opens.
    pub fn session_by_token(&self, token: &TokenHash) -> Option<&Arc<StoredSession>> {
        self.sessions
            .get(self.tokens.get(token)?)
            .filter(|stored| stored.session.token.matches(token))
    }

    /// All sessions.
    pub fn sessions(&self) -> impl Iterator<Item = &Arc<StoredSession>> {
        self.sessions.values()
    }

    /// The sessions of an account by id.
    pub fn sessions_of(&self, account: &AccountId) -> impl Iterator<Item = &Arc<StoredSession>> {
        self.account_sessions
            .range((account.clone(), SessionId::from(""))..)
            .take_while(move |(owner, _)| owner == account)
            .filter_map(|(_, id)| self.sessions.get(id))
    }
}
