//! Sessions: how long they live, how many there may be, and what ends them.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::accounts::{PasswordChange, UserChange};
use mke_auth::sessions::{LoggedIn, LoginRequest, SessionError};
use mke_core::config::SessionSettings;
use mke_core::secret::Secret;
use support::{PASSWORD, SOURCE, World, password, rng};

const MINUTE: Duration = Duration::from_secs(60);

impl World {
    async fn validate(&self, login: &LoggedIn) -> Result<(), SessionError> {
        let directory = self.directory().await;
        let token = login.token.text();
        self.sessions
            .validate(&directory, token.expose(), &self.settings)
            .map(drop)
    }
}

fn settings(lifetime: u32, threshold: u32, limit: u32) -> SessionSettings {
    SessionSettings {
        lifetime_minutes: lifetime,
        renewal_threshold_minutes: threshold,
        per_user_limit: limit,
        ..SessionSettings::default()
    }
}

/// SESS-001, SESS-002: a matrix of lifetimes and thresholds. A session used within the threshold of its end lives
/// a whole lifetime more; used before that, or with threshold 0, it does not.
#[tokio::test]
async fn lifetime_and_renewal() {
    // lifetime, threshold, minutes at which it is used, minute at which it is over
    let cases: [(u32, u32, &[u64], u64); 8] = [
        (60, 20, &[], 60),
        (60, 20, &[39], 60),
        (60, 20, &[40], 100),
        (60, 20, &[59], 119),
        (60, 20, &[59, 118], 178),
        (60, 0, &[59], 60),
        (10, 5, &[4, 5], 15),
        (60, 55, &[5], 65),
    ];
    for (lifetime, threshold, uses, end) in cases {
        let mut world = World::new().await;
        world.settings = settings(lifetime, threshold, 10);
        let login = world.login("admin").await;
        let start = login.session.created;
        let at = |minute: u64| start.plus(MINUTE * u32::try_from(minute).unwrap());
        for minute in uses {
            world.clock.set(at(*minute));
            world.validate(&login).await.unwrap();
        }
        let case = format!("{lifetime}/{threshold} used at {uses:?}");
        let (_, expires) = world.sessions.times(&login.session);
        assert_eq!(expires, at(end), "{case}");
        world.clock.set(at(end));
        assert!(
            matches!(world.validate(&login).await, Err(SessionError::Expired(_))),
            "{case} must be over"
        );
    }
}

/// SESS-003: the eleventh session ends the one with the oldest last use, not the oldest one.
#[tokio::test]
async fn the_least_recently_used_goes() {
    let world = World::new().await;
    let mut logins = Vec::new();
    for _ in 0..10 {
        world.clock.advance(MINUTE);
        logins.push(world.login("admin").await);
    }
    // All but the fourth are used again, the oldest included.
    for (i, login) in logins.iter().enumerate().filter(|(i, _)| *i != 3) {
        world.clock.advance(Duration::from_secs(1));
        world
            .validate(login)
            .await
            .unwrap_or_else(|error| panic!("{i}: {error}"));
    }
    let eleventh = world.login("admin").await;
    assert_eq!(world.validate(&logins[3]).await, Err(SessionError::Unknown));
    for (i, login) in logins.iter().enumerate().filter(|(i, _)| *i != 3) {
        assert!(world.validate(login).await.is_ok(), "session {i} must live");
    }
    assert!(world.validate(&eleventh).await.is_ok());
}

/// SESS-003: no limit is no limit, one is one, and a session that is over goes before one that is not.
#[tokio::test]
async fn limits_at_their_bounds() {
    let mut world = World::new().await;
    for (limit, expected) in [(0, 12), (1, 1)] {
        world.settings = settings(60, 20, limit);
        for _ in 0..12 {
            world.login("admin").await;
        }
        assert_eq!(world.directory().await.sessions().count(), expected);
    }
    world.settings = settings(60, 0, 2);
    let short = world.login("admin").await;
    world.clock.advance(MINUTE * 59);
    world.settings = settings(600, 0, 2);
    let long = world.login("admin").await;
    world.clock.advance(MINUTE * 2);
    world.login("admin").await;
    assert_eq!(world.validate(&short).await, Err(SessionError::Unknown));
    assert!(world.validate(&long).await.is_ok());
}

