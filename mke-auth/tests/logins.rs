//! Passwords: what is accepted, how much work it makes, and how fast one may guess.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::accounts::NewUser;
use mke_auth::password::{HashLimits, MAX_BYTES, PasswordError, PasswordHash, PasswordHasher, Verdict};
use mke_auth::records;
use mke_auth::sessions::LoginError;
use mke_auth::{FREE_ACCOUNT_FAILURES, FREE_SOURCE_FAILURES, MAX_DELAY};
use mke_core::secret::Secret;
use mke_core::store::{Store as _, Txn, layout};
use support::{PASSWORD, World, rng};

fn hasher(parallel: usize, waiting: usize) -> PasswordHasher {
    PasswordHasher::new(HashLimits {
        parallel: NonZeroUsize::new(parallel).unwrap(),
        waiting,
    })
    .unwrap()
}

/// authn-12: of a thousand checks at once no more run than are permitted, each in its 19 MiB, and all are
/// answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_12_a_thousand_logins_at_once() {
    let hasher = Arc::new(hasher(2, 1000));
    // A cheap hash, so that the queue is what is tested.
    let cheap = PasswordHash::parse(
        "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    )
    .unwrap();
    let checks: Vec<_> = (0..1000)
        .map(|_| {
            let (hasher, cheap) = (Arc::clone(&hasher), cheap.clone());
            tokio::spawn(async move { hasher.verify(&Secret::new(PASSWORD), Some(&cheap)).await })
        })
        .collect();
    for check in checks {
        assert_eq!(check.await.unwrap(), Ok(Verdict::Wrong));
    }
    assert!((1..=2).contains(&hasher.peak()), "{} ran at once", hasher.peak());
}

/// authn-12: beyond the queue the answer is immediate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_12_a_full_queue_refuses() {
    let hasher = Arc::new(hasher(1, 2));
    let checks: Vec<_> = (0..10)
        .map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.verify(&Secret::new(PASSWORD), None).await })
        })
        .collect();
    let mut busy = 0;
    for check in checks {
        match check.await.unwrap() {
            Ok(verdict) => assert_eq!(verdict, Verdict::Wrong),
            Err(error) => {
                assert_eq!(error, PasswordError::Busy);
                busy += 1;
            }
        }
    }
    assert!(busy >= 1, "some must be refused");
    assert_eq!(hasher.peak(), 1);
    assert_eq!(
        hasher.verify(&Secret::new(PASSWORD), None).await,
        Ok(Verdict::Wrong),
        "afterwards there is room again"
    );
}

/// authn-13: nothing of a password is cut off or changed, and one of a megabyte costs nothing.
#[tokio::test]
async fn sec_authn_13_unusual_passwords() {
    let hasher = hasher(2, 10);
    let long = "x".repeat(MAX_BYTES);
    let cases = [
        ("combining e\u{301}", "combining \u{e9}"),
        ("nul\0and more", "nul\0and less"),
        ("trailing space ", "trailing space"),
        (&*long, &long[1..]),
        (&*"b".repeat(80), &*"b".repeat(72)),
    ];
    for (password, other) in cases {
        let hash = hasher.hash(&Secret::new(password), &mut rng()).await.unwrap();
        let verify = async |text: &str| hasher.verify(&Secret::new(text), Some(&hash)).await.unwrap();
        assert_eq!(
            verify(password).await,
            Verdict::Right { outdated: false },
            "{password:.20?}"
        );
        assert_eq!(verify(other).await, Verdict::Wrong, "{other:.20?}");
    }
    let huge = Secret::new("x".repeat(1 << 20));
    assert!(matches!(
        hasher.hash(&huge, &mut rng()).await,
        Err(PasswordError::TooLong { .. })
    ));
    let hash = hasher.hash(&Secret::new(long), &mut rng()).await.unwrap();
    assert_eq!(hasher.verify(&huge, Some(&hash)).await, Ok(Verdict::Wrong));
    assert_eq!(
        hasher.verify(&Secret::default(), Some(&hash)).await,
        Ok(Verdict::Wrong)
    );
}

