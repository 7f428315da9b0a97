//! `/auth/login`, `/id/login`, `/id`, `/id/logout`.

use http::StatusCode;
use mke_auth::identity::Credential;
use mke_auth::sessions::{LoggedIn, LoginRequest};
use mke_core::names::AccountName;
use mke_core::secret::Secret;
use serde_json::json;

use super::{Call, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::identify::user_agent;
use crate::controller::rng;

/// The login of the product: a token for every path. Clients read `auth_token` as the first key.
pub(super) async fn auth_login(call: Call) -> Result<Response, ApiError> {
    let logged_in = log_in(&call).await?;
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "auth_token": logged_in.token.text().expose(),
            "token_id": logged_in.session.id,
            "user_agent": logged_in.session.user_agent,
        }),
    ))
}

/// The login of the identity API.
pub(super) async fn id_login(call: Call) -> Result<Response, ApiError> {
    let logged_in = log_in(&call).await?;
    let snapshot = call.state.snapshot();
    let account = snapshot
        .directory
        .account(logged_in.identity.account())
        .map(|account| shapes::account(&snapshot.directory, account));
    Ok(body::json(
        StatusCode::OK,
        &json!({ "sessionToken": logged_in.token.text().expose(), "account": account }),
    ))
}

async fn log_in(call: &Call) -> Result<LoggedIn, ApiError> {
    let fields = call.fields()?;
    let username = fields.text("username")?.unwrap_or_default();
    let password = fields.secret("password")?.unwrap_or_else(|| Secret::new(""));
    call.notes.asker(username, "");
    let request = LoginRequest {
        username,
        password: &password,
        source: call.peer.ip(),
        user_agent: user_agent(&call.headers),
        code: fields.text("code")?,
    };
    let settings = &call.snapshot.config.auth.sessions;
    let backends = call.state.backends(&call.snapshot);
    let outcome = call
        .state
        .logins
        .login(&call.snapshot.directory, request, &backends, settings, &mut rng())
        .await;
    call.state.metrics.login(outcome.is_ok());
    let logged_in = outcome?;
    let (account, name) = (logged_in.identity.account(), logged_in.identity.name());
    call.notes.asker(name.as_str(), account.as_str());
    call.notes.object_id(logged_in.session.id.as_str());
    if let Some(via) = logged_in.via.filter(|via| via.changed) {
        call.notes.object_id(account.as_str());
        call.notes
            .changed_by(via.source, if via.made { "create" } else { "update" });
    }
    call.in_force(logged_in.revision).await?;
    ensure_private_collection(call, account, name).await?;
    Ok(logged_in)
}

/// The private collection of a user appears at its first login (R14, AUTH-011). A login that was cut short in
/// between is completed by the next one.
pub(super) async fn ensure_private_collection(
    call: &Call,
    account: &mke_core::ids::AccountId,
    name: &AccountName,
) -> Result<(), ApiError> {
    let snapshot = call.state.snapshot();
    let made = call
        .state
        .policy_store
        .ensure_private_collection(&snapshot.policy, account, name, &mut rng())
        .await?;
    if let Some(revision) = made {
        call.in_force(revision).await?;
    }
    Ok(())
}

/// Who asks.
pub(super) async fn whoami(call: Call) -> Result<Response, ApiError> {
    let identity = call.identity()?;
    let directory = &call.snapshot.directory;
    let account = directory
        .account(identity.account())
        .ok_or_else(ApiError::unauthenticated)?;
    Ok(body::json(StatusCode::OK, &shapes::account(directory, account)))
}

/// Ends the session of the request. A certificate has none, and stays what it is.
pub(super) async fn logout(call: Call) -> Result<Response, ApiError> {
    let identity = call.identity()?;
    if let Credential::Session(session) = &identity.credential() {
        let revision = call.state.sessions.logout(identity.account(), session).await?;
        call.in_force(revision).await?;
    }
    Ok(body::status(StatusCode::NO_CONTENT))
}
