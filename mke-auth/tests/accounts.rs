//! Users, organizations, teams and members: what can be made, and what goes with what is deleted.

mod support;

use mke_auth::accounts::{
    AccountError, BulkChange, NewOrganization, NewTeam, NewUser, PasswordChange, TeamChange, UserChange,
};
use mke_auth::records::{Membership, Origin, Source};
use mke_core::secret::Secret;
use mke_core::store::layout;
use support::{PASSWORD, World, password, rng};

const PLAIN: Membership = Membership { is_admin: false };
const ADMIN: Membership = Membership { is_admin: true };

fn org(name: &str) -> NewOrganization {
    NewOrganization {
        name: name.to_owned(),
        full_name: String::new(),
    }
}

fn team(name: &str) -> NewTeam {
    NewTeam {
        name: name.to_owned(),
        description: String::new(),
    }
}

/// AUTH-001: a user is made, found, changed, logs in and is deleted.
#[tokio::test]
async fn a_user_from_beginning_to_end() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let directory = world.directory().await;
    assert_eq!(directory.account_by_name("jane").unwrap().id, jane.id);
    assert_eq!(directory.resolve(jane.id.as_str()).unwrap().name, jane.name);
    assert_eq!(directory.users_count(), 2);

    let change = UserChange {
        full_name: Some("Jane Doe".to_owned()),
        ..UserChange::default()
    };
    let (changed, _) = world.accounts.update_account(&jane.id, &change).await.unwrap();
    assert_eq!(changed.full_name, "Jane Doe");
    assert!(changed.is_active_user() && !changed.is_active_admin());
    assert!(world.try_login("jane", PASSWORD).await.is_ok());

    world.accounts.delete_user(&jane.id).await.unwrap();
    assert!(world.directory().await.resolve("jane").is_none());
    assert!(world.try_login("jane", PASSWORD).await.is_err());
    assert!(matches!(
        world.accounts.delete_user(&jane.id).await,
        Err(AccountError::NoSuchAccount { .. })
    ));
}

/// AUTH-002, AUTH-003, AUTH-004: everything wrong with a request is said at once, at the bounds of each field.
#[tokio::test]
async fn all_problems_at_once() {
    let world = World::new().await;
    let bad = NewUser {
        full_name: "x".repeat(301),
        ..NewUser::local("Jane Doe", Secret::new("7 chars"))
    };
    let Err(AccountError::Invalid(problems)) = world.accounts.create_user(bad, &mut rng()).await else {
        panic!("must be refused as invalid");
    };
    let fields: Vec<_> = problems.0.iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["name", "fullName", "password"]);

    for (password, ok) in [
        ("7 chars", false),
        ("8 chars!", true),
        ("é é é é", false),
        ("é é é é ", true),
    ] {
        let new = NewUser::local(format!("u{}", password.len()), Secret::new(password));
        assert_eq!(
            world.accounts.create_user(new, &mut rng()).await.is_ok(),
            ok,
            "{password:?}"
        );
    }
    for (name, ok) in [
        ("", false),
        ("Org", false),
        ("o", true),
        (&*"o".repeat(101), false),
    ] {
        let made = world.accounts.create_organization(org(name), &mut rng()).await;
        assert_eq!(made.is_ok(), ok, "{name:?}");
    }
    for (name, chars, ok) in [
        ("at the limit", 140, true),
        ("beyond", 141, false),
        ("", 0, false),
        (&*"t".repeat(101), 0, false),
    ] {
        let new = NewTeam {
            name: name.to_owned(),
            description: "é".repeat(chars),
        };
        let made = world.accounts.create_team(&world.everyone, new, &mut rng()).await;
        assert_eq!(made.is_ok(), ok, "{name:?} with {chars} characters");
    }
}

/// AUTH-002: names are unique among users and organizations together (R1), also in a race, and free again after
/// deletion.
#[tokio::test]
async fn one_name_space() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let taken = world.accounts.create_organization(org("jane"), &mut rng()).await;
    assert!(matches!(taken, Err(AccountError::NameInUse { .. })));
    let (mut one, mut other) = (rng(), rng());
    let (a, b) = tokio::join!(
        world
            .accounts
            .create_user(NewUser::local("x", password()), &mut one),
        world.accounts.create_organization(org("x"), &mut other),
    );
    assert!(a.is_ok() ^ b.is_ok(), "exactly one must get the name");
    world.accounts.delete_user(&jane.id).await.unwrap();
    let again = world.user("jane").await;
    assert_ne!(again.id, jane.id);
}

