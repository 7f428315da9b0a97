//! Logging in with codes and recovery codes, and every way around them that must not be one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::FREE_CODE_FAILURES;
use mke_auth::records::{self, SecondFactor};
use mke_auth::second_factor::SecondFactorError;
use mke_auth::sessions::{LoginError, Logins};
use mke_core::ids::AccountId;
use mke_core::secret::Secret;
use mke_core::store::{KeyRange, Store as _, Txn, layout};

use crate::guarded::{Guarded, is_wrong, login_on, seed_of};
use crate::support::{PASSWORD, SOURCE, rng};

/// authn-07: no second use in the same step or the neighbour's, after a restart, on another manager, or in parallel on
/// both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_07_codes_are_used_once() {
    let guarded = Guarded::new().await;
    guarded.world.user("jane").await;
    let (seed, _) = guarded.on("jane").await;
    let code = guarded.code(&seed, 0);
    let earlier = guarded.code(&seed, -1);
    assert!(guarded.try_login("jane", Some(&code)).await.is_ok());
    assert!(
        is_wrong(&guarded.try_login("jane", Some(&code)).await),
        "same step"
    );
    assert!(
        is_wrong(&guarded.try_login("jane", Some(&earlier)).await),
        "an older one"
    );
    guarded.world.clock.advance(Duration::from_secs(30));
    assert!(
        is_wrong(&guarded.try_login("jane", Some(&code)).await),
        "neighbour step"
    );
    let (other, _) = guarded.another();
    let refused = login_on(&guarded.world, &other, "jane", PASSWORD, Some(&code), *SOURCE).await;
    assert!(is_wrong(&refused), "after a restart, on another manager");

    let guarded = Arc::new(guarded);
    for _ in 0..5 {
        guarded.world.clock.advance(Duration::from_secs(60));
        let code = guarded.code(&seed, 0);
        let managers = [Arc::new(guarded.another().0), Arc::new(guarded.another().0)];
        let tries: Vec<_> = (0..8)
            .map(|i| {
                let (guarded, logins) = (guarded.clone(), managers[i % 2].clone());
                let code = code.clone();
                tokio::spawn(async move {
                    login_on(&guarded.world, &logins, "jane", PASSWORD, Some(&code), *SOURCE).await
                })
            })
            .collect();
        let mut opened = 0;
        for one in tries {
            opened += usize::from(one.await.unwrap().is_ok());
        }
        assert_eq!(opened, 1);
    }
}

/// authn-08: one step to each side at a login, and nothing but six digits.
#[tokio::test]
async fn sec_authn_08_what_a_login_takes() {
    let guarded = Guarded::new().await;
    guarded.world.user("jane").await;
    let (seed, _) = guarded.on("jane").await;
    for (offset, taken) in [
        (-3, false),
        (-2, false),
        (-1, true),
        (0, true),
        (1, true),
        (2, false),
        (3, false),
    ] {
        guarded.world.clock.advance(Duration::from_secs(300));
        let code = guarded.code(&seed, offset);
        assert_eq!(
            guarded.try_login("jane", Some(&code)).await.is_ok(),
            taken,
            "{offset}"
        );
    }
    guarded.world.clock.advance(Duration::from_secs(300));
    let code = guarded.code(&seed, 0);
    let (one, rest) = code.split_at(1);
    for bad in [
        format!("0{code}"),
        format!(" {code}"),
        format!("{code} "),
        format!("+{code}"),
        format!("{one} {rest}"),
        rest.to_owned(),
        code.chars()
            .map(|c| char::from_u32(c as u32 + 0xFEE0).unwrap())
            .collect(),
        "\0".to_owned(),
        "x".repeat(1 << 16),
    ] {
        guarded.world.clock.advance(Duration::from_secs(900));
        assert!(
            is_wrong(&guarded.try_login("jane", Some(&bad)).await),
            "{bad:.20?}"
        );
    }
    assert!(matches!(
        guarded.try_login("jane", Some("")).await,
        Err(LoginError::SecondFactorNeeded)
    ));
}

