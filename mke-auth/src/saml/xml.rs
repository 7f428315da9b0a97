//! The only reader of XML here: bounds first, then one parse, then what every message must keep.
//!
//! A message that is verified and a message that is read are parsed by the same parser with the same options
//! (saml-24). Markup that signatures leave out or that parsers join differently, which is comments, processing
//! instructions, CDATA sections and document types, is refused before anything is parsed (saml-23, saml-25,
//! saml-26), so a text is always one piece. The scan before the parse only counts: it gives no meaning to anything.

use memchr::{memchr, memchr3};
use roxmltree::{Document, Node, ParsingOptions};

use super::Refusal;
use super::names::XML;

/// Most bytes of a message. A response with two thousand groups has 150 kB.
pub const MAX_MESSAGE_BYTES: usize = 192 * 1024;

/// Most bytes of a metadata document. Those of one provider have 2 to 60 kB.
pub const MAX_METADATA_BYTES: usize = 1024 * 1024;

/// How deep elements may be nested. Responses need nine levels.
pub const MAX_DEPTH: usize = 32;

/// Most elements.
pub const MAX_ELEMENTS: usize = 8192;

/// Most attributes of one element, namespace declarations included.
pub const MAX_ATTRIBUTES: usize = 64;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A protocol message, which anybody can send.
    Message,
    /// Metadata from the configured address, which people write comments into.
    Metadata,
}

/// Parses a document.
pub(super) fn parse(bytes: &[u8], kind: Kind) -> Result<Document<'_>, Refusal> {
    let max = match kind {
        Kind::Message => MAX_MESSAGE_BYTES,
        Kind::Metadata => MAX_METADATA_BYTES,
    };
    if bytes.len() > max {
        return Err(Refusal::TooMuch { what: "bytes", max });
    }
    // UTF-16 text of ASCII characters is UTF-8 text with zeros.
    if bytes.contains(&0) {
        return Err(Refusal::Encoding("it holds bytes of zero"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::Encoding("it is no UTF-8"))?;
    let body = after_declaration(text)?;
    scan(body.as_bytes(), kind)?;
    let options = ParsingOptions {
        allow_dtd: false,
        // Between any two elements may be a text.
        nodes_limit: 4 * MAX_ELEMENTS as u32,
        entity_resolver: None,
    };
    let document =
        Document::parse_with_options(text, options).map_err(|error| Refusal::Xml(error.to_string()))?;
    check(&document, kind)?;
    Ok(document)
}

/// The text without its XML declaration, which may say UTF-8 and nothing else (saml-28).
fn after_declaration(text: &str) -> Result<&str, Refusal> {
    let wrong = Refusal::Encoding("its XML declaration is not that of UTF-8 text");
    let Some(rest) = text.strip_prefix("<?xml") else {
        return if text.trim_ascii_start().starts_with('<') {
            Ok(text)
        } else {
            Err(Refusal::Encoding("it does not start with an element"))
        };
    };
    let (declaration, body) = rest.split_once("?>").ok_or(wrong.clone())?;
    for (position, part) in declaration.split_ascii_whitespace().enumerate() {
        let part = part.replace('\'', "\"").to_ascii_lowercase();
        let fits = match part.as_str() {
            "version=\"1.0\"" => position == 0,
            "encoding=\"utf-8\"" | "standalone=\"yes\"" | "standalone=\"no\"" => position > 0,
            _ => false,
        };
        if !fits {
            return Err(wrong);
        }
    }
    Ok(body)
}

/// Counts depth, elements and attributes, and finds markup that may not be there, in one pass without recursion or
/// memory of its own (saml-27, saml-29).
fn scan(bytes: &[u8], kind: Kind) -> Result<(), Refusal> {
    let too_deep = Refusal::TooMuch {
        what: "levels of elements",
        max: MAX_DEPTH,
    };
    let broken = || Refusal::Xml("a tag is not closed".to_owned());
    let (mut depth, mut elements) = (0_usize, 0_usize);
    let mut rest = bytes;
    while let Some(at) = memchr(b'<', rest) {
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.first() {
            Some(b'/') => depth = depth.checked_sub(1).ok_or_else(broken)?,
            Some(b'!' | b'?') if kind == Kind::Metadata => {
                let end: &[u8] = match rest {
                    [b'!', b'-', b'-', ..] => b"-->",
                    [b'?', ..] => b"?>",
                    _ => return Err(Refusal::Markup("a document type or a CDATA section")),
                };
                // The two dashes that open a comment do not close it.
                let from = rest.get(end.len()..).ok_or_else(broken)?;
                let closed = from.windows(end.len()).position(|found| found == end);
                rest = from.get(closed.ok_or_else(broken)?..).unwrap_or_default();
            }
            Some(b'!') => return Err(Refusal::Markup("a document type, comment or CDATA section")),
            Some(b'?') => return Err(Refusal::Markup("a processing instruction")),
            _ => {
                elements += 1;
                if elements > MAX_ELEMENTS {
                    return Err(Refusal::TooMuch {
                        what: "elements",
                        max: MAX_ELEMENTS,
                    });
                }
                let (length, closed) = tag(rest)?;
                rest = rest.get(length..).unwrap_or_default();
                if !closed {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(too_deep);
                    }
                }
            }
        }
    }
    Ok(())
}

