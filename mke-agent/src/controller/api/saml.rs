//! `/enzi/v0/saml/…`: this cluster as a service provider, for browsers and identity providers.
//!
//! A browser begins at `login`, comes back to `acs` with a response, and gets its session from `session`. The token
//! never stands in an address (authn-06): it waits in a cookie of this host only, for a minute, that opens nothing but
//! `session`.

mod admin;
mod logout;
mod settings;

pub(super) use admin::{bundles, refresh, revoke_bundles, status};
pub(super) use logout::{logout, logout_form};
pub(super) use settings::{change as change_settings, show as show_settings};

use http::StatusCode;
use http::header::{COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use mke_auth::identity::Credential;
use mke_auth::saml::login::{AdmitError, ProviderSession};
use mke_auth::saml::{Refusal, ServiceProvider, accept, form, request, safe_relay};
use mke_core::secret::Secret;
use serde_json::json;

use super::login::ensure_private_collection;
use super::{Call, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::identify::user_agent;
use crate::controller::{origin, rng, saml};

/// Begins the names of cookies that hold the secret of a request. The prefix keeps other hosts from setting them.
const REQUEST_COOKIE: &str = "__Host-mke-saml-";
/// The cookie in which a token waits.
const SESSION_COOKIE: &str = "__Host-mke-saml-session";
/// How long somebody may take to log in at the provider, in seconds.
const REQUEST_SECONDS: u32 = 600;
/// How long a token waits, in seconds.
const SESSION_SECONDS: u32 = 60;
/// Most requests of one browser that are looked at: more than fit into its headers. Were it a few, pages of other sites
/// could begin as many logins, and the one that the user began would not be found among them.
const MAX_REQUESTS: usize = 512;

/// What a browser learns of any refusal; the log has the reason.
const REFUSED: &str = "the login was refused; go back to the login page and begin again, and if that does not help ask an administrator";

impl Call {
    /// Nothing about SAML exists while it is off.
    fn saml_enabled(&self) -> Result<(), ApiError> {
        if self.snapshot.config.auth.saml_enabled {
            Ok(())
        } else {
            Err(ApiError::new(Kind::NotFound, "SAML is not enabled"))
        }
    }

    fn service_provider(&self) -> Result<ServiceProvider, ApiError> {
        saml::me(&self.snapshot.config, &self.state.advertise_host, self.state.port)
    }
}

/// The metadata, for identity providers.
pub(super) async fn metadata(call: Call) -> Result<Response, ApiError> {
    call.saml_enabled()?;
    let me = call.service_provider()?;
    let key = call.state.saml.key().await?;
    Ok(body::bytes(
        StatusCode::OK,
        "application/samlmetadata+xml",
        request::metadata(&me, &key),
    ))
}

/// What the login page shows (SAML-007).
pub(super) async fn button(call: Call) -> Result<Response, ApiError> {
    let auth = &call.snapshot.config.auth;
    let text = Some(auth.saml_login_text.trim()).filter(|text| !text.is_empty());
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "enabled": auth.saml_enabled,
            "text": text.unwrap_or("Sign in with SAML"),
            "location": "/enzi/v0/saml/login",
        }),
    ))
}

/// Sends a browser to the identity provider.
pub(super) async fn login(call: Call) -> Result<Response, ApiError> {
    call.saml_enabled()?;
    let me = call.service_provider()?;
    let relay = call.query("RelayState")?.map(safe_relay);
    begin(&call, &me, relay).await
}

async fn begin(call: &Call, me: &ServiceProvider, relay: Option<&str>) -> Result<Response, ApiError> {
    let provider = call.state.saml.provider().await?;
    let key = call.state.saml.key().await?;
    let now = call.state.clock.now();
    let begun = request::begin(&provider, me, relay, &key, now, &mut rng()).map_err(ApiError::internal)?;
    let mut response = redirect(&begun.address)?;
    // The provider's page posts the answer, so the cookie must come along from another site.
    cookie(
        &mut response,
        &request_cookie(&begun.id),
        begun.secret.expose(),
        "None",
        REQUEST_SECONDS,
    )?;
    Ok(response)
}

