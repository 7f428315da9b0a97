//! The second factor: a code that only the owner's device can make, asked for after the password (TFA-001 to TFA-006).
//!
//! It is switched on in two steps: [`SecondFactors::enrol`] makes a seed and shows it once, [`SecondFactors::confirm`]
//! takes the first code of it and hands out recovery codes. The store keeps the seed sealed for the key of its record,
//! and recovery codes as hashes. Each code is taken once: the step of the last one is part of the record, and whatever a
//! code opens is written in the transaction that moves it on, so that of two uses at once, on whatever managers, one
//! wins (authn-07).
//!
//! Who may try, and how often, is decided in [`crate::sessions`]; what a code is in [`totp`].

mod base32;
pub mod otpauth;
pub mod recovery;
pub mod totp;

pub use recovery::RECOVERY_CODES;

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::ids::{AccountId, SessionId};
use mke_core::seal::{SealError, SealingKey};
use mke_core::secret::Secret;
use mke_core::store::{Compare, KeyRange, Revision, Store, Txn, layout};
use mke_core::time::{Clock, Timestamp};
use rand_core::CryptoRng;

use self::totp::{Code, Seed};
use crate::records::{Account, SecondFactor};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// How long somebody may take from the seed to its first code. Judgement: time to install an app.
pub const ENROLMENT_TIME: Duration = Duration::from_secs(15 * 60);

/// Why a second factor was not made, used or switched off.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// A code is asked for and none came.
    #[error("a code of the second factor is needed: send it as `code`")]
    Needed,
    /// The code is none, is not of this time, or was used before.
    #[error("the code of the second factor is wrong or was used before")]
    WrongCode,
    /// It is switched on already.
    #[error("the second factor is switched on already, switch it off first")]
    AlreadyOn,
    /// There is no seed to confirm, or it is too old.
    #[error("there is nothing to confirm: begin the enrolment of the second factor again")]
    NotBegun,
    /// It is not switched on.
    #[error("the second factor is not switched on")]
    NotOn,
    /// The account does not exist or cannot log in.
    #[error("only active users have a second factor")]
    NotAUser,
    /// The sealed seed could not be made or opened.
    #[error("the seed of the second factor cannot be used on this manager: {0}")]
    Seal(#[from] SealError),
    /// The record cannot be used, or this program has no key to open it with.
    #[error("the second factor of account {0} cannot be used, an administrator must switch it off")]
    Unusable(AccountId),
    /// The store refused or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A seed that waits for its first code. It is shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// The address for an authenticator app, seed included.
    pub uri: Secret,
    /// The seed alone, for people who type it in.
    pub seed: Secret,
    /// Until when it can be confirmed.
    pub expires: Timestamp,
    /// When it was written.
    pub revision: Revision,
}

/// Makes, checks and removes second factors.
pub struct SecondFactors {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealing: SealingKey,
}

impl std::fmt::Debug for SecondFactors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactors").finish_non_exhaustive()
    }
}

/// What a login finds.
pub(crate) enum Standing {
    /// None is asked for, as long as this holds.
    Off(Compare),
    /// A code is asked for.
    On(Box<Found<SecondFactor>>),
}

/// What an account's logins need, as the store says now.
pub(crate) async fn standing(store: &dyn Store, account: &AccountId) -> Result<Standing, StorageError> {
    let key = layout::second_factor(account);
    Ok(match storage::read::<SecondFactor>(store, key.clone()).await? {
        None => Standing::Off(Compare::Absent(key)),
        Some(found) if found.record.account != *account => {
            return Err(StorageError::Record {
                key,
                source: crate::records::RecordError::Unversioned {
                    what: "second factor",
                },
            });
        }
        Some(found) if found.record.confirmed.is_none() => {
            Standing::Off(Compare::Modified(key, found.modified))
        }
        Some(found) => Standing::On(Box::new(found)),
    })
}

