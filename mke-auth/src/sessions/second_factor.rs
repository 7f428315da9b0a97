//! Where a second factor is asked for, and what somebody does with one's own.
//!
//! It comes after the password and before the session, in one request: there is no state in between that could open
//! anything (authn-10). It guards logins with a password, whoever checks that, and requests that carry name and password
//! themselves, which have no place for a code and are refused. Client certificates and SAML logins are not asked
//! (TFA-006): the first are a factor of their own, the second are the identity provider's to guard.

use std::sync::Arc;

use mke_core::ids::SessionId;
use mke_core::secret::Secret;
use mke_core::store::{Revision, Txn};
use rand_core::CryptoRng;

use super::backends::Backends;
use super::login::{LoginError, LoginRequest, Logins};
use super::pace::LockPolicy;
use crate::directory::Directory;
use crate::records::Account;
use crate::second_factor::{Enrolment, SecondFactorError, SecondFactors, Standing, standing};

/// What a login is asked for besides the password.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// Nothing: whoever proved the login has done that.
    Nothing,
    /// The code of the second factor, where one is switched on.
    Code {
        request: &'a LoginRequest<'a>,
        lock: Option<LockPolicy>,
    },
}

impl Logins {
    /// Logins that can check second factors. Without this, accounts that have one cannot log in.
    #[must_use]
    pub fn with_second_factors(self, second_factors: Arc<SecondFactors>) -> Self {
        Self {
            second_factors: Some(second_factors),
            ..self
        }
    }

    /// Adds to the transaction of a login that the second factor is what it was found to be, and that its code was used.
    /// The caller holds the account's line, so that codes are judged one after the other.
    pub(super) async fn ask_second_factor(
        &self,
        account: &Account,
        asked: Asked<'_>,
        txn: Txn,
    ) -> Result<(Txn, bool), LoginError> {
        let Asked::Code { request, lock } = asked else {
            return Ok((txn, false));
        };
        match standing(&*self.sessions.store, &account.id).await? {
            Standing::Off(unchanged) => Ok((txn.when(unchanged), false)),
            Standing::On(found) => {
                let Some(service) = &self.second_factors else {
                    return Err(SecondFactorError::Unusable(account.id.clone()).into());
                };
                if request.code.is_some_and(|code| !code.is_empty()) {
                    self.may_try_code(request.username, request.source).await?;
                }
                let outcome = service.use_code(&found, request.code, txn);
                let txn = self.counted(account, request, lock, outcome)?;
                Ok((txn, true))
            }
        }
    }

    /// Counts a code that was wrong.
    fn counted<T>(
        &self,
        account: &Account,
        request: &LoginRequest<'_>,
        lock: Option<LockPolicy>,
        outcome: Result<T, SecondFactorError>,
    ) -> Result<T, LoginError> {
        if matches!(outcome, Err(SecondFactorError::WrongCode)) {
            tracing::info!(
                name = account.name.as_str(),
                "a wrong code of a second factor was refused"
            );
            self.failed_code(account, request, lock);
        }
        outcome.map_err(LoginError::from)
    }

    /// Refuses accounts with a second factor where there is no place for its code.
    pub(super) async fn must_have_no_second_factor(&self, account: &Account) -> Result<(), LoginError> {
        match standing(&*self.sessions.store, &account.id).await? {
            Standing::Off(_) => Ok(()),
            Standing::On(_) => Err(LoginError::SecondFactorNeeded),
        }
    }

    /// Begins the enrolment of one's own second factor: checks the password anew, then makes a seed (authn-11).
    ///
    /// # Errors
    ///
    /// [`LoginError`]; [`LoginError::SecondFactor`] when it is switched on already.
    pub async fn enrol_second_factor(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        issuer: &str,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Enrolment, LoginError> {
        let account = self.own(directory, request, backends, rng).await?;
        Ok(self.service(&account)?.enrol(&account, issuer, rng).await?)
    }

    /// Switches one's own second factor on with the first code. Returns the recovery codes, once. All sessions end but
    /// `keep`.
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn confirm_second_factor(
        &self,
        account: &Account,
        request: LoginRequest<'_>,
        keep: Option<&SessionId>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Vec<Secret>, Revision), LoginError> {
        let service = self.service(account)?;
        let code = needed(&request)?;
        let _line = self.sessions.line(&account.id).await;
        self.may_try_code(request.username, request.source).await?;
        let outcome = service.confirm(&account.id, code, keep, rng).await;
        let done = self.counted(account, &request, backends.lock(), outcome)?;
        self.succeeded_code(request.username, request.source);
        Ok(done)
    }

    /// New recovery codes in the place of the old ones, against password and code.
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn renew_recovery_codes(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Vec<Secret>, Revision), LoginError> {
        let account = self.own(directory, request, backends, rng).await?;
        let service = self.service(&account)?;
        let code = needed(&request)?;
        let _line = self.sessions.line(&account.id).await;
        self.may_try_code(request.username, request.source).await?;
        let outcome = service.renew_recovery_codes(&account.id, code, rng).await;
        let done = self.counted(&account, &request, backends.lock(), outcome)?;
        self.succeeded_code(request.username, request.source);
        Ok(done)
    }

    /// Switches one's own second factor off, against password and code (TFA-004).
    ///
    /// # Errors
    ///
    /// [`LoginError`].
    pub async fn disable_second_factor(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Revision, LoginError> {
        let account = self.own(directory, request, backends, rng).await?;
        let service = self.service(&account)?;
        let code = needed(&request)?;
        let _line = self.sessions.line(&account.id).await;
        self.may_try_code(request.username, request.source).await?;
        let outcome = service.disable(&account.id, code).await;
        let done = self.counted(&account, &request, backends.lock(), outcome)?;
        self.succeeded_code(request.username, request.source);
        Ok(done)
    }

    /// The account whose password this is. A right one is no whole login and clears no count.
    async fn own(
        &self,
        directory: &Directory,
        request: LoginRequest<'_>,
        backends: &Backends,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Arc<Account>, LoginError> {
        Ok(self.prove(directory, request, backends, rng).await?.account)
    }

    fn service(&self, account: &Account) -> Result<&SecondFactors, LoginError> {
        self.second_factors
            .as_deref()
            .ok_or_else(|| SecondFactorError::Unusable(account.id.clone()).into())
    }
}

fn needed<'a>(request: &LoginRequest<'a>) -> Result<&'a str, LoginError> {
    request
        .code
        .filter(|code| !code.is_empty())
        .ok_or(LoginError::SecondFactorNeeded)
}
