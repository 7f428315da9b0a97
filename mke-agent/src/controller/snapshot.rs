//! What requests are decided on: one immutable view of accounts, policy and configuration.
//!
//! [`Tables`] holds the records as they are in the store and takes events one by one; a [`Snapshot`] is made
//! from it and swapped in as a whole, so no request ever sees half of a change. The policy is compiled again
//! only when something that decisions depend on has changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mke_auth::directory::{Applied, Directory};
use mke_auth::records::Account;
use mke_core::config::Config;
use mke_core::ids::{AccountId, CollectionId};
use mke_core::store::{Entry, Event, Revision, StoreError, layout};
use mke_rbac::Policy;
use mke_rbac::model::{Grant, Model, Organization, Settings, Team, User};

use super::records::{
    CollectionRecord, ConfigRecord, DefaultCollectionRecord, GrantRecord, RoleRecord, decode,
};

/// One consistent view.
#[derive(Clone)]
pub struct Snapshot {
    /// Everything up to this revision of the store is in it.
    pub revision: Revision,
    /// Accounts, organizations, teams, members and public keys.
    pub directory: Directory,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// The collections as stored, for what the policy does not need.
    pub collections: Arc<BTreeMap<CollectionId, CollectionRecord>>,
}

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Effect {
    /// The policy must be compiled again.
    pub(super) policy: bool,
    /// A credential may have died: a session, a key or an account.
    pub(super) revocation: bool,
}

impl Effect {
    pub(super) fn merge(&mut self, other: Self) {
        self.policy |= other.policy;
        self.revocation |= other.revocation;
    }
}

/// The records behind a snapshot.
#[derive(Default)]
pub(super) struct Tables {
    directory: Directory,
    roles: BTreeMap<String, RoleRecord>,
    collections: Arc<BTreeMap<CollectionId, CollectionRecord>>,
    grants: BTreeMap<String, Grant>,
    defaults: HashMap<AccountId, CollectionId>,
    config: Arc<Config>,
}

impl Tables {
    /// Takes one event in. A record that cannot be read is left out and reported: for a grant or a role that
    /// means less access, never more.
    pub(super) fn apply(&mut self, event: &Event) -> Effect {
        match self.try_apply(event) {
            Ok(effect) => effect,
            Err(error) => {
                tracing::error!(key = event.key(), %error, "a record is left out");
                self.forget(event.key());
                Effect {
                    policy: true,
                    revocation: true,
                }
            }
        }
    }

    fn try_apply(&mut self, event: &Event) -> Result<Effect, StoreError> {
        let key = event.key();
        let entry = match event {
            Event::Put(entry) => Some(entry),
            Event::Delete { .. } => None,
        };
        let policy = Effect {
            policy: true,
            revocation: false,
        };
        if key.starts_with(layout::GRANTS) {
            put_or_remove(&mut self.grants, key, entry, |record: GrantRecord| record.grant)?;
            return Ok(policy);
        }
        if key.starts_with(layout::ROLES) {
            put_or_remove(&mut self.roles, key, entry, |record: RoleRecord| record)?;
            return Ok(policy);
        }
        if let Some(id) = only_part(layout::COLLECTIONS, key) {
            let collections = Arc::make_mut(&mut self.collections);
            match entry {
                Some(entry) => collections.insert(id.into(), decode(entry)?),
                None => collections.remove(id.as_str()),
            };
            return Ok(policy);
        }
        if let Some(id) = only_part(layout::DEFAULT_COLLECTIONS, key) {
            match entry {
                Some(entry) => self
                    .defaults
                    .insert(id.into(), decode::<DefaultCollectionRecord>(entry)?.collection),
                None => self.defaults.remove(id.as_str()),
            };
            return Ok(policy);
        }
        if key == layout::CONFIG {
            let config = entry.map(decode::<ConfigRecord>).transpose()?;
            self.config = Arc::new(config.map(|record| record.config).unwrap_or_default());
            return Ok(policy);
        }
        Ok(match self.directory.apply(event) {
            Applied::Ignored => Effect::default(),
            Applied::People => Effect {
                policy: true,
                revocation: true,
            },
            // A login only adds or renews; what is gone may have held a stream open.
            Applied::Credentials => Effect {
                policy: false,
                revocation: entry.is_none(),
            },
        })
    }

