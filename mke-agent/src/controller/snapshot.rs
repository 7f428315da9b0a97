//! What requests are decided on: one immutable view of accounts, policy and configuration.
//!
//! [`Tables`] holds the records as they are in the store and takes events one by one; a [`Snapshot`] is made
//! from it and swapped in as a whole, so no request ever sees half of a change. Events note what they touch
//! ([`super::touched`]); the policy takes these changes one by one, and is compiled anew only where that is unclear.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mke_auth::directory::{Applied, Directory};
use mke_auth::records::Account;
use mke_core::config::Config;
use mke_core::ids::{AccountId, CollectionId};
use mke_core::store::{Entry, Event, Revision, StoreError, layout};
use mke_rbac::Policy;
use mke_rbac::model::{Grant, Model, Organization, Settings, Team, User};

use super::configuration::{ConfigRecord, InForce};
use super::records::{CollectionRecord, DefaultCollectionRecord, GrantRecord, RoleRecord, decode};
use super::touched::{Touch, Touched};
use crate::life::Roll;

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
    /// The same with its version and the operator's text.
    pub in_force: Arc<InForce>,
    /// The collections as stored, for what the policy does not need.
    pub collections: Arc<BTreeMap<CollectionId, CollectionRecord>>,
    /// The nodes of the cluster and what their agents say.
    pub roll: Arc<Roll>,
}

/// What an event changed.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// What decisions depend on.
    pub(super) policy: Touched,
    /// A credential may have died: a session, a key or an account.
    pub(super) revocation: bool,
}

impl Effect {
    pub(super) fn merge(&mut self, other: Self) {
        self.policy.merge(other.policy);
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
    in_force: Arc<InForce>,
    roll: Arc<Roll>,
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
                    policy: Touched::everything(),
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
        let policy = |touch| Effect {
            policy: Touched::one(touch),
            revocation: false,
        };
        if key.starts_with(layout::GRANTS) {
            let before = self.grants.get(key).cloned();
            put_or_remove(&mut self.grants, key, entry, |record: GrantRecord| record.grant)?;
            return Ok(policy(Touch::Grant {
                key: key.to_owned(),
                before,
            }));
        }
        if key.starts_with(layout::ROLES) {
            put_or_remove(&mut self.roles, key, entry, |record: RoleRecord| record)?;
            return Ok(policy(Touch::Role(key.to_owned())));
        }
        if let Some(id) = only_part(layout::COLLECTIONS, key) {
            let id = CollectionId::from(id);
            let collections = Arc::make_mut(&mut self.collections);
            let before = match entry {
                Some(entry) => collections.insert(id.clone(), decode(entry)?),
                None => collections.remove(&id),
            };
            let owners = [before.as_ref(), collections.get(&id)].map(|record| record?.private_of.clone());
            return Ok(policy(Touch::Collection { id, owners }));
        }
        if let Some(id) = only_part(layout::DEFAULT_COLLECTIONS, key) {
            let id = AccountId::from(id);
            match entry {
                Some(entry) => self
                    .defaults
                    .insert(id.clone(), decode::<DefaultCollectionRecord>(entry)?.collection),
                None => self.defaults.remove(&id),
            };
            return Ok(policy(Touch::Account(id)));
        }
        if key == layout::CONFIG {
            let record = entry.map(decode::<ConfigRecord>).transpose()?;
            let in_force = record.map(ConfigRecord::in_force).transpose()?;
            self.in_force = Arc::new(in_force.unwrap_or_default());
            return Ok(policy(Touch::Settings));
        }
        if layout::of_nodes(key) {
            Arc::make_mut(&mut self.roll).apply(event)?;
            return Ok(Effect::default());
        }
        Ok(match self.directory.apply(event) {
            Applied::Ignored => Effect::default(),
            Applied::People => Effect {
                policy: Touched::people(key),
                revocation: true,
            },
            // A login only adds or renews; what is gone may have held a stream open.
            Applied::Credentials => Effect {
                policy: Touched::default(),
                revocation: entry.is_none(),
            },
        })
    }

