//! `/enzi/v0/scim/v2`: mounts the SCIM service of `mke-auth` on this server; and what administrators do about it.
//!
//! Nothing is decided here: who may come in is [`Rule::ScimToken`](super::access::Rule), what happens then is
//! [`mke_auth::scim`].

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use mke_auth::scim::{self, MEDIA_TYPE, Scim, ScimTokens};
use mke_core::config::Config;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Call, config};
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::rng;
use crate::controller::state::State;

/// Where the service lies.
const BASE: &str = "/enzi/v0/scim/v2";

/// Requests that are handled at once. Judgement: an identity provider that sends more does not wait for answers.
const MAX_AT_ONCE: usize = 128;

/// The service and what stands before it.
pub struct ScimService {
    service: Scim,
    pub(crate) tokens: ScimTokens,
    places: Semaphore,
}

impl ScimService {
    pub(crate) const fn new(service: Scim, tokens: ScimTokens) -> Self {
        Self {
            service,
            tokens,
            places: Semaphore::const_new(MAX_AT_ONCE),
        }
    }
}

/// Any request below the base.
pub(super) async fn serve(call: Call) -> Result<Response, ApiError> {
    let door = &call.state.scim;
    let Ok(_place) = door.places.try_acquire() else {
        return Err(ApiError::new(
            Kind::TooMany,
            format!("more than {MAX_AT_ONCE} SCIM requests at once, wait for answers"),
        ));
    };
    let query: Vec<(String, String)> = call
        .query
        .pairs()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let base = base(&call.state, &call.headers);
    let request = scim::Request {
        method: method(&call.method),
        path: &call.params,
        query: &query,
        content_type: text(&call.headers, &header::CONTENT_TYPE)?,
        content_encoding: text(&call.headers, &header::CONTENT_ENCODING)?,
        if_match: text(&call.headers, &header::IF_MATCH)?,
        if_none_match: text(&call.headers, &header::IF_NONE_MATCH)?,
        body: &call.body,
        base: &base,
    };
    let answer = door
        .service
        .handle(&call.snapshot.directory, &request, &mut rng())
        .await;
    if let Some(cause) = &answer.cause {
        tracing::error!(cause, "a SCIM request failed");
    }
    for id in &answer.changed {
        call.notes.object_id(id.as_str());
    }
    let mut revision = answer.revision;
    if let Some(user) = &answer.deleted_user {
        // The private collection of a user goes with the user (R14).
        let private = call.state.policy_store.delete_private_collection(user).await?;
        revision = private.or(revision);
    }
    if let Some(revision) = revision {
        call.in_force(revision).await?;
    }
    to_http(answer)
}

fn method(method: &Method) -> scim::Method {
    scim::Method::of(method.as_str())
}

/// A header that comes at most once.
fn text<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let refused = || ApiError::malformed(format!("header `{name}` must come once, as text"));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| refused()),
        (Some(_), Some(_)) => Err(refused()),
    }
}

/// The URL of the base by the name under which the client reached this server, so that locations lead it back.
fn base(state: &State, headers: &HeaderMap) -> String {
    let named = headers
        .get(header::HOST)
        .and_then(|value| http::uri::Authority::try_from(value.as_bytes()).ok())
        .filter(|authority| !authority.as_str().contains('@'));
    match named {
        Some(authority) => format!("https://{authority}{BASE}"),
        None => own_base(state),
    }
}

fn own_base(state: &State) -> String {
    let host = &state.advertise_host;
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    format!("https://{host}:{}{BASE}", state.port)
}

fn to_http(answer: scim::Response) -> Result<Response, ApiError> {
    let status = StatusCode::from_u16(answer.status).map_err(ApiError::internal)?;
    let mut response = match &answer.body {
        Some(value) => body::bytes(
            status,
            MEDIA_TYPE,
            serde_json::to_vec(value).map_err(ApiError::internal)?,
        ),
        None => body::status(status),
    };
    let headers = [
        (header::LOCATION, answer.location),
        (header::ETAG, answer.etag),
        (header::ALLOW, answer.allow.map(str::to_owned)),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            let value = HeaderValue::from_str(&value).map_err(ApiError::internal)?;
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Whether SCIM is on, where it is, and which token opens it.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let token = call.snapshot.directory.scim_token();
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "enabled": call.snapshot.config.auth.scim_enabled,
            "baseURL": own_base(&call.state),
            "token": token.map(|token| json!({ "id": token.id, "created": token.created })),
        }),
    ))
}

/// Switches SCIM on or off (SCIM-001). With `dry-run=true` it answers what would change.
pub(super) async fn change(call: Call) -> Result<Response, ApiError> {
    let enabled = call
        .fields()?
        .flag("enabled")?
        .ok_or_else(|| ApiError::malformed("`enabled` is missing"))?;
    let why = if enabled {
        "SCIM switched on"
    } else {
        "SCIM switched off"
    };
    let edit = |config: &mut Config| {
        config.auth.scim_enabled = enabled;
        Ok(())
    };
    config::change_part(
        &call,
        why,
        edit,
        |config| json!({ "enabled": config.auth.scim_enabled }),
    )
    .await
}

/// Makes the token, or takes the one that the administrator chose. It is in the answer and nowhere else.
pub(super) async fn make_token(call: Call) -> Result<Response, ApiError> {
    let chosen = call.fields()?.secret("token")?;
    let (token, record, revision) = call.state.scim.tokens.set(chosen, &mut rng()).await?;
    call.in_force(revision).await?;
    call.notes.object_id(record.id.as_str());
    Ok(body::json(
        StatusCode::CREATED,
        &json!({ "id": record.id, "created": record.created, "token": token.expose() }),
    ))
}

/// Ends the token.
pub(super) async fn remove_token(call: Call) -> Result<Response, ApiError> {
    let revision = call.state.scim.tokens.remove().await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}
