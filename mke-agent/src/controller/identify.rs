//! Who asks: from a client certificate's public key, a bearer token, or where it is allowed a name and password.
//!
//! Exactly one identity comes out, or none. Two credentials of different accounts are refused, not ranked
//! (authn-17). Headers by which a client could claim an identity through a proxy have no meaning here and are
//! taken off (authn-16). Tokens in a URL open nothing (authn-06).

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, USER_AGENT};
use mke_auth::identity::{Identity, identify_by_key};
use mke_auth::scim::TokenError;
use mke_auth::sessions::{LoginError, LoginRequest, Via};
use mke_core::secret::Secret;

use super::error::{ApiError, Kind};
use super::origin;
use super::rng;
use super::server::Peer;
use super::snapshot::Snapshot;
use super::state::State;

/// Longest value of an `Authorization` header.
const MAX_AUTHORIZATION: usize = 8 * 1024;

/// Headers by which proxies pass on who a client is, in the products that people put in front of APIs.
const CLAIMS: &[&str] = &[
    "x-remote-user",
    "x-remote-group",
    "x-remote-uid",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-client-cert",
    "x-client-cert",
    "x-client-dn",
    "x-ssl-client-cert",
    "x-ssl-client-dn",
    "x-ssl-client-s-dn",
    "x-ssl-client-verify",
    "x-auth-request-user",
    "x-webauth-user",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];
/// Beginnings of such headers.
const CLAIM_PREFIXES: &[&str] = &["impersonate-", "x-remote-extra-"];

/// Takes off every header by which a client could claim to be somebody or to send another method.
pub(super) fn strip_claims(headers: &mut HeaderMap) {
    let claims: Vec<_> = headers
        .keys()
        .filter(|name| {
            CLAIMS.contains(&name.as_str())
                || CLAIM_PREFIXES
                    .iter()
                    .any(|prefix| name.as_str().starts_with(prefix))
        })
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}

/// Who asks.
#[derive(Debug, Default)]
pub(super) struct Identified {
    /// Nobody without a credential.
    pub(super) identity: Option<Identity>,
    /// The directory that found it out, when that has just changed the account: only a newer view knows it.
    pub(super) changed: Option<Via>,
}

impl Identified {
    /// The view to decide on: the one that the request began with, unless that is too old to know who asks.
    pub(super) fn view(&self, state: &State, begun_with: &Arc<Snapshot>) -> Arc<Snapshot> {
        if self.changed.is_some() {
            state.snapshot()
        } else {
            Arc::clone(begun_with)
        }
    }
}

impl From<Option<Identity>> for Identified {
    fn from(identity: Option<Identity>) -> Self {
        Self {
            identity,
            changed: None,
        }
    }
}

/// Who asks; nobody without a credential.
///
/// # Errors
/// A credential that opens nothing, two of them that disagree, or a kind that is not taken here. The answer is
/// the same for all; the log says which. A certificate that a browser presented for the page of another site is
/// refused as such.
pub(super) async fn identify(
    state: &State,
    snapshot: &Snapshot,
    peer: &Peer,
    headers: &HeaderMap,
    basic_allowed: bool,
) -> Result<Identified, ApiError> {
    let by_key = match &peer.certificate {
        Some(certificate) => {
            let identity = identify_by_key(&snapshot.directory, certificate.key())
                .map_err(|error| ApiError::unauthenticated().because(error))?;
            if origin::is_foreign(headers) {
                return Err(ApiError::new(
                    Kind::Forbidden,
                    "access denied: a page of another site sent this request with your certificate",
                ));
            }
            Some(identity)
        }
        None => None,
    };
    let by_header = by_header(state, snapshot, peer.address, headers, basic_allowed).await?;
    let changed = by_header.changed;
    let identity = match (by_key, by_header.identity) {
        (Some(key), Some(header)) if key.account() != header.account() => {
            let why = "certificate and token belong to different accounts";
            return Err(ApiError::unauthenticated().because(why));
        }
        // The certificate opened the connection, so its end is what must cut it.
        (Some(key), _) => Some(key),
        (None, header) => header,
    };
    Ok(Identified { identity, changed })
}

