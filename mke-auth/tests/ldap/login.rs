//! Logins against a real server.

use mke_auth::ldap::{Denial, LoginFailure, TeamSync, login, memberships, test_login};
use mke_core::config::{AdminSync, Ldap, UserSearch};
use mke_core::secret::Secret;
use mke_core::time::Clock as _;
use mke_test_support::{Ldif, READER_PASSWORD, Slapd, SlapdOptions};

use crate::lab::{by_group, config, domain, read, search};
use crate::support::World;

fn logged(entries: &Ldif) -> Slapd {
    let options = SlapdOptions {
        log: true,
        ..SlapdOptions::default()
    };
    Slapd::start_with(entries, &options)
}

fn small() -> Ldif {
    let mut ldif = Ldif::domain("dc=example,dc=com");
    ldif.person("jane", "jane-secret");
    ldif.person("bob", "bob-secret");
    ldif
}

/// LDAP-001, LDAP-007, LDAP-009: a name and a password are right or wrong, and nobody else's.
#[tokio::test]
async fn names_and_passwords() {
    let (world, slapd) = (World::new().await, Slapd::start(&small()));
    let settings = read(&config(&slapd));
    let person = login(&settings, "jane", &Secret::new("jane-secret"), world.clock.now())
        .await
        .unwrap();
    assert_eq!(
        (person.name.as_str(), person.full_name.as_str()),
        ("jane", "Full jane")
    );
    assert_eq!(
        person.origin.dn.as_deref(),
        Some("uid=jane,ou=people,dc=example,dc=com")
    );
    assert!(person.origin.id.starts_with("entryuuid:"), "{}", person.origin.id);
    assert_eq!(person.is_admin, None);
    for (name, password, denial) in [
        ("jane", "bob-secret", Denial::WrongPassword),
        ("jane", "jane-secret ", Denial::WrongPassword),
        ("nobody", "jane-secret", Denial::NotFound),
        ("reader", READER_PASSWORD, Denial::NotFound),
    ] {
        assert_eq!(
            world.ldap_login(&settings, name, password).await,
            Err(denial),
            "{name}"
        );
    }
    assert!(world.ldap_login(&settings, "JANE", "jane-secret").await.is_ok());
}

/// ldap-01, ldap-02: a password without content is not sent, one of spaces is sent as it is, and nothing else is made
/// of any.
#[tokio::test]
async fn sec_ldap_01_02_odd_passwords() {
    let world = World::new().await;
    let mut entries = small();
    let dn = entries.dn("uid=spaces,ou=people");
    entries.add(
        &dn,
        "objectClass: inetOrgPerson\nuid: spaces\ncn: x\nsn: x\nuserPassword:: ICAg",
    );
    let slapd = logged(&entries);
    let settings = read(&config(&slapd));
    let long = "x".repeat(4097);
    for (password, denial) in [
        ("", Denial::EmptyPassword),
        ("\0", Denial::UnusablePassword),
        ("\0\0\0", Denial::UnusablePassword),
        ("jane-secret\0", Denial::UnusablePassword),
        ("\0jane-secret", Denial::UnusablePassword),
        (long.as_str(), Denial::UnusablePassword),
    ] {
        assert_eq!(
            world.ldap_login(&settings, "jane", password).await,
            Err(denial),
            "{password:?}"
        );
    }
    assert!(
        !slapd.settled_log().contains("BIND"),
        "the server was asked: {}",
        slapd.settled_log()
    );
    for (password, right) in [("   ", true), ("  ", false), ("    ", false), (" ", false)] {
        let outcome = world.ldap_login(&settings, "spaces", password).await;
        assert_eq!(outcome.is_ok(), right, "{password:?}");
    }
    assert_eq!(
        world.ldap_login(&settings, "jane", &"x".repeat(4096)).await,
        Err(Denial::WrongPassword)
    );
}