/// authn-09: guesses are counted for the account whatever the source, on every manager, and a right password does not
/// clear the count; the owner gets in from where it has logged in before.
#[tokio::test]
async fn sec_authn_09_guesses_are_limited() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    world.user("jane").await;
    let (seed, _) = guarded.on("jane").await;
    assert!(
        guarded
            .try_login("jane", Some(&guarded.code(&seed, 0)))
            .await
            .is_ok()
    );
    world.clock.advance(Duration::from_secs(60));
    let elsewhere = |i: u32| IpAddr::from([198, 51, 100, u8::try_from(i).unwrap()]);
    let mut looked_at = 0;
    for i in 0..FREE_CODE_FAILURES + 10 {
        // A right password alone, which is half a login.
        let half = login_on(world, &world.logins, "jane", PASSWORD, None, elsewhere(i)).await;
        assert!(matches!(half, Err(LoginError::SecondFactorNeeded)), "{i}");
        let guess = login_on(
            world,
            &world.logins,
            "jane",
            PASSWORD,
            Some("000000"),
            elsewhere(i),
        )
        .await;
        if is_wrong(&guess) {
            looked_at += 1;
        } else {
            assert!(matches!(guess, Err(LoginError::TooManyAttempts { .. })), "{i}");
        }
    }
    assert_eq!(looked_at, FREE_CODE_FAILURES + 1);
    // A right code does not help there, nor on another manager, once they have told each other.
    let code = guarded.code(&seed, 0);
    let (other, _) = guarded.another();
    world.logins.share_failures().await.unwrap();
    for logins in [&world.logins, &other] {
        let refused = login_on(world, logins, "jane", PASSWORD, Some(&code), elsewhere(99)).await;
        assert!(matches!(refused, Err(LoginError::TooManyAttempts { .. })));
    }
    let owner = login_on(world, &other, "jane", PASSWORD, Some(&code), *SOURCE).await;
    assert!(owner.is_ok(), "{owner:?}");
}

/// authn-09: of many guesses at the same moment no more are looked at than one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_09_guesses_at_once() {
    let guarded = Arc::new(Guarded::new().await);
    guarded.world.user("jane").await;
    guarded.on("jane").await;
    let guesses: Vec<_> = (0..40)
        .map(|i| {
            let guarded = guarded.clone();
            tokio::spawn(async move { guarded.try_login("jane", Some(&format!("{i:06}"))).await })
        })
        .collect();
    let mut looked_at = 0;
    for guess in guesses {
        looked_at += u32::from(is_wrong(&guess.await.unwrap()));
    }
    assert!(looked_at <= FREE_CODE_FAILURES + 1, "{looked_at}");
}

/// authn-10: a password without its code leaves nothing behind that opens anything.
#[tokio::test]
async fn sec_authn_10_half_a_login_opens_nothing() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    world.user("jane").await;
    let (seed, _) = guarded.on("jane").await;
    for code in [None, Some(""), Some("000000")] {
        assert!(guarded.try_login("jane", code).await.is_err());
    }
    let wrong = login_on(
        world,
        &world.logins,
        "jane",
        "wrong password",
        Some(&guarded.code(&seed, 0)),
        *SOURCE,
    )
    .await;
    assert!(
        matches!(wrong, Err(LoginError::InvalidCredentials)),
        "the password comes first"
    );
    assert_eq!(world.keys_below(layout::SESSIONS).await.len(), 0);
    assert_eq!(world.keys_below(layout::LOGINS).await.len(), 0);
    // A request that carries name and password has no place for a code.
    let password = crate::support::password();
    let checked = world
        .logins
        .check_password(
            &world.directory().await,
            Guarded::request("jane", &password, None),
            &world.backends,
            &mut rng(),
        )
        .await;
    assert!(matches!(checked, Err(LoginError::SecondFactorNeeded)));
    // The code was not used up by any of it.
    assert!(
        guarded
            .try_login("jane", Some(&guarded.code(&seed, 0)))
            .await
            .is_ok()
    );

    // A manager that cannot check codes does not let anybody past them.
    let blind = Logins::new(Arc::clone(&world.sessions), Arc::clone(&world.hasher));
    world.clock.advance(Duration::from_secs(60));
    let refused = login_on(
        world,
        &blind,
        "jane",
        PASSWORD,
        Some(&guarded.code(&seed, 0)),
        *SOURCE,
    )
    .await;
    assert!(matches!(
        refused,
        Err(LoginError::SecondFactor(SecondFactorError::Unusable(_)))
    ));
}

