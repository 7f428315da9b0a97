//! `/auth/token` and `/openid_keys`: tokens for registries, and the keys to verify them with.
//!
//! `GET` is the token protocol of the distribution project, `POST` its OAuth 2 form. Both end in [`answer`]: the token
//! holds what is granted of what was asked for, and whoever is granted nothing gets a token that opens nothing.

use http::header::{CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, StatusCode};
use mke_auth::identity::Identity;
use mke_auth::registry::{Access, Claims, LIFETIME};
use mke_auth::sessions::LoginRequest;
use mke_core::ids::random_uuid;
use mke_core::secret::Secret;
use mke_rbac::engine::Query;
use mke_rbac::registry::{Ruling, Scope, decide};
use serde_json::json;

use super::Call;
use super::login::ensure_private_collection;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::identify::user_agent;
use crate::controller::registry::{ISSUER, is_trusted, ties};
use crate::controller::rng;

/// The keys that tokens for registries are verified with. Before the first token there are none.
pub(super) async fn openid_keys(call: Call) -> Result<Response, ApiError> {
    let keys = call.state.registry_keys.shown().await?;
    Ok(body::json(StatusCode::OK, &json!({ "keys": keys })))
}

/// A token for whoever shows a name and a password, or a session.
pub(super) async fn token(call: Call) -> Result<Response, ApiError> {
    let service = call.query("service")?.unwrap_or_default().to_owned();
    let scopes = read(call.query.all("scope"))?;
    let identity = call.identity()?.clone();
    answer(&call, &identity, &service, &scopes, None).await
}

/// The same with a form: `grant_type` is `password`, or `refresh_token` with the token of a session.
pub(super) async fn token_form(call: Call) -> Result<Response, ApiError> {
    let text = std::str::from_utf8(&call.body).map_err(|_| ApiError::malformed("the form is no text"))?;
    let form = Query::parse(text)?;
    let field = |name: &str| Ok::<_, ApiError>(form.one(name)?.unwrap_or_default());
    let service = field("service")?;
    let scopes = read(form.all("scope"))?;
    match field("grant_type")? {
        "password" => {
            let (username, password) = (field("username")?, Secret::new(field("password")?));
            call.notes.asker(username, "");
            let (identity, refresh_token) = match field("access_type")? {
                "offline" => begin_session(&call, username, &password).await?,
                _ => (check_password(&call, username, &password).await?, None),
            };
            answer(&call, &identity, service, &scopes, refresh_token).await
        }
        "refresh_token" => {
            let shown = Secret::new(field("refresh_token")?);
            let settings = &call.snapshot.config.auth.sessions;
            let identity = call
                .state
                .sessions
                .validate(&call.snapshot.directory, shown.expose(), settings)
                .map_err(|error| ApiError::unauthenticated().because(error))?;
            answer(&call, &identity, service, &scopes, Some(shown)).await
        }
        _ => Err(ApiError::malformed(
            "`grant_type` must be `password` or `refresh_token`",
        )),
    }
}

fn read<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<Scope>, ApiError> {
    Scope::read_all(texts).map_err(|error| ApiError::malformed(error.to_string()))
}

async fn check_password(call: &Call, username: &str, password: &Secret) -> Result<Identity, ApiError> {
    let backends = call.state.backends(&call.snapshot);
    let checked = call
        .state
        .logins
        .check_password(
            &call.snapshot.directory,
            request(call, username, password),
            &backends,
            &mut rng(),
        )
        .await;
    call.state.metrics.login(checked.is_ok());
    let checked = checked?;
    if let Some(revision) = checked.revision {
        call.in_force(revision).await?;
    }
    Ok(checked.identity)
}

/// A token that lasts is a session: it is listed, ends and is ended like every other.
async fn begin_session(
    call: &Call,
    username: &str,
    password: &Secret,
) -> Result<(Identity, Option<Secret>), ApiError> {
    let backends = call.state.backends(&call.snapshot);
    let settings = &call.snapshot.config.auth.sessions;
    let begun = call
        .state
        .logins
        .login(
            &call.snapshot.directory,
            request(call, username, password),
            &backends,
            settings,
            &mut rng(),
        )
        .await;
    call.state.metrics.login(begun.is_ok());
    let begun = begun?;
    call.notes.object_id(begun.session.id.as_str());
    call.in_force(begun.revision).await?;
    ensure_private_collection(call, begun.identity.account(), begun.identity.name()).await?;
    Ok((begun.identity, Some(begun.token.text())))
}

