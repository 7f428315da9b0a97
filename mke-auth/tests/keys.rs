//! Public keys and the identities behind them.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use mke_auth::accounts::{NewOrganization, UserChange};
use mke_auth::identity::{Credential, IdentityError, identify_by_key};
use mke_auth::keys::KeyError;
use mke_core::pki::KeyPair;
use support::{World, rng};

fn pair() -> KeyPair {
    KeyPair::generate(&mut rng()).unwrap()
}

/// CLB-007: keys are registered, listed, labelled and removed; a removed one stands for nobody at once, and what
/// it opened is no longer live.
#[tokio::test]
async fn a_key_from_beginning_to_end() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let (one, two) = (pair(), pair());
    for (pair, label) in [(&one, "laptop"), (&two, "ci")] {
        world
            .keys
            .upload(
                &world.directory().await,
                &jane.id,
                &pair.public_key().pem(),
                label,
            )
            .await
            .unwrap();
    }
    let (one, two) = (one.public_key().id(), two.public_key().id());
    world.keys.relabel(&jane.id, &two, "build").await.unwrap();
    let directory = world.directory().await;
    let mut labels: Vec<_> = directory
        .keys_of(&jane.id)
        .map(|key| key.label.as_str())
        .collect();
    labels.sort_unstable();
    assert_eq!(labels, ["build", "laptop"]);
    let identity = identify_by_key(&directory, &one).unwrap();
    assert_eq!(identity.account(), &jane.id);
    assert_eq!(identity.credential(), &Credential::PublicKey(one.clone()));
    assert!(!identity.is_admin());

    let foreign = world.keys.remove(&world.admin, &one).await;
    assert!(
        matches!(foreign, Err(KeyError::NoSuchKey { .. })),
        "not the owner"
    );
    world.keys.remove(&jane.id, &one).await.unwrap();
    let directory = world.directory().await;
    assert!(!identity.is_live(&directory));
    assert_eq!(
        identify_by_key(&directory, &one),
        Err(IdentityError::UnknownKey(one))
    );
    assert!(identify_by_key(&directory, &two).is_ok());
}

/// pki-03: a key does not move to another account, nor does a namesake inherit one.
#[tokio::test]
async fn sec_pki_03_keys_do_not_move() {
    let world = World::new().await;
    let (jane, john) = (world.user("jane").await, world.user("john").await);
    let pair = pair();
    let id = pair.public_key().id();
    let directory = world.directory().await;
    let register = async |account| {
        world
            .keys
            .register(&directory, account, pair.public_key(), "")
            .await
    };
    register(&jane.id).await.unwrap();
    for account in [&john.id, &jane.id] {
        assert!(matches!(register(account).await, Err(KeyError::InUse { .. })));
    }
    world.accounts.delete_user(&jane.id).await.unwrap();
    let namesake = world.user("jane").await;
    let now = world.directory().await;
    assert!(matches!(
        identify_by_key(&now, &id),
        Err(IdentityError::UnknownKey(_))
    ));
    assert_eq!(now.keys_of(&namesake.id).count(), 0);
    assert!(matches!(
        register(&jane.id).await,
        Err(KeyError::NoSuchAccount { .. })
    ));
}

/// CLB-012, pki-02: a key opens nothing for a deactivated user or an organization, and works again when its user
/// does.
#[tokio::test]
async fn sec_pki_02_only_active_users_are_identified() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let org = NewOrganization {
        name: "acme".to_owned(),
        full_name: String::new(),
    };
    let (acme, _) = world.accounts.create_organization(org, &mut rng()).await.unwrap();
    let (of_jane, of_acme) = (pair(), pair());
    for (account, pair) in [(&jane.id, &of_jane), (&acme.id, &of_acme)] {
        world
            .keys
            .register(&world.directory().await, account, pair.public_key(), "")
            .await
            .unwrap();
    }
    let active = |is_active| UserChange {
        is_active: Some(is_active),
        ..UserChange::default()
    };
    world
        .accounts
        .update_account(&jane.id, &active(false))
        .await
        .unwrap();
    let directory = world.directory().await;
    let identify = |pair: &KeyPair| identify_by_key(&directory, &pair.public_key().id());
    assert_eq!(
        identify(&of_jane),
        Err(IdentityError::Inactive(jane.name.clone()))
    );
    assert_eq!(
        identify(&of_acme),
        Err(IdentityError::Organization(acme.name.clone()))
    );
    assert!(matches!(identify(&pair()), Err(IdentityError::UnknownKey(_))));

    world
        .accounts
        .update_account(&jane.id, &active(true))
        .await
        .unwrap();
    let directory = world.directory().await;
    assert!(identify_by_key(&directory, &of_jane.public_key().id()).is_ok());
}

/// pki-12: what is no acceptable public key is refused on upload, a private key above all, and nothing of it is
/// kept.
#[tokio::test]
async fn sec_pki_12_what_is_no_public_key() {
    let world = World::new().await;
    let directory = world.directory().await;
    let private = pair().private_key_pem();
    let pem = pair().public_key().pem();
    for bad in [
        "",
        "not a key",
        private.expose(),
        &pem[..pem.len() / 2],
        &pem.replace("PUBLIC KEY", "CERTIFICATE"),
        &format!("{pem}{pem}"),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        let refused = world.keys.upload(&directory, &world.admin, bad, "").await;
        assert!(matches!(refused, Err(KeyError::Refused(_))), "{bad:.40}");
    }
    for label in ["x".repeat(301), "a\nb".to_owned()] {
        let refused = world.keys.upload(&directory, &world.admin, &pem, &label).await;
        assert!(matches!(refused, Err(KeyError::Label)), "{label:.10}");
    }
    assert_eq!(world.directory().await.keys_of(&world.admin).count(), 0);
}
