//! Failed logins that managers share and that survive a restart, and accounts that they lock.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::accounts::Recovery;
use mke_auth::sessions::{Backends, LoginError, LoginRequest, Logins};
use mke_auth::{FREE_ACCOUNT_FAILURES, FREE_SOURCE_FAILURES};
use mke_core::config::Config;
use mke_core::secret::Secret;
use mke_core::store::{KeyRange, Store as _, layout};
use support::{PASSWORD, World, rng};

fn source(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

/// Another manager of the same cluster, or the same one after a restart.
fn manager(world: &World) -> Logins {
    Logins::new(Arc::clone(&world.sessions), Arc::clone(&world.hasher))
}

async fn attempt(
    world: &World,
    logins: &Logins,
    name: &str,
    password: &str,
    source: IpAddr,
    backends: &Backends,
) -> Result<(), LoginError> {
    let request = LoginRequest {
        username: name,
        password: &Secret::new(password),
        source,
        user_agent: "test",
        code: None,
    };
    logins
        .login(
            &world.directory().await,
            request,
            backends,
            &world.settings,
            &mut rng(),
        )
        .await
        .map(drop)
}

async fn guess(world: &World, logins: &Logins, name: &str, times: u32) {
    for i in 0..times {
        let from = source(100 + u8::try_from(i % 100).unwrap());
        let failed = attempt(world, logins, name, "wrong password", from, &world.backends).await;
        assert!(
            matches!(failed, Err(LoginError::InvalidCredentials)),
            "{i} {failed:?}"
        );
    }
}

/// What one manager counts holds on another and after a restart, for names that exist and others.
#[tokio::test]
async fn counts_are_shared() {
    let world = World::new().await;
    world.user("jane").await;
    for name in ["jane", "nobody"] {
        let (one, other) = (manager(&world), manager(&world));
        // Half of the free ones here, the rest there.
        guess(&world, &one, name, FREE_ACCOUNT_FAILURES / 2).await;
        one.share_failures().await.unwrap();
        guess(&world, &other, name, FREE_ACCOUNT_FAILURES / 2 + 1).await;
        other.share_failures().await.unwrap();
        for logins in [&one, &other, &manager(&world)] {
            let refused = attempt(&world, logins, name, PASSWORD, source(9), &world.backends).await;
            assert!(
                matches!(refused, Err(LoginError::TooManyAttempts { .. })),
                "{name} {refused:?}"
            );
        }
        world.clock.advance(Duration::from_secs(60));
    }
    // A success on one of them clears the count on all.
    let (one, other) = (manager(&world), manager(&world));
    attempt(&world, &one, "jane", PASSWORD, source(9), &world.backends)
        .await
        .unwrap();
    one.share_failures().await.unwrap();
    guess(&world, &other, "jane", FREE_ACCOUNT_FAILURES).await;
}

/// A source is counted over managers too, and where an account has logged in from outlives a restart.
#[tokio::test]
async fn sources_are_shared() {
    let world = World::new().await;
    let one = manager(&world);
    attempt(&world, &one, "admin", PASSWORD, source(1), &world.backends)
        .await
        .unwrap();
    for i in 0..=FREE_SOURCE_FAILURES {
        let name = format!("name{i}");
        let failed = attempt(&world, &one, &name, "wrong password", source(2), &world.backends).await;
        assert!(matches!(failed, Err(LoginError::InvalidCredentials)));
    }
    guess(&world, &one, "admin", FREE_ACCOUNT_FAILURES + 1).await;
    while one.share_failures().await.unwrap() > 0 {}
    let restarted = manager(&world);
    let blocked = attempt(
        &world,
        &restarted,
        "somebody",
        "wrong password",
        source(2),
        &world.backends,
    )
    .await;
    assert!(
        matches!(blocked, Err(LoginError::TooManyAttempts { .. })),
        "the source is known"
    );
    let stranger = attempt(&world, &restarted, "admin", PASSWORD, source(3), &world.backends).await;
    assert!(matches!(stranger, Err(LoginError::TooManyAttempts { .. })));
    let owner = attempt(&world, &restarted, "admin", PASSWORD, source(1), &world.backends).await;
    assert!(owner.is_ok(), "a stranger does not keep the owner out: {owner:?}");
}

/// Two managers that write at the same moment lose nothing of either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn managers_write_at_once() {
    let world = Arc::new(World::new().await);
    let managers: Vec<Arc<Logins>> = (0..3).map(|_| Arc::new(manager(&world))).collect();
    for logins in &managers {
        guess(&world, logins, "admin", 3).await;
    }
    let writes: Vec<_> = managers
        .iter()
        .map(|logins| {
            let logins = logins.clone();
            tokio::spawn(async move { logins.share_failures().await.unwrap() })
        })
        .collect();
    for write in writes {
        assert!(write.await.unwrap() > 0);
    }
    let late = manager(&world);
    guess(&world, &late, "admin", FREE_ACCOUNT_FAILURES + 1 - 9).await;
    let blocked = attempt(&world, &late, "admin", PASSWORD, source(9), &world.backends).await;
    assert!(
        matches!(blocked, Err(LoginError::TooManyAttempts { .. })),
        "nine were known"
    );
}

