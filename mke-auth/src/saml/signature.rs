//! Whether an element is signed by the identity provider, and which bytes that makes true.
//!
//! Exactly one form of XML signature is taken: a `Signature` that is a direct child of the element which it covers
//! (saml-14), with one `Reference` to that element's own `ID` (saml-12, saml-13), the transforms enveloped-signature
//! and exclusive canonicalisation (saml-20), and a key of the configured provider (saml-19). What follows works on
//! [`Verified`], made here and for signed queries only: the canonical bytes that were digested, never the document that they
//! came in (saml-15).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{self, SHA256, SHA384, SHA512};
use roxmltree::{Document, Node};
use subtle::ConstantTimeEq as _;

use super::Refusal;
use super::c14n::{self, Method};
use super::keys::{self, Algorithm, TrustedKey};
use super::names::{DSIG, ENVELOPED, EXCLUSIVE};
use super::xml::{self, attribute, elements, is, text};

/// Longest base64 text of a digest or a signature: RSA with 8192 bits needs 1368 characters.
const MAX_VALUE_CHARS: usize = 2048;

/// The canonical bytes of an element that a key of the identity provider has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verified(Vec<u8>);

impl Verified {
    /// A message whose query the provider has signed: the redirect binding signs the whole message at once.
    pub(super) fn by_query(message: Vec<u8>) -> Self {
        Self(message)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The `Signature` among the children of an element.
pub(super) fn of<'a, 'i>(element: Node<'a, 'i>) -> Result<Option<Node<'a, 'i>>, Refusal> {
    let mut found = element.children().filter(|child| is(*child, DSIG, "Signature"));
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(_) => Err(Refusal::form("an element has two signatures")),
    }
}

/// Verifies the signature of an element, which must be one of its children.
pub(super) fn verify<'a, 'i: 'a>(
    document: &Document<'i>,
    element: Node<'a, 'i>,
    signature: Node<'a, 'i>,
    keys: &[TrustedKey],
) -> Result<Verified, Refusal> {
    if signature.parent() != Some(element) {
        return Err(Refusal::form("it is not a child of what it covers"));
    }
    let (info, value) = match elements(signature)?.as_slice() {
        [info, value] => (*info, *value),
        // What is inside `KeyInfo` is never looked at.
        [info, value, key] if is(*key, DSIG, "KeyInfo") => (*info, *value),
        _ => {
            return Err(Refusal::form(
                "it must hold `SignedInfo`, `SignatureValue` and perhaps `KeyInfo`",
            ));
        }
    };
    if !is(info, DSIG, "SignedInfo") || !is(value, DSIG, "SignatureValue") {
        return Err(Refusal::form(
            "it must begin with `SignedInfo` and `SignatureValue`",
        ));
    }
    let [canonicalization, method, reference] =
        named(info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    let info_inclusive = exclusive(canonicalization)?;
    let algorithm = Algorithm::from_uri(attribute(method, "Algorithm")?)?;
    if !elements(method)?.is_empty() {
        return Err(Refusal::form("its method has parameters"));
    }

    let id = attribute(element, "ID")?;
    let covered = attribute(reference, "URI")?.strip_prefix('#').unwrap_or_default();
    if covered.is_empty() || covered != id {
        return Err(Refusal::form("its reference is not to the element that holds it"));
    }
    let [transforms, digest_method, digest_value] =
        named(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
    let inclusive = transforms_of(transforms)?;
    let hash = match attribute(digest_method, "Algorithm")? {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &SHA512,
        other => return Err(Refusal::Algorithm(other.to_owned())),
    };
    if !elements(digest_method)?.is_empty() {
        return Err(Refusal::form("its digest method has parameters"));
    }

    let canonical = c14n::canonicalize(
        document,
        element,
        Method {
            without: Some(signature.id()),
            inclusive,
        },
    )?;
    let expected = decode(text(digest_value)?)?;
    let computed = digest::digest(hash, &canonical);
    if !bool::from(computed.as_ref().ct_eq(&expected)) {
        return Err(Refusal::Digest);
    }
    let signed = c14n::canonicalize(
        document,
        info,
        Method {
            without: None,
            inclusive: info_inclusive,
        },
    )?;
    keys::verify(keys, algorithm, &signed, &decode(text(value)?)?)?;
    Ok(Verified(canonical))
}

/// The child elements, which must be exactly these.
fn named<'a, 'i, const N: usize>(
    parent: Node<'a, 'i>,
    names: [&str; N],
) -> Result<[Node<'a, 'i>; N], Refusal> {
    let parent_name = parent.tag_name().name();
    let wrong = || {
        Refusal::form(format!(
            "`{parent_name}` must hold {}, each once",
            names.join(", ")
        ))
    };
    let found: [Node<'a, 'i>; N] = elements(parent)?.try_into().map_err(|_| wrong())?;
    if found.iter().zip(names).all(|(node, name)| is(*node, DSIG, name)) {
        Ok(found)
    } else {
        Err(wrong())
    }
}

/// The prefix list of the one canonicalisation that is taken.
fn exclusive<'a>(method: Node<'a, '_>) -> Result<&'a str, Refusal> {
    let uri = attribute(method, "Algorithm")?;
    if uri != EXCLUSIVE {
        return Err(Refusal::Algorithm(uri.to_owned()));
    }
    match elements(method)?.as_slice() {
        [] => Ok(""),
        [list] if is(*list, EXCLUSIVE, "InclusiveNamespaces") && elements(*list)?.is_empty() => {
            attribute(*list, "PrefixList")
        }
        _ => Err(Refusal::form(
            "its canonicalisation has parameters that are not known",
        )),
    }
}

/// Enveloped-signature, then exclusive canonicalisation, and nothing else.
fn transforms_of<'a>(transforms: Node<'a, '_>) -> Result<&'a str, Refusal> {
    match elements(transforms)?.as_slice() {
        [first, second] if is(*first, DSIG, "Transform") && is(*second, DSIG, "Transform") => {
            let uri = attribute(*first, "Algorithm")?;
            if uri != ENVELOPED {
                return Err(Refusal::Algorithm(uri.to_owned()));
            }
            if !elements(*first)?.is_empty() {
                return Err(Refusal::form("its first transform has parameters"));
            }
            exclusive(*second)
        }
        _ => Err(Refusal::form(
            "its transforms must be enveloped-signature and exclusive canonicalisation",
        )),
    }
}

/// Base64 with white space between, as signatures are written. Anything else in it is refused (saml-17).
fn decode(value: &str) -> Result<Vec<u8>, Refusal> {
    if value.len() > MAX_VALUE_CHARS {
        return Err(Refusal::TooMuch {
            what: "characters in a signature",
            max: MAX_VALUE_CHARS,
        });
    }
    let compact: Vec<u8> = value.bytes().filter(|byte| !xml::is_space(*byte)).collect();
    let bytes = STANDARD
        .decode(compact)
        .map_err(|_| Refusal::form("a value is no base64"))?;
    if bytes.is_empty() {
        return Err(Refusal::form("a value is empty"));
    }
    Ok(bytes)
}