/// Whether the SCIM client asks: nothing but its own token opens its endpoints, and with nothing else beside it
/// (SCIM-002). Returns the id of the token.
///
/// # Errors
/// 401 without the token, 403 while SCIM is switched off.
pub(super) fn scim_token(
    state: &State,
    snapshot: &Snapshot,
    peer: &Peer,
    headers: &HeaderMap,
) -> Result<String, ApiError> {
    let refused = |why: &str| ApiError::from(TokenError::Wrong).because(why);
    if peer.certificate.is_some() {
        return Err(refused(
            "a client certificate beside or instead of the SCIM token",
        ));
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let shown = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            let (_, token) = text
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .ok_or_else(|| refused("an Authorization header that is no bearer token"))?;
            // Spaces inside or around it are part of what was shown, and no token has any.
            Some(token)
        }
        (Some(_), Some(_)) => return Err(refused("more than one Authorization header")),
    };
    let token = state
        .scim
        .tokens
        .check(&snapshot.directory, shown, peer.address.ip())?;
    if !snapshot.config.auth.scim_enabled {
        return Err(ApiError::new(
            Kind::Forbidden,
            "SCIM is switched off; an administrator switches it on with `ucp auth scim enable`",
        ));
    }
    Ok(token.id.clone())
}

/// The node whose agent asks, which must be the one that the path names: nobody speaks for another node, and no
/// credential of an account opens these endpoints.
///
/// # Errors
/// 401 for everybody who is no agent, 403 for the agent of another node.
pub(super) fn node<'p>(peer: &'p Peer, named: Option<&String>) -> Result<&'p str, ApiError> {
    let node = peer
        .node
        .as_deref()
        .ok_or_else(|| ApiError::unauthenticated().because("no certificate of a node"))?;
    match named {
        Some(named) if named == node => Ok(node),
        _ => Err(ApiError::new(
            Kind::Forbidden,
            "access denied: an agent speaks for its own node only",
        )),
    }
}

async fn by_header(
    state: &State,
    snapshot: &Snapshot,
    address: SocketAddr,
    headers: &HeaderMap,
    basic_allowed: bool,
) -> Result<Identified, ApiError> {
    let refused = |why: &str| ApiError::unauthenticated().because(why);
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(Identified::default());
    };
    if values.next().is_some() {
        return Err(refused("more than one Authorization header"));
    }
    let text = value
        .to_str()
        .ok()
        .filter(|text| text.len() <= MAX_AUTHORIZATION)
        .ok_or_else(|| refused("an Authorization header that is too long or no text"))?;
    let (scheme, credential) = text
        .split_once(' ')
        .ok_or_else(|| refused("an Authorization header without a credential"))?;
    let credential = credential.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        let settings = &snapshot.config.auth.sessions;
        let identity = state
            .sessions
            .validate(&snapshot.directory, credential, settings)
            .map_err(|error| ApiError::unauthenticated().because(error))?;
        return Ok(Some(identity).into());
    }
    if !scheme.eq_ignore_ascii_case("basic") || !basic_allowed {
        return Err(refused("an Authorization scheme that is not taken here"));
    }
    let decoded = STANDARD
        .decode(credential)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Secret::new)
        .ok_or_else(|| refused("Basic credentials that are no text"))?;
    let (name, password) = decoded
        .expose()
        .split_once(':')
        .ok_or_else(|| refused("Basic credentials without a password"))?;
    let request = LoginRequest {
        username: name,
        password: &Secret::new(password),
        source: address.ip(),
        user_agent: user_agent(headers),
        code: None,
    };
    let backends = state.backends(snapshot);
    let checked = state
        .logins
        .check_password(&snapshot.directory, request, &backends, &mut rng())
        .await;
    state.metrics.login(checked.is_ok());
    match checked {
        Ok(checked) => {
            // Who has just got an account is nobody on the view that the request began with.
            if let Some(revision) = checked.revision {
                state.wait_for(revision).await?;
            }
            Ok(Identified {
                identity: Some(checked.identity),
                changed: checked.via.filter(|via| via.changed),
            })
        }
        Err(error @ (LoginError::InvalidCredentials | LoginError::SecondFactorNeeded)) => {
            Err(ApiError::unauthenticated().because(error))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the client calls itself.
pub(super) fn user_agent(headers: &HeaderMap) -> &str {
    headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn sec_authn_16_claims_are_taken_off() {
        let mut headers = HeaderMap::new();
        for name in [
            "X-Remote-User",
            "Impersonate-User",
            "Impersonate-Extra-x",
            "X-SSL-Client-Cert",
            "Accept",
        ] {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name.clone(), HeaderValue::from_static("admin"));
            headers.append(name, HeaderValue::from_static("again"));
        }
        strip_claims(&mut headers);
        assert_eq!(headers.len(), 2);
        assert!(headers.contains_key("accept"));
    }
}