/// authn-03, SESS-003: the limit holds when a hundred log in at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_authn_03_the_limit_holds_under_parallel_logins() {
    let world = Arc::new(World::new().await);
    let directory = world.directory().await;
    let logins: Vec<_> = (0..100)
        .map(|_| {
            let (world, directory) = (Arc::clone(&world), directory.clone());
            tokio::spawn(async move {
                let request = LoginRequest {
                    username: "admin",
                    password: &password(),
                    source: *SOURCE,
                    user_agent: "",
                    code: None,
                };
                world
                    .logins
                    .login(&directory, request, &world.backends, &world.settings, &mut rng())
                    .await
                    .unwrap()
                    .first_login
            })
        })
        .collect();
    let mut first = 0;
    for login in logins {
        first += usize::from(login.await.unwrap());
    }
    assert_eq!(first, 1, "one login is the first");
    assert_eq!(world.directory().await.sessions().count(), 10);
}

/// SESS-005: each use stamps the session without writing to the store; a flush writes all stamps.
#[tokio::test]
async fn use_is_stamped() {
    let world = World::new().await;
    let login = world.login("admin").await;
    let written = login.revision;
    for _ in 0..5 {
        world.clock.advance(MINUTE);
        world.validate(&login).await.unwrap();
    }
    let now = login.session.created.plus(MINUTE * 5);
    assert_eq!(world.sessions.times(&login.session).0, now);
    let directory = world.directory().await;
    let stored = directory.session(&login.session.id).unwrap();
    assert_eq!(stored.session.last_used, login.session.created);
    assert_eq!(stored.modified, written, "no request wrote to the store");

    assert_eq!(world.sessions.flush_last_used(&directory).await.unwrap(), 1);
    let directory = world.directory().await;
    assert_eq!(
        directory.session(&login.session.id).unwrap().session.last_used,
        now
    );
    assert_eq!(
        world.sessions.flush_last_used(&directory).await.unwrap(),
        0,
        "nothing new to write"
    );
}

/// authn-04: a flush or a late reader cannot bring back a session that has ended.
#[tokio::test]
async fn what_ended_stays_ended() {
    let world = World::new().await;
    let (one, two) = (world.login("admin").await, world.login("admin").await);
    world.clock.advance(MINUTE);
    for login in [&one, &two] {
        world.validate(login).await.unwrap();
    }
    let lagging = world.directory().await;
    world
        .sessions
        .logout(&one.session.account, &one.session.id)
        .await
        .unwrap();
    assert_eq!(world.sessions.flush_last_used(&lagging).await.unwrap(), 1);
    assert_eq!(world.validate(&one).await, Err(SessionError::Unknown));
    assert!(world.validate(&two).await.is_ok());
}

/// SESS-001: sessions that are over are removed, others stay.
#[tokio::test]
async fn old_sessions_are_pruned() {
    let world = World::new().await;
    let old = world.login("admin").await;
    world.clock.advance(MINUTE * 30);
    let young = world.login("admin").await;
    world.clock.advance(MINUTE * 30);
    let directory = world.directory().await;
    assert_eq!(world.sessions.prune(&directory).await.unwrap(), 1);
    let left: BTreeSet<_> = world
        .directory()
        .await
        .sessions()
        .map(|stored| stored.session.id.clone())
        .collect();
    assert!(left.contains(&young.session.id) && !left.contains(&old.session.id));
}