/// AUTH-006: every user is a member of the default organization without being put there; nobody leaves it, and
/// it stays.
#[tokio::test]
async fn everybody_is_a_member() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let directory = world.directory().await;
    assert_eq!(directory.membership(&world.everyone, &jane.id), Some(PLAIN));
    let members: Vec<_> = directory
        .members(&world.everyone)
        .into_iter()
        .map(|member| member.account.id.clone())
        .collect();
    let mut expected = vec![world.admin.clone(), jane.id.clone()];
    expected.sort();
    assert_eq!(members, expected);
    assert_eq!(directory.members_count(&world.everyone), 2);
    let orgs = directory.organizations_of(&jane.id);
    assert_eq!(orgs.len(), 1);
    assert_eq!(orgs[0].account.name.as_str(), "docker-datacenter");

    world
        .accounts
        .put_member(&world.everyone, &jane.id, ADMIN)
        .await
        .unwrap();
    let directory = world.directory().await;
    assert_eq!(directory.membership(&world.everyone, &jane.id), Some(ADMIN));
    assert_eq!(directory.organizations_of(&jane.id).len(), 1);
    assert_eq!(directory.members(&world.everyone).len(), 2);

    for refused in [
        world.accounts.remove_member(&world.everyone, &jane.id).await,
        world.accounts.delete_organization(&world.everyone).await,
    ] {
        assert!(matches!(refused, Err(AccountError::BuiltIn { .. })));
    }
    let (again, made) = world
        .accounts
        .ensure_default_organization(&mut rng())
        .await
        .unwrap();
    assert_eq!((again, made), (world.everyone.clone(), None));
}

/// authn-14: of many who would be the first administrator one becomes it, and nobody later, whatever the name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_14_one_first_administrator() {
    let world = std::sync::Arc::new(World::new().await);
    let late = NewUser::local("late", password());
    assert!(matches!(
        world.accounts.create_first_administrator(late, &mut rng()).await,
        Err(AccountError::AlreadyInitialized)
    ));
    // From here on as if there were none.
    world.forget(layout::FIRST_ADMINISTRATOR).await;
    let racers: Vec<_> = (0..8)
        .map(|i| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move {
                let new = NewUser::local(format!("racer{i}"), password());
                world.accounts.create_first_administrator(new, &mut rng()).await
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok((account, _)) => {
                winners += 1;
                assert!(account.is_active_admin());
            }
            Err(error) => assert!(matches!(error, AccountError::AlreadyInitialized), "{error}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(
        world.directory().await.users_count(),
        2,
        "losers leave nothing behind"
    );
}

/// The last active administrator stays; two who remove each other at once do not both succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_remains() {
    let world = World::new().await;
    let demote = UserChange {
        is_admin: Some(false),
        ..UserChange::default()
    };
    let deactivate = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    let promote = UserChange {
        is_admin: Some(true),
        ..UserChange::default()
    };
    for change in [&demote, &deactivate] {
        assert!(matches!(
            world.accounts.update_account(&world.admin, change).await,
            Err(AccountError::LastAdministrator { .. })
        ));
    }
    assert!(matches!(
        world.accounts.delete_user(&world.admin).await,
        Err(AccountError::LastAdministrator { .. })
    ));
    let second = world.user("second").await;
    for _ in 0..20 {
        for id in [&world.admin, &second.id] {
            world.accounts.update_account(id, &promote).await.unwrap();
        }
        let (a, b) = tokio::join!(
            world.accounts.update_account(&world.admin, &demote),
            world.accounts.update_account(&second.id, &demote),
        );
        assert!(a.is_ok() ^ b.is_ok(), "exactly one must be demoted: {a:?} {b:?}");
    }
}

/// rbac-04: deleting a user leaves nothing that an heir of its id or name could use. The neighbours keep theirs.
#[tokio::test]
async fn sec_rbac_04_nothing_outlives_a_user() {
    let world = World::new().await;
    let (jane, john) = (world.user("jane").await, world.user("john").await);
    let (acme, _) = world
        .accounts
        .create_organization(org("acme"), &mut rng())
        .await
        .unwrap();
    let (ops, _) = world
        .accounts
        .create_team(&acme.id, team("ops"), &mut rng())
        .await
        .unwrap();
    for user in [&jane, &john] {
        world
            .accounts
            .put_team_member(&acme.id, &ops.id, &user.id, PLAIN)
            .await
            .unwrap();
        world.login(user.name.as_str()).await;
        let pair = mke_core::pki::KeyPair::generate(&mut rng()).unwrap();
        world
            .keys
            .register(&world.directory().await, &user.id, pair.public_key(), "")
            .await
            .unwrap();
        world
            .put(layout::grant(user.id.as_str(), "swarm", &"fullcontrol".into()))
            .await;
        world.put(layout::default_collection(&user.id)).await;
    }
    let of_john = world.keys_below(layout::ROOT).await.len();
    world.accounts.delete_user(&jane.id).await.unwrap();
    let left = world.keys_below(layout::ROOT).await;
    assert!(!left.iter().any(|key| key.contains(jane.id.as_str())), "{left:?}");
    // account, name, stamp, login, session, key, two memberships, grant, default collection
    assert_eq!(of_john - left.len(), 10);
    let directory = world.directory().await;
    assert_eq!(directory.keys_of(&jane.id).count(), 0);
    assert_eq!(directory.keys_of(&john.id).count(), 1);
    assert_eq!(directory.team_members_count(&ops.id), 1);
    assert_eq!(directory.damaged().count(), 0);
}

