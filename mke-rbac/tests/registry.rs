//! What accounts may do with the repositories of registries: tables with their denials, and a slow evaluator beside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test fails the test"
)]

use mke_rbac::registry::{
    MAX_SCOPE_BYTES, MAX_SCOPES, Reason, Ruling, Scope, ScopeError, Standing, Ties, decide,
};
use proptest::prelude::*;

const NOBODY: Ties = Ties {
    administrator: false,
    owner: false,
    organization: None,
    team: None,
};
const MEMBER: Option<Standing> = Some(Standing::Member);
const ADMIN: Option<Standing> = Some(Standing::Administrator);

fn one(text: &str) -> Scope {
    let mut scopes = Scope::read_all([text]).unwrap();
    assert_eq!(scopes.len(), 1, "{text}");
    scopes.remove(0)
}

fn rule(text: &str, ties: Ties) -> Ruling {
    decide(&one(text), &ties)
}

#[test]
fn who_may_do_what() {
    let administrator = Ties {
        administrator: true,
        ..NOBODY
    };
    let owner = Ties {
        owner: true,
        ..NOBODY
    };
    let in_organization = |organization| Ties {
        organization,
        ..NOBODY
    };
    let in_team = |team| Ties {
        organization: MEMBER,
        team,
        ..NOBODY
    };
    let all = "pull push delete *";
    #[rustfmt::skip]
    let rows: &[(&str, Ties, &str, Reason)] = &[
        ("app",           administrator,          all,         Reason::Administrator),
        ("other/app",     administrator,          all,         Reason::Administrator),
        ("jane/app",      owner,                  all,         Reason::Owner),
        ("jane/a/b/c",    owner,                  all,         Reason::Owner),
        ("jane",          owner,                  "",          Reason::Stranger),
        ("acme/app",      in_organization(ADMIN), all,         Reason::OrganizationAdministrator),
        ("acme/dev/app",  in_organization(ADMIN), all,         Reason::OrganizationAdministrator),
        ("acme/app",      in_organization(MEMBER), "pull",     Reason::Member),
        ("acme/dev/app",  in_organization(MEMBER), "pull",     Reason::Member),
        ("acme/dev/app",  in_team(MEMBER),        "pull push", Reason::TeamMember),
        ("acme/dev/a/b",  in_team(MEMBER),        "pull push", Reason::TeamMember),
        ("acme/dev/app",  in_team(ADMIN),         all,         Reason::TeamAdministrator),
        // The team's part begins below its name.
        ("acme/dev",      in_team(ADMIN),         "pull",      Reason::Member),
        ("acme/dev",      in_team(MEMBER),        "pull",      Reason::Member),
        ("acme",          in_organization(ADMIN), "",          Reason::Stranger),
        // In the team, but not in its organization.
        ("acme/dev/app",  Ties { team: ADMIN, ..NOBODY }, "",  Reason::Stranger),
        ("other/app",     NOBODY,                 "",          Reason::Stranger),
        ("library",       NOBODY,                 "",          Reason::Stranger),
    ];
    for (name, ties, expected, reason) in rows {
        let ruling = rule(&format!("repository:{name}:pull,push,delete,*"), *ties);
        assert_eq!(ruling.granted.join(" "), *expected, "{name} {ties:?}");
        assert_eq!(ruling.reason, *reason, "{name} {ties:?}");
        assert_eq!(ruling.granted.len() + ruling.refused.len(), 4, "{name}");
    }
}

/// Names that no registry could hold open nothing, not even to administrators: another reader of the token may read them
/// otherwise.
#[test]
fn odd_names_open_nothing() {
    let administrator = Ties {
        administrator: true,
        owner: true,
        organization: ADMIN,
        team: ADMIN,
    };
    for name in [
        "acme/../jane/app",
        "acme//app",
        "/acme/app",
        "acme/app/",
        "Acme/app",
        "acme/app.",
        "acme/.app",
        "acme/a..b",
        "acme/a___b",
        "acme/a_-b",
        "acme/%61pp",
        "registry.example.com:5000/acme/app",
        "acme/app@sha256",
        "acme/äpp",
        "acme/*",
        &format!("acme/{}", "a".repeat(251)),
    ] {
        let ruling = rule(&format!("repository:{name}:pull"), administrator);
        assert_eq!(
            (ruling.granted.len(), ruling.reason),
            (0, Reason::Unknown),
            "{name}"
        );
    }
    for name in [
        "a/b",
        "a.b/c_d",
        "a__b/c--d",
        "0/1",
        &format!("acme/{}", "a".repeat(250)),
    ] {
        assert_eq!(
            rule(&format!("repository:{name}:pull"), administrator).granted,
            ["pull"],
            "{name}"
        );
    }
}

