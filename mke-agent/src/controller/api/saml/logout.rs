//! Single logout: begun here with a session, or begun or answered by the identity provider with a signed message.

use http::StatusCode;
use mke_auth::identity::Credential;
use mke_auth::records::Source;
use mke_auth::saml::logout::{self, LogoutRequest, Message};
use mke_auth::saml::{IdentityProvider, Role, ServiceProvider, form, safe_relay};
use mke_core::ids::AccountId;
use mke_core::store::Revision;
use serde_json::json;

use super::{Call, redirect, refused};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::rng;

/// How long the id of a request is remembered: longer than a request is taken.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// A logout in the redirect binding, or the wish of whoever shows a session.
pub(in super::super) async fn logout(call: Call) -> Result<Response, ApiError> {
    call.saml_enabled()?;
    let me = call.service_provider()?;
    let query = call.raw_query.clone().unwrap_or_default();
    let carries = |role: Role| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(role.parameter()))
    };
    if !carries(Role::Request) && !carries(Role::Response) {
        return begin(&call, &me).await;
    }
    let provider = call.state.saml.provider().await?;
    let now = call.state.clock.now();
    let (message, relay) =
        logout::from_query(&query, &provider, &me, now).map_err(|refusal| refused(&call, &refusal))?;
    take(&call, &provider, &me, message, relay.as_deref()).await
}

/// A logout in the POST binding.
pub(in super::super) async fn logout_form(call: Call) -> Result<Response, ApiError> {
    call.saml_enabled()?;
    let me = call.service_provider()?;
    let provider = call.state.saml.provider().await?;
    let fields = form(&call.body).map_err(|refusal| refused(&call, &refusal))?;
    let field = |name: &str| {
        fields
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    let found =
        [Role::Request, Role::Response].map(|role| field(role.parameter()).map(|value| (role, value)));
    let (role, encoded) = match found {
        [Some(one), None] | [None, Some(one)] => one,
        _ => {
            return Err(ApiError::malformed(
                "the form must have `SAMLRequest` or `SAMLResponse`",
            ));
        }
    };
    let now = call.state.clock.now();
    let message =
        logout::from_form(encoded, role, &provider, &me, now).map_err(|refusal| refused(&call, &refusal))?;
    take(&call, &provider, &me, message, field("RelayState")).await
}

/// Ends the session that asks, here first, then at the provider.
async fn begin(call: &Call, me: &ServiceProvider) -> Result<Response, ApiError> {
    let identity = call.identity()?;
    let Credential::Session(session) = identity.credential() else {
        return Ok(body::status(StatusCode::NO_CONTENT));
    };
    let account = identity.account();
    let admission = &call.state.saml.admission;
    let at_provider = admission.recall(account, session).await?;
    let revision = call.state.sessions.logout(account, session).await?;
    call.in_force(revision).await?;
    let Some(at_provider) = at_provider else {
        return leave("/");
    };
    let provider = call.state.saml.provider().await?;
    if provider.entity_id() != at_provider.provider {
        return leave("/");
    }
    let key = call.state.saml.key().await?;
    let index = at_provider.session_index.as_deref();
    let now = call.state.clock.now();
    let address = logout::ask(&provider, me, &at_provider.name_id, index, &key, now, &mut rng())
        .map_err(ApiError::internal)?;
    leave(address.as_deref().unwrap_or("/"))
}

/// Where to go, for browsers that follow and for pages that asked with a token and cannot.
fn leave(location: &str) -> Result<Response, ApiError> {
    let mut response = body::json(StatusCode::FOUND, &json!({ "location": location }));
    let headers = redirect(location)?;
    response.headers_mut().extend(headers.headers().clone());
    Ok(response)
}

async fn take(
    call: &Call,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    message: Message,
    relay: Option<&str>,
) -> Result<Response, ApiError> {
    let request = match message {
        // The session here ended before the provider was asked.
        Message::Response { .. } => return redirect(safe_relay(relay.unwrap_or("/"))),
        Message::Request(request) => request,
    };
    let admission = &call.state.saml.admission;
    let now = call.state.clock.now();
    admission
        .use_up_message(&request.id, now.plus(REMEMBERED))
        .await
        .map_err(|error| refused(call, &error))?;
    let ended = end(call, provider, &request).await?;
    if let Some(revision) = ended {
        call.in_force(revision).await?;
    } else {
        tracing::info!(
            user = request.name_id.value,
            source = "saml",
            "a logout names no session of that user"
        );
    }
    let key = call.state.saml.key().await?;
    let done = ended.is_some();
    let answer = logout::answer(provider, me, &request.id, done, relay, &key, now, &mut rng())
        .map_err(ApiError::internal)?;
    match answer {
        Some(address) => redirect(&address),
        None if done => Ok(body::status(StatusCode::NO_CONTENT)),
        None => Err(ApiError::not_found("session", &request.name_id.value)),
    }
}

/// Ends the sessions that a request names. Nothing when it names none that exist.
async fn end(
    call: &Call,
    provider: &IdentityProvider,
    request: &LogoutRequest,
) -> Result<Option<Revision>, ApiError> {
    let directory = &call.snapshot.directory;
    let said = &request.name_id.value;
    let account = directory
        .account_by_origin(Source::Saml, said)
        .or_else(|| directory.account_by_name(&said.to_lowercase()));
    let Some(account) = account else {
        return Ok(None);
    };
    let id: &AccountId = &account.id;
    call.notes.asker(account.name.as_str(), id.as_str());
    let sessions = call
        .state
        .saml
        .admission
        .sessions_of(id, provider.entity_id(), &request.name_id, &request.sessions)
        .await?;
    let mut newest = None;
    for session in sessions {
        // One that is over by itself is not ended once more.
        if directory.session(&session).is_none() {
            continue;
        }
        call.notes.object_id(session.as_str());
        newest = newest.max(Some(call.state.sessions.logout(id, &session).await?));
    }
    Ok(newest)
}