/// However many attempts there are, the store is written once for all of them, and a bounded number of records at once;
/// nothing that somebody typed stands in it, and every record ends by itself.
#[tokio::test]
async fn writes_are_few() {
    let world = World::new().await;
    let logins = manager(&world);
    let revision = async || {
        world
            .store
            .range(KeyRange::key(layout::CLUSTER), 1)
            .await
            .unwrap()
            .revision
            .0
    };
    assert_eq!(logins.share_failures().await.unwrap(), 0);
    let before = revision().await;
    for i in 0..90_u8 {
        let name = format!("typed-secret-{i}");
        let _ = attempt(
            &world,
            &logins,
            &name,
            "wrong password",
            source(i),
            &world.backends,
        )
        .await;
    }
    assert_eq!(revision().await, before, "attempts write nothing");
    let first = logins.share_failures().await.unwrap();
    assert!(first <= 64, "{first}");
    assert_eq!(revision().await, before + 1, "one transaction");
    while logins.share_failures().await.unwrap() > 0 {}
    let stored = world
        .store
        .range(KeyRange::prefix(layout::LOGIN_FAILURES), 10_000)
        .await
        .unwrap();
    assert_eq!(stored.entries.len(), 180, "a name and a source each");
    for entry in stored.entries {
        assert!(entry.lease.is_some(), "{}", entry.key);
        let text = format!("{} {}", entry.key, String::from_utf8(entry.value).unwrap());
        assert!(
            !text.contains("typed-secret") && !text.contains("192.0.2"),
            "{text}"
        );
    }
}

fn locking(trigger: i64, seconds: i64) -> Backends {
    let mut config = Config::default();
    config.auth.account_lock.enabled = true;
    config.auth.account_lock.failure_trigger = Some(trigger);
    config.auth.account_lock.duration_seconds = Some(seconds);
    Backends::of(&config.auth)
}

/// `auth.account_lock`: after so many failures in a row a right password fails like a wrong one, everywhere, for so long;
/// sessions go on; other accounts are not touched; switched off it does nothing.
#[tokio::test]
async fn locks() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    world.user("bob").await;
    let backends = locking(3, 600);
    let (one, other) = (manager(&world), manager(&world));
    let session = world.login("jane").await;
    let wrong = async |logins: &Logins, name: &str, times: u8| {
        for i in 0..times {
            let failed = attempt(&world, logins, name, "wrong password", source(i), &backends).await;
            assert!(matches!(failed, Err(LoginError::InvalidCredentials)));
        }
    };
    // A success in between begins anew.
    wrong(&one, "jane", 2).await;
    attempt(&world, &one, "jane", PASSWORD, source(9), &backends)
        .await
        .unwrap();
    wrong(&one, "jane", 2).await;
    attempt(&world, &one, "jane", PASSWORD, source(9), &backends)
        .await
        .unwrap();
    assert!(one.login_lock(&jane.id).await.unwrap().is_none());
    // Two here and one there are three.
    wrong(&one, "jane", 2).await;
    one.share_failures().await.unwrap();
    wrong(&other, "jane", 1).await;
    let locked = attempt(&world, &other, "jane", PASSWORD, source(9), &backends).await;
    assert!(
        matches!(locked, Err(LoginError::InvalidCredentials)),
        "at once where it happened"
    );
    other.share_failures().await.unwrap();
    for logins in [&one, &other, &manager(&world)] {
        let hashes = world.hasher.count();
        let locked = attempt(&world, logins, "jane", PASSWORD, source(9), &backends).await;
        assert!(matches!(locked, Err(LoginError::InvalidCredentials)));
        assert_eq!(
            world.hasher.count() - hashes,
            1,
            "authn-15: the work of a wrong password"
        );
        assert!(logins.login_lock(&jane.id).await.unwrap().is_some());
    }
    assert!(
        session.identity.is_live(&world.directory().await),
        "sessions go on"
    );
    attempt(&world, &one, "bob", PASSWORD, source(9), &backends)
        .await
        .unwrap();
    attempt(&world, &one, "jane", PASSWORD, source(9), &Backends::managed())
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(599));
    assert!(
        attempt(&world, &one, "jane", PASSWORD, source(9), &backends)
            .await
            .is_err()
    );
    world.clock.advance(Duration::from_secs(1));
    attempt(&world, &one, "jane", PASSWORD, source(9), &backends)
        .await
        .unwrap();
}

