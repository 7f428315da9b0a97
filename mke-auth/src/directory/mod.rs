//! The directory: who exists and what stands for whom, in memory, as of one revision of the store.
//!
//! A [`Directory`] is a value. A manager keeps one up to date from store events and hands out clones, which cost
//! nothing and never change under their reader. What cannot be read does not exist here (missing means
//! refuse), and [`Directory::damaged`] lists it.
//!
//! Nothing is decided here; questions are in `lookup`.

mod lookup;

pub use lookup::Member;

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use mke_core::ids::{AccountId, KeyId, SessionId, TeamId};
use mke_core::store::{Entry, Event, Revision, layout};

use crate::records::{
    self, Account, Login, Membership, PublicKey, Record, RecordError, ScimToken, SecondFactor, Session,
    Source, Team, TokenHash,
};

/// What an event was about, so that a manager knows what to compute anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Nothing that this directory holds.
    Ignored,
    /// Accounts, teams or members: decisions may change.
    People,
    /// Public keys, sessions or login times: only who is asking may change.
    Credentials,
}

/// A session as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The record.
    pub session: Session,
    /// When it was written: what an update compares.
    pub modified: Revision,
}

/// Accounts, teams, members, keys and sessions at one moment. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    accounts: HashMap<AccountId, Arc<Account>>,
    names: OrdMap<Arc<str>, AccountId>,
    origins: HashMap<(Source, Arc<str>), AccountId>,
    organizations: OrdMap<Arc<str>, AccountId>,
    teams: HashMap<TeamId, Arc<Team>>,
    team_names: OrdMap<(AccountId, Arc<str>), TeamId>,
    members: OrdMap<(AccountId, AccountId), Membership>,
    member_of: OrdSet<(AccountId, AccountId)>,
    team_members: OrdMap<(TeamId, AccountId), Membership>,
    member_of_team: OrdSet<(AccountId, TeamId)>,
    keys: HashMap<KeyId, Arc<PublicKey>>,
    account_keys: OrdSet<(AccountId, KeyId)>,
    sessions: HashMap<SessionId, Arc<StoredSession>>,
    tokens: HashMap<TokenHash, SessionId>,
    account_sessions: OrdSet<(AccountId, SessionId)>,
    logins: HashMap<AccountId, Login>,
    second_factors: HashMap<AccountId, Arc<SecondFactor>>,
    scim_token: Option<Arc<ScimToken>>,
    damaged: OrdMap<String, Arc<str>>,
}

/// A record family of this directory.
#[derive(Clone, Copy)]
enum Family {
    Account,
    Team,
    Member,
    TeamMember,
    Key,
    Session,
    Login,
    SecondFactor,
    ScimToken,
}

const FAMILIES: [(&str, Family); 9] = [
    (layout::ACCOUNTS, Family::Account),
    (layout::TEAMS, Family::Team),
    (layout::MEMBERS, Family::Member),
    (layout::TEAM_MEMBERS, Family::TeamMember),
    (layout::PUBLIC_KEYS, Family::Key),
    (layout::SESSIONS, Family::Session),
    (layout::LOGINS, Family::Login),
    (layout::SECOND_FACTORS, Family::SecondFactor),
    (layout::SCIM_TOKEN, Family::ScimToken),
];

impl Directory {
    /// Makes the directory of these entries; others may be among them.
    pub fn load(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut directory = Self::default();
        for entry in entries {
            directory.apply(&Event::Put(entry));
        }
        directory
    }

    /// Follows one event.
    pub fn apply(&mut self, event: &Event) -> Applied {
        let key = event.key();
        let Some((family, parts)) = FAMILIES
            .iter()
            .find_map(|(prefix, family)| Some((*family, layout::parts(prefix, key)?)))
        else {
            return Applied::Ignored;
        };
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        self.remove(family, &parts);
        self.damaged.remove(key);
        if let Event::Put(entry) = event
            && let Err(problem) = self.insert(family, &parts, entry)
        {
            tracing::error!(key, %problem, "a stored record cannot be used and counts as absent");
            self.damaged.insert(key.to_owned(), problem.into());
        }
        match family {
            Family::Account | Family::Team | Family::Member | Family::TeamMember => Applied::People,
            Family::Key | Family::Session | Family::Login | Family::SecondFactor | Family::ScimToken => {
                Applied::Credentials
            }
        }
    }

