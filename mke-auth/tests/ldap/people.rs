//! What becomes of accounts: people come, leave, come back, move and change their names.

use mke_auth::accounts::{NewUser, UserChange};
use mke_auth::ldap::{Options, fetch, plan};
use mke_core::config::{AdminSync, Ldap};
use mke_core::time::Clock as _;
use mke_test_support::{Ldif, Slapd};

use crate::lab::{config, names, read};
use crate::support::{PASSWORD, World, password, rng};

fn several(names: &[&str]) -> Ldif {
    let mut ldif = Ldif::domain("dc=example,dc=com");
    for name in names {
        ldif.person(name, "pw");
    }
    ldif
}

fn dn(name: &str) -> String {
    format!("uid={name},ou=people,dc=example,dc=com")
}

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// LDAP-013, LDAP-016, ldap-19: with accounts made by synchronisation, whoever is gone is inactive after the next
/// one, its sessions end with it, and it comes back as itself.
#[tokio::test]
async fn people_leave_and_come_back() {
    let world = World::new().await;
    let slapd = Slapd::start(&several(&SIX));
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    let account = world.account("a").await;
    let session = std::sync::Arc::new(account.clone());
    world
        .logins
        .begin_trusted(&session, "test", &world.settings, &mut rng())
        .await
        .unwrap();
    let entry = "objectClass: inetOrgPerson\nuid: a\ncn: Full a\nsn: a\nuserPassword: pw";
    slapd.delete(&dn("a"));
    assert!(
        world.account("a").await.is_active_user(),
        "until the next synchronisation"
    );
    world.sync(&settings).await.unwrap();
    let gone = world.account("a").await;
    assert!(!gone.is_active_user() && gone.id == account.id);
    assert_eq!(world.directory().await.sessions_of(&account.id).count(), 0);
    assert_eq!(
        world.sync(&settings).await.unwrap().done,
        0,
        "it is inactive already"
    );
    // The same entry again: only the server's administrator can write its unique id.
    let uuid = account
        .origin()
        .unwrap()
        .id
        .strip_prefix("entryuuid:")
        .unwrap()
        .to_owned();
    let mut entries = several(&SIX[1..]);
    entries.add(&dn("a"), &format!("{entry}\nentryUUID: {uuid}"));
    let restored = Slapd::start(&entries);
    let settings = read(&config(&restored));
    let directory = world.directory().await;
    let fetched = fetch(&settings, &[], world.clock.now()).await.unwrap();
    let planned = plan(&fetched, &directory, &Options::of(&settings));
    let back = planned
        .change
        .iter()
        .find(|change| change.account.name.as_str() == "a")
        .unwrap();
    assert!(back.reactivate, "{planned}");
}

/// LDAP-013: what an administrator deactivated stays so, and the directory's word counts again for what he activates.
#[tokio::test]
async fn an_administrators_word_stays() {
    let world = World::new().await;
    let slapd = Slapd::start(&several(&SIX));
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    let a = world.account("a").await;
    let set = async |active| {
        let change = UserChange {
            is_active: Some(active),
            ..UserChange::default()
        };
        world.accounts.update_account(&a.id, &change).await.unwrap();
    };
    set(false).await;
    assert_eq!(world.sync(&settings).await.unwrap().done, 0);
    assert!(!world.account("a").await.is_active_user());
    set(true).await;
    assert_eq!(world.sync(&settings).await.unwrap().done, 0);
    slapd.delete(&dn("a"));
    world.sync(&settings).await.unwrap();
    assert!(!world.account("a").await.is_active_user());
}

/// LDAP-016, LDAP-017: with accounts made at the first login, a synchronisation makes none and deactivates those that
/// are gone; until then their accounts stay, but the directory lets nobody in.
#[tokio::test]
async fn accounts_on_demand() {
    let world = World::new().await;
    let slapd = Slapd::start(&several(&SIX));
    let by_sync = read(&config(&slapd));
    let settings = read(&Ldap {
        jit_user_provisioning: true,
        ..config(&slapd)
    });
    assert_eq!(world.sync(&settings).await.unwrap().planned.created, 0);
    assert_eq!(world.active().await, ["admin"], "nobody has logged in");
    world.sync(&by_sync).await.unwrap();
    slapd.delete(&dn("a"));
    assert!(world.ldap_login(&settings, "a", "pw").await.is_err());
    assert!(
        world.account("a").await.is_active_user(),
        "bundles go on until the next synchronisation"
    );
    world.sync(&settings).await.unwrap();
    assert!(!world.account("a").await.is_active_user());
    assert_eq!(world.active().await, ["admin", "b", "c", "d", "e", "f"]);
}

/// ldap-12: a moved or renamed entry keeps its account; a new entry with an old name is a new person with nothing.
#[tokio::test]
async fn sec_ldap_12_accounts_follow_the_unique_id() {
    let world = World::new().await;
    let slapd = Slapd::start(&several(&SIX));
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    let (a, b) = (world.account("a").await, world.account("b").await);
    // The entry of a is called z now.
    slapd.rename(&dn("a"), "uid=z");
    world.sync(&settings).await.unwrap();
    let z = world.account("z").await;
    assert_eq!(z.id, a.id);
    assert_eq!(z.origin().unwrap().dn.as_deref(), Some(dn("z").as_str()));
    assert!(
        world.directory().await.account_by_name("a").is_none(),
        "the old name is free"
    );
    // Somebody new is called b.
    let keys = world.keys_below("/mke/account-names/").await.len();
    slapd.delete(&dn("b"));
    slapd.add(
        &dn("b"),
        "objectClass: inetOrgPerson\nuid: b\ncn: New b\nsn: b\nuserPassword: pw",
    );
    world.sync(&settings).await.unwrap();
    let new = world.account("b").await;
    assert_ne!(new.id, b.id);
    assert!(new.is_active_user() && new.full_name == "New b");
    let directory = world.directory().await;
    let old = directory.account(&b.id).unwrap();
    assert!(
        !old.is_active_user() && old.name.as_str().starts_with("b.gone."),
        "{}",
        old.name
    );
    assert_eq!(world.keys_below("/mke/account-names/").await.len(), keys + 1);
    assert_eq!(
        world.sync(&settings).await.unwrap().done,
        0,
        "nothing is left to do"
    );
}