    fn forget(&mut self, key: &str) {
        self.grants.remove(key);
        self.roles.remove(key);
        if let Some(id) = only_part(layout::COLLECTIONS, key) {
            Arc::make_mut(&mut self.collections).remove(id.as_str());
        }
        if let Some(id) = only_part(layout::DEFAULT_COLLECTIONS, key) {
            self.defaults.remove(id.as_str());
        }
    }

    /// The view, with the policy of the one before unless it must be compiled again.
    pub(super) fn snapshot(&self, revision: Revision, policy: Option<Arc<Policy>>) -> Snapshot {
        Snapshot {
            revision,
            directory: self.directory.clone(),
            policy: policy.unwrap_or_else(|| Arc::new(self.compile())),
            config: self.config.clone(),
            collections: self.collections.clone(),
        }
    }

    fn compile(&self) -> Policy {
        let policy = Policy::compile(self.model());
        for warning in policy.warnings() {
            tracing::debug!(%warning, "a part of the policy has no effect");
        }
        policy
    }

    fn model(&self) -> Model {
        let private: HashMap<&AccountId, &CollectionId> = self
            .collections
            .values()
            .filter_map(|record| Some((record.private_of.as_ref()?, &record.id)))
            .collect();
        let directory = &self.directory;
        let user = |account: &Arc<Account>| {
            let user = account.user()?;
            Some(User {
                id: account.id.clone(),
                name: account.name.to_string(),
                admin: user.is_admin,
                active: user.is_active,
                private_collection: private.get(&account.id).map(|id| (*id).clone()),
                default_collection: self.defaults.get(&account.id).cloned(),
            })
        };
        let organization = |account: &Arc<Account>| Organization {
            id: account.id.clone(),
            name: account.name.to_string(),
            // The policy knows that the default organization holds everybody (R2).
            members: if account.is_default_organization() {
                Vec::new()
            } else {
                let members = directory.members(&account.id).into_iter();
                members.map(|member| member.account.id.clone()).collect()
            },
        };
        let team = |team: &Arc<mke_auth::records::Team>| Team {
            id: team.id.clone(),
            organization: team.organization.clone(),
            name: team.name.to_string(),
            members: directory
                .team_members(&team.id)
                .map(|member| member.account.id.clone())
                .collect(),
        };
        Model {
            settings: Settings {
                default_new_user_role: self.config.auth.default_new_user_role.as_str().into(),
                enable_admin_ucp_scheduling: self.config.scheduling.enable_admin_ucp_scheduling,
                ..Settings::default()
            },
            users: directory.accounts().filter_map(user).collect(),
            organizations: directory.organizations().map(organization).collect(),
            teams: directory.teams().map(team).collect(),
            collections: self
                .collections
                .values()
                .map(CollectionRecord::to_collection)
                .collect(),
            roles: self.roles.values().map(RoleRecord::to_role).collect(),
            grants: self.grants.values().cloned().collect(),
        }
    }
}

fn put_or_remove<R: serde::de::DeserializeOwned, T>(
    map: &mut BTreeMap<String, T>,
    key: &str,
    entry: Option<&Entry>,
    keep: impl Fn(R) -> T,
) -> Result<(), StoreError> {
    match entry {
        Some(entry) => map.insert(key.to_owned(), keep(decode(entry)?)),
        None => map.remove(key),
    };
    Ok(())
}

fn only_part(family: &str, key: &str) -> Option<String> {
    let mut parts = layout::parts(family, key)?.into_iter();
    match (parts.next(), parts.next()) {
        (Some(part), None) => Some(part.into_owned()),
        _ => None,
    }
}
