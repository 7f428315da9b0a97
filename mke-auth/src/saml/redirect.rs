//! The HTTP redirect binding (SAML bindings, section 3.4): messages in a query, deflated, signed over the query's
//! text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::Refusal;
use super::keys::{self, Algorithm};
use super::names::DEFLATE;
use super::own_key::{OwnKey, OwnKeyError};
use super::provider::IdentityProvider;
use super::signature::Verified;
use super::xml::MAX_MESSAGE_BYTES;

/// How hard to compress: messages are below a kilobyte.
const LEVEL: u8 = 6;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It asks.
    Request,
    /// It answers.
    Response,
}

impl Role {
    /// The name of the parameter or form field that carries it.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The address that sends a browser to `location` with a signed message.
pub(super) fn address(
    location: &str,
    role: Role,
    message: &str,
    relay: Option<&str>,
    key: &OwnKey,
) -> Result<String, OwnKeyError> {
    let deflated = compress_to_vec(message.as_bytes(), LEVEL);
    let mut query = format!("{}={}", role.parameter(), encode(&STANDARD.encode(deflated)));
    if let Some(relay) = relay {
        query.push_str("&RelayState=");
        query.push_str(&encode(relay));
    }
    query.push_str("&SigAlg=");
    query.push_str(&encode(Algorithm::RSA_SHA256_URI));
    let signature = STANDARD.encode(key.sign(query.as_bytes())?);
    let separator = if location.contains('?') { '&' } else { '?' };
    Ok(format!(
        "{location}{separator}{query}&Signature={}",
        encode(&signature)
    ))
}

/// A message from a query, verified.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) role: Role,
    pub(super) message: Verified,
    pub(super) relay: Option<String>,
}

/// Takes a message out of a query as it stands in the request, when the provider has signed it.
pub(super) fn receive(query: &str, provider: &IdentityProvider) -> Result<Received, Refusal> {
    let mut parts = Parts::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match name {
            "SAMLRequest" => &mut parts.request,
            "SAMLResponse" => &mut parts.response,
            "RelayState" => &mut parts.relay,
            "SigAlg" => &mut parts.algorithm,
            "Signature" => &mut parts.signature,
            "SAMLEncoding" => &mut parts.encoding,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Refusal::structure(format!("parameter `{name}` is given twice")));
        }
    }
    if let Some(encoding) = parts.encoding
        && decode(encoding)? != DEFLATE
    {
        return Err(Refusal::Encoding("it is not deflated"));
    }
    let (role, raw) = match (parts.request, parts.response) {
        (Some(raw), None) => (Role::Request, raw),
        (None, Some(raw)) => (Role::Response, raw),
        _ => return Err(Refusal::structure("there must be one message")),
    };
    let (Some(algorithm), Some(signature)) = (parts.algorithm, parts.signature) else {
        return Err(Refusal::Unsigned);
    };
    // The signature is over the text as it was sent, in this order, whatever the order in the query.
    let mut signed = format!("{}={raw}", role.parameter());
    if let Some(relay) = parts.relay {
        signed.push_str("&RelayState=");
        signed.push_str(relay);
    }
    signed.push_str("&SigAlg=");
    signed.push_str(algorithm);
    let algorithm = Algorithm::from_uri(&decode(algorithm)?)?;
    let signature = bytes(signature)?;
    keys::verify(provider.keys(), algorithm, signed.as_bytes(), &signature)?;
    // Only what the provider signed is unpacked, and never to more than a message may have (saml-27).
    let message = decompress_to_vec_with_limit(&bytes(raw)?, MAX_MESSAGE_BYTES)
        .map_err(|_| Refusal::Encoding("it cannot be inflated, or is too large when it is"))?;
    Ok(Received {
        role,
        message: Verified::by_query(message),
        relay: parts.relay.map(decode).transpose()?,
    })
}

#[derive(Default)]
struct Parts<'a> {
    request: Option<&'a str>,
    response: Option<&'a str>,
    relay: Option<&'a str>,
    algorithm: Option<&'a str>,
    signature: Option<&'a str>,
    encoding: Option<&'a str>,
}

fn bytes(raw: &str) -> Result<Vec<u8>, Refusal> {
    super::response::decode(&decode(raw)?)
}

/// Percent-decodes a value of a query, once.
pub(super) fn decode(raw: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::Encoding("a parameter is not percent-encoded text");
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let pair = [rest.next().ok_or_else(wrong)?, rest.next().ok_or_else(wrong)?];
                let mut value = [0];
                hex::decode_to_slice(pair, &mut value).map_err(|_| wrong())?;
                out.extend_from_slice(&value);
            }
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| wrong())
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3 / 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

/// The fields of a form (`application/x-www-form-urlencoded`). A field that is given twice is refused.
///
/// # Errors
///
/// [`Refusal`].
pub fn form(body: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Encoding("the form is no text"))?;
    let mut fields: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        if fields.iter().any(|(other, _)| *other == name) {
            return Err(Refusal::structure(format!("field `{name}` is given twice")));
        }
        if fields.len() >= 16 {
            return Err(Refusal::TooMuch {
                what: "fields in the form",
                max: 16,
            });
        }
        fields.push((name, decode(value)?));
    }
    Ok(fields)
}