fn request<'r>(call: &'r Call, username: &'r str, password: &'r Secret) -> LoginRequest<'r> {
    LoginRequest {
        username,
        password,
        source: call.peer.ip(),
        user_agent: user_agent(&call.headers),
        // Clients of registries have no place for one, so accounts with a second factor show a session's token instead.
        code: None,
    }
}

/// Signs what is granted. What is refused is left out without a word to the client; the audit record has it.
async fn answer(
    call: &Call,
    identity: &Identity,
    service: &str,
    scopes: &[Scope],
    refresh_token: Option<Secret>,
) -> Result<Response, ApiError> {
    let (account, name) = (identity.account(), identity.name());
    call.notes.asker(name.as_str(), account.as_str());
    // Two credentials of different accounts are refused, not ranked (authn-17).
    if let Some(other) = call.identity.as_ref().filter(|other| other.account() != account) {
        let why = format!("form and header belong to `{name}` and `{}`", other.name());
        return Err(ApiError::unauthenticated().because(why));
    }
    // Who has just got an account is nobody on the view that the request began with.
    let snapshot = call.state.snapshot();
    if !is_trusted(&snapshot.config.registries, service) {
        return Err(ApiError::new(
            Kind::Malformed,
            format!(
                "`{service}` is none of the trusted registries; an administrator adds it to `registries` with this `service_id`"
            ),
        ));
    }
    // An account that ended in between is nobody any more.
    if !identity.is_live(&snapshot.directory) {
        return Err(ApiError::unauthenticated().because("the account or its credential has just ended"));
    }
    let rulings: Vec<(&Scope, Ruling)> = scopes
        .iter()
        .map(|scope| (scope, decide(scope, &ties(&snapshot.directory, identity, scope))))
        .collect();
    note_refused(call, &rulings);
    let access: Vec<_> = rulings
        .iter()
        .filter(|(_, ruling)| !ruling.granted.is_empty())
        .map(|(scope, ruling)| Access {
            kind: &scope.kind,
            name: &scope.name,
            actions: &ruling.granted,
        })
        .collect();
    let id = random_uuid(&mut rng());
    let issued = call.state.clock.now();
    let key = call.state.registry_keys.current(&call.state.authorities).await?;
    let token = key
        .1
        .sign(&Claims {
            issuer: ISSUER,
            subject: name.as_str(),
            audience: service,
            id: &id,
            issued,
            access: &access,
        })
        .map_err(ApiError::internal)?;
    call.notes.object_id(id);
    let granted: Vec<_> = access
        .iter()
        .map(|access| format!("{}:{}:{}", access.kind, access.name, access.actions.join(",")))
        .collect();
    // Clients of the first protocol read `token`, those of OAuth 2 `access_token`.
    let mut value = json!({
        "token": token.expose(),
        "access_token": token.expose(),
        "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs(),
        "issued_at": issued,
        "scope": granted.join(" "),
    });
    if let Some(refresh_token) = refresh_token {
        value["refresh_token"] = refresh_token.expose().into();
    }
    let mut response = body::json(StatusCode::OK, &value);
    never_stored(response.headers_mut());
    Ok(response)
}

/// Writes down what was not granted and why (audit-09).
fn note_refused(call: &Call, rulings: &[(&Scope, Ruling)]) {
    let refused: Vec<_> = rulings
        .iter()
        .filter(|(_, ruling)| !ruling.refused.is_empty())
        .map(|(scope, ruling)| {
            json!({
                "scope": format!("{}:{}:{}", scope.kind, scope.name, ruling.refused.join(",")),
                "text": ruling.reason.to_string(),
            })
        })
        .collect();
    if !refused.is_empty() {
        call.notes.missing(json!({
            "code": "registry",
            "text": "not everything that a client of a registry asked for was granted",
            "checks": refused,
        }));
    }
}

/// RFC 6749 section 5.1.
fn never_stored(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
