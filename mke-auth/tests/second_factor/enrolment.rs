//! Switching the second factor on and off: who may, and what becomes of sessions meanwhile.

use std::sync::Arc;
use std::time::Duration;

use mke_auth::FREE_CODE_FAILURES;
use mke_auth::accounts::NewUser;
use mke_auth::second_factor::{ENROLMENT_TIME, RECOVERY_CODES, SecondFactorError};
use mke_auth::sessions::LoginError;
use mke_core::secret::Secret;
use mke_core::store::layout;

use crate::guarded::{Guarded, is_wrong};
use crate::support::rng;

/// TFA-001, TFA-002: nothing is asked until the first right code; from then on every login needs one.
#[tokio::test]
async fn switching_it_on() {
    let guarded = Guarded::new().await;
    guarded.world.user("jane").await;
    let seed = guarded.begin("jane").await;
    assert!(guarded.try_login("jane", None).await.is_ok(), "only begun");
    let jane = guarded.account("jane").await;
    assert!(!guarded.world.directory().await.has_second_factor(&jane.id));

    let wrong = guarded.code(&seed, 5);
    for code in [wrong.as_str(), "", "12345", "1234567"] {
        let refused = guarded.factors.confirm(&jane.id, code, None, &mut rng()).await;
        assert!(matches!(refused, Err(SecondFactorError::WrongCode)), "{code:?}");
    }
    let right = guarded.code(&seed, 0);
    let (codes, _) = guarded
        .factors
        .confirm(&jane.id, &right, None, &mut rng())
        .await
        .unwrap();
    assert_eq!(codes.len(), RECOVERY_CODES);
    assert!(guarded.world.directory().await.has_second_factor(&jane.id));

    assert!(matches!(
        guarded.try_login("jane", None).await,
        Err(LoginError::SecondFactorNeeded)
    ));
    // The code that switched it on is used.
    assert!(is_wrong(&guarded.try_login("jane", Some(&right)).await));
    guarded.world.clock.advance(Duration::from_secs(30));
    let next = guarded.code(&seed, 0);
    assert!(guarded.try_login("jane", Some(&next)).await.is_ok());
    // Others are not asked, and a code that they send means nothing.
    assert!(guarded.try_login("admin", Some("123456")).await.is_ok());
}

/// What an enrolment is refused for.
#[tokio::test]
async fn who_may_not_enrol() {
    let guarded = Guarded::new().await;
    guarded.on("admin").await;
    let admin = guarded.account("admin").await;
    let again = guarded.factors.enrol(&admin, "MKE", &mut rng()).await;
    assert!(matches!(again, Err(SecondFactorError::AlreadyOn)));
    let again = guarded
        .factors
        .confirm(&admin.id, "000000", None, &mut rng())
        .await;
    assert!(matches!(again, Err(SecondFactorError::AlreadyOn)));

    let inactive = NewUser {
        is_active: false,
        ..NewUser::local("gone", crate::support::password())
    };
    guarded
        .world
        .accounts
        .create_user(inactive, &mut rng())
        .await
        .unwrap();
    for name in ["gone", "docker-datacenter"] {
        let account = guarded.account(name).await;
        let refused = guarded.factors.enrol(&account, "MKE", &mut rng()).await;
        assert!(matches!(refused, Err(SecondFactorError::NotAUser)), "{name}");
    }
    let jane = guarded.world.user("jane").await;
    let nothing = guarded
        .factors
        .confirm(&jane.id, "123456", None, &mut rng())
        .await;
    assert!(matches!(nothing, Err(SecondFactorError::NotBegun)));
    let seed = guarded.begin("jane").await;
    guarded.world.clock.advance(ENROLMENT_TIME);
    let late = guarded
        .factors
        .confirm(&jane.id, &guarded.code(&seed, 0), None, &mut rng())
        .await;
    assert!(matches!(late, Err(SecondFactorError::NotBegun)), "too late");
    guarded.world.accounts.delete_user(&jane.id).await.unwrap();
    let gone = guarded.factors.enrol(&jane, "MKE", &mut rng()).await;
    assert!(matches!(gone, Err(SecondFactorError::NotAUser)));
    assert!(
        guarded.world.keys_below(layout::SECOND_FACTORS).await.len() == 1,
        "deleted with the account"
    );
}

