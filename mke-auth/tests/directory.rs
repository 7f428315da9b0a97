//! The directory follows the store.

mod support;

use futures_util::StreamExt as _;
use mke_auth::accounts::{NewOrganization, NewTeam, TeamChange};
use mke_auth::directory::{Applied, Directory};
use mke_auth::records::{self, Membership};
use mke_core::store::{KeyRange, Revision, Store as _, Txn, layout};
use support::{World, rng};

/// Event by event it becomes what a fresh read would give.
#[tokio::test]
async fn following_is_the_same_as_reading() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let john = world.user("john").await;
    let org = NewOrganization {
        name: "acme".to_owned(),
        full_name: "Acme".to_owned(),
    };
    let accounts = &world.accounts;
    let (acme, _) = accounts.create_organization(org, &mut rng()).await.unwrap();
    let team = NewTeam {
        name: "ops".to_owned(),
        description: String::new(),
    };
    let (ops, _) = accounts.create_team(&acme.id, team, &mut rng()).await.unwrap();
    for user in [&jane, &john] {
        let membership = Membership { is_admin: true };
        accounts
            .put_team_member(&acme.id, &ops.id, &user.id, membership)
            .await
            .unwrap();
        let pair = mke_core::pki::KeyPair::generate(&mut rng()).unwrap();
        world
            .keys
            .register(&world.directory().await, &user.id, pair.public_key(), "k")
            .await
            .unwrap();
        world.login(user.name.as_str()).await;
    }
    let rename = TeamChange {
        name: Some("platform".to_owned()),
        description: None,
    };
    accounts.update_team(&acme.id, &ops.id, &rename).await.unwrap();
    let last = accounts.delete_user(&john.id).await.unwrap();

    let mut followed = Directory::default();
    let mut watch = world
        .store
        .watch(KeyRange::prefix(layout::ROOT), Revision(1))
        .await
        .unwrap();
    loop {
        let batch = watch.next().await.unwrap().unwrap();
        for event in &batch.events {
            followed.apply(event);
        }
        if batch.revision >= last {
            break;
        }
    }
    assert_eq!(followed, world.directory().await);
    let names: Vec<_> = followed
        .accounts()
        .map(|account| account.name.to_string())
        .collect();
    assert_eq!(names, ["acme", "admin", "docker-datacenter", "jane"]);
    let from: Vec<_> = followed
        .accounts_from("b")
        .map(|account| account.name.to_string())
        .collect();
    assert_eq!(from, ["docker-datacenter", "jane"]);
    let team = followed.resolve_team(&acme.id, "platform").unwrap();
    assert_eq!(followed.team_members_count(&team.id), 1);
    assert_eq!(followed.sessions_of(&jane.id).count(), 1);
    assert_eq!(followed.sessions_of(&john.id).count(), 0);
}

/// A record that cannot be used counts as absent, whatever was there before, and is reported: one of a newer
/// version, with foreign fields, under another id, or no JSON at all.
#[tokio::test]
async fn unusable_records_are_absent() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let good = records::encode(&jane).unwrap();
    let edit = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut value: serde_json::Value = serde_json::from_slice(&good).unwrap();
        change(value.as_object_mut().unwrap());
        serde_json::to_vec(&value).unwrap()
    };
    let bad = [
        edit(&|fields| drop(fields.insert("v".to_owned(), 2.into()))),
        edit(&|fields| drop(fields.remove("v"))),
        edit(&|fields| drop(fields.insert("v".to_owned(), 0.into()))),
        edit(&|fields| drop(fields.insert("isAdmin".to_owned(), true.into()))),
        edit(&|fields| drop(fields.insert("id".to_owned(), "another".into()))),
        edit(&|fields| drop(fields.insert("name".to_owned(), "Not A Name".into()))),
        b"no json".to_vec(),
        b"[]".to_vec(),
    ];
    let key = layout::account(&jane.id);
    for bytes in bad {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let put = Txn::new().put(key.clone(), bytes);
        world.store.txn(put).await.unwrap();
        let mut directory = world.directory().await;
        assert!(directory.account(&jane.id).is_none(), "{text}");
        assert!(directory.resolve("jane").is_none(), "{text}");
        assert_eq!(directory.damaged().count(), 1, "{text}");
        assert!(
            world.try_login("jane", support::PASSWORD).await.is_err(),
            "{text}"
        );

        world
            .store
            .txn(Txn::new().put(key.clone(), good.clone()))
            .await
            .unwrap();
        let page = world.store.range(KeyRange::key(key.clone()), 1).await.unwrap();
        for entry in page.entries {
            let event = mke_core::store::Event::Put(entry);
            assert_eq!(directory.apply(&event), Applied::People);
        }
        assert!(directory.account(&jane.id).is_some());
        assert_eq!(directory.damaged().count(), 0);
    }
}

/// What belongs to others is left alone, and what is about credentials does not ask for new decisions.
#[tokio::test]
async fn events_are_told_apart() {
    let world = World::new().await;
    let login = world.login("admin").await;
    let mut directory = world.directory().await;
    let delete = |key: String| mke_core::store::Event::Delete {
        key,
        revision: Revision(1000),
    };
    let foreign = delete(layout::grant("a", "b", &"c".into()));
    assert_eq!(directory.apply(&foreign), Applied::Ignored);
    let session = delete(layout::session(&world.admin, &login.session.id));
    assert_eq!(directory.apply(&session), Applied::Credentials);
    assert!(!login.identity.is_live(&directory));
    let member = delete(layout::member(&world.everyone, &world.admin));
    assert_eq!(directory.apply(&member), Applied::People);
}
