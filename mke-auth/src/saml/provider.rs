//! The identity provider, as its metadata describes it (SAML-002), and the record that keeps it.
//!
//! The metadata is believed because of where it comes from: the configured address, over verified TLS. A signature
//! on it is not looked at. A document that names no usable key is refused, so there is never a provider without one
//! (saml-30).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::time::Timestamp;
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::conditions::instant;
use super::keys::TrustedKey;
use super::names::{DSIG, METADATA, POST, PROTOCOL, REDIRECT};
use super::xml::{self, Kind, attribute, is, text};
use crate::records::Record;

/// Most signing certificates that are kept. Providers have one or two.
const MAX_CERTIFICATES: usize = 16;

/// Longest address, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// How a message travels through the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// In the query of a redirect.
    Redirect,
    /// In a form.
    Post,
}

/// Where the provider takes part in single logout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogoutService {
    /// How.
    pub binding: Binding,
    /// Where requests go.
    pub location: String,
    /// Where responses go.
    pub response_location: String,
}

/// What is kept of the provider's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderRecord {
    /// The address that it came from, as configured then.
    pub url: String,
    /// When it was read.
    pub fetched: Timestamp,
    /// The provider's entity id.
    pub entity_id: String,
    /// Where login requests go, by redirect.
    pub sign_on: String,
    /// Single logout, where the provider has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout: Option<LogoutService>,
    /// The signing certificates, DER in base64.
    pub certificates: Vec<String>,
    /// Until when the metadata says that it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// What an administrator should know about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Record for ProviderRecord {
    const WHAT: &'static str = "SAML identity provider";
}

/// An identity provider with at least one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    record: ProviderRecord,
    keys: Vec<TrustedKey>,
}

impl IdentityProvider {
    /// Reads a metadata document that came from `url`.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: no metadata of one identity provider, no address for logins by redirect, no usable key.
    pub fn from_metadata(bytes: &[u8], url: &str, now: Timestamp) -> Result<Self, Refusal> {
        let document = xml::parse(bytes, Kind::Metadata)?;
        let (entity, role) = find(&document)?;
        let mut warnings = Vec::new();
        let mut record = ProviderRecord {
            url: url.to_owned(),
            fetched: now,
            entity_id: attribute(entity, "entityID")?.to_owned(),
            sign_on: service(role, "SingleSignOnService", REDIRECT)?
                .map(|node| location(node, "Location"))
                .transpose()?
                .ok_or_else(|| {
                    Refusal::structure(
                        "the provider takes no logins by redirect; enable the HTTP-Redirect binding there",
                    )
                })?,
            logout: logout_of(role)?,
            certificates: certificates(role, &mut warnings)?,
            valid_until: valid_until(&[document.root_element(), entity, role])?,
            warnings: Vec::new(),
        };
        if record.entity_id.is_empty() || record.entity_id.len() > MAX_URL_BYTES {
            return Err(Refusal::structure("the entity id is empty or too long"));
        }
        record.warnings = warnings;
        Self::from_record(record)
    }

    /// The provider of a record.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoKey`] when none of its certificates can be used.
    pub fn from_record(record: ProviderRecord) -> Result<Self, Refusal> {
        let keys: Vec<TrustedKey> = record
            .certificates
            .iter()
            .filter_map(|text| STANDARD.decode(text).ok())
            .filter_map(|der| TrustedKey::of_certificate(&der).ok())
            .collect();
        if keys.is_empty() {
            return Err(Refusal::NoKey);
        }
        Ok(Self { record, keys })
    }

    /// What is kept of it.
    pub fn record(&self) -> &ProviderRecord {
        &self.record
    }

    /// Its entity id.
    pub fn entity_id(&self) -> &str {
        &self.record.entity_id
    }

    /// Its keys; never empty.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Where it takes logout messages by redirect, if it does.
    pub(super) fn logout_by_redirect(&self) -> Option<&LogoutService> {
        self.record
            .logout
            .as_ref()
            .filter(|service| service.binding == Binding::Redirect)
    }

    /// Whether its metadata says that it is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.record.valid_until.is_some_and(|until| until <= now)
    }
}

