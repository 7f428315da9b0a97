//! Whom a response of the identity provider proves: signature first, then every condition, all of it read from the
//! verified bytes.
//!
//! The order is: bounds and parse, shape of the whole document, signature, the response's own statements, the
//! assertion. Where only the assertion is signed, the response around it can refuse but not grant: nothing that is
//! used comes from outside the verified bytes. Each check refuses what it does not know.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::time::Timestamp;
use roxmltree::{Document, Node};

use super::Refusal;
use super::attributes::{self, Person};
use super::conditions::{self, Moment};
use super::names::{ASSERTION, DSIG, ENTITY, PROTOCOL, SUCCESS};
use super::provider::IdentityProvider;
use super::signature::{self, Verified};
use super::sp::ServiceProvider;
use super::xml::{self, Kind, attribute, elements, is, text};

/// Most bytes of the base64 text of a message.
pub const MAX_ENCODED_BYTES: usize = 256 * 1024;

/// Longest text of a name, id or index that is kept, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// What a response has proved. It exists only when every check has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Who it is, as the identity provider calls it: the account's name (SAML-003).
    pub name_id: NameId,
    /// The provider's session, for logging out there.
    pub session_index: Option<String>,
    /// The assertion's own id. It must be used once only (saml-33).
    pub assertion_id: String,
    /// The request that it answers. It must be answered once only.
    pub in_response_to: String,
    /// After this moment the same assertion would be refused anyway.
    pub usable_until: Timestamp,
    /// What the provider says about the person.
    pub person: Person,
}

/// A `NameID` with the attributes that a logout request must repeat.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameId {
    /// The name itself.
    pub value: String,
    /// `Format`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// `NameQualifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_qualifier: Option<String>,
    /// `SPNameQualifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_name_qualifier: Option<String>,
}

/// Reads the form field `SAMLResponse` and says whom it proves. `requests` are the ids of the requests that this
/// browser made and that are not answered yet.
///
/// # Errors
///
/// [`Refusal`]; [`Refusal::Unsolicited`] only for a response that would have been accepted as the answer to a
/// request, so that the caller may begin a request of its own.
pub fn accept(
    encoded: &str,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    requests: &[String],
    now: Timestamp,
) -> Result<Proven, Refusal> {
    let bytes = decode(encoded)?;
    let document = xml::parse(&bytes, Kind::Message)?;
    let (response, assertion) = shape(&document)?;
    let moment = Moment { now };
    let verified = verified(&document, response, assertion, provider)?;
    let inner = xml::parse(verified.bytes(), Kind::Message)?;
    let root = inner.root_element();
    let asked_in_response;
    let proven = if is(root, PROTOCOL, "Response") {
        let (root, assertion) = shape(&inner)?;
        asked_in_response = check_response(root, true, provider, me, moment)?;
        read(assertion, provider, me, moment)?
    } else {
        asked_in_response = check_response(response, false, provider, me, moment)?;
        read(root, provider, me, moment)?
    };
    if asked_in_response.is_some_and(|asked| Some(asked) != proven.1.as_deref()) {
        return Err(Refusal::OtherRequest);
    }
    let (mut proven, asked) = proven;
    let asked = asked.ok_or(Refusal::Unsolicited)?;
    if !requests.contains(&asked) {
        return Err(Refusal::OtherRequest);
    }
    proven.in_response_to = asked;
    Ok(proven)
}

/// Base64 in lines or in one, and nothing else in it (saml-27).
pub(super) fn decode(encoded: &str) -> Result<Vec<u8>, Refusal> {
    if encoded.len() > MAX_ENCODED_BYTES {
        return Err(Refusal::TooMuch {
            what: "bytes of base64",
            max: MAX_ENCODED_BYTES,
        });
    }
    let wrong = |_| Refusal::Encoding("it is no base64");
    STANDARD.decode(encoded).or_else(|error| {
        // Most providers write one line, so only those who do not pay for it.
        let compact: Vec<u8> = encoded.bytes().filter(|byte| !xml::is_space(*byte)).collect();
        if compact.len() == encoded.len() {
            return Err(wrong(error));
        }
        STANDARD.decode(compact).map_err(wrong)
    })
}

