//! Managers whose logins ask for second factors, and what tests do with them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::records::Account;
use mke_auth::second_factor::totp::{Seed, step_at};
use mke_auth::second_factor::{SecondFactorError, SecondFactors};
use mke_auth::sessions::{LoggedIn, LoginError, LoginRequest, Logins};
use mke_core::seal::SealingKey;
use mke_core::secret::Secret;
use mke_core::time::Clock as _;

use crate::support::{PASSWORD, SOURCE, World, rng};

/// A cluster whose managers share the store and the sealing key.
pub(crate) struct Guarded {
    pub(crate) world: World,
    pub(crate) sealing: SealingKey,
    pub(crate) factors: Arc<SecondFactors>,
}

impl Guarded {
    pub(crate) async fn new() -> Self {
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
    pub(crate) fn another(&self) -> (Logins, Arc<SecondFactors>) {
        manager(&self.world, &self.sealing)
    }

    pub(crate) async fn account(&self, name: &str) -> Arc<Account> {
        let directory = self.world.directory().await;
        directory.account_by_name(name).unwrap().clone()
    }

    pub(crate) async fn try_login(&self, name: &str, code: Option<&str>) -> Result<LoggedIn, LoginError> {
        login_on(&self.world, &self.world.logins, name, PASSWORD, code, *SOURCE).await
    }

    /// Begins an enrolment and returns its seed, as an app reads it out of the address.
    pub(crate) async fn begin(&self, name: &str) -> Seed {
        let account = self.account(name).await;
        let enrolment = self
            .factors
            .enrol(&account, "MKE test", &mut rng())
            .await
            .unwrap();
        seed_of(enrolment.seed.expose())
    }

    /// Switches it on, and moves the clock on, so that the code of the confirmation is out of the way.
    pub(crate) async fn on(&self, name: &str) -> (Seed, Vec<Secret>) {
        let seed = self.begin(name).await;
        let id = self.account(name).await.id.clone();
        let code = self.code(&seed, 0);
        let (codes, _) = self.factors.confirm(&id, &code, None, &mut rng()).await.unwrap();
        self.world.clock.advance(Duration::from_secs(90));
        (seed, codes)
    }

    pub(crate) fn code(&self, seed: &Seed, offset: i64) -> String {
        let step = step_at(self.world.clock.now())
            .checked_add_signed(offset)
            .unwrap();
        seed.code_at_step(step).text()
    }

    pub(crate) fn request<'a>(
        name: &'a str,
        password: &'a Secret,
        code: Option<&'a str>,
    ) -> LoginRequest<'a> {
        LoginRequest {
            username: name,
            password,
            source: *SOURCE,
            user_agent: "test",
            code,
        }
    }
}

pub(crate) fn manager(world: &World, sealing: &SealingKey) -> (Logins, Arc<SecondFactors>) {
    let factors = Arc::new(SecondFactors::new(
        world.store.clone(),
        world.clock.clone(),
        sealing.clone(),
    ));
    let logins = Logins::new(Arc::clone(&world.sessions), Arc::clone(&world.hasher))
        .with_second_factors(Arc::clone(&factors));
    (logins, factors)
}

pub(crate) async fn login_on(
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
pub(crate) fn seed_of(text: &str) -> Seed {
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

pub(crate) fn is_wrong(result: &Result<LoggedIn, LoginError>) -> bool {
    matches!(
        result,
        Err(LoginError::SecondFactor(SecondFactorError::WrongCode))
    )
}