/// The entity and its role as an identity provider. A document of several entities is taken when one of them is one.
fn find<'a, 'i>(document: &'a Document<'i>) -> Result<(Node<'a, 'i>, Node<'a, 'i>), Refusal> {
    let root = document.root_element();
    if !is(root, METADATA, "EntityDescriptor") && !is(root, METADATA, "EntitiesDescriptor") {
        return Err(Refusal::structure("the document is no SAML metadata"));
    }
    let mut roles = root.descendants().filter(|node| {
        is(*node, METADATA, "IDPSSODescriptor")
            && node
                .attribute("protocolSupportEnumeration")
                .is_some_and(|protocols| protocols.split_ascii_whitespace().any(|one| one == PROTOCOL))
    });
    match (roles.next(), roles.next()) {
        (Some(role), None) => role
            .parent_element()
            .filter(|entity| is(*entity, METADATA, "EntityDescriptor"))
            .map(|entity| (entity, role))
            .ok_or_else(|| Refusal::structure("the role of an identity provider belongs to no entity")),
        (None, _) => Err(Refusal::structure(
            "the metadata describes no SAML 2.0 identity provider",
        )),
        (Some(_), Some(_)) => Err(Refusal::structure(
            "the metadata describes several identity providers; give the address of one",
        )),
    }
}

fn service<'a, 'i>(role: Node<'a, 'i>, name: &str, binding: &str) -> Result<Option<Node<'a, 'i>>, Refusal> {
    for node in role.children().filter(|node| is(*node, METADATA, name)) {
        if attribute(node, "Binding")? == binding {
            return Ok(Some(node));
        }
    }
    Ok(None)
}

fn logout_of(role: Node<'_, '_>) -> Result<Option<LogoutService>, Refusal> {
    for (binding, uri) in [(Binding::Redirect, REDIRECT), (Binding::Post, POST)] {
        let Some(node) = service(role, "SingleLogoutService", uri)? else {
            continue;
        };
        let requests = location(node, "Location")?;
        let response_location = match node.attribute("ResponseLocation") {
            Some(_) => location(node, "ResponseLocation")?,
            None => requests.clone(),
        };
        return Ok(Some(LogoutService {
            binding,
            location: requests,
            response_location,
        }));
    }
    Ok(None)
}

/// An address that a browser is sent to: nothing but the web, nothing that ends a header.
fn location(node: Node<'_, '_>, name: &str) -> Result<String, Refusal> {
    let url = attribute(node, name)?;
    let web = url.starts_with("https://") || url.starts_with("http://");
    let plain = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#'));
    if web && plain && url.len() <= MAX_URL_BYTES && url.parse::<http::Uri>().is_ok() {
        Ok(url.to_owned())
    } else {
        Err(Refusal::structure(format!(
            "`{}` is no address for a browser",
            url.escape_debug()
        )))
    }
}

fn certificates(role: Node<'_, '_>, warnings: &mut Vec<String>) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    let for_signing = role.children().filter(|node| {
        is(*node, METADATA, "KeyDescriptor") && node.attribute("use").is_none_or(|usage| usage == "signing")
    });
    for node in for_signing.flat_map(|node| node.descendants()) {
        if !is(node, DSIG, "X509Certificate") {
            continue;
        }
        let compact: String = text(node)?.split_ascii_whitespace().collect();
        let usable = STANDARD
            .decode(&compact)
            .map_err(|_| "it is no base64".to_owned())
            .and_then(|der| TrustedKey::of_certificate(&der));
        match usable {
            Ok(_) if found.len() >= MAX_CERTIFICATES => {
                return Err(Refusal::TooMuch {
                    what: "signing certificates",
                    max: MAX_CERTIFICATES,
                });
            }
            Ok(_) => found.push(compact),
            Err(why) => warnings.push(format!(
                "a signing certificate of the provider is not used: {why}"
            )),
        }
    }
    if found.is_empty() {
        return Err(Refusal::NoKey);
    }
    Ok(found)
}

/// The earliest end that the document names.
fn valid_until(nodes: &[Node<'_, '_>]) -> Result<Option<Timestamp>, Refusal> {
    let mut earliest = None;
    for text in nodes.iter().filter_map(|node| node.attribute("validUntil")) {
        let until = instant(text)?;
        earliest = Some(earliest.map_or(until, |other: Timestamp| other.min(until)));
    }
    Ok(earliest)
}
