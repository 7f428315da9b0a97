//! Single logout: requests of the provider, answers of the provider, and our own of both.
//!
//! A message is believed when the provider has signed it: over the query in the redirect binding, inside the message
//! in the POST binding. Anything unsigned is refused (saml-40).

use std::time::Duration;

use mke_core::time::Timestamp;
use rand_core::CryptoRng;

use super::Refusal;
use super::conditions::{Moment, SKEW};
use super::names::{ASSERTION, DSIG, PROTOCOL, REQUESTER, SUCCESS};
use super::own_key::{OwnKey, OwnKeyError};
use super::provider::IdentityProvider;
use super::redirect::{self, Role};
use super::request::escaped;
use super::response::{NameId, bounded, check_issuer, check_status, check_version, decode, name_id};
use super::signature::{self, Verified};
use super::sp::ServiceProvider;
use super::xml::{self, Kind, attribute, elements, is, text};

/// How old a logout message may be.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// Most sessions that one request names.
const MAX_SESSIONS: usize = 64;

/// What the provider says about a logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// It asks to end sessions.
    Request(LogoutRequest),
    /// It answers a request of ours: whether everybody else has logged the user out.
    Response {
        /// The request that it answers.
        in_response_to: Option<String>,
    },
}

/// A request to end sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its id, which the answer repeats.
    pub id: String,
    /// Whose sessions.
    pub name_id: NameId,
    /// Which; none means all of that name.
    pub sessions: Vec<String>,
}

/// Reads a message in the query of a redirect, as the request line has it, with its relay state.
///
/// # Errors
///
/// [`Refusal`].
pub fn from_query(
    query: &str,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    now: Timestamp,
) -> Result<(Message, Option<String>), Refusal> {
    let received = redirect::receive(query, provider)?;
    let message = read(&received.message, received.role, provider, me, now)?;
    Ok((message, received.relay))
}

/// Reads a message from the field of a form.
///
/// # Errors
///
/// [`Refusal`].
pub fn from_form(
    encoded: &str,
    role: Role,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let bytes = decode(encoded)?;
    let document = xml::parse(&bytes, Kind::Message)?;
    let root = document.root_element();
    let signature = signature::of(root)?.ok_or(Refusal::Unsigned)?;
    let verified = signature::verify(&document, root, signature, provider.keys())?;
    read(&verified, role, provider, me, now)
}

fn read(
    verified: &Verified,
    role: Role,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let document = xml::parse(verified.bytes(), Kind::Message)?;
    let root = document.root_element();
    let name = match role {
        Role::Request => "LogoutRequest",
        Role::Response => "LogoutResponse",
    };
    if !is(root, PROTOCOL, name) {
        return Err(Refusal::structure(format!("the message is no `{name}`")));
    }
    check_version(root)?;
    let moment = Moment { now };
    let issued = attribute(root, "IssueInstant")?;
    if moment.not_after(issued)?.plus(MAX_AGE).plus(SKEW) <= now {
        return Err(Refusal::Late(issued.to_owned()));
    }
    if let Some(end) = root.attribute("NotOnOrAfter") {
        moment.before(end)?;
    }
    let destination = attribute(root, "Destination")?;
    if destination != me.logout() {
        return Err(Refusal::Destination {
            found: destination.to_owned(),
        });
    }
    let (mut issuer, mut name, mut sessions) = (None, None, Vec::new());
    for child in elements(root)? {
        let doubled = if is(child, ASSERTION, "Issuer") {
            issuer.replace(child).is_some()
        } else if is(child, ASSERTION, "NameID") {
            name.replace(child).is_some()
        } else if is(child, PROTOCOL, "SessionIndex") && sessions.len() < MAX_SESSIONS {
            sessions.push(bounded(text(child)?)?);
            false
        } else if is(child, ASSERTION, "EncryptedID") {
            return Err(Refusal::Encrypted);
        } else {
            !(is(child, PROTOCOL, "Status")
                || is(child, PROTOCOL, "Extensions")
                || is(child, DSIG, "Signature"))
        };
        if doubled {
            return Err(Refusal::structure(format!(
                "`{}` stands where none may be",
                child.tag_name().name()
            )));
        }
    }
    check_issuer(
        issuer.ok_or_else(|| Refusal::structure("the message names no issuer"))?,
        provider,
    )?;
    match role {
        Role::Request => Ok(Message::Request(LogoutRequest {
            id: bounded(attribute(root, "ID")?)?,
            name_id: name_id(name.ok_or_else(|| Refusal::structure("the request has no `NameID`"))?)?,
            sessions,
        })),
        Role::Response => {
            check_status(root)?;
            Ok(Message::Response {
                in_response_to: root.attribute("InResponseTo").map(bounded).transpose()?,
            })
        }
    }
}

fn random_id(rng: &mut (impl CryptoRng + ?Sized)) -> String {
    let mut bytes = [0; 20];
    rng.fill_bytes(&mut bytes);
    format!("_{}", hex::encode(bytes))
}

/// Asks the provider to end a session there too. Nothing when it has no single logout by redirect.
///
/// # Errors
///
/// [`OwnKeyError`].
pub fn ask(
    provider: &IdentityProvider,
    me: &ServiceProvider,
    name: &NameId,
    session: Option<&str>,
    key: &OwnKey,
    now: Timestamp,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Option<String>, OwnKeyError> {
    let Some(service) = provider.logout_by_redirect() else {
        return Ok(None);
    };
    let attribute = |attribute: &str, value: &Option<String>| match value {
        Some(value) => format!(" {attribute}=\"{}\"", escaped(value)),
        None => String::new(),
    };
    let session = session.map_or_else(String::new, |index| {
        format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escaped(index))
    });
    let message = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" Version=\"2.0\" \
         IssueInstant=\"{now}\" Destination=\"{}\"><saml:Issuer>{}</saml:Issuer><saml:NameID{}{}{}>{}</saml:NameID>\
         {session}</samlp:LogoutRequest>",
        random_id(rng),
        escaped(&service.location),
        escaped(me.entity_id()),
        attribute("Format", &name.format),
        attribute("NameQualifier", &name.name_qualifier),
        attribute("SPNameQualifier", &name.sp_name_qualifier),
        escaped(&name.value),
    );
    redirect::address(&service.location, Role::Request, &message, None, key).map(Some)
}

/// Answers a request of the provider. Nothing when it takes no answers by redirect.
///
/// # Errors
///
/// [`OwnKeyError`].
#[expect(clippy::too_many_arguments, reason = "each is one part of the message")]
pub fn answer(
    provider: &IdentityProvider,
    me: &ServiceProvider,
    request: &str,
    done: bool,
    relay: Option<&str>,
    key: &OwnKey,
    now: Timestamp,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Option<String>, OwnKeyError> {
    let Some(service) = provider.logout_by_redirect() else {
        return Ok(None);
    };
    let location = &service.response_location;
    let status = if done { SUCCESS } else { REQUESTER };
    let message = format!(
        "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{}\" Version=\"2.0\" \
         IssueInstant=\"{now}\" Destination=\"{}\" InResponseTo=\"{}\"><saml:Issuer>{}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"{status}\"/></samlp:Status></samlp:LogoutResponse>",
        random_id(rng),
        escaped(location),
        escaped(request),
        escaped(me.entity_id()),
    );
    redirect::address(location, Role::Response, &message, relay, key).map(Some)
}
