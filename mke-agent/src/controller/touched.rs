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
mod tests {
    use std::sync::Arc;

    use mke_auth::records::{self, Account, AccountKind, Membership, Record, Team};
    use mke_core::config::Config;
    use mke_core::ids::RoleId;
    use mke_core::store::{Entry, Event, Revision};
    use mke_core::time::Timestamp;
    use mke_rbac::Subject;
    use mke_rbac::model::{GrantObject, GrantSubject};
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde::Serialize;

    use super::super::records::{
        CollectionRecord, ConfigRecord, DefaultCollectionRecord, GrantRecord, RoleRecord, encode,
    };
    use super::*;

    fn put(key: String, value: Vec<u8>) -> Event {
        Event::Put(Entry {
            key,
            value,
            created: Revision(1),
            modified: Revision(1),
            version: 1,
            lease: None,
        })
    }

    fn record(key: String, record: &impl Serialize) -> Event {
        put(key, encode(record).unwrap())
    }

    fn person(key: String, record: &impl Record) -> Event {
        put(key, records::encode(record).unwrap())
    }

    const USERS: [&str; 4] = ["u0", "u1", "11111111-1111-4111-8111-111111111111", "u3"];
    const ORGANIZATIONS: [&str; 3] = ["o0", "o1", "o2"];
    const COLLECTIONS: [&str; 4] = ["c0", "c1", "22222222-2222-4222-8222-222222222222", "c3"];

    fn account(id: &str, kind: AccountKind) -> Event {
        // One organization holds everybody.
        let own = format!("name-{}", id.get(..2).unwrap());
        let name = if id == "o0" { "docker-datacenter" } else { &own };
        let account = Account {
            id: id.into(),
            name: name.parse().unwrap(),
            full_name: String::new(),
            created: Timestamp::default(),
            kind,
        };
        person(layout::account(&account.id), &account)
    }

