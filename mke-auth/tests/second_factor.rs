//! The second factor: switching it on and off, logging in with it, and every way around it that must not be one.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::FREE_CODE_FAILURES;
use mke_auth::accounts::NewUser;
use mke_auth::records::{self, Account, SecondFactor};
use mke_auth::second_factor::totp::{Seed, step_at};
use mke_auth::second_factor::{ENROLMENT_TIME, RECOVERY_CODES, SecondFactorError, SecondFactors};
use mke_auth::sessions::{LoggedIn, LoginError, LoginRequest, Logins};
use mke_core::ids::AccountId;
use mke_core::seal::SealingKey;
use mke_core::secret::Secret;
use mke_core::store::{KeyRange, Store as _, Txn, layout};
use mke_core::time::Clock as _;
use support::{PASSWORD, SOURCE, World, rng};

/// A cluster whose managers share the store and the sealing key.
struct Guarded {
    world: World,
    sealing: SealingKey,
    factors: Arc<SecondFactors>,
}

impl Guarded {
    async fn new() -> Self {
        let mut world = World::new().await;
        let sealing = SealingKey::generate(&mut rng());
        let (logins, factors) = manager(&world, &sealing);
        world.logins = logins;
        Self {
            world,
            sealing,
            factors,
        }
    }

    /// What the first one becomes after a restart, or another manager is.
    fn another(&self) -> (Logins, Arc<SecondFactors>) {
        manager(&self.world, &self.sealing)
    }

    async fn account(&self, name: &str) -> Arc<Account> {
        let directory = self.world.directory().await;
        directory.account_by_name(name).unwrap().clone()
    }

    async fn try_login(&self, name: &str, code: Option<&str>) -> Result<LoggedIn, LoginError> {
        login_on(&self.world, &self.world.logins, name, PASSWORD, code, *SOURCE).await
    }

    /// Begins an enrolment and returns its seed, as an app reads it out of the address.
    async fn begin(&self, name: &str) -> Seed {
        let account = self.account(name).await;
        let enrolment = self
            .factors
            .enrol(&account, "MKE test", &mut rng())
            .await
            .unwrap();
        seed_of(enrolment.seed.expose())
    }

    /// Switches it on, and moves the clock on, so that the code of the confirmation is out of the way.
    async fn on(&self, name: &str) -> (Seed, Vec<Secret>) {
        let seed = self.begin(name).await;
        let id = self.account(name).await.id.clone();
        let code = self.code(&seed, 0);
        let (codes, _) = self.factors.confirm(&id, &code, None, &mut rng()).await.unwrap();
        self.world.clock.advance(Duration::from_secs(90));
        (seed, codes)
    }

    fn code(&self, seed: &Seed, offset: i64) -> String {
        let step = step_at(self.world.clock.now())
            .checked_add_signed(offset)
            .unwrap();
        seed.code_at_step(step).text()
    }

    fn request<'a>(name: &'a str, password: &'a Secret, code: Option<&'a str>) -> LoginRequest<'a> {
        LoginRequest {
            username: name,
            password,
            source: *SOURCE,
            user_agent: "test",
            code,
        }
    }
}

fn manager(world: &World, sealing: &SealingKey) -> (Logins, Arc<SecondFactors>) {
    let factors = Arc::new(SecondFactors::new(
        world.store.clone(),
        world.clock.clone(),
        sealing.clone(),
    ));
    let logins = Logins::new(Arc::clone(&world.sessions), Arc::clone(&world.hasher))
        .with_second_factors(Arc::clone(&factors));
    (logins, factors)
}

async fn login_on(
    world: &World,
    logins: &Logins,
    name: &str,
    password: &str,
    code: Option<&str>,
    source: IpAddr,
) -> Result<LoggedIn, LoginError> {
    let request = LoginRequest {
        username: name,
        password: &Secret::new(password),
        source,
        user_agent: "test",
        code,
    };
    logins
        .login(
            &world.directory().await,
            request,
            &world.backends,
            &world.settings,
            &mut rng(),
        )
        .await
}

/// Base32 without a shortcut.
fn seed_of(text: &str) -> Seed {
    let bits: String = text
        .chars()
        .map(|letter| {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
            format!("{value:05b}")
        })
        .collect();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|eight| u8::from_str_radix(std::str::from_utf8(eight).unwrap(), 2).unwrap())
        .collect();
    Seed::new(bytes)
}

fn is_wrong(result: &Result<LoggedIn, LoginError>) -> bool {
    matches!(
        result,
        Err(LoginError::SecondFactor(SecondFactorError::WrongCode))
    )
}

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
        ..NewUser::local("gone", support::password())
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
    let password = support::password();
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
    let (wrong, right) = (Secret::new("wrong password"), support::password());
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

    let password = support::password();
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

/// TFA-004, TFA-005: its owner switches it off with password and code, nobody with less; an administrator without.
#[tokio::test]
async fn switching_it_off() {
    let guarded = Guarded::new().await;
    let world = &guarded.world;
    let jane = world.user("jane").await;
    let (seed, codes) = guarded.on("jane").await;
    let code = guarded.code(&seed, 0);
    let directory = world.directory().await;
    let (wrong, right) = (Secret::new("wrong password"), support::password());
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
