//! What a synchronisation refuses to do.

use mke_auth::ldap::{Options, Refusal, SyncError, dry_run};
use mke_core::config::{Ldap, UserSearch};
use mke_core::secret::Secret;
use mke_core::time::Clock as _;
use mke_test_support::{Ldif, Slapd};

use crate::lab::{config, domain, read, search};
use crate::support::World;

fn ten() -> Ldif {
    let mut ldif = Ldif::domain("dc=example,dc=com");
    for number in 0..10 {
        ldif.person(&format!("user{number}"), "pw");
    }
    ldif
}

fn refusals(outcome: Result<mke_auth::ldap::Outcome, SyncError>) -> Vec<Refusal> {
    match outcome {
        Err(SyncError::Refused(refusals)) => refusals,
        other => panic!("{other:?}"),
    }
}

/// ldap-09: two of ten may leave at once, three only when somebody says so.
#[tokio::test]
async fn sec_ldap_09_a_share_at_once() {
    let world = World::new().await;
    let slapd = Slapd::start(&ten());
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    let leave = |number: usize| slapd.delete(&format!("uid=user{number},ou=people,dc=example,dc=com"));
    (0..3).for_each(leave);
    let before = world.revision().await;
    assert_eq!(
        refusals(world.sync(&settings).await),
        [Refusal::TooMany {
            deactivated: 3,
            active: 10,
            max_percent: 20
        }]
    );
    assert_eq!(world.revision().await, before, "nothing at all was written");
    let options = Options::of(&settings);
    let asked = dry_run(&settings, &world.directory().await, &options, world.clock.now())
        .await
        .unwrap();
    assert_eq!((asked.planned.deactivated, asked.refusals.len()), (3, 1));
    assert!(
        asked
            .text
            .contains("deactivate user0: the directory does not list it"),
        "{}",
        asked.text
    );
    assert_eq!(world.revision().await, before, "asking writes nothing");
    let accepted = Options {
        accept_deactivations: true,
        ..options
    };
    world.sync_with(&settings, &accepted).await.unwrap();
    assert_eq!(world.active().await.len(), 8);
    leave(3);
    world.sync(&settings).await.unwrap();
    assert_eq!(
        world.active().await.len(),
        7,
        "one of seven is no more than a fifth"
    );
}

/// ldap-10, LDAP-020: a search that finds nobody, whether by base, filter or rights, deactivates nobody.
#[tokio::test]
async fn sec_ldap_10_searches_that_find_nobody() {
    let world = World::new().await;
    let slapd = Slapd::start(&ten());
    let mut small = Ldif::domain("dc=one,dc=com");
    small.person("one", "pw");
    let other = Slapd::start(&small);
    let both = Ldap {
        additional_domains: vec![domain(&other)],
        user_search_configs: vec![search(&slapd), search(&other)],
        ..config(&slapd)
    };
    world.sync(&read(&both)).await.unwrap();
    let before = world.revision().await;
    let with = |search: UserSearch| {
        read(&Ldap {
            user_search_configs: vec![search],
            ..both.clone()
        })
    };
    for (what, searches) in [
        (
            "a base that is not there",
            with(UserSearch {
                base_dn: Some("ou=poeple,dc=example,dc=com".to_owned()),
                ..search(&slapd)
            }),
        ),
        (
            "a filter that nobody meets",
            with(UserSearch {
                filter: "(uid=nobody)".to_owned(),
                ..search(&slapd)
            }),
        ),
        (
            "an attribute that nobody has",
            with(UserSearch {
                username_attr: "employeeNumber".to_owned(),
                ..search(&slapd)
            }),
        ),
    ] {
        assert!(world.sync(&searches).await.is_err(), "{what}");
        assert_eq!(world.revision().await, before, "{what}");
    }
    // One of eleven is not too many, but nobody at all in one search is a mistake all the same.
    let settings = read(&Ldap {
        user_search_configs: vec![
            search(&slapd),
            UserSearch {
                filter: "(uid=nobody)".to_owned(),
                ..search(&other)
            },
        ],
        ..both.clone()
    });
    assert!(matches!(
        refusals(world.sync(&settings).await)[..],
        [Refusal::EmptySearch { deactivated: 1, .. }]
    ));
    assert_eq!(world.active().await.len(), 12);
}

/// LDAP-020, ldap-08: a server that is away, or goes away, and a reader that is not known: everybody stays.
#[tokio::test]
async fn failures_change_nothing() {
    let world = World::new().await;
    let mut slapd = Slapd::start(&ten());
    let settings = read(&config(&slapd));
    world.sync(&settings).await.unwrap();
    let before = world.revision().await;
    let unknown = read(&Ldap {
        reader_password: Some(Secret::new("wrong")),
        ..config(&slapd)
    });
    assert!(matches!(world.sync(&unknown).await, Err(SyncError::Fetch(_))));
    // Nobody in particular may read nothing here.
    let nobody = read(&Ldap {
        reader_dn: None,
        ..config(&slapd)
    });
    assert!(world.sync(&nobody).await.is_err());
    slapd.stop();
    assert!(matches!(world.sync(&settings).await, Err(SyncError::Fetch(_))));
    assert_eq!(world.revision().await, before);
    slapd.restart();
    assert_eq!(world.sync(&settings).await.unwrap().done, 0);
}