/// ldap-04, ldap-13: characters with a meaning in filters and DNs mean nothing, and look-alikes are nobody.
#[tokio::test]
async fn sec_ldap_04_names_with_meaning() {
    let world = World::new().await;
    let slapd = Slapd::start(&small());
    let settings = read(&config(&slapd));
    for name in [
        "*",
        "j*",
        "jane)(uid=*",
        "*)(objectClass=*",
        "(",
        ")",
        "\\",
        "\\2a",
        "jane\0",
        "ja/ne",
        "jane ",
        " jane",
        "jane,ou=people",
        "uid=jane",
        "jаne",
        "jane\u{200b}",
        "",
    ] {
        let refused = world
            .ldap_login(&settings, name, "jane-secret")
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Denial::NotFound | Denial::InvalidName),
            "{name:?}: {refused:?}"
        );
    }
    // One person, however the letters are written.
    assert!(
        world
            .ldap_login(&settings, "ｊａｎｅ", "jane-secret")
            .await
            .is_ok()
    );
}

/// ldap-05, LDAP-004: two entries of one name in one search are nobody; in two searches the first counts.
#[tokio::test]
async fn sec_ldap_05_two_entries_for_a_name() {
    let world = World::new().await;
    let mut entries = small();
    entries.unit("more");
    entries.unit("others");
    entries.person_in("others", "jane", "other-secret");
    let slapd = Slapd::start(&entries);
    let whole = UserSearch {
        base_dn: Some("dc=example,dc=com".to_owned()),
        ..search(&slapd)
    };
    let both = read(&Ldap {
        user_search_configs: vec![whole],
        ..config(&slapd)
    });
    for password in ["jane-secret", "other-secret"] {
        assert_eq!(
            world.ldap_login(&both, "jane", password).await,
            Err(Denial::Ambiguous)
        );
    }
    assert!(world.ldap_login(&both, "bob", "bob-secret").await.is_ok());
    let below = |unit: &str| UserSearch {
        base_dn: Some(format!("ou={unit},dc=example,dc=com")),
        ..search(&slapd)
    };
    let ordered = read(&Ldap {
        user_search_configs: ["more", "others", "people"].map(below).to_vec(),
        ..config(&slapd)
    });
    assert!(world.ldap_login(&ordered, "jane", "other-secret").await.is_ok());
    assert_eq!(
        world.ldap_login(&ordered, "jane", "jane-secret").await,
        Err(Denial::WrongPassword)
    );
}

