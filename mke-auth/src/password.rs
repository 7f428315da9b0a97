//! Passwords: what is allowed, how they are hashed, and how many are hashed at once.
//!
//! Argon2id with the parameters below; stored as PHC strings. Anything else that claims to be a hash is refused
//! when it is read, so nothing weaker can slip in through a record. At most [`HashLimits::parallel`] hashes run
//! and [`HashLimits::waiting`] wait; beyond that [`PasswordError::Busy`] is answered at once, so that a flood of
//! logins can neither take the memory nor starve the rest. A check for an account that does not exist costs as
//! much as any other.
//!
//! Who may log in is decided in [`crate::sessions`].

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use mke_core::secret::Secret;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB: 19 MiB. With [`ITERATIONS`] and [`LANES`] the second choice of the OWASP Password
/// Storage Cheat Sheet for Argon2id.
pub const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory (OWASP, as above).
pub const ITERATIONS: u32 = 2;
/// Lanes (OWASP, as above).
pub const LANES: u32 = 1;

/// Most memory that a stored hash may ask for, in KiB: 64 MiB, so that a record cannot break the bound.
const MAX_MEMORY_KIB: u32 = 65_536;
/// Most passes that a stored hash may ask for.
const MAX_ITERATIONS: u32 = 16;

/// Bytes of salt (RFC 9106, section 4: 16 bytes).
const SALT_BYTES: usize = 16;

/// Fewest characters of a password (AUTH-003).
pub const MIN_CHARS: usize = 8;
/// Most bytes of a password. It is longer than any phrase, and nothing is ever cut off (authn-13).
pub const MAX_BYTES: usize = 4096;

/// Why a password was not hashed or checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN_CHARS`] characters.
    #[error("password has {found} characters, at least {MIN_CHARS} are needed")]
    TooShort {
        /// Its length in characters.
        found: usize,
    },
    /// More than [`MAX_BYTES`] bytes.
    #[error("password has {found} bytes, at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// Too many others wait.
    #[error("too many passwords are being checked, try again")]
    Busy,
    /// The text is no hash of a kind that is used here.
    #[error("not an argon2id password hash with acceptable parameters")]
    NotAHash,
    /// The hash function failed, for want of memory.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// Checks what a new password must fulfil.
///
/// # Errors
///
/// [`PasswordError::TooShort`] or [`PasswordError::TooLong`].
pub fn check(password: &Secret) -> Result<(), PasswordError> {
    let text = password.expose();
    if text.len() > MAX_BYTES {
        return Err(PasswordError::TooLong { found: text.len() });
    }
    let found = text.chars().count();
    if found < MIN_CHARS {
        return Err(PasswordError::TooShort { found });
    }
    Ok(())
}

/// A stored password: a PHC string of Argon2id. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash(Arc<str>);

impl PasswordHash {
    /// Takes a PHC string.
    ///
    /// # Errors
    ///
    /// [`PasswordError::NotAHash`] when it is none of Argon2id, version 19, or when it asks for too much memory
    /// or time.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let params = Self::read(text)?.1;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_ITERATIONS || params.p_cost() != LANES {
            return Err(PasswordError::NotAHash);
        }
        Ok(Self(text.into()))
    }

    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(text: &str) -> Result<(phc::PasswordHash, Params), PasswordError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordError::NotAHash)?;
        let params = Params::try_from(&hash).map_err(|_| PasswordError::NotAHash)?;
        let complete = hash.salt.is_some() && hash.hash.is_some();
        if hash.algorithm.as_str() != "argon2id" || hash.version != Some(19) || !complete {
            return Err(PasswordError::NotAHash);
        }
        Ok((hash, params))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = PasswordError;

    fn try_from(text: String) -> Result<Self, PasswordError> {
        Self::parse(&text)
    }
}

impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        hash.0.as_ref().to_owned()
    }
}

/// Whether a password was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was not.
    Wrong,
    /// It was.
    Right {
        /// The hash has other parameters than new ones get: hash the password again while it is known.
        outdated: bool,
    },
}

