//! Accounts that come from elsewhere: their origin, the ties of teams, and sessions for whom others vouch.

mod support;

use std::sync::Arc;

use mke_auth::accounts::{AccountError, NewTeam, NewUser, TeamLink, UserChange};
use mke_auth::records::{self, Account, MemberSync, Origin, Source, Team};
use mke_auth::sessions::LoginError;
use mke_core::store::layout;
use support::{World, rng};

fn ldap(id: &str) -> Origin {
    Origin {
        dn: Some(format!("uid={id},dc=example,dc=com")),
        ..Origin::new(Source::Ldap, id)
    }
}

async fn import(world: &World, name: &str, id: &str) -> Result<Account, AccountError> {
    let new = NewUser::imported(name, ldap(id));
    Ok(world.accounts.create_user(new, &mut rng()).await?.0)
}

/// At most one account is the same person of a source, and it is found by that.
#[tokio::test]
async fn origins_are_unique() {
    let world = World::new().await;
    let jane = import(&world, "jane", "7").await.unwrap();
    assert!(jane.user().unwrap().is_imported);
    assert!(matches!(
        import(&world, "jane2", "7").await,
        Err(AccountError::OriginInUse { source_name: Source::Ldap, id }) if id == jane.id
    ));
    assert!(matches!(
        import(&world, "jane", "8").await,
        Err(AccountError::NameInUse { .. })
    ));
    let directory = world.directory().await;
    let found = directory.account_by_origin(Source::Ldap, "7").unwrap();
    assert_eq!(found.id, jane.id);
    assert!(directory.account_by_origin(Source::Saml, "7").is_none());
    assert_eq!(directory.accounts_of(Source::Ldap).count(), 1);

    world.accounts.delete_user(&jane.id).await.unwrap();
    let directory = world.directory().await;
    assert!(directory.account_by_origin(Source::Ldap, "7").is_none());
    import(&world, "jane", "7").await.unwrap();
}

/// ldap-14: an account that was made here never becomes one of a source; an imported one follows its person.
#[tokio::test]
async fn sec_ldap_14_local_accounts_are_not_taken_over() {
    let world = World::new().await;
    let local = world.user("local").await;
    let jane = import(&world, "jane", "7").await.unwrap();
    let joe = import(&world, "joe", "8").await.unwrap();
    let to = |id: &str| UserChange {
        origin: Some(ldap(id)),
        ..UserChange::default()
    };
    assert!(matches!(
        world.accounts.update_account(&local.id, &to("9")).await,
        Err(AccountError::NotImported { .. })
    ));
    assert!(matches!(
        world.accounts.update_account(&jane.id, &to("8")).await,
        Err(AccountError::OriginInUse { id, .. }) if id == joe.id
    ));
    world.accounts.update_account(&jane.id, &to("9")).await.unwrap();
    let directory = world.directory().await;
    assert!(directory.account_by_origin(Source::Ldap, "7").is_none());
    assert_eq!(
        directory.account_by_origin(Source::Ldap, "9").unwrap().id,
        jane.id
    );
    import(&world, "another", "7").await.unwrap();
}

/// An id at the source that is empty or too long for a key is refused.
#[tokio::test]
async fn ids_of_origins_are_bounded() {
    let world = World::new().await;
    for id in [String::new(), "x".repeat(records::MAX_ORIGIN_ID_BYTES + 1)] {
        assert!(matches!(
            import(&world, "jane", &id).await,
            Err(AccountError::Invalid(_))
        ));
    }
    let longest = "x".repeat(records::MAX_ORIGIN_ID_BYTES);
    import(&world, "jane", &longest).await.unwrap();
}

/// Records from before origins and ties existed are still read.
#[test]
fn older_records_are_read() {
    let account = br#"{"v":1,"id":"u1","name":"jane","fullName":"","created":"2026-01-02T03:04:05.000Z",
        "kind":{"user":{"isAdmin":false,"isActive":true,"isImported":true,"password":null,"passwordVersion":1}}}"#;
    let account: Account = records::decode(account).unwrap();
    assert!(account.user().unwrap().is_imported && account.origin().is_none());
    let organization = br#"{"v":1,"id":"o1","name":"ops","fullName":"","created":"2026-01-02T03:04:05.000Z",
        "kind":"organization"}"#;
    let organization: Account = records::decode(organization).unwrap();
    assert!(organization.is_organization() && organization.admin_sync.is_none());
    let team = br#"{"v":1,"id":"t1","organization":"o1","name":"web","description":"",
        "created":"2026-01-02T03:04:05.000Z"}"#;
    let team: Team = records::decode(team).unwrap();
    assert!(team.is_kept_by_source().is_none());
}

