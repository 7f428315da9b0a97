//! Many changes at once: each account whole, again without effect, what does not fit refused alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod support;

use mke_auth::accounts::{
    AccountError, BatchChange, BatchCreate, BatchStep, Join, NewOrganization, NewTeam, NewUser, Place,
};
use mke_auth::records::{Origin, Source};
use mke_core::ids::{AccountId, TeamId};
use mke_core::store::{KeyRange, Store as _};
use support::{World, password, rng};

fn create(number: usize, join: Vec<Join>) -> BatchStep {
    BatchStep::Create(Box::new(BatchCreate {
        id: AccountId::random(&mut rng()),
        name: format!("user{number}").parse().unwrap(),
        full_name: String::new(),
        origin: Origin::new(Source::Ldap, format!("id-{number}")),
        is_admin: false,
        join,
    }))
}

fn change(id: &AccountId, with: impl FnOnce(&mut BatchChange)) -> BatchStep {
    let mut change = BatchChange::of(id.clone());
    with(&mut change);
    BatchStep::Change(Box::new(change))
}

async fn team(world: &World) -> Join {
    let new = NewOrganization {
        name: "corp".to_owned(),
        full_name: String::new(),
    };
    let organization = world
        .accounts
        .create_organization(new, &mut rng())
        .await
        .unwrap()
        .0
        .id;
    let new = NewTeam {
        name: "ops".to_owned(),
        description: String::new(),
    };
    let team = world
        .accounts
        .create_team(&organization, new, &mut rng())
        .await
        .unwrap()
        .0
        .id;
    Join {
        place: Place {
            organization,
            team: Some(team),
        },
        is_admin: false,
    }
}

/// Three thousand accounts with their memberships come in few transactions, and a second time change nothing.
#[tokio::test]
async fn many_accounts_in_few_transactions() {
    let world = World::new().await;
    let join = team(&world).await;
    let steps: Vec<BatchStep> = (0..3000)
        .map(|number| create(number, vec![join.clone()]))
        .collect();
    let revision = async || {
        world
            .store
            .range(KeyRange::key("none"), 1)
            .await
            .unwrap()
            .revision
            .0
    };
    let before = revision().await;
    let outcome = world.accounts.apply_batch(&steps, None).await.unwrap();
    assert_eq!((outcome.done, outcome.refused.len()), (3000, 0));
    let after = revision().await;
    assert!(after - before < 30, "{} transactions", after - before);
    let directory = world.directory().await;
    assert_eq!(directory.accounts_of(Source::Ldap).count(), 3000);
    assert_eq!(directory.members_count(&join.place.organization), 3000);
    assert_eq!(
        directory.team_members_count(join.place.team.as_ref().unwrap()),
        3000
    );
    let outcome = world.accounts.apply_batch(&steps, None).await.unwrap();
    assert_eq!(
        (outcome.done, outcome.refused.len(), outcome.revision),
        (3000, 0, None)
    );
    assert_eq!(revision().await, after);
}

/// A name that somebody else has, an account that is gone and more than a transaction can hold are refused alone.
#[tokio::test]
async fn what_does_not_fit_is_refused_alone() {
    let world = World::new().await;
    let join = team(&world).await;
    world.user("user1").await;
    let too_many = (0..6000).map(|number| Join {
        place: Place {
            organization: join.place.organization.clone(),
            team: Some(TeamId::from(format!("t{number}"))),
        },
        is_admin: false,
    });
    let steps = [
        create(0, Vec::new()),
        create(1, Vec::new()),
        create(2, too_many.collect()),
        change(&AccountId::from("nobody"), |change| {
            change.is_active = Some(false)
        }),
        create(4, vec![join]),
    ];
    let outcome = world.accounts.apply_batch(&steps, None).await.unwrap();
    assert_eq!(outcome.done, 2);
    let refused: Vec<usize> = outcome.refused.iter().map(|(position, _)| *position).collect();
    assert_eq!(refused.len(), 3, "{:?}", outcome.refused);
    assert!(
        [1, 2, 3].iter().all(|position| refused.contains(position)),
        "{refused:?}"
    );
    let directory = world.directory().await;
    assert!(directory.account_by_name("user0").is_some() && directory.account_by_name("user4").is_some());
    assert!(directory.account_by_name("user2").is_none());
}

/// ldap-15: administrators go only as long as another is certain to stay; sessions of who is deactivated end.
#[tokio::test]
async fn sec_ldap_15_the_last_administrator_stays() {
    let world = World::new().await;
    let new = NewUser {
        is_admin: true,
        ..NewUser::imported("boss", Origin::new(Source::Ldap, "b"))
    };
    let boss = world.accounts.create_user(new, &mut rng()).await.unwrap().0;
    let new = NewUser {
        is_admin: true,
        ..NewUser::local("second", password())
    };
    let second = world.accounts.create_user(new, &mut rng()).await.unwrap().0;
    world.login("second").await;
    let demote = |id: &AccountId| change(id, |change| change.is_admin = Some(false));
    let deactivate = |id: &AccountId| change(id, |change| change.is_active = Some(false));
    for (steps, keeper) in [
        ([demote(&boss.id), deactivate(&second.id)], None),
        ([demote(&boss.id), deactivate(&boss.id)], Some(&boss.id)),
    ] {
        let outcome = world.accounts.apply_batch(&steps, keeper).await.unwrap();
        assert_eq!(outcome.done, 0);
        let last =
            |(_, error): &(usize, AccountError)| matches!(error, AccountError::LastAdministrator { .. });
        assert!(outcome.refused.iter().all(last), "{:?}", outcome.refused);
    }
    assert_eq!(world.directory().await.sessions_of(&second.id).count(), 1);
    let steps = [demote(&boss.id), deactivate(&second.id)];
    let outcome = world
        .accounts
        .apply_batch(&steps, Some(&world.admin))
        .await
        .unwrap();
    assert_eq!((outcome.done, outcome.refused.len()), (2, 0));
    let directory = world.directory().await;
    assert_eq!(directory.sessions_of(&second.id).count(), 0);
    assert!(!directory.account(&second.id).unwrap().is_active_admin());
}

/// ldap-14: a source changes only accounts of its own.
#[tokio::test]
async fn sec_ldap_14_accounts_of_others_keep_their_origin() {
    let world = World::new().await;
    let local = world.user("local").await;
    let steps = [change(&local.id, |change| {
        change.origin = Some(Origin::new(Source::Ldap, "x"))
    })];
    let outcome = world
        .accounts
        .apply_batch(&steps, Some(&world.admin))
        .await
        .unwrap();
    assert!(
        matches!(outcome.refused[..], [(0, AccountError::NotImported { .. })]),
        "{outcome:?}"
    );
    assert!(
        world
            .directory()
            .await
            .account(&local.id)
            .unwrap()
            .origin()
            .is_none()
    );
}