impl SecondFactors {
    /// Second factors kept in this store, opened with this key.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, sealing: SealingKey) -> Self {
        Self {
            store,
            clock,
            sealing,
        }
    }

    /// Makes a seed for an account and returns it, once. A seed that was not confirmed is replaced.
    ///
    /// The caller has just checked the account's password (authn-11).
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::AlreadyOn`], [`SecondFactorError::NotAUser`], [`SecondFactorError::Seal`],
    /// [`SecondFactorError::Storage`].
    pub async fn enrol(
        &self,
        account: &Account,
        issuer: &str,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Enrolment, SecondFactorError> {
        if !account.is_active_user() {
            return Err(SecondFactorError::NotAUser);
        }
        let seed = Seed::random(rng);
        let key = layout::second_factor(&account.id);
        let sealed = self.sealing.seal(&key, seed.bytes(), rng)?;
        for _ in 0..ATTEMPTS {
            let Standing::Off(unchanged) = standing(&*self.store, &account.id).await? else {
                return Err(SecondFactorError::AlreadyOn);
            };
            let begun = self.clock.now();
            let record = SecondFactor {
                account: account.id.clone(),
                sealed_seed: STANDARD.encode(&sealed),
                begun,
                confirmed: None,
                last_step: 0,
                recovery: Vec::new(),
            };
            let txn = Txn::new()
                .when(Compare::Present(layout::account(&account.id)))
                .when(unchanged)
                .put(key.clone(), storage::encode(&record)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(Enrolment {
                    uri: otpauth::uri(issuer, account.name.as_str(), &seed),
                    seed: Secret::new(seed.base32().as_str()),
                    expires: begun.plus(ENROLMENT_TIME),
                    revision,
                });
            }
            if storage::read_entry(&*self.store, layout::account(&account.id))
                .await?
                .is_none()
            {
                return Err(SecondFactorError::NotAUser);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Switches the second factor on with the first code of its seed. Returns the recovery codes, once. Sessions that
    /// began without a code end, all but `keep`.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::WrongCode`], [`SecondFactorError::NotBegun`], [`SecondFactorError::AlreadyOn`],
    /// [`SecondFactorError::Seal`], [`SecondFactorError::Unusable`], [`SecondFactorError::Storage`].
    pub async fn confirm(
        &self,
        account: &AccountId,
        code: &str,
        keep: Option<&SessionId>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Vec<Secret>, Revision), SecondFactorError> {
        for _ in 0..ATTEMPTS {
            let key = layout::second_factor(account);
            let found: Found<SecondFactor> = storage::read(&*self.store, key.clone())
                .await?
                .ok_or(SecondFactorError::NotBegun)?;
            let now = self.clock.now();
            if found.record.confirmed.is_some() {
                return Err(SecondFactorError::AlreadyOn);
            }
            if found.record.begun.plus(ENROLMENT_TIME) <= now {
                return Err(SecondFactorError::NotBegun);
            }
            let seed = self.seed(&found.record)?;
            let step = Code::parse(code)
                .and_then(|code| seed.step_of(code, now, found.record.last_step))
                .ok_or(SecondFactorError::WrongCode)?;
            let (shown, recovery) = recovery::generate(rng);
            let record = SecondFactor {
                confirmed: Some(now),
                last_step: step,
                recovery,
                ..found.record
            };
            let mut txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .put(key, storage::encode(&record)?);
            for ended in sessions_but(account, keep) {
                txn = txn.delete_range(ended);
            }
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((shown, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Makes new recovery codes against a code; the old ones open nothing any more.
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::NotOn`], [`SecondFactorError::WrongCode`], [`SecondFactorError::Seal`],
    /// [`SecondFactorError::Unusable`], [`SecondFactorError::Storage`].
    pub async fn renew_recovery_codes(
        &self,
        account: &AccountId,
        code: &str,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Vec<Secret>, Revision), SecondFactorError> {
        for _ in 0..ATTEMPTS {
            let found = self.switched_on(account).await?;
            let mut record = self.spend(&found.record, code)?;
            let (shown, hashes) = recovery::generate(rng);
            record.recovery = hashes;
            let txn = replace(&found, &record)?;
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((shown, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Switches the second factor off against a code (TFA-004).
    ///
    /// # Errors
    ///
    /// As [`Self::renew_recovery_codes`].
    pub async fn disable(&self, account: &AccountId, code: &str) -> Result<Revision, SecondFactorError> {
        for _ in 0..ATTEMPTS {
            let found = self.switched_on(account).await?;
            self.spend(&found.record, code)?;
            let key = layout::second_factor(account);
            let txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .delete(key);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Switches the second factor of somebody off without a code, also one that was only begun or cannot be read: what an
    /// administrator may do, and nothing more (TFA-005).
    ///
    /// # Errors
    ///
    /// [`SecondFactorError::NotOn`], [`SecondFactorError::Storage`].
    pub async fn switch_off(&self, account: &AccountId) -> Result<Revision, SecondFactorError> {
        let key = layout::second_factor(account);
        if storage::read_entry(&*self.store, key.clone()).await?.is_none() {
            return Err(SecondFactorError::NotOn);
        }
        let revision = storage::commit(&*self.store, Txn::new().delete(key)).await?;
        Ok(revision.ok_or(StorageError::Contended)?)
    }

    /// Adds to a transaction that a code was used, with the condition that nobody uses it meanwhile.
    pub(crate) fn use_code(
        &self,
        found: &Found<SecondFactor>,
        code: Option<&str>,
        txn: Txn,
    ) -> Result<Txn, SecondFactorError> {
        // Clients of other logins send the key with nothing in it.
        let code = code
            .filter(|code| !code.is_empty())
            .ok_or(SecondFactorError::Needed)?;
        let record = self.spend(&found.record, code)?;
        let key = layout::second_factor(&record.account);
        Ok(txn
            .when(Compare::Modified(key.clone(), found.modified))
            .put(key, storage::encode(&record)?))
    }

    /// The record after a code of the app or a recovery code was taken.
    fn spend(&self, record: &SecondFactor, code: &str) -> Result<SecondFactor, SecondFactorError> {
        let mut record = record.clone();
        if let Some(code) = Code::parse(code) {
            let seed = self.seed(&record)?;
            record.last_step = seed
                .step_of(code, self.clock.now(), record.last_step)
                .ok_or(SecondFactorError::WrongCode)?;
        } else if !recovery::take(&mut record.recovery, code) {
            return Err(SecondFactorError::WrongCode);
        }
        Ok(record)
    }

    async fn switched_on(&self, account: &AccountId) -> Result<Found<SecondFactor>, SecondFactorError> {
        match standing(&*self.store, account).await? {
            Standing::On(found) => Ok(*found),
            Standing::Off(_) => Err(SecondFactorError::NotOn),
        }
    }

    fn seed(&self, record: &SecondFactor) -> Result<Seed, SecondFactorError> {
        let sealed = STANDARD
            .decode(&record.sealed_seed)
            .map_err(|_| SecondFactorError::Unusable(record.account.clone()))?;
        let opened = self
            .sealing
            .open(&layout::second_factor(&record.account), &sealed)?;
        Ok(Seed::new(opened.as_slice()))
    }
}

fn replace(found: &Found<SecondFactor>, record: &SecondFactor) -> Result<Txn, StorageError> {
    let key = layout::second_factor(&record.account);
    Ok(Txn::new()
        .when(Compare::Modified(key.clone(), found.modified))
        .put(key, storage::encode(record)?))
}

/// The sessions of an account, all but one.
fn sessions_but(account: &AccountId, keep: Option<&SessionId>) -> Vec<KeyRange> {
    let all = KeyRange::prefix(layout::below(layout::SESSIONS, [account.as_str()]));
    let Some(keep) = keep else {
        return vec![all];
    };
    let kept = layout::session(account, keep);
    vec![
        KeyRange {
            start: all.start,
            end: Bound::Excluded(kept.clone()),
        },
        KeyRange {
            start: Bound::Excluded(kept),
            end: all.end,
        },
    ]
}