/// R7: an organization takes its teams and all their grants along; a team its own.
#[tokio::test]
async fn organizations_and_teams_take_their_grants_along() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let make = async |name| {
        let (org, _) = world
            .accounts
            .create_organization(org(name), &mut rng())
            .await
            .unwrap();
        let (team, _) = world
            .accounts
            .create_team(&org.id, team("ops"), &mut rng())
            .await
            .unwrap();
        world
            .accounts
            .put_team_member(&org.id, &team.id, &jane.id, ADMIN)
            .await
            .unwrap();
        for subject in [org.id.as_str(), team.id.as_str()] {
            world
                .put(layout::grant(subject, "swarm", &"viewonly".into()))
                .await;
        }
        (org, team)
    };
    let (acme, _) = make("acme").await;
    let (other, ops) = make("other").await;
    let before = world.keys_below(layout::ROOT).await.len();
    world.accounts.delete_organization(&acme.id).await.unwrap();
    // account, name, stamp, team, team name, member, team member, two grants
    assert_eq!(before - world.keys_below(layout::ROOT).await.len(), 9);
    assert_eq!(world.keys_below(layout::GRANTS).await.len(), 2);

    world.accounts.delete_team(&other.id, &ops.id).await.unwrap();
    assert_eq!(
        world.keys_below(layout::GRANTS).await,
        [layout::grant(other.id.as_str(), "swarm", &"viewonly".into())]
    );
    let directory = world.directory().await;
    assert_eq!(
        directory.membership(&other.id, &jane.id),
        Some(PLAIN),
        "the organization stays"
    );
    assert_eq!(directory.teams_of(&jane.id).count(), 0);
}

/// rbac-04: whatever happens at the same time, nothing that belongs to a deleted account is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_joins_an_account_that_is_being_deleted() {
    let world = World::new().await;
    for i in 0..10 {
        let jane = world.user(&format!("jane{i}")).await;
        let (acme, _) = world
            .accounts
            .create_organization(org(&format!("acme{i}")), &mut rng())
            .await
            .unwrap();
        let (first, _) = world
            .accounts
            .create_team(&acme.id, team("first"), &mut rng())
            .await
            .unwrap();
        let directory = world.directory().await;
        let pair = mke_core::pki::KeyPair::generate(&mut rng()).unwrap();
        let mut random = rng();
        let _ = tokio::join!(
            world
                .accounts
                .put_team_member(&acme.id, &first.id, &jane.id, PLAIN),
            world.keys.register(&directory, &jane.id, pair.public_key(), ""),
            world.accounts.delete_user(&jane.id),
            world.accounts.create_team(&acme.id, team("second"), &mut random),
            world.accounts.delete_organization(&acme.id),
        );
        let left = world.keys_below(layout::ROOT).await;
        for gone in [&jane.id, &acme.id] {
            assert!(!left.iter().any(|key| key.contains(gone.as_str())), "{left:?}");
        }
        assert_eq!(world.directory().await.keys_of(&jane.id).count(), 0);
    }
}

