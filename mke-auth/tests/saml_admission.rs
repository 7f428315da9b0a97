//! What becomes of accounts when a SAML identity provider vouches for somebody.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use mke_auth::accounts::{NewTeam, NewUser, TeamLink, UserChange};
use mke_auth::records::{Account, Membership, Origin, ScimGroup, Source};
use mke_auth::saml::login::{Admission, AdmitError, Admitted};
use mke_auth::saml::{NameId, Person, Proven};
use mke_core::time::Clock as _;
use support::{World, rng};

/// Proofs for this cluster, each used once.
struct Provider<'w> {
    world: &'w World,
    admission: Admission,
    count: std::cell::Cell<u32>,
}

impl<'w> Provider<'w> {
    fn of(world: &'w World) -> Self {
        let admission = Admission::new(world.store.clone(), world.clock.clone(), world.accounts.clone());
        Self {
            world,
            admission,
            count: std::cell::Cell::default(),
        }
    }

    async fn vouch(&self, name: &str, is_admin: bool) -> Result<Admitted, AdmitError> {
        let number = self.count.get();
        self.count.set(number + 1);
        let proven = Proven {
            name_id: NameId {
                value: name.to_owned(),
                format: None,
                name_qualifier: None,
                sp_name_qualifier: None,
            },
            session_index: None,
            assertion_id: format!("_assertion-{number}"),
            in_response_to: format!("_request-{number}"),
            usable_until: self.world.clock.now(),
            person: Person {
                is_admin,
                ..Person::default()
            },
        };
        let directory = self.world.directory().await;
        self.admission.admit(&proven, &directory, &mut rng()).await
    }
}

async fn import(world: &World, name: &str) -> Account {
    let new = NewUser::imported(name, Origin::new(Source::Scim, format!("id-of-{name}")));
    world.accounts.create_user(new, &mut rng()).await.unwrap().0
}

/// SAML-003: another source's account is for whoever has its name, in capitals or not, and not for whoever has a name of
/// other letters that become the same small ones.
#[tokio::test]
async fn names_of_other_letters_take_no_account() {
    let world = World::new().await;
    let provider = Provider::of(&world);
    let kate = import(&world, "kate").await;
    let asa = import(&world, "\u{e5}sa").await;
    for (said, account) in [
        ("kate", Some(&kate)),
        ("KATE", Some(&kate)),
        ("\u{c5}SA", Some(&asa)),
        // The Kelvin sign and the Angstrom sign.
        ("\u{212a}ate", None),
        ("\u{212b}sa", None),
        // An account of this cluster's own.
        ("admin", None),
        ("ADMIN", None),
    ] {
        match (provider.vouch(said, false).await, account) {
            (Ok(admitted), Some(account)) => assert_eq!(admitted.account.id, account.id, "{said}"),
            (Err(AdmitError::Taken { .. }), None) => {}
            (other, _) => panic!("{said}: {other:?}"),
        }
    }
}

/// saml-39: who ceases to be an administrator at the provider ceases to be one here, but the last one stays one and
/// gets in, so that somebody can set it right; the next login takes it back when there is another.
#[tokio::test]
async fn the_last_administrator_gets_in() {
    let world = World::new().await;
    let provider = Provider::of(&world);
    let jane = provider.vouch("jane", true).await.unwrap().account;
    assert!(jane.is_active_admin());
    let switch = |is_active| UserChange {
        is_active: Some(is_active),
        ..UserChange::default()
    };
    let change = |is_active| {
        let accounts = world.accounts.clone();
        let admin = world.admin.clone();
        async move { accounts.update_account(&admin, &switch(is_active)).await.unwrap() }
    };
    change(false).await;
    let last = provider.vouch("jane", false).await.unwrap();
    assert_eq!(last.account.id, jane.id);
    assert!(last.account.is_active_admin());
    assert!(last.changes.is_empty(), "{:?}", last.changes);
    change(true).await;
    let taken_back = provider.vouch("jane", false).await.unwrap();
    assert!(!taken_back.account.is_active_admin());
    assert_eq!(taken_back.changes, ["no administrator any more"]);
}

/// SAML-004: a login without the group leaves a linked team; but the users of a SCIM client that has taken the team up
/// stay in it, and do not get into it by a login, until the client gives it back.
#[tokio::test]
async fn teams_of_a_scim_client_are_left_to_it() {
    let world = World::new().await;
    let provider = Provider::of(&world);
    let kate = import(&world, "kate").await;
    let jane = provider.vouch("jane", false).await.unwrap().account;
    let new = NewTeam {
        name: "ops".to_owned(),
        description: String::new(),
    };
    let accounts = &world.accounts;
    let everyone = &world.everyone;
    let (team, _) = accounts.create_team(everyone, new, &mut rng()).await.unwrap();
    let link = TeamLink::Group(Some("ops".to_owned()));
    accounts.link_team(everyone, &team.id, &link).await.unwrap();
    let taken_up = |scim| {
        let link = TeamLink::Scim(scim);
        let (accounts, team) = (world.accounts.clone(), team.id.clone());
        async move { accounts.link_team(everyone, &team, &link).await.unwrap() }
    };
    let plain = Membership { is_admin: false };
    for user in [&kate.id, &jane.id] {
        accounts
            .put_team_member(everyone, &team.id, user, plain)
            .await
            .unwrap();
    }
    let group = ScimGroup {
        display_name: "ops".to_owned(),
        linked: true,
        ..ScimGroup::default()
    };
    taken_up(Some(group)).await;
    let is_member = async |user: &Account| {
        let directory = world.directory().await;
        directory.team_membership(&team.id, &user.id).is_some()
    };
    assert!(provider.vouch("kate", false).await.unwrap().changes.is_empty());
    assert!(is_member(&kate).await, "SCIM says that she belongs to it");
    provider.vouch("jane", false).await.unwrap();
    assert!(!is_member(&jane).await, "SCIM does not know her");
    taken_up(None).await;
    provider.vouch("kate", false).await.unwrap();
    assert!(!is_member(&kate).await, "the link alone is left");
}
