//! Which entries become users.

use mke_core::config::{Ldap, UserSearch};
use mke_test_support::{Ldif, Slapd, SlapdOptions};

use crate::lab::{config, domain, names, read, search};
use crate::support::World;

/// LDAP-002, LDAP-003, LDAP-004, LDAP-008: searches go through their servers in order, and the first result of a name
/// wins.
#[tokio::test]
async fn searches_in_order() {
    let world = World::new().await;
    let servers = ["dc=example,dc=com", "dc=one,dc=com", "dc=two,dc=one,dc=com"].map(|suffix| {
        let mut ldif = Ldif::domain(suffix);
        ldif.person(suffix.split(['=', ',']).nth(1).unwrap(), "pw");
        ldif.person("jane", "pw");
        Slapd::start(&ldif)
    });
    let settings = read(&Ldap {
        additional_domains: vec![domain(&servers[1]), domain(&servers[2])],
        user_search_configs: servers.iter().map(search).collect(),
        ..config(&servers[0])
    });
    let outcome = world.sync(&settings).await.unwrap();
    assert_eq!(outcome.planned.created, 4);
    assert_eq!(world.active().await, ["admin", "example", "jane", "one", "two"]);
    let jane = world.account("jane").await;
    let dn = jane.origin().unwrap().dn.clone();
    assert_eq!(dn.as_deref(), Some("uid=jane,ou=people,dc=example,dc=com"));
}

/// LDAP-009: one level or all below, with and without a filter, and full names only where they are wanted.
#[tokio::test]
async fn scopes_filters_and_full_names() {
    let mut entries = Ldif::domain("dc=example,dc=com");
    entries.unit("deep,ou=people");
    entries.person("near", "pw");
    entries.person_in("deep,ou=people", "far", "pw");
    let slapd = Slapd::start(&entries);
    for (subtree, filter, full_name, expected) in [
        (false, "(objectClass=inetOrgPerson)", "cn", &["near"][..]),
        (true, "(objectClass=inetOrgPerson)", "cn", &["far", "near"]),
        (true, "", "", &["far", "near"]),
        (true, "(&(uid=*)(!(uid=near)))", "cn", &["far"]),
        (true, "(uid=n*r)", "", &["near"]),
    ] {
        let world = World::new().await;
        let settings = read(&Ldap {
            user_search_configs: vec![UserSearch {
                scope_subtree: subtree,
                filter: filter.to_owned(),
                full_name_attr: full_name.to_owned(),
                ..search(&slapd)
            }],
            ..config(&slapd)
        });
        world.sync(&settings).await.unwrap();
        let directory = world.directory().await;
        let imported = names(&directory, |account| account.origin().is_some());
        assert_eq!(imported, expected, "{subtree} {filter}");
        for name in imported {
            let shown = if full_name.is_empty() {
                String::new()
            } else {
                format!("Full {name}")
            };
            assert_eq!(world.account(&name).await.full_name, shown, "{subtree} {filter}");
        }
    }
}

/// LDAP-005, ldap-13: values that cannot be names are left out and reported; two that come to one name are one user.
#[tokio::test]
async fn sec_ldap_13_names_are_valid_and_one() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=example,dc=com");
    let odd = [
        "with space",
        "a:b",
        "a*b",
        "semi;colon",
        "quo'te",
        "back\\5cslash",
        "sla/sh",
        "pl\\2bus",
    ];
    for (number, name) in odd.iter().enumerate() {
        let dn = entries.dn(&format!("cn=odd{number},ou=people"));
        let value = name.replace("\\5c", "\\").replace("\\2b", "+");
        entries.add(
            &dn,
            &format!("objectClass: inetOrgPerson\ncn: odd{number}\nsn: x\nuid: {value}"),
        );
    }
    let long = "x".repeat(101);
    for (cn, uid) in [
        ("long", long.as_str()),
        ("one", "Same"),
        ("two", "same"),
        ("right", "Right.Name"),
    ] {
        let dn = entries.dn(&format!("cn={cn},ou=people"));
        entries.add(
            &dn,
            &format!("objectClass: inetOrgPerson\ncn: {cn}\nsn: x\nuid: {uid}"),
        );
    }
    let dn = entries.dn("cn=none,ou=people");
    entries.add(&dn, "objectClass: inetOrgPerson\ncn: none\nsn: x");
    let slapd = Slapd::start(&entries);
    let settings = read(&config(&slapd));
    let directory = world.directory().await;
    let notes = std::sync::Mutex::new(Vec::new());
    let log = |line: &str| notes.lock().unwrap().push(line.to_owned());
    let options = mke_auth::ldap::Options::of(&settings);
    mke_auth::ldap::sync(
        &settings,
        &world.accounts,
        &directory,
        &options,
        &mut crate::support::rng(),
        &log,
    )
    .await
    .unwrap();
    assert_eq!(world.active().await, ["admin", "right.name", "same"]);
    let notes = notes.into_inner().unwrap();
    let about = |part: &str| notes.iter().filter(|note| note.contains(part)).count();
    assert_eq!(about("is left out"), odd.len() + 2, "{notes:#?}");
    assert_eq!(about("is ignored"), 1, "{notes:#?}");
}