    fn insert(&mut self, family: Family, parts: &[&str], entry: &Entry) -> Result<(), String> {
        match (family, parts) {
            (Family::Account, [id]) => {
                let account: Account = read(entry)?;
                same(id, account.id.as_str())?;
                let name: Arc<str> = account.name.as_str().into();
                if account.is_organization() {
                    self.organizations.insert(Arc::clone(&name), account.id.clone());
                }
                self.names.insert(name, account.id.clone());
                if let Some(origin) = account.origin() {
                    let origin = (origin.source, origin.id.as_str().into());
                    self.origins.insert(origin, account.id.clone());
                }
                self.accounts.insert(account.id.clone(), Arc::new(account));
            }
            (Family::Team, [org, id]) => {
                let team: Team = read(entry)?;
                same(org, team.organization.as_str())?;
                same(id, team.id.as_str())?;
                self.team_names.insert(
                    (team.organization.clone(), team.name.as_str().into()),
                    team.id.clone(),
                );
                self.teams.insert(team.id.clone(), Arc::new(team));
            }
            (Family::Member, [org, user]) => {
                let (org, user) = (self.own_account_id(org), self.own_account_id(user));
                self.members.insert((org.clone(), user.clone()), read(entry)?);
                self.member_of.insert((user, org));
            }
            (Family::TeamMember, [_, team, user]) => {
                let (team, user) = (self.own_team_id(team), self.own_account_id(user));
                self.team_members
                    .insert((team.clone(), user.clone()), read(entry)?);
                self.member_of_team.insert((user, team));
            }
            (Family::Key, [id]) => {
                let key: PublicKey = read(entry)?;
                same(id, key.id.as_str())?;
                self.account_keys.insert((key.account.clone(), key.id.clone()));
                self.keys.insert(key.id.clone(), Arc::new(key));
            }
            (Family::Session, [account, id]) => {
                let session: Session = read(entry)?;
                same(account, session.account.as_str())?;
                same(id, session.id.as_str())?;
                self.tokens.insert(session.token, session.id.clone());
                self.account_sessions
                    .insert((session.account.clone(), session.id.clone()));
                self.sessions.insert(
                    session.id.clone(),
                    Arc::new(StoredSession {
                        session,
                        modified: entry.modified,
                    }),
                );
            }
            (Family::Login, [account]) => {
                self.logins.insert(AccountId::from(*account), read(entry)?);
            }
            (Family::SecondFactor, [account]) => {
                let factor: SecondFactor = read(entry)?;
                same(account, factor.account.as_str())?;
                self.second_factors
                    .insert(factor.account.clone(), Arc::new(factor));
            }
            (Family::ScimToken, [""]) => self.scim_token = Some(Arc::new(read(entry)?)),
            _ => return Err("its key has the wrong number of parts".to_owned()),
        }
        Ok(())
    }

    /// An id as it is held here already, so that the same text is not held once for each membership.
    fn own_account_id(&self, id: &str) -> AccountId {
        self.accounts
            .get(id)
            .map_or_else(|| AccountId::from(id), |account| account.id.clone())
    }

    fn own_team_id(&self, id: &str) -> TeamId {
        let fresh = TeamId::from(id);
        if let Some(team) = self.teams.get(id) {
            return team.id.clone();
        }
        // Members are read before their team.
        let mut others = self.team_members.range((fresh.clone(), AccountId::from(""))..);
        match others.next() {
            Some(((team, _), _)) if *team == fresh => team.clone(),
            _ => fresh,
        }
    }

    fn remove(&mut self, family: Family, parts: &[&str]) {
        match (family, parts) {
            (Family::Account, [id]) => {
                let Some(account) = self.accounts.remove(*id) else {
                    return;
                };
                if self.names.get(account.name.as_str()) == Some(&account.id) {
                    self.names.remove(account.name.as_str());
                    self.organizations.remove(account.name.as_str());
                }
                if let Some(origin) = account.origin() {
                    let origin = (origin.source, origin.id.as_str().into());
                    if self.origins.get(&origin) == Some(&account.id) {
                        self.origins.remove(&origin);
                    }
                }
            }
            (Family::Team, [_, id]) => {
                if let Some(team) = self.teams.remove(*id) {
                    self.team_names
                        .remove(&(team.organization.clone(), team.name.as_str().into()));
                }
            }
            (Family::Member, [org, user]) => {
                let (org, user) = (AccountId::from(*org), AccountId::from(*user));
                self.members.remove(&(org.clone(), user.clone()));
                self.member_of.remove(&(user, org));
            }
            (Family::TeamMember, [_, team, user]) => {
                let (team, user) = (TeamId::from(*team), AccountId::from(*user));
                self.team_members.remove(&(team.clone(), user.clone()));
                self.member_of_team.remove(&(user, team));
            }
            (Family::Key, [id]) => {
                if let Some(key) = self.keys.remove(*id) {
                    self.account_keys.remove(&(key.account.clone(), key.id.clone()));
                }
            }
            (Family::Session, [_, id]) => {
                if let Some(stored) = self.sessions.remove(*id) {
                    self.tokens.remove(&stored.session.token);
                    self.account_sessions
                        .remove(&(stored.session.account.clone(), stored.session.id.clone()));
                }
            }
            (Family::Login, [account]) => {
                self.logins.remove(*account);
            }
            (Family::SecondFactor, [account]) => {
                self.second_factors.remove(*account);
            }
            (Family::ScimToken, [""]) => self.scim_token = None,
            _ => {}
        }
    }
}

fn read<T: Record>(entry: &Entry) -> Result<T, String> {
    records::decode(&entry.value).map_err(|error| match &error {
        RecordError::Malformed { source, .. } => format!("{error}: {source}"),
        RecordError::Newer { .. } | RecordError::Unversioned { .. } => error.to_string(),
    })
}

/// A record that lies under another id than its own would be found under one and act as the other.
fn same(key: &str, record: &str) -> Result<(), String> {
    if key == record {
        Ok(())
    } else {
        Err(format!("its key says `{key}`, the record says `{record}`"))
    }
}
