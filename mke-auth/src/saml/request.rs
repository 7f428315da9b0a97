//! Asking the provider to log somebody in, and the document that introduces this cluster to it.
//!
//! A request is tied to the browser that made it without any memory here: its id is the hash of a secret that only
//! that browser's cookie holds. A response to it proves nothing to anybody who cannot show the secret (saml-32).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use super::names::{ASSERTION, DSIG, METADATA, POST, PROTOCOL, REDIRECT, TRANSIENT, UNSPECIFIED};
use super::own_key::{OwnKey, OwnKeyError};
use super::provider::IdentityProvider;
use super::redirect::{self, Role};
use super::sp::ServiceProvider;

/// Bytes of a secret and characters of its text.
const SECRET_BYTES: usize = 32;
const SECRET_CHARS: usize = 43;

/// A login that was begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub address: String,
    /// What the browser keeps in a cookie until it comes back.
    pub secret: Secret,
    /// The id of the request.
    pub id: String,
}

/// The id of the request that belongs to a secret; nothing for what is no secret.
pub fn request_id(secret: &str) -> Option<String> {
    let mut bytes = [0; SECRET_BYTES];
    if secret.len() != SECRET_CHARS || URL_SAFE_NO_PAD.decode_slice(secret, &mut bytes) != Ok(SECRET_BYTES) {
        return None;
    }
    Some(id_of(&bytes))
}

fn id_of(secret: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"mke saml request\0");
    hash.update(secret);
    format!("_{}", hex::encode(hash.finalize()))
}

/// Begins a login: a signed request (SAML-009), and the secret that its answer needs.
///
/// # Errors
///
/// [`OwnKeyError`].
pub fn begin(
    provider: &IdentityProvider,
    me: &ServiceProvider,
    relay: Option<&str>,
    key: &OwnKey,
    now: Timestamp,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Begun, OwnKeyError> {
    let mut secret = [0; SECRET_BYTES];
    rng.fill_bytes(&mut secret);
    let id = id_of(&secret);
    let location = &provider.record().sign_on;
    let message = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{now}\" Destination=\"{}\" AssertionConsumerServiceURL=\"{}\" ProtocolBinding=\"{POST}\">\
         <saml:Issuer>{}</saml:Issuer><samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
        escaped(location),
        escaped(me.acs()),
        escaped(me.entity_id()),
    );
    Ok(Begun {
        address: redirect::address(location, Role::Request, &message, relay, key)?,
        secret: Secret::new(URL_SAFE_NO_PAD.encode(secret)),
        id,
    })
}

/// The metadata of this cluster (SAML-001). Providers fetch it at the address that is its entity id.
pub fn metadata(me: &ServiceProvider, key: &OwnKey) -> String {
    let certificate = STANDARD.encode(key.certificate());
    let [entity, acs, logout] = [me.entity_id(), me.acs(), me.logout()].map(escaped);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity}\">\n  \
         <md:SPSSODescriptor AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">\n    \
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data><ds:X509Certificate>\
         {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n    \
         <md:SingleLogoutService Binding=\"{REDIRECT}\" Location=\"{logout}\"/>\n    \
         <md:SingleLogoutService Binding=\"{POST}\" Location=\"{logout}\"/>\n    \
         <md:NameIDFormat>{UNSPECIFIED}</md:NameIDFormat>\n    \
         <md:NameIDFormat>{TRANSIENT}</md:NameIDFormat>\n    \
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\n  \
         </md:SPSSODescriptor>\n</md:EntityDescriptor>\n"
    )
}

/// Text for an attribute or an element.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            other => out.push(other),
        }
    }
    out
}