/// How much hashing goes on at once.
#[derive(Debug, Clone, Copy)]
pub struct HashLimits {
    /// Hashes that run at the same time; each takes [`MEMORY_KIB`] and a thread.
    pub parallel: NonZeroUsize,
    /// Requests that wait for their turn.
    pub waiting: usize,
}

impl HashLimits {
    /// One hash per processor; a queue of 1,024, which two processors work off in about ten seconds.
    pub fn for_processors(processors: NonZeroUsize) -> Self {
        Self {
            parallel: processors,
            waiting: 1024,
        }
    }
}

/// Hashes and checks passwords on the runtime's blocking threads, a bounded number at once.
#[derive(Debug)]
pub struct PasswordHasher {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    gauge: Arc<Gauge>,
    /// What the password of an account that does not exist is compared with.
    decoy: PasswordHash,
}

/// How many hashes run, how many ever ran at once, and how many ran in all.
#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
    total: AtomicUsize,
}

impl Gauge {
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        self.total.fetch_add(1, Ordering::SeqCst);
        let result = work();
        self.now.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

impl PasswordHasher {
    /// Makes a hasher. It hashes once, so it takes some ten milliseconds.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Failed`] when there is no memory for even one hash.
    pub fn new(limits: HashLimits) -> Result<Self, PasswordError> {
        let decoy = compute(&Secret::new("no account has this password"), &[0; SALT_BYTES])?;
        let parallel = limits.parallel.get();
        Ok(Self {
            admitted: Arc::new(Semaphore::new(parallel.saturating_add(limits.waiting))),
            running: Arc::new(Semaphore::new(parallel)),
            gauge: Arc::new(Gauge::default()),
            decoy,
        })
    }

    /// Hashes a new password, after [`check`].
    ///
    /// # Errors
    ///
    /// Those of [`check`], [`PasswordError::Busy`] and [`PasswordError::Failed`].
    pub async fn hash(
        &self,
        password: &Secret,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<PasswordHash, PasswordError> {
        check(password)?;
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        let password = password.clone();
        self.run(move || compute(&password, &salt)).await
    }

    /// Checks a password against the stored one, or against a decoy when there is none. Takes as long either
    /// way.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] and [`PasswordError::Failed`].
    pub async fn verify(
        &self,
        password: &Secret,
        stored: Option<&PasswordHash>,
    ) -> Result<Verdict, PasswordError> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or(&self.decoy).clone();
        // A password that is too long to be one costs the same, and its length costs nothing.
        let (password, possible) = if password.expose().len() <= MAX_BYTES {
            (password.clone(), true)
        } else {
            (Secret::default(), false)
        };
        let verdict = self.run(move || compare(&password, &stored)).await?;
        Ok(if exists && possible {
            verdict
        } else {
            Verdict::Wrong
        })
    }

    /// How many hashes ran at once, at most, since the start.
    pub fn peak(&self) -> usize {
        self.gauge.peak.load(Ordering::SeqCst)
    }

    /// How many hashes ran since the start.
    pub fn count(&self) -> usize {
        self.gauge.total.load(Ordering::SeqCst)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let admitted = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| PasswordError::Busy)?;
        let running = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Busy)?;
        let gauge = Arc::clone(&self.gauge);
        // The permits go with the work: it runs on when the caller is cancelled, and still counts.
        tokio::task::spawn_blocking(move || {
            let result = gauge.during(work);
            drop((running, admitted));
            result
        })
        .await
        .map_err(|error| PasswordError::Failed(error.to_string()))?
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, ITERATIONS, LANES, None)
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn compute(password: &Secret, salt: &[u8]) -> Result<PasswordHash, PasswordError> {
    let hash: phc::PasswordHash = argon2()?
        .hash_password_with_salt(password.expose().as_bytes(), salt)
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    PasswordHash::parse(&hash.to_string())
}

fn compare(password: &Secret, stored: &PasswordHash) -> Result<Verdict, PasswordError> {
    let (hash, params) = PasswordHash::read(stored.as_str())?;
    match argon2()?.verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) => Ok(Verdict::Right {
            outdated: (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, ITERATIONS, LANES),
        }),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(PasswordError::Failed(error.to_string())),
    }
}