/// authn-04: logout, password change, deactivation and deletion end tokens and whatever they opened, at once.
#[tokio::test]
async fn sec_authn_04_what_ends_a_session() {
    let world = World::new().await;
    let deactivate = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    for cause in ["logout", "end all", "password", "deactivated", "deleted"] {
        let jane = world.user("jane").await;
        let (login, other) = (world.login("jane").await, world.login("admin").await);
        let request = LoginRequest {
            username: "jane",
            password: &password(),
            source: *SOURCE,
            user_agent: "",
            code: None,
        };
        let before = world.directory().await;
        let by_password = world
            .logins
            .check_password(&before, request, &world.backends, &mut rng())
            .await
            .unwrap()
            .identity;
        assert!(login.identity.is_live(&before) && by_password.is_live(&before));
        match cause {
            "logout" => drop(world.sessions.logout(&jane.id, &login.session.id).await.unwrap()),
            "end all" => drop(world.sessions.end_all_for(&jane.id).await.unwrap()),
            "password" => drop(
                world
                    .accounts
                    .change_password(
                        &jane.id,
                        &PasswordChange::Reset,
                        &Secret::new("something else"),
                        &mut rng(),
                    )
                    .await
                    .unwrap(),
            ),
            "deactivated" => drop(
                world
                    .accounts
                    .update_account(&jane.id, &deactivate)
                    .await
                    .unwrap(),
            ),
            _ => drop(world.accounts.delete_user(&jane.id).await.unwrap()),
        }
        let after = world.directory().await;
        assert!(!login.identity.is_live(&after), "{cause}");
        assert_eq!(
            by_password.is_live(&after),
            cause == "logout" || cause == "end all",
            "{cause}"
        );
        assert_eq!(
            world.validate(&login).await,
            Err(SessionError::Unknown),
            "{cause}"
        );
        assert!(world.validate(&other).await.is_ok(), "{cause}: others stay");
        assert!(other.identity.is_live(&after), "{cause}: others stay");
        if cause != "deleted" {
            world.accounts.delete_user(&jane.id).await.unwrap();
        }
    }
}

/// authn-04: who was an administrator when a stream began and is none any more loses the stream.
#[tokio::test]
async fn streams_of_former_administrators() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    let flag = |is_admin| UserChange {
        is_admin: Some(is_admin),
        ..UserChange::default()
    };
    world
        .accounts
        .update_account(&jane.id, &flag(true))
        .await
        .unwrap();
    let login = world.login("jane").await;
    assert!(login.identity.is_admin());
    world
        .accounts
        .update_account(&jane.id, &flag(false))
        .await
        .unwrap();
    let directory = world.directory().await;
    assert!(!login.identity.is_live(&directory));
    let token = login.token.text();
    let now = world
        .sessions
        .validate(&directory, token.expose(), &world.settings)
        .unwrap();
    assert!(!now.is_admin(), "the session itself goes on with less");
}

/// authn-05: a token with a flipped bit, cut, doubled or otherwise spelt opens nothing.
#[tokio::test]
async fn sec_authn_05_damaged_tokens() {
    let world = World::new().await;
    let login = world.login("admin").await;
    let directory = world.directory().await;
    let text = login.token.text().expose().to_owned();
    let open = |token: &str| world.sessions.validate(&directory, token, &world.settings);
    assert!(open(&text).is_ok());
    for i in 0..text.len() {
        let mut damaged = text.clone().into_bytes();
        damaged[i] = if damaged[i] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).unwrap();
        assert!(open(&damaged).is_err(), "character {i}");
    }
    for bad in [
        String::new(),
        text[..42].to_owned(),
        format!("{text}{text}"),
        format!("{text}="),
        format!(" {text}"),
        format!("{text}\n"),
        text.to_uppercase(),
        "a".repeat(1_000_000),
        login.session.id.to_string(),
    ] {
        assert!(open(&bad).is_err(), "{bad:.60}");
    }
}

/// AUTH-011: the first login is told from later ones, and nothing before it marks one.
#[tokio::test]
async fn the_first_login() {
    let world = World::new().await;
    let jane = world.user("jane").await;
    assert!(world.try_login("jane", "wrong password").await.is_err());
    assert!(world.directory().await.login(&jane.id).is_none());
    let first = world.login("jane").await;
    assert!(first.first_login);
    world.clock.advance(MINUTE);
    assert!(!world.login("jane").await.first_login);
    let directory = world.directory().await;
    let login = directory.login(&jane.id).unwrap();
    assert_eq!(login.first, first.session.created);
    assert_eq!(login.last, first.session.created.plus(MINUTE));
    assert!(world.try_login("jane", PASSWORD).await.is_ok());
}