/// authn-15: a name that nobody has answers as a locked account does, and leaves no lock behind.
#[tokio::test]
async fn sec_authn_15_locks_tell_nothing() {
    let world = World::new().await;
    world.user("jane").await;
    let backends = locking(2, 0);
    let mut answers = Vec::new();
    for name in ["jane", "nobody"] {
        let logins = manager(&world);
        let mut seen = Vec::new();
        for i in 0..6 {
            let before = world.hasher.count();
            let refused = attempt(&world, &logins, name, "wrong password", source(i), &backends).await;
            seen.push((refused.unwrap_err().to_string(), world.hasher.count() - before));
        }
        while logins.share_failures().await.unwrap() > 0 {}
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(world.keys_below(layout::LOGIN_LOCKS).await.len(), 1);
}

/// Nobody stays out for ever: a lock without an end is opened by an administrator, or from the shell of a manager.
#[tokio::test]
async fn locks_are_opened() {
    let world = World::new().await;
    let backends = locking(2, 0);
    let (one, other) = (manager(&world), manager(&world));
    let lock = async || {
        for i in 0..2 {
            let _ = attempt(&world, &one, "admin", "wrong password", source(50 + i), &backends).await;
        }
        one.share_failures().await.unwrap();
        world.clock.advance(Duration::from_secs(365 * 24 * 3600));
        let locked = attempt(&world, &other, "admin", PASSWORD, source(1), &backends).await;
        assert!(matches!(locked, Err(LoginError::InvalidCredentials)));
    };
    lock().await;
    let admin = world.directory().await.account(&world.admin).unwrap().clone();
    let (was_locked, _) = other.unlock(&admin).await.unwrap();
    assert!(was_locked);
    assert!(!other.unlock(&admin).await.unwrap().0);
    for logins in [&other, &one] {
        attempt(&world, logins, "admin", PASSWORD, source(1), &backends)
            .await
            .unwrap();
    }
    lock().await;
    let recovery = Recovery {
        password: Secret::new("another password"),
        admin: true,
        disable_second_factor: true,
    };
    let recovered = world
        .accounts
        .recover("admin", &recovery, &mut rng())
        .await
        .unwrap();
    assert!(recovered.unlocked && recovered.is_admin && !recovered.promoted);
    attempt(&world, &other, "admin", "another password", source(1), &backends)
        .await
        .unwrap();
    lock_ends_with_the_account(&world).await;
}

async fn lock_ends_with_the_account(world: &World) {
    let jane = world.user("jane").await;
    let logins = manager(world);
    let backends = locking(1, 0);
    let _ = attempt(world, &logins, "jane", "wrong password", source(1), &backends).await;
    logins.share_failures().await.unwrap();
    assert!(
        world
            .keys_below(layout::LOGIN_LOCKS)
            .await
            .contains(&layout::login_lock(&jane.id))
    );
    world.accounts.delete_user(&jane.id).await.unwrap();
    assert!(
        !world
            .keys_below(layout::LOGIN_LOCKS)
            .await
            .contains(&layout::login_lock(&jane.id))
    );
    // One that is deleted before its lock was written leaves none either.
    let bob = world.user("bob").await;
    let _ = attempt(world, &logins, "bob", "wrong password", source(1), &backends).await;
    world.accounts.delete_user(&bob.id).await.unwrap();
    while logins.share_failures().await.unwrap() > 0 {}
    assert!(
        !world
            .keys_below(layout::LOGIN_LOCKS)
            .await
            .contains(&layout::login_lock(&bob.id))
    );
}