/// One response that holds one assertion, with signatures only where they belong. Copies of either anywhere else, in
/// whatever wrapping, end here (saml-01 to saml-10, saml-14).
fn shape<'a, 'i>(document: &'a Document<'i>) -> Result<(Node<'a, 'i>, Node<'a, 'i>), Refusal> {
    let root = document.root_element();
    if !is(root, PROTOCOL, "Response") {
        return Err(Refusal::structure("the message is no SAML response"));
    }
    let mut assertion = None;
    for child in elements(root)? {
        if is(child, ASSERTION, "Assertion") {
            if assertion.replace(child).is_some() {
                return Err(Refusal::structure("the response holds more than one assertion"));
            }
        } else if is(child, ASSERTION, "EncryptedAssertion") {
            return Err(Refusal::Encrypted);
        } else if !is(child, ASSERTION, "Issuer")
            && !is(child, PROTOCOL, "Status")
            && !is(child, DSIG, "Signature")
        {
            return Err(Refusal::structure(format!(
                "the response holds `{}`",
                child.tag_name().name()
            )));
        }
    }
    for node in root.descendants().filter(|node| node.is_element()) {
        let parent = node.parent_element();
        let fits = match node.tag_name().name() {
            "Response" => parent.is_none(),
            "Assertion" => Some(node) == assertion,
            "Signature" => parent == Some(root) || (parent == assertion && parent.is_some()),
            "EncryptedAssertion" | "EncryptedID" | "EncryptedAttribute" => return Err(Refusal::Encrypted),
            "Object" | "Manifest" => node.tag_name().namespace() != Some(DSIG),
            _ => true,
        };
        if !fits {
            return Err(Refusal::structure(format!(
                "`{}` stands where none may be",
                node.tag_name().name()
            )));
        }
    }
    // Without one, the status says why; with neither, the answer is nothing at all.
    match assertion {
        Some(assertion) => Ok((root, assertion)),
        None => {
            check_status(root)?;
            Err(Refusal::structure("the response holds no assertion"))
        }
    }
}

/// The verified bytes: of the response when it is signed, else of the assertion. A signature that is there must be
/// right, also when the other one would do.
fn verified(
    document: &Document<'_>,
    response: Node<'_, '_>,
    assertion: Node<'_, '_>,
    provider: &IdentityProvider,
) -> Result<Verified, Refusal> {
    // The same nodes, found again with the lifetimes of the document.
    let find = |wanted: Node<'_, '_>| document.get_node(wanted.id()).ok_or(Refusal::Unsigned);
    let (response, assertion) = (find(response)?, find(assertion)?);
    let verify = |element, signature| signature::verify(document, element, signature, provider.keys());
    let of_response = match signature::of(response)? {
        Some(signature) => Some(verify(response, signature)?),
        None => None,
    };
    let of_assertion = match signature::of(assertion)? {
        Some(signature) => Some(verify(assertion, signature)?),
        None => None,
    };
    of_response.or(of_assertion).ok_or(Refusal::Unsigned)
}

/// What the response itself says. Returns the request that it answers.
fn check_response<'a>(
    response: Node<'a, '_>,
    signed: bool,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    moment: Moment,
) -> Result<Option<&'a str>, Refusal> {
    check_version(response)?;
    moment.not_after(attribute(response, "IssueInstant")?)?;
    let destination = attribute(response, "Destination")?;
    if destination != me.acs() {
        return Err(Refusal::Destination {
            found: destination.to_owned(),
        });
    }
    let mut issuers = response
        .children()
        .filter(|child| is(*child, ASSERTION, "Issuer"));
    match (issuers.next(), issuers.next()) {
        (Some(issuer), None) => check_issuer(issuer, provider)?,
        // SAML profiles, section 4.1.4.2: a signed response names its issuer.
        (None, _) if !signed => {}
        (None, _) => return Err(Refusal::structure("the signed response names no issuer")),
        (Some(_), Some(_)) => return Err(Refusal::structure("the response names two issuers")),
    }
    check_status(response)?;
    Ok(response.attribute("InResponseTo"))
}

pub(super) fn check_version(message: Node<'_, '_>) -> Result<(), Refusal> {
    match attribute(message, "Version")? {
        "2.0" => Ok(()),
        other => Err(Refusal::structure(format!("version `{other}` is not 2.0"))),
    }
}

pub(super) fn check_issuer(issuer: Node<'_, '_>, provider: &IdentityProvider) -> Result<(), Refusal> {
    let found = text(issuer)?;
    let entity = issuer.attribute("Format").is_none_or(|format| format == ENTITY);
    if entity && found == provider.entity_id() {
        Ok(())
    } else {
        Err(Refusal::Issuer {
            found: found.to_owned(),
        })
    }
}

pub(super) fn check_status(response: Node<'_, '_>) -> Result<(), Refusal> {
    let mut statuses = response.children().filter(|child| is(*child, PROTOCOL, "Status"));
    let (Some(status), None) = (statuses.next(), statuses.next()) else {
        return Err(Refusal::structure("a response must hold one status"));
    };
    let mut codes = status
        .children()
        .filter(|child| is(*child, PROTOCOL, "StatusCode"));
    let (Some(code), None) = (codes.next(), codes.next()) else {
        return Err(Refusal::structure("a status must hold one code"));
    };
    let value = attribute(code, "Value")?;
    if value == SUCCESS {
        return Ok(());
    }
    let inner = code.children().find(|child| is(*child, PROTOCOL, "StatusCode"));
    let inner = inner
        .and_then(|inner| inner.attribute("Value"))
        .unwrap_or_default();
    Err(Refusal::Status(format!("{value} {inner}").trim().to_owned()))
}

