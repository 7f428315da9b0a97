//! Members of teams, and administrators of organizations, as the directory has them.

use mke_auth::ldap::{Options, dry_run};
use mke_auth::records::{MemberSync, Membership};
use mke_core::time::Clock as _;
use mke_test_support::{Ldif, Slapd};

use crate::lab::{by_group, config, read};
use crate::support::World;

fn people() -> Ldif {
    let mut ldif = Ldif::domain("dc=example,dc=com");
    for name in ["a", "b", "c", "d", "e", "f"] {
        ldif.person(name, "pw");
    }
    ldif
}

fn dn(name: &str) -> String {
    format!("uid={name},ou=people,dc=example,dc=com")
}

/// LDAP-018, LDAP-021: by group and by search, people join and leave with the directory; an empty group is a team
/// without members; members of a team are members of its organization.
#[tokio::test]
async fn teams_follow_groups_and_searches() {
    let world = World::new().await;
    let mut entries = people();
    let (ops, empty) = (
        entries.group("ops", &[dn("a"), dn("b")]),
        entries.group("empty", &[]),
    );
    let slapd = Slapd::start(&entries);
    let settings = read(&config(&slapd));
    let (corp, by_ops) = world.team("corp", "ops", by_group(ops.clone())).await;
    let (_, nobody) = world.team("corp", "empty", by_group(empty)).await;
    let (_, found) = world
        .team(
            "corp",
            "found",
            MemberSync {
                enabled: true,
                search_base_dn: "ou=people,dc=example,dc=com".to_owned(),
                search_filter: "(|(uid=b)(uid=c))".to_owned(),
                ..MemberSync::default()
            },
        )
        .await;
    let (_, off) = world
        .team(
            "corp",
            "off",
            MemberSync {
                enabled: false,
                ..by_group(ops.clone())
            },
        )
        .await;
    world.sync(&settings).await.unwrap();
    assert_eq!(world.members(&by_ops).await, ["a", "b"]);
    assert_eq!(world.members(&found).await, ["b", "c"]);
    assert!(world.members(&nobody).await.is_empty() && world.members(&off).await.is_empty());
    let a = world.account("a").await.id;
    assert!(world.directory().await.membership(&corp, &a).is_some());
    slapd.modify(&format!(
        "dn: {ops}\nchangetype: modify\ndelete: member\nmember: {}\n-\nadd: member\nmember: {}\n",
        dn("a"),
        dn("d")
    ));
    let outcome = world.sync(&settings).await.unwrap();
    assert_eq!((outcome.planned.joined, outcome.planned.left), (1, 1));
    assert_eq!(world.members(&by_ops).await, ["b", "d"]);
    assert!(
        world.directory().await.membership(&corp, &a).is_some(),
        "leaving a team leaves the organization as it is"
    );
    assert_eq!(world.sync(&settings).await.unwrap().done, 0);
}

/// LDAP-018: members that do not come from the directory stay where that is allowed, and leave where not.
#[tokio::test]
async fn members_that_were_made_here() {
    let world = World::new().await;
    let mut entries = people();
    let group = entries.group("ops", &[dn("a")]);
    let slapd = Slapd::start(&entries);
    let settings = read(&config(&slapd));
    let local = world.user("local").await.id;
    for (allow_others, members) in [(true, &["a", "local"][..]), (false, &["a"])] {
        let options = MemberSync {
            allow_others,
            ..by_group(group.clone())
        };
        let (org, team) = world.team("corp", &format!("ops-{allow_others}"), options).await;
        let plain = Membership { is_admin: false };
        world
            .accounts
            .put_team_member(&org, &team, &local, plain)
            .await
            .unwrap();
        world.sync(&settings).await.unwrap();
        assert_eq!(world.members(&team).await, members, "{allow_others}");
    }
    assert!(world.account("local").await.is_active_user());
}

/// ldap-11: groups in groups, in circles and ten thousand levels deep, end; only their direct members count.
#[tokio::test]
async fn sec_ldap_11_nested_groups_end() {
    let world = World::new().await;
    let mut entries = people();
    let name = |number: usize| format!("cn=g{number},ou=groups,dc=example,dc=com");
    for number in 0..10_000 {
        let mut members = vec![name((number + 1) % 10_000)];
        if number == 0 {
            members.extend([name(0), dn("a")]);
        }
        if number == 1 {
            members.push(dn("b"));
        }
        entries.group(&format!("g{number}"), &members);
    }
    let slapd = Slapd::start(&entries);
    let (_, team) = world.team("corp", "nested", by_group(name(0))).await;
    world.sync(&read(&config(&slapd))).await.unwrap();
    assert_eq!(world.members(&team).await, ["a"]);
}

/// LDAP-018, LDAP-020: a group or base that is not there leaves its team as it is and says so. Everybody else follows
/// the directory, so that whoever manages one team cannot keep those active who left.
#[tokio::test]
async fn a_group_that_is_not_there() {
    let world = World::new().await;
    let mut entries = people();
    let group = entries.group("ops", &[dn("a")]);
    let slapd = Slapd::start(&entries);
    let settings = read(&config(&slapd));
    let (_, ops) = world.team("corp", "ops", by_group(group.clone())).await;
    let nowhere = MemberSync {
        enabled: true,
        search_base_dn: "ou=none,dc=example,dc=com".to_owned(),
        search_filter: "(uid=b)".to_owned(),
        ..MemberSync::default()
    };
    let (_, lost) = world.team("corp", "lost", nowhere).await;
    world.sync(&settings).await.unwrap();
    assert_eq!(world.members(&ops).await, ["a"]);
    slapd.modify(&format!("dn: {group}\nchangetype: delete\n"));
    slapd.modify(&format!("dn: {}\nchangetype: delete\n", dn("f")));
    let outcome = world.sync(&settings).await.unwrap();
    assert_eq!(outcome.planned.left, 0);
    assert_eq!(world.members(&ops).await, ["a"]);
    assert!(world.members(&lost).await.is_empty());
    assert!(!world.account("f").await.is_active_user());
    let options = Options::of(&settings);
    let asked = dry_run(&settings, &world.directory().await, &options, world.clock.now()).await;
    let text = asked.unwrap().text;
    for what in [group.as_str(), "ou=none"] {
        assert!(text.contains(what), "{what} is not named in {text}");
    }
}

/// The administrators of an organization follow a group; who ceases to be one stays a member.
#[tokio::test]
async fn administrators_of_an_organization() {
    let world = World::new().await;
    let mut entries = people();
    let group = entries.group("heads", &[dn("a"), dn("b")]);
    let slapd = Slapd::start(&entries);
    let settings = read(&config(&slapd));
    let (org, _) = world.team("corp", "none", MemberSync::default()).await;
    world
        .accounts
        .sync_administrators(&org, Some(&by_group(group.clone())))
        .await
        .unwrap();
    world.sync(&settings).await.unwrap();
    let admins = async || {
        let directory = world.directory().await;
        let mut members: Vec<(String, bool)> = directory
            .members(&org)
            .iter()
            .map(|member| (member.account.name.to_string(), member.membership.is_admin))
            .collect();
        members.sort();
        members
    };
    assert_eq!(admins().await, [("a".to_owned(), true), ("b".to_owned(), true)]);
    slapd.set(&group, "member", &dn("b"));
    world.sync(&settings).await.unwrap();
    assert_eq!(admins().await, [("a".to_owned(), false), ("b".to_owned(), true)]);
}