/// Takes the provider's answer: the one way in.
pub(super) async fn acs(call: Call) -> Result<Response, ApiError> {
    call.saml_enabled()?;
    let me = call.service_provider()?;
    let provider = call.state.saml.provider().await?;
    let fields = form(&call.body).map_err(|refusal| refused(&call, &refusal))?;
    let field = |name: &str| {
        let mut values = fields.iter().filter(|(found, _)| found == name);
        values.next().map(|(_, value)| value.as_str())
    };
    let relay = safe_relay(field("RelayState").unwrap_or("/"));
    let encoded =
        field("SAMLResponse").ok_or_else(|| ApiError::malformed("the form has no `SAMLResponse`"))?;
    let requests = requests(&call.headers);
    let proven = match accept(encoded, &provider, &me, &requests, call.state.clock.now()) {
        Ok(proven) => proven,
        // The provider began by itself. It is trusted, but nobody knows whose browser this is: ask it properly.
        Err(Refusal::Unsolicited) => return begin(&call, &me, Some(relay)).await,
        Err(refusal) => return Err(refused(&call, &refusal)),
    };
    let name = proven.name_id.value.clone();
    call.notes.asker(&name, "");
    let directory = &call.snapshot.directory;
    let admitted = match call
        .state
        .saml
        .admission
        .admit(&proven, directory, &mut rng())
        .await
    {
        Ok(admitted) => admitted,
        Err(error @ (AdmitError::Used | AdmitError::Name { .. } | AdmitError::Taken { .. })) => {
            return Err(refused(&call, &error));
        }
        Err(AdmitError::Account(error)) => {
            call.state.metrics.login(false);
            return Err(error.into());
        }
        Err(AdmitError::Storage(error)) => return Err(error.into()),
    };
    call.in_force(admitted.revision).await?;
    let settings = &call.snapshot.config.auth.sessions;
    let agent = user_agent(&call.headers);
    let begun = call
        .state
        .logins
        .begin_trusted(&admitted.account, agent, settings, &mut rng())
        .await;
    let logged_in = match begun {
        Ok(logged_in) => logged_in,
        Err(error) => return Err(refused(&call, &error)),
    };
    call.state.metrics.login(true);
    let (account, name) = (logged_in.identity.account(), logged_in.identity.name());
    call.notes.asker(name.as_str(), account.as_str());
    call.notes.object_id(logged_in.session.id.as_str());
    tracing::info!(user = %name, changes = ?admitted.changes, source = "saml", "logged in");
    let at_provider = ProviderSession {
        provider: provider.entity_id().to_owned(),
        name_id: proven.name_id.clone(),
        session_index: proven.session_index.clone(),
    };
    call.in_force(logged_in.revision).await?;
    call.state
        .saml
        .admission
        .remember(account, &logged_in.session.id, &at_provider)
        .await?;
    ensure_private_collection(&call, account, name).await?;

    let mut response = redirect(relay)?;
    let token = logged_in.token.text();
    cookie(
        &mut response,
        SESSION_COOKIE,
        token.expose(),
        "Strict",
        SESSION_SECONDS,
    )?;
    cookie(
        &mut response,
        &request_cookie(&proven.in_response_to),
        "",
        "None",
        0,
    )?;
    Ok(response)
}

/// Hands the waiting token to the page of this host.
pub(super) async fn session(call: Call) -> Result<Response, ApiError> {
    if origin::is_foreign(&call.headers) {
        return Err(ApiError::new(
            Kind::Forbidden,
            "access denied: a page of another site sent this request",
        ));
    }
    let mut waiting = cookies(&call.headers).filter(|(name, _)| *name == SESSION_COOKIE);
    let (Some((_, token)), None) = (waiting.next(), waiting.next()) else {
        return Err(ApiError::unauthenticated());
    };
    let token = Secret::new(token);
    let settings = &call.snapshot.config.auth.sessions;
    let identity = call
        .state
        .sessions
        .validate(&call.snapshot.directory, token.expose(), settings)
        .map_err(|error| ApiError::unauthenticated().because(error))?;
    call.notes
        .asker(identity.name().as_str(), identity.account().as_str());
    let id = match identity.credential() {
        Credential::Session(id) => Some(id.to_string()),
        Credential::PublicKey(_) | Credential::Password(_) => None,
    };
    let directory = &call.snapshot.directory;
    let account = directory
        .account(identity.account())
        .map(|account| shapes::account(directory, account));
    let mut response = body::json(
        StatusCode::OK,
        &json!({
            "auth_token": token.expose(),
            "token_id": id,
            "sessionToken": token.expose(),
            "account": account,
        }),
    );
    cookie(&mut response, SESSION_COOKIE, "", "Strict", 0)?;
    Ok(response)
}

/// A refusal for the browser, and its reason for the log.
fn refused(call: &Call, why: &(impl std::error::Error + ?Sized)) -> ApiError {
    call.state.metrics.login(false);
    tracing::info!(peer = %call.peer.ip(), reason = %why, source = "saml", "a login was refused");
    ApiError::new(Kind::Forbidden, REFUSED).because(why)
}

fn redirect(location: &str) -> Result<Response, ApiError> {
    let mut response = body::status(StatusCode::FOUND);
    let value = HeaderValue::try_from(location).map_err(ApiError::internal)?;
    response.headers_mut().insert(LOCATION, value);
    Ok(response)
}

fn cookie(
    response: &mut Response,
    name: &str,
    value: &str,
    same_site: &str,
    seconds: u32,
) -> Result<(), ApiError> {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={seconds}");
    let mut value = HeaderValue::try_from(text).map_err(ApiError::internal)?;
    value.set_sensitive(true);
    response.headers_mut().append(SET_COOKIE, value);
    Ok(())
}

/// Several logins may be under way in one browser, so each has a cookie of its own.
fn request_cookie(id: &str) -> String {
    let short: String = id.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    format!("{REQUEST_COOKIE}{short}")
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// The requests that this browser has made and that were not answered yet.
fn requests(headers: &HeaderMap) -> Vec<String> {
    cookies(headers)
        .filter(|(name, _)| name.starts_with(REQUEST_COOKIE))
        .filter_map(|(_, secret)| request::request_id(secret))
        .take(MAX_REQUESTS)
        .collect()
}