/// Reads an assertion, which must come from verified bytes. Returns the request that it answers beside it.
fn read(
    assertion: Node<'_, '_>,
    provider: &IdentityProvider,
    me: &ServiceProvider,
    moment: Moment,
) -> Result<(Proven, Option<String>), Refusal> {
    check_version(assertion)?;
    moment.not_after(attribute(assertion, "IssueInstant")?)?;
    let (mut issuer, mut subject, mut conditions) = (None, None, None);
    let (mut statements, mut attribute_statements) = (Vec::new(), Vec::new());
    for child in elements(assertion)? {
        let name = child.tag_name();
        let slot = match (name.namespace(), name.name()) {
            (Some(ASSERTION), "Issuer") => &mut issuer,
            (Some(ASSERTION), "Subject") => &mut subject,
            (Some(ASSERTION), "Conditions") => &mut conditions,
            (Some(ASSERTION), "AuthnStatement") => {
                statements.push(child);
                continue;
            }
            (Some(ASSERTION), "AttributeStatement") => {
                attribute_statements.push(child);
                continue;
            }
            // There is one at most, and it was verified.
            (Some(DSIG), "Signature") => continue,
            _ => {
                return Err(Refusal::structure(format!(
                    "the assertion holds `{}`",
                    name.name()
                )));
            }
        };
        if slot.replace(child).is_some() {
            return Err(Refusal::structure(format!(
                "the assertion holds `{}` twice",
                name.name()
            )));
        }
    }
    let missing = |what: &str| Refusal::structure(format!("the assertion has no `{what}`"));
    check_issuer(issuer.ok_or_else(|| missing("Issuer"))?, provider)?;
    conditions::check(conditions.ok_or_else(|| missing("Conditions"))?, me, moment)?;
    let subject = subject.ok_or_else(|| missing("Subject"))?;
    let (name_id, confirmations) = subject_of(subject)?;
    let bearer = conditions::confirm(&confirmations, me, moment)?;
    if statements.is_empty() {
        return Err(missing("AuthnStatement"));
    }
    let mut session_index = None;
    for statement in &statements {
        moment.not_after(attribute(*statement, "AuthnInstant")?)?;
        if let Some(end) = statement.attribute("SessionNotOnOrAfter") {
            moment.before(end)?;
        }
        session_index = session_index.or(statement.attribute("SessionIndex"));
    }
    let proven = Proven {
        name_id,
        session_index: session_index.map(bounded).transpose()?,
        assertion_id: bounded(attribute(assertion, "ID")?)?,
        in_response_to: String::new(),
        usable_until: bearer.usable_until,
        person: attributes::read(&attribute_statements)?,
    };
    Ok((proven, bearer.in_response_to.map(str::to_owned)))
}

/// The name and the confirmations of a subject.
fn subject_of<'a, 'i>(subject: Node<'a, 'i>) -> Result<(NameId, Vec<Node<'a, 'i>>), Refusal> {
    let (mut name, mut confirmations) = (None, Vec::new());
    for child in elements(subject)? {
        if is(child, ASSERTION, "SubjectConfirmation") {
            confirmations.push(child);
        } else if !is(child, ASSERTION, "NameID") || name.replace(child).is_some() {
            return Err(Refusal::structure(
                "a subject must hold one `NameID` and its confirmations",
            ));
        }
    }
    let name = name.ok_or_else(|| Refusal::structure("the subject has no `NameID`"))?;
    Ok((name_id(name)?, confirmations))
}

/// Reads a `NameID`.
pub(super) fn name_id(node: Node<'_, '_>) -> Result<NameId, Refusal> {
    let of = |name| node.attribute(name).map(bounded).transpose();
    let value = bounded(text(node)?)?;
    if value.is_empty() {
        return Err(Refusal::structure("the `NameID` is empty"));
    }
    Ok(NameId {
        value,
        format: of("Format")?,
        name_qualifier: of("NameQualifier")?,
        sp_name_qualifier: of("SPNameQualifier")?,
    })
}

/// A text of reasonable length.
pub(super) fn bounded(text: &str) -> Result<String, Refusal> {
    if text.len() > MAX_NAME_BYTES {
        return Err(Refusal::TooMuch {
            what: "bytes in a name",
            max: MAX_NAME_BYTES,
        });
    }
    Ok(text.to_owned())
}