/// A team keeps each of its ties apart, and a synchronisation that lacks what it needs is refused.
#[tokio::test]
async fn teams_have_ties() {
    let world = World::new().await;
    let new = NewTeam {
        name: "web".to_owned(),
        description: String::new(),
    };
    let org = world.everyone.clone();
    let (team, _) = world.accounts.create_team(&org, new, &mut rng()).await.unwrap();
    let sync = MemberSync {
        enabled: true,
        search_base_dn: "ou=web,dc=example,dc=com".to_owned(),
        ..MemberSync::default()
    };
    for link in [
        TeamLink::Sync(Some(MemberSync {
            by_group: true,
            ..sync.clone()
        })),
        TeamLink::Sync(Some(MemberSync {
            search_base_dn: " ".to_owned(),
            ..sync.clone()
        })),
        TeamLink::Group(Some(String::new())),
        TeamLink::Group(Some("a\u{0}b".to_owned())),
    ] {
        let refused = world.accounts.link_team(&org, &team.id, &link).await;
        assert!(matches!(refused, Err(AccountError::Invalid(_))), "{link:?}");
    }
    let link = |link| {
        let (accounts, org, id) = (world.accounts.clone(), org.clone(), team.id.clone());
        async move { accounts.link_team(&org, &id, &link).await.unwrap().0 }
    };
    let linked = link(TeamLink::Group(Some("web".to_owned()))).await;
    assert_eq!(linked.is_kept_by_source(), Some(Source::Saml));
    let linked = link(TeamLink::Sync(Some(sync.clone()))).await;
    assert_eq!(linked.is_kept_by_source(), Some(Source::Ldap));
    assert_eq!(linked.group_link.as_deref(), Some("web"));
    link(TeamLink::Group(None)).await;
    let off = MemberSync {
        enabled: false,
        ..sync.clone()
    };
    let linked = link(TeamLink::Sync(Some(off))).await;
    assert_eq!(linked.is_kept_by_source(), None);

    let (account, _) = world
        .accounts
        .sync_administrators(&org, Some(&sync))
        .await
        .unwrap();
    assert_eq!(account.admin_sync, Some(Box::new(sync)));
}

/// A session for whom somebody else vouches begins for active users only, and not for somebody who has become
/// another person.
#[tokio::test]
async fn vouched_sessions() {
    let world = World::new().await;
    let begin = |account: Account| {
        let world = &world;
        async move {
            world
                .logins
                .begin_trusted(&Arc::new(account), "test", &world.settings, &mut rng())
                .await
        }
    };
    let jane = import(&world, "jane", "7").await.unwrap();
    let login = begin(jane.clone()).await.unwrap();
    assert!(login.first_login);
    let text = login.token.text();
    let directory = world.directory().await;
    let identity = world
        .sessions
        .validate(&directory, text.expose(), &world.settings)
        .unwrap();
    assert_eq!(identity.name().as_str(), "jane");

    let moved = UserChange {
        origin: Some(ldap("8")),
        ..UserChange::default()
    };
    let (moved, _) = world.accounts.update_account(&jane.id, &moved).await.unwrap();
    assert!(matches!(
        begin(jane.clone()).await,
        Err(LoginError::InvalidCredentials)
    ));
    begin(moved.clone()).await.unwrap();

    let locked = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    world.accounts.update_account(&jane.id, &locked).await.unwrap();
    assert!(matches!(begin(moved).await, Err(LoginError::InvalidCredentials)));
    assert!(world.keys_below(layout::SESSIONS).await.is_empty());
    let everyone = world
        .directory()
        .await
        .account(&world.everyone)
        .unwrap()
        .as_ref()
        .clone();
    assert!(matches!(
        begin(everyone).await,
        Err(LoginError::InvalidCredentials)
    ));
}