    fn forget(&mut self, key: &str) {
        self.grants.remove(key);
        self.roles.remove(key);
        if layout::of_nodes(key) {
            Arc::make_mut(&mut self.roll).forget(key);
        }
        if let Some(id) = only_part(layout::COLLECTIONS, key) {
            Arc::make_mut(&mut self.collections).remove(id.as_str());
        }
        if let Some(id) = only_part(layout::DEFAULT_COLLECTIONS, key) {
            self.defaults.remove(id.as_str());
        }
    }

    /// The view, with the policy of the one before changed where it was touched.
    pub(super) fn snapshot(&self, revision: Revision, before: Option<(&Arc<Policy>, &Touched)>) -> Snapshot {
        let policy = match before {
            Some((policy, touched)) if touched.is_empty() => Arc::clone(policy),
            Some((policy, touched)) => Arc::new(self.follow(policy, touched)),
            None => Arc::new(self.compile()),
        };
        Snapshot {
            revision,
            directory: self.directory.clone(),
            policy,
            config: self.in_force.config.clone(),
            in_force: self.in_force.clone(),
            collections: self.collections.clone(),
            roll: self.roll.clone(),
        }
    }

    fn follow(&self, policy: &Policy, touched: &Touched) -> Policy {
        match touched.apply(policy, self) {
            Some(policy) => policy,
            None => self.compile(),
        }
    }

    fn compile(&self) -> Policy {
        let policy = Policy::compile(self.model());
        for warning in policy.warnings() {
            tracing::debug!(%warning, "a part of the policy has no effect");
        }
        policy
    }

    pub(super) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) fn grant(&self, key: &str) -> Option<&Grant> {
        self.grants.get(key)
    }

    pub(super) fn role(&self, key: &str) -> Option<&RoleRecord> {
        self.roles.get(key)
    }

    pub(super) fn collection(&self, id: &CollectionId) -> Option<&CollectionRecord> {
        self.collections.get(id)
    }

    /// Whether grants for the subject with this id are left.
    pub(super) fn has_grants(&self, subject: &str) -> bool {
        let prefix = layout::below(layout::GRANTS, [subject]);
        let mut after = self.grants.range(prefix.clone()..);
        after.next().is_some_and(|(key, _)| key.starts_with(&prefix))
    }

    /// Whether teams of the organization with this id are left.
    pub(super) fn has_teams(&self, organization: &AccountId) -> bool {
        self.directory
            .teams_of_organization(organization)
            .next()
            .is_some()
    }

    /// The private collection of an account. Reads all collections: for accounts that were not there before.
    pub(super) fn private_collection(&self, account: &AccountId) -> Option<CollectionId> {
        let records = self.collections.values();
        let mut own = records.filter(|record| record.private_of.as_ref() == Some(account));
        Some(own.next_back()?.id.clone())
    }

    /// The switches that decisions depend on.
    pub(super) fn settings(&self) -> Settings {
        let config = &self.in_force.config;
        Settings {
            default_new_user_role: config.auth.default_new_user_role.as_str().into(),
            enable_admin_ucp_scheduling: config.scheduling.enable_admin_ucp_scheduling,
            ..Settings::default()
        }
    }

    /// A user as the policy knows it; nothing when the account is none.
    pub(super) fn user(&self, account: &Account, private_collection: Option<CollectionId>) -> Option<User> {
        let user = account.user()?;
        Some(User {
            id: account.id.clone(),
            name: account.name.to_string(),
            admin: user.is_admin,
            active: user.is_active,
            private_collection,
            default_collection: self.defaults.get(&account.id).cloned(),
        })
    }

    fn model(&self) -> Model {
        let private: HashMap<&AccountId, &CollectionId> = self
            .collections
            .values()
            .filter_map(|record| Some((record.private_of.as_ref()?, &record.id)))
            .collect();
        let directory = &self.directory;
        let user = |account: &Arc<Account>| {
            let private = private.get(&account.id).map(|id| (*id).clone());
            self.user(account, private)
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
            settings: self.settings(),
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