/// LDAP-010: members of a group only, by one search or by one query for each member.
#[tokio::test]
async fn members_of_a_group() {
    let mut entries = Ldif::domain("dc=example,dc=com");
    entries.unit("others");
    let (a, b) = (entries.person("a", "pw"), entries.person("b", "pw"));
    entries.person("c", "pw");
    let elsewhere = entries.person_in("others", "elsewhere", "pw");
    let gone = entries.dn("uid=gone,ou=people");
    let group = entries.group("users", &[a, b, elsewhere, gone]);
    let options = SlapdOptions {
        log: true,
        ..SlapdOptions::default()
    };
    for (iterate, queries) in [(false, 1), (true, 3)] {
        let slapd = Slapd::start_with(&entries, &options);
        let world = World::new().await;
        let settings = read(&Ldap {
            user_search_configs: vec![UserSearch {
                match_group: true,
                match_group_dn: Some(group.to_uppercase()),
                match_group_iterate: iterate,
                ..search(&slapd)
            }],
            ..config(&slapd)
        });
        world.sync(&settings).await.unwrap();
        assert_eq!(world.active().await, ["a", "admin", "b"], "iterate: {iterate}");
        let asked = slapd
            .settled_log()
            .matches("filter=\"(objectClass=inetOrgPerson)\"")
            .count();
        assert_eq!(asked, queries, "iterate: {iterate}\n{}", slapd.settled_log());
    }
}

/// LDAP-011, ldap-08: beyond the limit of the server pages bring everybody; without pages nothing is done.
#[tokio::test]
async fn sec_ldap_08_pages() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=example,dc=com");
    for number in 0..1500 {
        entries.person(&format!("user{number:04}"), "pw");
    }
    let options = SlapdOptions {
        log: true,
        database: "limits dn.exact=\"cn=reader,dc=example,dc=com\" size.soft=500 size.hard=500 size.prtotal=unlimited",
        ..SlapdOptions::default()
    };
    let slapd = Slapd::start_with(&entries, &options);
    let unpaged = read(&Ldap {
        no_simple_pagination: true,
        ..config(&slapd)
    });
    let failed = world.sync(&unpaged).await.unwrap_err();
    assert!(failed.to_string().contains("size limit exceeded"), "{failed}");
    assert_eq!(world.active().await, ["admin"]);
    let outcome = world.sync(&read(&config(&slapd))).await.unwrap();
    assert_eq!(outcome.planned.created, 1500);
    assert!(
        slapd.settled_log().contains("tag=101 err=0 nentries=500")
            || slapd.settled_log().contains("nentries=1000")
    );
    let before = world.revision().await;
    assert!(world.sync(&unpaged).await.is_err());
    assert_eq!(world.revision().await, before);
}

/// LDAP-006: of an entry only name, full name, DN and unique id are kept.
#[tokio::test]
async fn nothing_else_is_kept() {
    let world = World::new().await;
    let mut entries = Ldif::domain("dc=example,dc=com");
    let dn = entries.dn("uid=jane,ou=people");
    entries.add(
        &dn,
        "objectClass: inetOrgPerson\nuid: jane\ncn: Jane Doe\nsn: Sur-x1\ngivenName: Given-x2\nmail: x3@example.com\n\
         telephoneNumber: +1 555 0199 7\nemployeeNumber: number-x5\nuserPassword: x6-secret\ndescription: words-x7",
    );
    let slapd = Slapd::start(&entries);
    world.sync(&read(&config(&slapd))).await.unwrap();
    let stored = world.dump().await;
    assert!(stored.contains("Jane Doe") && stored.contains("uid=jane,ou=people"));
    for part in [
        "Sur-x1",
        "Given-x2",
        "x3@",
        "0199 7",
        "number-x5",
        "x6-secret",
        "words-x7",
        "inetOrgPerson",
    ] {
        assert!(!stored.contains(part), "{part} is stored");
    }
}
