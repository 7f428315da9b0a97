//! What events touched is applied as changes that give the same policy as reading everything.

use std::sync::Arc;

use mke_auth::records::{self, Account, AccountKind, Membership, Record, Team};
use mke_core::config::{Config, Kept};
use mke_core::ids::RoleId;
use mke_core::store::{Entry, Event, Revision};
use mke_core::time::Timestamp;
use mke_rbac::Subject;
use mke_rbac::model::{GrantObject, GrantSubject};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;

use super::super::configuration::{Author, ConfigRecord, Version};
use super::super::records::{CollectionRecord, DefaultCollectionRecord, GrantRecord, RoleRecord, encode};
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
        admin_sync: None,
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
            origin: None,
            on_demand: false,
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
            sync: None,
            group_link: None,
            scim: None,
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
        let stored = ConfigRecord {
            version: Version(1),
            kept: Kept::of(&config),
            by: Author::program("test"),
            at: Timestamp::default(),
            why: String::new(),
        };
        record(layout::CONFIG.to_owned(), &stored)
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
        origin: None,
        on_demand: false,
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