/// TFA-004, TFA-005: its owner switches it off with password and code, nobody with less; an administrator without.
#[tokio::test]
async fn switching_it_off() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    let jane = world.user("jane").await;
    let (seed, codes) = guarded.on("jane").await;
    let code = guarded.code(&seed, 0);
    let directory = world.directory().await;
    let (wrong, right) = (Secret::new("wrong password"), crate::support::password());
    let disable = async |password: &Secret, code: Option<&str>| {
        let request = Guarded::request("jane", password, code);
        world
            .logins
            .disable_second_factor(&directory, request, &world.backends, &mut rng())
            .await
    };
    assert!(matches!(
        disable(&wrong, Some(&code)).await,
        Err(LoginError::InvalidCredentials)
    ));
    assert!(matches!(
        disable(&right, None).await,
        Err(LoginError::SecondFactorNeeded)
    ));
    assert!(matches!(
        disable(&right, Some("000000")).await,
        Err(LoginError::SecondFactor(SecondFactorError::WrongCode))
    ));
    assert!(guarded.try_login("jane", None).await.is_err());
    disable(&right, Some(&code)).await.unwrap();
    assert!(guarded.try_login("jane", None).await.is_ok());
    assert!(matches!(
        disable(&right, Some(codes[0].expose())).await,
        Err(LoginError::SecondFactor(SecondFactorError::NotOn))
    ));

    guarded.on("jane").await;
    guarded.factors.switch_off(&jane.id).await.unwrap();
    assert!(guarded.try_login("jane", None).await.is_ok());
    assert!(matches!(
        guarded.factors.switch_off(&jane.id).await,
        Err(SecondFactorError::NotOn)
    ));
}

/// authn-01: switching it on ends the sessions that began without it, all but the one that did it; each login with a code
/// has a session id of its own.
#[tokio::test]
async fn sec_authn_01_sessions_change_with_the_second_factor() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    let jane = world.user("jane").await;
    let sessions = [
        world.login("jane").await,
        world.login("jane").await,
        world.login("jane").await,
    ];
    let seed = guarded.begin("jane").await;
    let keep = &sessions[1].session.id;
    guarded
        .factors
        .confirm(&jane.id, &guarded.code(&seed, 0), Some(keep), &mut rng())
        .await
        .unwrap();
    let directory = world.directory().await;
    let live: Vec<bool> = sessions
        .iter()
        .map(|session| session.identity.is_live(&directory))
        .collect();
    assert_eq!(live, [false, true, false]);
    world.clock.advance(Duration::from_secs(60));
    let fresh = guarded
        .try_login("jane", Some(&guarded.code(&seed, 0)))
        .await
        .unwrap();
    assert!(sessions.iter().all(|old| old.session.id != fresh.session.id));
}

/// A login without a code that races with the switching on ends with no session from before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_races_with_switching_on() {
    let guarded = Arc::new(Guarded::new().await);
    let jane = guarded.world.user("jane").await;
    let seed = guarded.begin("jane").await;
    let code = guarded.code(&seed, 0);
    let logins: Vec<_> = (0..6)
        .map(|_| {
            let guarded = guarded.clone();
            tokio::spawn(async move { guarded.try_login("jane", None).await })
        })
        .collect();
    guarded
        .factors
        .confirm(&jane.id, &code, None, &mut rng())
        .await
        .unwrap();
    let mut began = Vec::new();
    for login in logins {
        began.extend(login.await.unwrap());
    }
    let directory = guarded.world.directory().await;
    for session in began {
        assert!(
            !session.identity.is_live(&directory),
            "began before, so it has ended"
        );
    }
}

/// The account's owner confirms and is told the codes once; the helper for the API counts wrong codes.
#[tokio::test]
async fn confirming_is_paced() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    world.user("jane").await;
    let seed = guarded.begin("jane").await;
    let jane = guarded.account("jane").await;
    let nothing = Secret::default();
    let confirm = async |code: &str| {
        let request = Guarded::request("jane", &nothing, Some(code));
        world
            .logins
            .confirm_second_factor(&jane, request, None, &world.backends, &mut rng())
            .await
            .map(drop)
    };
    let mut refused = 0;
    for i in 0..FREE_CODE_FAILURES + 3 {
        match confirm(&format!("{i:06}")).await {
            Err(LoginError::SecondFactor(SecondFactorError::WrongCode)) => refused += 1,
            Err(LoginError::TooManyAttempts { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, FREE_CODE_FAILURES + 1);
    world.clock.advance(Duration::from_secs(60));
    confirm(&guarded.code(&seed, 0)).await.unwrap();
}