/// LDAP-012: each step is said in words, before anything is saved, and the password never.
#[tokio::test]
async fn a_trial_login_says_what_it_does() {
    let world = World::new().await;
    let mut slapd = Slapd::start(&small());
    let settings = read(&config(&slapd));
    let now = world.clock.now();
    let report = async |name: &str, password: &str| {
        let report = test_login(&settings, name, &Secret::new(password), now).await;
        let text: String = report
            .steps
            .iter()
            .map(|step| format!("{}\n", step.what))
            .collect();
        assert!(!text.contains("secret"), "{text}");
        (report.ok, text)
    };
    let (ok, text) = report("jane", "jane-secret").await;
    assert!(ok);
    for part in [
        "search below `ou=people,dc=example,dc=com`",
        "uid=jane,ou=people",
        "bind as that entry",
        "may log in",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let (ok, text) = report("jane", "wrong-secret").await;
    assert!(!ok && text.contains("does not accept the password"), "{text}");
    let (ok, text) = report("nobody", "x-secret").await;
    assert!(
        !ok && text.contains("0 entries") && text.contains("no user search finds"),
        "{text}"
    );
    slapd.stop();
    let (ok, text) = report("jane", "jane-secret").await;
    assert!(!ok && text.contains("cannot be reached"), "{text}");
}

/// LDAP-007, LDAP-020, ldap-17: what is wrong with server or reader is said, without the password.
#[tokio::test]
async fn sec_ldap_17_failures_do_not_tell_passwords() {
    let world = World::new().await;
    let slapd = Slapd::start(&small());
    for (config, part) in [
        (
            Ldap {
                reader_password: Some(Secret::new("wrong-secret")),
                ..config(&slapd)
            },
            "does not accept",
        ),
        (
            Ldap {
                server_url: Some("ldap://127.0.0.1:1".to_owned()),
                ..config(&slapd)
            },
            "cannot be reached",
        ),
    ] {
        let settings = read(&config);
        let failed = login(&settings, "jane", &Secret::new("jane-secret"), world.clock.now())
            .await
            .unwrap_err();
        assert!(matches!(failed, LoginFailure::Unavailable(_)));
        let text = format!("{failed} {failed:?}");
        assert!(text.contains(part) && !text.contains("secret"), "{text}");
        let failed = world.sync(&settings).await.unwrap_err();
        assert!(!format!("{failed} {failed:?}").contains("secret"), "{failed:?}");
    }
}

/// LDAP-003, LDAP-008: each search asks its server, and the bind goes to where the entry is.
#[tokio::test]
async fn three_servers() {
    let world = World::new().await;
    let suffixes = ["dc=example,dc=com", "dc=one,dc=com", "dc=two,dc=one,dc=com"];
    let servers = suffixes.map(|suffix| {
        let mut ldif = Ldif::domain(suffix);
        ldif.person(suffix.split(['=', ',']).nth(1).unwrap(), "pw");
        ldif.person("jane", suffix);
        logged(&ldif)
    });
    let settings = read(&Ldap {
        additional_domains: vec![domain(&servers[1]), domain(&servers[2])],
        user_search_configs: servers.iter().map(search).collect(),
        ..config(&servers[0])
    });
    for name in ["example", "one", "two"] {
        assert!(world.ldap_login(&settings, name, "pw").await.is_ok(), "{name}");
    }
    assert!(world.ldap_login(&settings, "jane", suffixes[0]).await.is_ok());
    assert_eq!(
        world.ldap_login(&settings, "jane", suffixes[1]).await,
        Err(Denial::WrongPassword),
        "the first search wins"
    );
    for (server, name) in servers.iter().zip(["example", "one", "two"]) {
        let bind = format!("BIND dn=\"uid={name},ou=people");
        assert!(
            server.settled_log().contains(&bind),
            "{name} was not bound at its own server"
        );
    }
}

/// LDAP-010, LDAP-014, LDAP-018: groups decide about logins, administrators and teams at the login already.
#[tokio::test]
async fn groups_at_login() {
    let world = World::new().await;
    let mut entries = small();
    let (jane, bob) = (
        entries.person("eve", "eve-secret"),
        entries.dn("uid=bob,ou=people"),
    );
    let users = entries.group("users", &[jane.clone(), bob.clone()]);
    let admins = entries.group("admins", std::slice::from_ref(&bob));
    let empty = entries.group("empty", &[]);
    let slapd = Slapd::start(&entries);
    let settings = read(&Ldap {
        user_search_configs: vec![UserSearch {
            match_group: true,
            match_group_dn: Some(users),
            ..search(&slapd)
        }],
        admin_sync_opts: AdminSync {
            group_dn: Some(admins.clone()),
            ..AdminSync::default()
        },
        ..config(&slapd)
    });
    assert_eq!(
        world.ldap_login(&settings, "jane", "jane-secret").await,
        Err(Denial::NotFound),
        "jane is in no group"
    );
    world.team("corp", "bosses", by_group(admins)).await;
    world.team("corp", "nobody", by_group(empty)).await;
    let teams = TeamSync::of(&world.directory().await).unwrap();
    for (name, is_admin) in [("eve", false), ("bob", true)] {
        let password = Secret::new(format!("{name}-secret"));
        let person = login(&settings, name, &password, world.clock.now())
            .await
            .unwrap();
        assert_eq!(person.is_admin, Some(is_admin), "{name}");
        let belong = memberships(&settings, &person, &teams).await.unwrap();
        assert_eq!(belong, [is_admin, false], "{name}");
    }
}

/// ldap-19: an entry that has expired does not log in, although the server would let it.
#[tokio::test]
async fn sec_ldap_19_expired_entries_do_not_log_in() {
    let world = World::new().await;
    let slapd = Slapd::start(&small());
    let settings = read(&config(&slapd));
    let dn = "uid=jane,ou=people,dc=example,dc=com";
    slapd.modify(&format!(
        "dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: shadowAccount\n-\nadd: shadowExpire\nshadowExpire: 10000\n"
    ));
    assert_eq!(
        world.ldap_login(&settings, "jane", "jane-secret").await,
        Err(Denial::Disabled)
    );
    slapd.set(dn, "shadowExpire", "-1");
    assert!(world.ldap_login(&settings, "jane", "jane-secret").await.is_ok());
}