/// authn-15: an unknown name, a wrong password, a deactivated user and an organization fail alike, each after one
/// hash of the same size.
#[tokio::test]
async fn sec_authn_15_all_failures_look_alike() {
    let world = World::new().await;
    let inactive = NewUser {
        is_active: false,
        ..NewUser::local("gone", support::password())
    };
    world.accounts.create_user(inactive, &mut rng()).await.unwrap();
    let mut messages = Vec::new();
    for (name, password) in [
        ("nobody", PASSWORD),
        ("admin", "wrong password"),
        ("gone", PASSWORD),
        ("docker-datacenter", PASSWORD),
        ("", ""),
    ] {
        let before = world.hasher.count();
        let error = world.try_login(name, password).await.unwrap_err();
        assert!(matches!(error, LoginError::InvalidCredentials), "{name}");
        assert_eq!(world.hasher.count() - before, 1, "{name} must cost one hash");
        messages.push(error.to_string());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
}

/// Only Argon2id with bearable parameters is a hash; weaker parameters are replaced at the next login.
#[tokio::test]
async fn hashes() {
    let salt_and_hash = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for bad in [
        "",
        "plain text",
        "$2b$12$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcd",
        &format!("$argon2i$v=19$m=19456,t=2,p=1${salt_and_hash}"),
        &format!("$argon2id$v=16$m=19456,t=2,p=1${salt_and_hash}"),
        &format!("$argon2id$m=19456,t=2,p=1${salt_and_hash}"),
        &format!("$argon2id$v=19$m=4194304,t=2,p=1${salt_and_hash}"),
        &format!("$argon2id$v=19$m=19456,t=200,p=1${salt_and_hash}"),
        &format!("$argon2id$v=19$m=19456,t=2,p=8${salt_and_hash}"),
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert_eq!(PasswordHash::parse(bad), Err(PasswordError::NotAHash), "{bad}");
    }

    let world = World::new().await;
    let mut account = world
        .directory()
        .await
        .account(&world.admin)
        .unwrap()
        .as_ref()
        .clone();
    let weak = weak_hash(PASSWORD);
    if let records::AccountKind::User(user) = &mut account.kind {
        user.password = Some(weak.clone());
    }
    let key = layout::account(&account.id);
    let bytes = records::encode(&account).unwrap();
    world.store.txn(Txn::new().put(key, bytes)).await.unwrap();
    assert_eq!(
        world.hasher.verify(&support::password(), Some(&weak)).await,
        Ok(Verdict::Right { outdated: true })
    );
    let session = world.login("admin").await;
    let directory = world.directory().await;
    let user = directory.account(&world.admin).unwrap().user().unwrap().clone();
    assert_ne!(user.password.as_ref(), Some(&weak));
    assert_eq!(
        world
            .hasher
            .verify(&support::password(), user.password.as_ref())
            .await,
        Ok(Verdict::Right { outdated: false })
    );
    assert!(session.identity.is_live(&directory));
}

fn weak_hash(password: &str) -> PasswordHash {
    use argon2::password_hash::PasswordHasher as _;
    use argon2::{Algorithm, Argon2, Params, Version};
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(64, 1, 1, None).unwrap(),
    );
    let hash: argon2::password_hash::phc::PasswordHash = argon2
        .hash_password_with_salt(password.as_bytes(), &[7; 16])
        .unwrap();
    PasswordHash::parse(&hash.to_string()).unwrap()
}

fn source(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

/// Guessing gets slow for an account whatever the source, for names that do not exist too, and a right password
/// does not help while it is.
#[tokio::test]
async fn guessing_gets_slow() {
    let world = World::new().await;
    world.user("jane").await;
    for name in ["jane", "nobody"] {
        for i in 0..=FREE_ACCOUNT_FAILURES {
            let from = source(u8::try_from(i).unwrap());
            let failed = world.try_login_from(name, "wrong password", from).await;
            assert!(
                matches!(failed, Err(LoginError::InvalidCredentials)),
                "{name} {i}"
            );
        }
        let blocked = world.try_login_from(name, PASSWORD, source(99)).await;
        assert!(
            matches!(blocked, Err(LoginError::TooManyAttempts { .. })),
            "{name}"
        );
    }
    world.clock.advance(Duration::from_secs(1));
    assert!(world.try_login_from("jane", PASSWORD, source(99)).await.is_ok());
    assert!(
        world
            .try_login_from("jane", "wrong password", source(1))
            .await
            .is_err(),
        "a success clears the count"
    );
    assert!(world.try_login_from("jane", PASSWORD, source(98)).await.is_ok());
}

/// The owner of an account gets in from where it logged in before, while a stranger guesses.
#[tokio::test]
async fn a_stranger_does_not_lock_out_the_owner() {
    let world = World::new().await;
    assert!(world.try_login_from("admin", PASSWORD, source(1)).await.is_ok());
    for i in 0..=FREE_ACCOUNT_FAILURES {
        let _ = world
            .try_login_from("admin", "wrong password", source(100 + u8::try_from(i).unwrap()))
            .await;
    }
    assert!(matches!(
        world.try_login_from("admin", PASSWORD, source(200)).await,
        Err(LoginError::TooManyAttempts { .. })
    ));
    assert!(world.try_login_from("admin", PASSWORD, source(1)).await.is_ok());
}

/// One source that tries many names gets slow, up to the longest delay, and is forgotten later.
#[tokio::test]
async fn one_source_many_names() {
    let world = World::new().await;
    for i in 0..FREE_SOURCE_FAILURES + 20 {
        world.clock.advance(MAX_DELAY);
        let _ = world
            .try_login_from(&format!("name{i}"), "wrong password", source(1))
            .await;
    }
    let Err(LoginError::TooManyAttempts { retry_after }) =
        world.try_login_from("admin", PASSWORD, source(1)).await
    else {
        panic!("must be blocked");
    };
    assert!(retry_after <= MAX_DELAY);
    assert!(world.try_login_from("admin", PASSWORD, source(2)).await.is_ok());
    world.clock.advance(Duration::from_secs(15 * 60));
    assert!(world.try_login_from("admin", PASSWORD, source(1)).await.is_ok());
}

/// Of many guesses at the same moment no more count than would one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_guesses_at_once() {
    let world = Arc::new(World::new().await);
    let guesses: Vec<_> = (0..60)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.try_login("admin", "wrong password").await.map(drop) })
        })
        .collect();
    let mut looked_at = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Err(LoginError::InvalidCredentials) => looked_at += 1,
            Err(LoginError::TooManyAttempts { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(
        looked_at <= FREE_ACCOUNT_FAILURES + 2,
        "{looked_at} guesses were answered"
    );
}