/// authn-11: the seed is in the store only sealed, recovery codes only as hashes, and each needs the password anew.
#[tokio::test]
async fn sec_authn_11_what_the_store_holds() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    world.user("jane").await;
    let directory = world.directory().await;
    let (wrong, right) = (Secret::new("wrong password"), crate::support::password());
    let refused = world
        .logins
        .enrol_second_factor(
            &directory,
            Guarded::request("jane", &wrong, None),
            &world.backends,
            "MKE",
            &mut rng(),
        )
        .await;
    assert!(matches!(refused, Err(LoginError::InvalidCredentials)));
    assert!(world.keys_below(layout::SECOND_FACTORS).await.is_empty());
    let enrolment = world
        .logins
        .enrol_second_factor(
            &directory,
            Guarded::request("jane", &right, None),
            &world.backends,
            "MKE",
            &mut rng(),
        )
        .await
        .unwrap();
    assert!(enrolment.uri.expose().contains(enrolment.seed.expose()));
    assert!(!format!("{enrolment:?}").contains(enrolment.seed.expose()));
    let seed = seed_of(enrolment.seed.expose());
    let jane = guarded.account("jane").await;
    let code = guarded.code(&seed, 0);
    let (codes, _) = guarded
        .factors
        .confirm(&jane.id, &code, None, &mut rng())
        .await
        .unwrap();
    let all = world
        .store
        .range(KeyRange::prefix(layout::ROOT), 10_000)
        .await
        .unwrap();
    for entry in &all.entries {
        let text = String::from_utf8_lossy(&entry.value).to_lowercase();
        assert!(
            !text.contains(&enrolment.seed.expose().to_lowercase()),
            "{}",
            entry.key
        );
        for code in &codes {
            assert!(!text.contains(&code.expose().replace('-', "")), "{}", entry.key);
        }
    }

    // A seed that was moved to another account does not open there.
    let bob = world.user("bob").await;
    let stored = all
        .entries
        .iter()
        .find(|entry| entry.key == layout::second_factor(&jane.id))
        .unwrap();
    let mut moved: SecondFactor = records::decode(&stored.value).unwrap();
    moved.account = bob.id.clone();
    let txn = Txn::new().put(layout::second_factor(&bob.id), records::encode(&moved).unwrap());
    world.store.txn(txn).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let refused = guarded.try_login("bob", Some(&guarded.code(&seed, 0))).await;
    assert!(
        matches!(refused, Err(LoginError::SecondFactor(SecondFactorError::Seal(_)))),
        "{refused:?}"
    );
    // A record that lies under another name, or is none, lets nobody past.
    moved.account = AccountId::from("somebody else");
    for value in [
        records::encode(&moved).unwrap(),
        b"{}".to_vec(),
        b"{\"v\":99}".to_vec(),
    ] {
        let txn = Txn::new().put(layout::second_factor(&bob.id), value);
        world.store.txn(txn).await.unwrap();
        assert!(matches!(
            guarded.try_login("bob", None).await,
            Err(LoginError::Storage(_))
        ));
    }
    guarded.factors.switch_off(&bob.id).await.unwrap();
    assert!(
        guarded.try_login("bob", None).await.is_ok(),
        "an administrator can repair it"
    );
}

/// TFA-003, authn-11: each recovery code opens one login, also when two try at once; new ones end the old ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_11_recovery_codes() {
    let guarded = Arc::new(Guarded::new().await);
    let world = &guarded.world;
    world.user("jane").await;
    let (seed, codes) = guarded.on("jane").await;
    let first = codes[0].expose();
    assert!(guarded.try_login("jane", Some(first)).await.is_ok());
    assert!(is_wrong(&guarded.try_login("jane", Some(first)).await));
    assert!(
        guarded
            .try_login("jane", Some(&codes[1].expose().to_uppercase().replace('-', "")))
            .await
            .is_ok()
    );
    let tries: Vec<_> = (0..6)
        .map(|_| {
            let (guarded, code) = (guarded.clone(), codes[2].expose().to_owned());
            tokio::spawn(async move {
                let (logins, _) = guarded.another();
                login_on(&guarded.world, &logins, "jane", PASSWORD, Some(&code), *SOURCE).await
            })
        })
        .collect();
    let mut opened = 0;
    for one in tries {
        opened += usize::from(one.await.unwrap().is_ok());
    }
    assert_eq!(opened, 1);
    // Somebody else's codes are not one's own.
    world.user("bob").await;
    guarded.on("bob").await;
    assert!(is_wrong(&guarded.try_login("bob", Some(codes[5].expose())).await));

    let password = crate::support::password();
    let directory = world.directory().await;
    let code = guarded.code(&seed, 0);
    let (fresh, _) = world
        .logins
        .renew_recovery_codes(
            &directory,
            Guarded::request("jane", &password, Some(&code)),
            &world.backends,
            &mut rng(),
        )
        .await
        .unwrap();
    assert!(is_wrong(
        &guarded.try_login("jane", Some(codes[5].expose())).await
    ));
    assert!(guarded.try_login("jane", Some(fresh[0].expose())).await.is_ok());
}
