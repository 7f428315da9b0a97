//! Exclusive XML canonicalisation 1.0 without comments (W3C, 18 July 2002) of one element: the bytes that are
//! digested, and the only bytes that are read afterwards (saml-15).
//!
//! The parser resolves names but does not keep prefixes. They are taken from the source at the places that the
//! parser reports, and each must lead back to the name that the parser resolved.

use roxmltree::{Document, Node, NodeId};

use super::Refusal;
use super::names::XML;

/// What is left out, and which prefixes are treated as inclusive canonicalisation does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Method<'a> {
    /// The subtree that is left out: the signature of the enveloped-signature transform.
    pub(super) without: Option<NodeId>,
    /// `PrefixList`; `#default` stands for the default namespace.
    pub(super) inclusive: &'a str,
}

/// Writes the canonical form of an element.
pub(super) fn canonicalize<'a, 'i: 'a>(
    document: &Document<'i>,
    element: Node<'a, 'i>,
    method: Method<'a>,
) -> Result<Vec<u8>, Refusal> {
    let mut writer = Writer {
        source: document.input_text(),
        method,
        out: Vec::with_capacity(element.range().len() + 256),
        rendered: vec![("", "")],
    };
    writer.element(element)?;
    if writer.out.is_empty() {
        // saml-21: nothing to verify is nothing verified.
        return Err(Refusal::form("its canonical form is empty"));
    }
    Ok(writer.out)
}

struct Writer<'a> {
    source: &'a str,
    method: Method<'a>,
    out: Vec<u8>,
    /// Prefix and namespace of what the elements around have declared, innermost last.
    rendered: Vec<(&'a str, &'a str)>,
}

impl<'a> Writer<'a> {
    fn element<'i: 'a>(&mut self, element: Node<'a, 'i>) -> Result<(), Refusal> {
        let before = self.rendered.len();
        let name = self.qualified(element)?;
        let prefix = prefix_of(name);
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());

        let mut attributes = Vec::with_capacity(element.attributes().len());
        self.declare(prefix, element.tag_name().namespace().unwrap_or_default(), before);
        for attribute in element.attributes() {
            let qualified = self
                .source
                .get(attribute.range_qname())
                .filter(|found| local_of(found) == attribute.name())
                .ok_or(Refusal::Namespace(
                    "an attribute that is not where the parser saw it",
                ))?;
            let namespace = attribute.namespace().unwrap_or_default();
            let prefix = prefix_of(qualified);
            if prefix.is_empty() != namespace.is_empty() {
                return Err(Refusal::Namespace("an attribute whose prefix has no namespace"));
            }
            if namespace != XML && !prefix.is_empty() {
                if element.lookup_namespace_uri(Some(prefix)) != Some(namespace) {
                    return Err(Refusal::Namespace(
                        "an attribute whose prefix means something else",
                    ));
                }
                self.declare(prefix, namespace, before);
            }
            attributes.push((namespace, attribute.name(), qualified, attribute.value()));
        }
        for prefix in self.method.inclusive.split_ascii_whitespace() {
            if prefix == "#default" {
                let uri = element.lookup_namespace_uri(None).unwrap_or_default();
                self.declare("", uri, before);
            } else if let Some(uri) = element.lookup_namespace_uri(Some(prefix)) {
                self.declare(prefix, uri, before);
            }
        }
        if let Some(declared) = self.rendered.get_mut(before..) {
            declared.sort_unstable();
        }
        for index in before..self.rendered.len() {
            let Some((prefix, uri)) = self.rendered.get(index).copied() else {
                break;
            };
            self.out.extend_from_slice(b" xmlns");
            if !prefix.is_empty() {
                self.out.push(b':');
                self.out.extend_from_slice(prefix.as_bytes());
            }
            self.value(uri);
        }
        attributes.sort_unstable();
        for (_, _, qualified, value) in attributes {
            self.out.push(b' ');
            self.out.extend_from_slice(qualified.as_bytes());
            self.value(value);
        }
        self.out.push(b'>');

        for child in element.children() {
            if child.is_element() {
                if Some(child.id()) != self.method.without {
                    self.element(child)?;
                }
            } else if child.is_text() {
                escape(&mut self.out, child.text().unwrap_or_default(), text_escape);
            } else {
                return Err(Refusal::Markup("a comment or processing instruction"));
            }
        }
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
        self.rendered.truncate(before);
        Ok(())
    }

    /// The name of an element as it was written.
    fn qualified<'i: 'a>(&self, element: Node<'a, 'i>) -> Result<&'a str, Refusal> {
        let lost = Refusal::Namespace("an element that is not where the parser saw it");
        let tag = self
            .source
            .get(element.range())
            .and_then(|text| text.strip_prefix('<'))
            .ok_or(lost.clone())?;
        let end = tag
            .bytes()
            .position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>'))
            .ok_or(lost.clone())?;
        let name = tag.get(..end).ok_or(lost.clone())?;
        let prefix = Some(prefix_of(name)).filter(|prefix| !prefix.is_empty());
        let resolved = match prefix {
            Some("xml") => return Err(Refusal::Namespace("an element with the prefix `xml`")),
            prefix => element.lookup_namespace_uri(prefix).filter(|uri| !uri.is_empty()),
        };
        let meant = element.tag_name().namespace().filter(|uri| !uri.is_empty());
        if local_of(name) == element.tag_name().name() && resolved == meant {
            Ok(name)
        } else {
            Err(lost)
        }
    }

    /// Remembers that this element declares a prefix, unless the elements around it have done so.
    fn declare(&mut self, prefix: &'a str, uri: &'a str, before: usize) {
        let around = self.rendered.get(..before).unwrap_or_default();
        let here = self.rendered.get(before..).unwrap_or_default();
        let known = around.iter().rev().find(|(name, _)| *name == prefix);
        if known.is_none_or(|(_, value)| *value != uri) && !here.contains(&(prefix, uri)) {
            self.rendered.push((prefix, uri));
        }
    }

    fn value(&mut self, value: &str) {
        self.out.extend_from_slice(b"=\"");
        escape(&mut self.out, value, value_escape);
        self.out.push(b'"');
    }
}

fn prefix_of(qualified: &str) -> &str {
    qualified.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn local_of(qualified: &str) -> &str {
    qualified.split_once(':').map_or(qualified, |(_, local)| local)
}

fn text_escape(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'\r' => b"&#xD;",
        _ => return None,
    })
}

fn value_escape(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'"' => b"&quot;",
        b'\t' => b"&#x9;",
        b'\n' => b"&#xA;",
        b'\r' => b"&#xD;",
        _ => return None,
    })
}

/// Generic over what is replaced, so that each of the two loops is compiled for its own few characters.
fn escape(out: &mut Vec<u8>, text: &str, replace: impl Fn(u8) -> Option<&'static [u8]>) {
    let mut plain = 0;
    for (position, byte) in text.bytes().enumerate() {
        if let Some(replacement) = replace(byte) {
            out.extend_from_slice(text.as_bytes().get(plain..position).unwrap_or_default());
            out.extend_from_slice(replacement);
            plain = position + 1;
        }
    }
    out.extend_from_slice(text.as_bytes().get(plain..).unwrap_or_default());
}