/// R2: joining a team joins the organization; leaving the organization leaves its teams; leaving a team does
/// not leave the organization.
#[tokio::test]
async fn teams_and_their_organization() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let (acme, _) = world
        .accounts
        .create_organization(org("acme"), &mut rng())
        .await
        .unwrap();
    let (ops, _) = world
        .accounts
        .create_team(&acme.id, team("Ops Team"), &mut rng())
        .await
        .unwrap();
    let same = world
        .accounts
        .create_team(&acme.id, team("Ops Team"), &mut rng())
        .await;
    assert!(matches!(same, Err(AccountError::NameInUse { .. })));
    let elsewhere = world
        .accounts
        .create_team(&world.everyone, team("Ops Team"), &mut rng())
        .await;
    assert_ne!(elsewhere.unwrap().0.id, ops.id, "R3");

    let accounts = &world.accounts;
    accounts
        .put_team_member(&acme.id, &ops.id, &jane.id, ADMIN)
        .await
        .unwrap();
    let directory = world.directory().await;
    assert_eq!(directory.membership(&acme.id, &jane.id), Some(PLAIN));
    assert_eq!(directory.team_membership(&ops.id, &jane.id), Some(ADMIN));

    accounts
        .remove_team_member(&acme.id, &ops.id, &jane.id)
        .await
        .unwrap();
    assert!(matches!(
        accounts.remove_team_member(&acme.id, &ops.id, &jane.id).await,
        Err(AccountError::NotAMember { .. })
    ));
    assert!(world.directory().await.membership(&acme.id, &jane.id).is_some());

    accounts
        .put_team_member(&acme.id, &ops.id, &jane.id, PLAIN)
        .await
        .unwrap();
    accounts.remove_member(&acme.id, &jane.id).await.unwrap();
    let directory = world.directory().await;
    assert_eq!(directory.membership(&acme.id, &jane.id), None);
    assert_eq!(directory.team_membership(&ops.id, &jane.id), None);
    assert!(matches!(
        accounts.remove_member(&acme.id, &jane.id).await,
        Err(AccountError::NotAMember { .. })
    ));

    let rename = TeamChange {
        name: Some("Platform".to_owned()),
        description: None,
    };
    let (renamed, _) = accounts.update_team(&acme.id, &ops.id, &rename).await.unwrap();
    assert_eq!(renamed.id, ops.id);
    let directory = world.directory().await;
    assert!(directory.resolve_team(&acme.id, "Ops Team").is_none());
    assert!(directory.resolve_team(&acme.id, "Platform").is_some());
    assert!(directory.resolve_team(&acme.id, ops.id.as_str()).is_some());
    assert!(directory.resolve_team(&world.everyone, ops.id.as_str()).is_none());
}

/// What is no user cannot be used as one, and the reverse.
#[tokio::test]
async fn kinds_are_kept_apart() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let flags = UserChange {
        is_admin: Some(true),
        ..UserChange::default()
    };
    let accounts = &world.accounts;
    assert!(matches!(
        accounts.update_account(&world.everyone, &flags).await,
        Err(AccountError::NotAUser { .. })
    ));
    assert!(matches!(
        accounts.delete_user(&world.everyone).await,
        Err(AccountError::NotAUser { .. })
    ));
    assert!(matches!(
        accounts.delete_organization(&jane.id).await,
        Err(AccountError::NotAnOrganization { .. })
    ));
    assert!(matches!(
        accounts.put_member(&jane.id, &world.admin, PLAIN).await,
        Err(AccountError::NotAnOrganization { .. })
    ));
    assert!(matches!(
        accounts.put_member(&world.everyone, &world.everyone, PLAIN).await,
        Err(AccountError::NotAUser { .. })
    ));
    assert!(matches!(
        accounts.create_team(&jane.id, team("x"), &mut rng()).await,
        Err(AccountError::NotAnOrganization { .. })
    ));
}

/// AUTH-008: an administrator sets another's password; one that a directory keeps is refused.
#[tokio::test]
async fn passwords_are_reset() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let new = Secret::new("a new password");
    let own = PasswordChange::Own {
        old: Secret::new("not the old one"),
    };
    assert!(matches!(
        world
            .accounts
            .change_password(&jane.id, &own, &new, &mut rng())
            .await,
        Err(AccountError::WrongPassword)
    ));
    assert!(
        world.try_login("jane", PASSWORD).await.is_ok(),
        "a wrong old one changes nothing"
    );
    world
        .accounts
        .change_password(&jane.id, &PasswordChange::Reset, &new, &mut rng())
        .await
        .unwrap();
    assert!(world.try_login("jane", PASSWORD).await.is_err());
    assert!(world.try_login("jane", new.expose()).await.is_ok());

    let imported = NewUser::imported("ldap", Origin::new(Source::Ldap, "u-1"));
    let (imported, _) = world.accounts.create_user(imported, &mut rng()).await.unwrap();
    assert!(matches!(
        world
            .accounts
            .change_password(&imported.id, &PasswordChange::Reset, &new, &mut rng())
            .await,
        Err(AccountError::Imported { .. })
    ));
    assert!(world.try_login("ldap", new.expose()).await.is_err());
}

/// Each change of a bulk request stands for itself.
#[tokio::test]
async fn many_changes() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let changes = [
        BulkChange::Update(
            jane.id.clone(),
            UserChange {
                is_active: Some(false),
                ..UserChange::default()
            },
        ),
        BulkChange::Delete("nobody".into()),
        BulkChange::Delete(world.admin.clone()),
    ];
    let outcome = world.accounts.bulk(&changes).await;
    assert!(outcome.results[0].is_ok());
    assert!(matches!(
        outcome.results[1],
        Err(AccountError::NoSuchAccount { .. })
    ));
    assert!(matches!(
        outcome.results[2],
        Err(AccountError::LastAdministrator { .. })
    ));
    assert!(outcome.revision.is_some());
    assert!(
        !world
            .directory()
            .await
            .account(&jane.id)
            .unwrap()
            .is_active_user()
    );
}
