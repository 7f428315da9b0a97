//! Generated forgeries, by security case.

mod content;
mod form;
mod meaning;
mod signatures;
mod wrapping;

use super::saml::*;

/// A document that must be refused.
pub struct Forgery {
    /// The security case that it belongs to.
    pub case: &'static str,
    /// What is wrong with it.
    pub name: String,
    pub document: Vec<u8>,
    /// The certificates of the provider that judges it.
    pub keys: Vec<&'static str>,
    /// The kinds of refusal that may be the answer.
    pub expected: Vec<&'static str>,
}

/// Collects forgeries of one case.
pub struct Case<'a> {
    all: &'a mut Vec<Forgery>,
    case: &'static str,
    expected: Vec<&'static str>,
}

impl<'a> Case<'a> {
    pub fn new(all: &'a mut Vec<Forgery>, case: &'static str, expected: &[&'static str]) -> Self {
        Self {
            all,
            case,
            expected: expected.to_vec(),
        }
    }

    pub fn add(&mut self, name: impl Into<String>, document: impl AsRef<[u8]>) {
        self.add_for(name, document, &["rsa"]);
    }

    pub fn add_for(&mut self, name: impl Into<String>, document: impl AsRef<[u8]>, keys: &[&'static str]) {
        self.all.push(Forgery {
            case: self.case,
            name: name.into(),
            document: document.as_ref().to_vec(),
            keys: keys.to_vec(),
            expected: self.expected.clone(),
        });
    }

    /// Replaces text that must be there, once.
    pub fn replaced(&mut self, name: impl Into<String>, document: &str, from: &str, to: &str) {
        let name = name.into();
        assert!(document.contains(from), "{name}: `{from}` is not in the document");
        self.add(name, document.replacen(from, to, 1));
    }
}

/// All of them.
pub fn all() -> Vec<Forgery> {
    let mut all = Vec::new();
    wrapping::add(&mut all);
    signatures::add(&mut all);
    form::add(&mut all);
    content::add(&mut all);
    meaning::add(&mut all);
    all
}

/// The signed documents that forgeries begin with.
pub fn originals() -> [(&'static str, String); 3] {
    let (fields, signer) = (Fields::default(), Signer::default());
    [
        ("assertion signed", fields.signed_assertion(&signer)),
        ("response signed", fields.signed_response(&signer)),
        ("both signed", fields.signed_both(&signer)),
    ]
}

/// A part of a document, from the beginning of one text to the end of another.
pub fn part(document: &str, from: &str, to: &str) -> String {
    let start = document
        .find(from)
        .unwrap_or_else(|| panic!("`{from}` is in the document"));
    let end = document[start..]
        .find(to)
        .unwrap_or_else(|| panic!("`{to}` is in the document"));
    document[start..start + end + to.len()].to_owned()
}

pub fn signature_of(document: &str) -> String {
    part(document, "<ds:Signature xmlns", "</ds:Signature>")
}

pub fn assertion_of(document: &str) -> String {
    part(document, "<saml:Assertion ", "</saml:Assertion>")
}

/// The same under another name and id: what an attacker wants to be read.
pub fn evil(document: &str) -> String {
    document
        .replace(">jane<", ">admin<")
        .replace("_assertion-1", "_evil")
        .replace("_response-1", "_evil-response")
}