#[test]
fn other_resources() {
    let administrator = Ties {
        administrator: true,
        ..NOBODY
    };
    assert_eq!(rule("registry:catalog:*", administrator).granted, ["*"]);
    let own = Ties {
        owner: true,
        organization: ADMIN,
        team: ADMIN,
        ..NOBODY
    };
    let ruling = rule("registry:catalog:*", own);
    assert_eq!((ruling.granted.len(), ruling.reason), (0, Reason::Catalog));
    for text in [
        "registry:other:*",
        "repository(plugin):acme/app:pull",
        "Repository:acme/app:pull",
        "cluster:acme/app:pull",
    ] {
        assert_eq!(rule(text, administrator).reason, Reason::Unknown, "{text}");
        assert!(rule(text, administrator).granted.is_empty(), "{text}");
    }
    let ruling = rule("repository:acme/app:pull,PUSH,admin", administrator);
    assert_eq!(ruling.granted, ["pull"]);
    assert_eq!(ruling.refused, ["PUSH", "admin"]);
    assert!(rule("registry:catalog:pull", administrator).granted.is_empty());
}

#[test]
fn scopes_are_read() {
    let read = |texts: &[&str]| Scope::read_all(texts.iter().copied());
    assert_eq!(read(&[]).unwrap(), []);
    assert_eq!(read(&["", "  "]).unwrap(), []);
    let merged = read(&[
        "repository:a/b:pull,pull repository:c/d:pull",
        "repository:a/b:push,,pull",
    ])
    .unwrap();
    let shown: Vec<_> = merged
        .iter()
        .map(|scope| (scope.name.as_str(), scope.actions.join(",")))
        .collect();
    assert_eq!(
        shown,
        [("a/b", "pull,push".to_owned()), ("c/d", "pull".to_owned())]
    );
    assert_eq!(one("repository:h:5000/a:pull").name, "h:5000/a");
    assert_eq!(one("repository:a/b:").actions, Vec::<String>::new());
    for broken in [
        "repository",
        "repository:a/b",
        ":a/b:pull",
        "repository::pull",
        "::",
        "a\tb",
    ] {
        assert_eq!(
            read(&[broken]),
            Err(ScopeError::Form(broken.to_owned())),
            "{broken}"
        );
    }
}

/// G-02: both sides of each bound.
#[test]
fn sec_g_02_scopes_are_bounded() {
    let of_length = |length: usize| format!("repository:{}:pull", "a".repeat(length - 16));
    assert!(Scope::read_all([of_length(MAX_SCOPE_BYTES).as_str()]).is_ok());
    let found = MAX_SCOPE_BYTES + 1;
    let long = of_length(found);
    assert_eq!(
        Scope::read_all([long.as_str()]),
        Err(ScopeError::TooLong { found })
    );
    let many = vec!["repository:a/b:pull"; MAX_SCOPES];
    assert_eq!(Scope::read_all([many.join(" ").as_str()]).unwrap().len(), 1);
    let more = vec!["repository:a/b:pull"; MAX_SCOPES + 1];
    assert_eq!(Scope::read_all(more), Err(ScopeError::TooMany));
}

/// The table of the documents, line by line: every line that applies adds its actions.
fn slowly(parts: &[&str], ties: &Ties, action: &str) -> bool {
    let lines = [
        (ties.administrator, "pull push delete *"),
        (ties.owner && parts.len() >= 2, "pull push delete *"),
        (
            ties.organization == ADMIN && parts.len() >= 2,
            "pull push delete *",
        ),
        (
            ties.organization.is_some() && ties.team == ADMIN && parts.len() >= 3,
            "pull push delete *",
        ),
        (
            ties.organization.is_some() && ties.team == MEMBER && parts.len() >= 3,
            "pull push",
        ),
        (ties.organization.is_some() && parts.len() >= 2, "pull"),
    ];
    lines
        .iter()
        .any(|(applies, may)| *applies && may.split(' ').any(|word| word == action))
}

fn standing() -> impl Strategy<Value = Option<Standing>> {
    prop_oneof![Just(None), Just(MEMBER), Just(ADMIN)]
}

proptest! {
    #[test]
    fn same_as_the_table(
        parts in prop::collection::vec("[a-z0-9]{1,4}", 1..5),
        administrator: bool, owner: bool, organization in standing(), team in standing(),
        actions in prop::collection::vec(prop::sample::select(vec!["pull", "push", "delete", "*", "x"]), 0..5),
    ) {
        let ties = Ties { administrator, owner, organization, team };
        let scope = one(&format!("repository:{}:{}", parts.join("/"), actions.join(",")));
        let ruling = decide(&scope, &ties);
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        for action in &scope.actions {
            prop_assert_eq!(ruling.granted.contains(action), slowly(&parts, &ties, action), "{}", action);
            prop_assert_ne!(ruling.granted.contains(action), ruling.refused.contains(action));
        }
        prop_assert!(ruling.granted.iter().all(|action| actions.contains(&action.as_str())));
    }

    /// Nothing makes the reader fail, and what it reads is what was sent.
    #[test]
    fn any_text(text in "[a-z:/,* ]{0,80}") {
        if let Ok(scopes) = Scope::read_all([text.as_str()]) {
            for scope in scopes {
                let ruling = decide(&scope, &Ties { administrator: true, ..NOBODY });
                prop_assert!(ruling.granted.iter().all(|action| text.contains(action.as_str())));
            }
        }
    }
}