/// ldap-14, LDAP-023: an account that was made here keeps its name, its rights and its password.
#[tokio::test]
async fn sec_ldap_14_local_accounts_win() {
    let world = World::new().await;
    world.user("jane").await;
    let slapd = Slapd::start(&several(&["admin", "jane", "bob"]));
    let settings = read(&config(&slapd));
    let before = world.account("admin").await;
    let directory = world.directory().await;
    let fetched = fetch(&settings, &[], world.clock.now()).await.unwrap();
    let planned = plan(&fetched, &directory, &Options::of(&settings));
    let notes = planned.notes.texts.join("\n");
    assert!(
        notes.contains("name `admin`") && notes.contains("name `jane`"),
        "{notes}"
    );
    world.sync(&settings).await.unwrap();
    assert_eq!(world.account("admin").await, before);
    assert!(world.try_login("jane", PASSWORD).await.is_ok());
    let imported = names(&world.directory().await, |account| account.origin().is_some());
    assert_eq!(imported, ["bob"]);
}

/// ldap-19: an entry that expires is deactivated, and comes back when it does not any more.
#[tokio::test]
async fn sec_ldap_19_switched_off() {
    let world = World::new().await;
    let slapd = Slapd::start(&several(&SIX));
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: objectClass\nobjectClass: shadowAccount\n-\nadd: shadowExpire\nshadowExpire: 10000\n",
        dn("a")
    ));
    world.sync(&settings).await.unwrap();
    assert!(!world.account("a").await.is_active_user());
    slapd.set(&dn("a"), "shadowExpire", "-1");
    world.sync(&settings).await.unwrap();
    assert!(world.account("a").await.is_active_user());
}

/// LDAP-014, ldap-15: administrators are the members of the group; the recovery administrator stays whatever the group
/// says, and without one so do all that were made here.
#[tokio::test]
async fn sec_ldap_15_administrators() {
    let world = World::new().await;
    let second = NewUser {
        is_admin: true,
        ..NewUser::local("second", password())
    };
    world.accounts.create_user(second, &mut rng()).await.unwrap();
    let mut entries = several(&SIX);
    let group = entries.group("admins", &[dn("a"), dn("b")]);
    let slapd = Slapd::start(&entries);
    let with = |recovery: Option<&str>| Ldap {
        admin_sync_opts: AdminSync {
            group_dn: Some(group.clone()),
            ..AdminSync::default()
        },
        recovery_admin_username: recovery.map(str::to_owned),
        ..config(&slapd)
    };
    let admins = async || names(&world.directory().await, |account| account.is_active_admin());
    world.sync(&read(&with(None))).await.unwrap();
    assert_eq!(
        admins().await,
        ["a", "admin", "b", "second"],
        "nobody certain is named"
    );
    world.sync(&read(&with(Some("nobody")))).await.unwrap();
    assert_eq!(admins().await, ["a", "admin", "b", "second"]);
    // A recovery administrator that comes from the directory is none to rely on.
    world.sync(&read(&with(Some("a")))).await.unwrap();
    assert_eq!(admins().await, ["a", "admin", "b", "second"]);
    let settings = read(&with(Some("admin")));
    world.sync(&settings).await.unwrap();
    assert_eq!(admins().await, ["a", "admin", "b"]);
    slapd.modify(&format!(
        "dn: {group}\nchangetype: modify\ndelete: member\nmember: {}\n",
        dn("a")
    ));
    world.sync(&settings).await.unwrap();
    assert_eq!(admins().await, ["admin", "b"]);
    slapd.set(&group, "member", &group);
    world.sync(&settings).await.unwrap();
    assert_eq!(
        admins().await,
        ["admin"],
        "an emptied group has no administrators"
    );
    // By search.
    let settings = read(&Ldap {
        admin_sync_opts: AdminSync {
            select_group_members: false,
            search_base_dn: Some("ou=people,dc=example,dc=com".to_owned()),
            search_filter: "(|(uid=c)(uid=d))".to_owned(),
            ..AdminSync::default()
        },
        ..with(Some("admin"))
    });
    world.sync(&settings).await.unwrap();
    assert_eq!(admins().await, ["admin", "c", "d"]);
}

/// Nothing has changed, so nothing is written.
#[tokio::test]
async fn an_unchanged_directory_writes_nothing() {
    let world = World::new().await;
    let slapd = Slapd::start(&several(&SIX));
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    let before = world.revision().await;
    let outcome = world.sync(&settings).await.unwrap();
    assert_eq!((outcome.done, outcome.revision), (0, None));
    assert_eq!(world.revision().await, before);
    slapd.set(&dn("c"), "cn", "Other c");
    let outcome = world.sync(&settings).await.unwrap();
    assert_eq!((outcome.done, outcome.planned.updated), (1, 1));
    assert_eq!(world.account("c").await.full_name, "Other c");
}