/// How long a start tag is, and whether it is an end tag too.
fn tag(bytes: &[u8]) -> Result<(usize, bool), Refusal> {
    let broken = || Refusal::Xml("a tag is not closed".to_owned());
    let mut attributes = 0;
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += memchr3(b'>', b'"', b'\'', rest).ok_or_else(broken)?;
        let quote = match bytes.get(at) {
            Some(b'>') => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                return Ok((at, before == Some(&b'/')));
            }
            Some(quote) => *quote,
            None => return Err(broken()),
        };
        attributes += 1;
        if attributes > MAX_ATTRIBUTES {
            return Err(Refusal::TooMuch {
                what: "attributes in one element",
                max: MAX_ATTRIBUTES,
            });
        }
        let value = bytes.get(at + 1..).unwrap_or_default();
        at += memchr(quote, value).ok_or_else(broken)? + 2;
    }
}

/// What holds in every document: identifiers are unique (saml-11), a prefix means one thing, namespaces are absolute
/// (saml-22).
fn check(document: &Document<'_>, kind: Kind) -> Result<(), Refusal> {
    let mut ids: Vec<&str> = Vec::new();
    let mut bound: Vec<(&str, &str)> = Vec::new();
    for node in document.descendants() {
        if kind == Kind::Message && (node.is_comment() || node.is_pi()) {
            return Err(Refusal::Markup("a comment or processing instruction"));
        }
        if !node.is_element() {
            continue;
        }
        // An element that declares nothing has the very list of its parent.
        let inherited = node.parent_element().is_some_and(|parent| {
            parent.namespaces().len() == node.namespaces().len()
                && parent
                    .namespaces()
                    .zip(node.namespaces())
                    .all(|(theirs, own)| std::ptr::eq(theirs, own))
        });
        let mut defaults = 0;
        for namespace in node.namespaces().filter(|_| !inherited) {
            defaults += usize::from(namespace.name().is_none());
            check_namespace(namespace.name(), namespace.uri(), &mut bound)?;
        }
        if defaults > 1 {
            return Err(Refusal::Namespace("two default namespaces in one element"));
        }
        for attribute in node.attributes() {
            if !attribute.name().eq_ignore_ascii_case("id") {
                if attribute.namespace() == Some(XML) && attribute.name() != "lang" {
                    return Err(Refusal::Namespace("an attribute `xml:` other than `xml:lang`"));
                }
                continue;
            }
            if attribute.namespace().is_some() {
                return Err(Refusal::Namespace("an identifier in a namespace"));
            }
            if ids.contains(&attribute.value()) {
                return Err(Refusal::DuplicateId(attribute.value().to_owned()));
            }
            ids.push(attribute.value());
        }
    }
    Ok(())
}

fn check_namespace<'a>(
    prefix: Option<&'a str>,
    uri: &'a str,
    bound: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), Refusal> {
    let prefix = prefix.unwrap_or_default();
    let mut same_prefix = bound.iter().filter(|(name, _)| *name == prefix);
    if same_prefix.any(|(_, value)| *value == uri) {
        return Ok(());
    }
    // The default namespace may change, as it does in what many providers send.
    if !prefix.is_empty() && bound.iter().any(|(name, _)| *name == prefix) {
        return Err(Refusal::Namespace("a prefix with two meanings"));
    }
    if prefix == "xmlns" {
        return Err(Refusal::Namespace("the prefix `xmlns` is declared"));
    }
    let absolute = uri.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty()
    });
    let undeclared = prefix.is_empty() && uri.is_empty();
    if !absolute && !undeclared {
        return Err(Refusal::Namespace("a namespace that is no absolute URI"));
    }
    bound.push((prefix, uri));
    Ok(())
}

/// Whether a node is the element of this name.
pub(super) fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name && node.tag_name().namespace() == Some(namespace)
}

/// The child elements. Text between them must be white space.
pub(super) fn elements<'a, 'i>(parent: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, Refusal> {
    let mut found = Vec::new();
    for child in parent.children() {
        if child.is_element() {
            found.push(child);
        } else if child.is_text() && !child.text().unwrap_or_default().bytes().all(is_space) {
            return Err(Refusal::structure(format!(
                "text between the elements of `{}`",
                parent.tag_name().name()
            )));
        }
    }
    Ok(found)
}

/// White space of XML.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The text of an element that holds nothing else; empty when it holds nothing.
pub(super) fn text<'a>(node: Node<'a, '_>) -> Result<&'a str, Refusal> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (None, _) => Ok(""),
        (Some(only), None) if only.is_text() => Ok(only.text().unwrap_or_default()),
        _ => Err(Refusal::structure(format!(
            "`{}` must hold text and nothing else",
            node.tag_name().name()
        ))),
    }
}

/// An attribute that must be there.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, Refusal> {
    node.attribute(name)
        .ok_or_else(|| Refusal::structure(format!("`{}` has no `{name}`", node.tag_name().name())))
}