    fn collection(number: usize, parent: usize, owner: Option<usize>) -> Event {
        let id: CollectionId = COLLECTIONS[number].into();
        let known = CollectionRecord {
            name: id.to_string(),
            // Only towards smaller numbers, so that the tree has no circles.
            parent: Some(match parent.checked_sub(1).filter(|parent| *parent < number) {
                Some(parent) => COLLECTIONS[parent].into(),
                None => "swarm".into(),
            }),
            private_of: owner.map(|owner| USERS[owner].into()),
            label_constraints: Vec::new(),
            legacy_label_key: String::new(),
            legacy_label_value: String::new(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            id,
        };
        record(layout::collection(&known.id), &known)
    }

    fn grant(user: usize, kind: usize, place: usize, role: &str) -> Event {
        let (subject, word) = match kind {
            0 => (GrantSubject::User(USERS[user].into()), USERS[user]),
            1 => (
                GrantSubject::Organization(ORGANIZATIONS[user % 3].into()),
                ORGANIZATIONS[user % 3],
            ),
            2 => (GrantSubject::Team("t0".into()), "t0"),
            _ => (GrantSubject::Authenticated, "authenticated"),
        };
        let grant = Grant {
            subject,
            object: GrantObject::Collection(COLLECTIONS[place].into()),
            role: role.into(),
        };
        let key = layout::grant(word, COLLECTIONS[place], &grant.role);
        record(key, &GrantRecord { grant })
    }

    fn event() -> impl Strategy<Value = Event> {
        let user = (0..4usize, any::<bool>(), any::<bool>()).prop_map(|(number, admin, active)| {
            let user = records::User {
                is_admin: admin && number == 0,
                is_active: active || number == 1,
                is_imported: true,
                password: None,
                password_version: 0,
            };
            account(USERS[number], AccountKind::User(user))
        });
        let organization =
            (0..3usize).prop_map(|number| account(ORGANIZATIONS[number], AccountKind::Organization));
        let team = (0..2usize, 0..3usize).prop_map(|(number, organization)| {
            let team = Team {
                id: format!("t{number}").as_str().into(),
                organization: ORGANIZATIONS[organization].into(),
                name: format!("team{number}").parse().unwrap(),
                description: String::new(),
                created: Timestamp::default(),
            };
            // A team keeps its organization for life.
            let team = Team {
                organization: ORGANIZATIONS[number + 1].into(),
                ..team
            };
            person(layout::team(&team.organization, &team.id), &team)
        });
        let membership = Membership { is_admin: false };
        let member = (0..3usize, 0..4usize).prop_map(move |(organization, user)| {
            let key = layout::member(&ORGANIZATIONS[organization].into(), &USERS[user].into());
            person(key, &membership)
        });
        let team_member = (0..2usize, 0..4usize).prop_map(move |(team, user)| {
            let organization = ORGANIZATIONS[team + 1].into();
            let team = format!("t{team}").as_str().into();
            let key = layout::team_member(&organization, &team, &USERS[user].into());
            person(key, &membership)
        });
        let role = (0..2usize, any::<bool>()).prop_map(|(number, more)| {
            let operations = match more {
                true => serde_json::json!({"Service": {"Service View": []}}),
                false => serde_json::json!({"Container": {"Container View": [], "Container Exec": []}}),
            };
            let id = RoleId::from(format!("r{number}"));
            let known = RoleRecord {
                name: id.to_string(),
                operations: mke_rbac::RoleBody::parse(operations).unwrap(),
                created_at: Timestamp::default(),
                id,
            };
            record(layout::role(&known.id), &known)
        });
        let roles = select(["r0", "r1", "viewonly", "scheduler"].as_slice());
        let grant = (0..4usize, 0..4usize, 0..4usize, roles)
            .prop_map(|(user, kind, place, role)| grant(user, kind, place, role));
        let collection = (0..4usize, 0..4usize, prop::option::weighted(0.3, 0..4usize))
            .prop_map(|(number, parent, owner)| collection(number, parent, owner));
        let default = (0..4usize, 0..4usize).prop_map(|(user, place)| {
            let key = layout::default_collection(&USERS[user].into());
            let collection = COLLECTIONS[place].into();
            record(key, &DefaultCollectionRecord { collection })
        });
        let config = any::<bool>().prop_map(|scheduling| {
            let mut config = Config::default();
            config.scheduling.enable_admin_ucp_scheduling = scheduling;
            record(layout::CONFIG.to_owned(), &ConfigRecord { config })
        });
        let written = prop_oneof![
            3 => user, 2 => organization, 2 => team, 3 => member, 3 => team_member,
            2 => role, 6 => grant, 4 => collection, 1 => default, 1 => config,
        ];
        (written, prop::bool::weighted(0.3)).prop_map(|(event, deleted)| match event {
            Event::Put(entry) if deleted => Event::Delete {
                key: entry.key,
                revision: Revision(1),
            },
            other => other,
        })
    }

    fn sorted(mut lines: Vec<String>) -> Vec<String> {
        lines.sort();
        lines
    }

    fn facts(policy: &Policy) -> Vec<String> {
        let mut facts = vec![format!("{:?}", policy.settings())];
        facts.extend(policy.warnings().iter().map(|warning| format!("{warning:?}")));
        facts.extend(policy.grants().map(|grant| format!("{grant:?}")));
        facts.extend(policy.users().map(|user| format!("{user:?}")));
        facts.extend(
            policy
                .organizations()
                .map(|organization| format!("{organization:?}")),
        );
        facts.extend(policy.teams().map(|team| format!("{team:?}")));
        facts.extend(policy.collections().map(|collection| format!("{collection:?}")));
        for user in USERS {
            let subject = Subject::Account(user.into());
            facts.push(format!("{user} holds {:?}", policy.grants_of(&subject)));
            for collection in COLLECTIONS {
                let held = policy.effective(&subject, &collection.into());
                facts.push(format!("{user} in {collection}: {held:?}"));
            }
        }
        sorted(facts)
    }

    fn built_in() -> Vec<Event> {
        let collections = mke_rbac::model::Model::with_builtin_collections().collections;
        let records = collections.into_iter().map(|known| CollectionRecord {
            id: known.id,
            name: known.name,
            parent: known.parent,
            private_of: None,
            label_constraints: Vec::new(),
            legacy_label_key: String::new(),
            legacy_label_value: String::new(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        });
        records
            .map(|known| record(layout::collection(&known.id), &known))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// rbac-01, rbac-04: following events, in whatever order and with whatever missing, gives the policy that
        /// reading everything gives.
        #[test]
        fn sec_rbac_04_following_equals_reading(
            bursts in prop::collection::vec(prop::collection::vec(event(), 1..6), 1..12),
        ) {
            let mut tables = Tables::default();
            for event in built_in() {
                tables.apply(&event);
            }
            let mut followed = tables.snapshot(Revision(1), None).policy;
            for burst in bursts {
                let mut touched = Touched::default();
                for event in &burst {
                    touched.merge(tables.apply(event).policy);
                }
                followed = tables.snapshot(Revision(1), Some((&followed, &touched))).policy;
                let read = tables.snapshot(Revision(1), None).policy;
                prop_assert_eq!(facts(&followed), facts(&read), "after {:?}", touched);
            }
        }
    }

    /// The changes of every day need no compiling.
    #[test]
    fn daily_changes_are_followed() {
        let mut tables = Tables::default();
        for event in built_in() {
            tables.apply(&event);
        }
        let mut policy = tables.snapshot(Revision(1), None).policy;
        let user = records::User {
            is_admin: false,
            is_active: true,
            is_imported: true,
            password: None,
            password_version: 0,
        };
        let membership = Membership { is_admin: false };
        let member = person(layout::member(&"o1".into(), &"u0".into()), &membership);
        let granted = grant(0, 0, 0, "viewonly");
        let withdrawn = Event::Delete {
            key: granted.key().to_owned(),
            revision: Revision(1),
        };
        let left = Event::Delete {
            key: member.key().to_owned(),
            revision: Revision(1),
        };
        let gone = Event::Delete {
            key: layout::account(&"u0".into()),
            revision: Revision(1),
        };
        let daily = [
            account("o1", AccountKind::Organization),
            account("u0", AccountKind::User(user)),
            member,
            collection(0, 0, None),
            collection(1, 1, Some(0)),
            granted,
            grant(0, 1, 1, "scheduler"),
            withdrawn,
            left,
            gone,
        ];
        for event in daily {
            let touched = tables.apply(&event).policy;
            let next = touched.apply(&policy, &tables);
            assert!(next.is_some(), "{event:?}");
            policy = Arc::new(next.unwrap());
            assert_eq!(facts(&policy), facts(&tables.snapshot(Revision(1), None).policy));
        }
    }
}
