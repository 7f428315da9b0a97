//! `/accounts/{account}/secondFactor` and `/accounts/{account}/loginLock`.
//!
//! Everybody has only one's own second factor to switch on, and needs the password anew for it. An administrator may
//! switch off that of somebody else and nothing more (TFA-005).

use http::StatusCode;
use mke_auth::identity::Credential;
use mke_auth::records::{Account, Source};
use mke_auth::second_factor::otpauth::Picture;
use mke_auth::sessions::LoginRequest;
use mke_core::secret::Secret;
use serde_json::json;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::fields::Fields;
use crate::controller::identify::user_agent;
use crate::controller::rng;

impl Call {
    /// The account of the path, when it is the caller's own and has a password.
    fn own_account(&self) -> Result<std::sync::Arc<Account>, ApiError> {
        let account = self.account()?;
        if *self.identity()?.account() != account.id {
            return Err(ApiError::new(
                Kind::Forbidden,
                "access denied: only the owner of an account handles its second factor; an administrator may switch it off with DELETE",
            ));
        }
        if account
            .origin()
            .is_some_and(|origin| origin.source == Source::Saml)
        {
            return Err(ApiError::new(
                Kind::Conflict,
                "this account logs in through the identity provider, which asks for a second factor itself",
            ));
        }
        Ok(account)
    }

    fn login_request<'a>(
        &'a self,
        account: &'a Account,
        password: &'a Secret,
        code: Option<&'a str>,
    ) -> LoginRequest<'a> {
        LoginRequest {
            username: account.name.as_str(),
            password,
            source: self.peer.ip(),
            user_agent: user_agent(&self.headers),
            code,
        }
    }
}

fn password_of(fields: &Fields) -> Result<Secret, ApiError> {
    fields
        .secret("password")?
        .ok_or_else(|| ApiError::malformed("`password` is missing: the password of the account, once more"))
}

/// Whether it is on, for the owner and administrators. Nothing of the seed or the codes is in it.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let factor = call.snapshot.directory.second_factor(&account.id);
    let on = factor.filter(|factor| factor.confirmed.is_some());
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "enabled": on.is_some(),
            "since": on.and_then(|factor| factor.confirmed),
            "recoveryCodesLeft": on.map_or(0, |factor| factor.recovery.len()),
        }),
    ))
}

/// Makes a seed and shows it once: as text, as address and as a picture of it.
pub(super) async fn enrol(call: Call) -> Result<Response, ApiError> {
    let account = call.own_account()?;
    let password = password_of(&call.fields()?)?;
    let request = call.login_request(&account, &password, None);
    let issuer = format!("MKE {}", call.state.advertise_host);
    let enrolment = call
        .state
        .logins
        .enrol_second_factor(
            &call.snapshot.directory,
            request,
            &call.state.backends(&call.snapshot),
            &issuer,
            &mut rng(),
        )
        .await?;
    call.in_force(enrolment.revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::json(
        StatusCode::CREATED,
        &json!({
            "secret": enrolment.seed.expose(),
            "uri": enrolment.uri.expose(),
            "qrSVG": Picture::of(&enrolment.uri).map(|picture| picture.svg()),
            "expires": enrolment.expires,
        }),
    ))
}

/// Switches it on with the first code. Other sessions of the account end.
pub(super) async fn confirm(call: Call) -> Result<Response, ApiError> {
    let account = call.own_account()?;
    let fields = call.fields()?;
    let code = fields.required_text("code")?;
    let keep = match call.identity()?.credential() {
        Credential::Session(id) => Some(id.clone()),
        Credential::PublicKey(_) | Credential::Password(_) => None,
    };
    let nothing = Secret::default();
    let request = call.login_request(&account, &nothing, Some(code));
    let backends = call.state.backends(&call.snapshot);
    let (codes, revision) = call
        .state
        .logins
        .confirm_second_factor(&account, request, keep.as_ref(), &backends, &mut rng())
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(recovery_codes_answer(&codes))
}

/// New recovery codes; the old ones open nothing any more.
pub(super) async fn recovery_codes(call: Call) -> Result<Response, ApiError> {
    let account = call.own_account()?;
    let fields = call.fields()?;
    let password = password_of(&fields)?;
    let request = call.login_request(&account, &password, Some(fields.required_text("code")?));
    let backends = call.state.backends(&call.snapshot);
    let (codes, revision) = call
        .state
        .logins
        .renew_recovery_codes(&call.snapshot.directory, request, &backends, &mut rng())
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(recovery_codes_answer(&codes))
}

fn recovery_codes_answer(codes: &[Secret]) -> Response {
    let codes: Vec<&str> = codes.iter().map(Secret::expose).collect();
    body::json(StatusCode::OK, &json!({ "recoveryCodes": codes }))
}

/// Switches one's own off, with password and code.
pub(super) async fn disable(call: Call) -> Result<Response, ApiError> {
    let account = call.own_account()?;
    let fields = call.fields()?;
    let password = password_of(&fields)?;
    let request = call.login_request(&account, &password, Some(fields.required_text("code")?));
    let backends = call.state.backends(&call.snapshot);
    let revision = call
        .state
        .logins
        .disable_second_factor(&call.snapshot.directory, request, &backends, &mut rng())
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// Switches off somebody else's: an administrator's way for people who lost their device.
pub(super) async fn switch_off(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    if *call.identity()?.account() == account.id {
        return Err(ApiError::new(
            Kind::Forbidden,
            "access denied: your own second factor is switched off with password and code, see `ucp auth second-factor disable`",
        ));
    }
    let revision = call.state.second_factors.switch_off(&account.id).await?;
    call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// Whether failed logins have locked an account.
pub(super) async fn show_lock(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let lock = call.state.logins.login_lock(&account.id).await?;
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "locked": lock.is_some(),
            "since": lock.map(|lock| lock.since),
            "until": lock.and_then(|lock| lock.until),
        }),
    ))
}

/// Opens the lock of an account and forgets its failed logins.
pub(super) async fn unlock(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let (locked, revision) = call.state.logins.unlock(&account).await?;
    call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::json(StatusCode::OK, &json!({ "wasLocked": locked })))
}
