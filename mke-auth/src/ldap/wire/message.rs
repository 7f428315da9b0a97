//! Messages: requests are written, answers are read. An answer that is not exactly as RFC 4511 says is an error.

use mke_core::secret::Secret;

use super::ber::{BerError, ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Writer};
use crate::ldap::filter::Filter;

/// Turns a connection to TLS (RFC 4511 section 4.14).
pub(super) const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// Asks whom the server takes us for (RFC 4532).
pub(super) const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";

/// Results in pages (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

pub(super) const BIND_RESPONSE: u8 = 0x61;
pub(super) const ENTRY: u8 = 0x64;
pub(super) const SEARCH_DONE: u8 = 0x65;
pub(super) const REFERENCE: u8 = 0x73;
pub(super) const EXTENDED_RESPONSE: u8 = 0x78;

/// How far below its base a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The base itself.
    Base,
    /// One level below it.
    OneLevel,
    /// The base and everything below it.
    Subtree,
}

impl Scope {
    pub(crate) fn below(subtree: bool) -> Self {
        if subtree { Self::Subtree } else { Self::OneLevel }
    }
}

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: &'a Filter,
    pub(crate) attributes: &'a [&'a str],
    /// Most entries that the server shall send; 0 for all.
    pub(crate) size_limit: u32,
}

fn message(id: u32, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.inside(SEQUENCE, |w| {
        w.number(INTEGER, id);
        write(w);
    });
    writer.0
}

/// A simple bind. Whoever calls this has made sure that neither name nor password is empty.
pub(super) fn bind(id: u32, name: &str, password: &Secret) -> Vec<u8> {
    message(id, |w| {
        w.inside(0x60, |w| {
            w.number(INTEGER, 3)
                .octets(name)
                .value(0x80, password.expose().as_bytes());
        });
    })
}

pub(super) fn unbind(id: u32) -> Vec<u8> {
    message(id, |w| {
        w.value(0x42, &[]);
    })
}

pub(super) fn extended(id: u32, oid: &str) -> Vec<u8> {
    message(id, |w| {
        w.inside(0x77, |w| {
            w.value(0x80, oid.as_bytes());
        });
    })
}

/// A search; with `page`, the size of a page and the cookie of the one before.
pub(super) fn search(id: u32, search: &Search<'_>, page: Option<(u32, &[u8])>) -> Vec<u8> {
    message(id, |w| {
        w.inside(0x63, |w| {
            w.octets(search.base).number(
                ENUMERATED,
                match search.scope {
                    Scope::Base => 0,
                    Scope::OneLevel => 1,
                    Scope::Subtree => 2,
                },
            );
            // Aliases are not followed: one could bring in an entry from anywhere.
            w.number(ENUMERATED, 0);
            w.number(INTEGER, search.size_limit)
                .number(INTEGER, 0)
                .boolean(false);
            search.filter.write(w);
            w.inside(SEQUENCE, |w| {
                for attribute in search.attributes {
                    w.octets(attribute);
                }
            });
        });
        if let Some((size, cookie)) = page {
            w.inside(0xa0, |w| {
                w.inside(SEQUENCE, |w| {
                    let mut value = Writer::default();
                    value.inside(SEQUENCE, |w| {
                        w.number(INTEGER, size).octets(cookie);
                    });
                    // Critical: a server that ignored it would send a part and call it the whole.
                    w.octets(PAGED_RESULTS).boolean(true).octets(&value.0);
                });
            });
        }
    })
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) id: u32,
    pub(super) operation: u8,
    pub(super) content: Reader<'a>,
    controls: Option<&'a [u8]>,
}

impl<'a> Answer<'a> {
    /// Reads one whole message.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, BerError> {
        let mut outer = Reader::new(bytes);
        let mut inner = outer.inside(SEQUENCE)?;
        outer.end()?;
        let id = inner.number(INTEGER)?;
        let (operation, content) = inner.any()?;
        let controls = inner.optional(0xa0)?;
        // Message 0 ends the connection; some servers put more into it than belongs there.
        if id != 0 {
            inner.end()?;
        }
        Ok(Self {
            id,
            operation,
            content: Reader::new(content),
            controls,
        })
    }

    /// The cookie of the next page: empty after the last one, `None` when the server says nothing about pages.
    pub(super) fn cookie(&self) -> Result<Option<&'a [u8]>, BerError> {
        let mut controls = Reader::new(self.controls.unwrap_or_default());
        while !controls.is_empty() {
            let mut control = controls.inside(SEQUENCE)?;
            let oid = control.value(OCTET_STRING)?;
            control.optional(super::ber::BOOLEAN)?;
            let value = control.optional(OCTET_STRING)?;
            control.end()?;
            if oid == PAGED_RESULTS.as_bytes() {
                let mut outer = Reader::new(value.ok_or(BerError::Missing)?);
                let mut inner = outer.inside(SEQUENCE)?;
                outer.end()?;
                // How many there may be; servers send what they like.
                inner.value(INTEGER)?;
                let cookie = inner.value(OCTET_STRING)?;
                inner.end()?;
                return Ok(Some(cookie));
            }
        }
        Ok(None)
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    pub(super) message: String,
    pub(super) referrals: Vec<String>,
}

/// Most addresses in one referral.
const MAX_REFERRALS: usize = 64;

impl Outcome {
    /// Reads the result of an operation; what follows it is left in `content`.
    pub(super) fn read(content: &mut Reader<'_>) -> Result<Self, BerError> {
        let code = content.number(ENUMERATED)?;
        content.value(OCTET_STRING)?;
        let message = String::from_utf8_lossy(content.value(OCTET_STRING)?)
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let mut referrals = Vec::new();
        if let Some(list) = content.optional(0xa3)? {
            let mut list = Reader::new(list);
            while !list.is_empty() {
                referrals.push(list.text()?.to_owned());
                if referrals.len() > MAX_REFERRALS {
                    return Err(BerError::Trailing);
                }
            }
        }
        Ok(Self {
            code,
            message,
            referrals,
        })
    }
}

/// The addresses in a search reference.
pub(super) fn reference(mut content: Reader<'_>) -> Result<Vec<String>, BerError> {
    let mut addresses = Vec::new();
    while !content.is_empty() {
        addresses.push(content.text()?.to_owned());
        if addresses.len() > MAX_REFERRALS {
            return Err(BerError::Trailing);
        }
    }
    Ok(addresses)
}

/// An entry that a search found. It borrows from the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) dn: &'a str,
    attributes: Reader<'a>,
}

impl<'a> Entry<'a> {
    pub(crate) fn read(mut content: Reader<'a>) -> Result<Self, BerError> {
        let dn = content.text()?;
        let attributes = content.inside(SEQUENCE)?;
        content.end()?;
        Ok(Self { dn, attributes })
    }

    /// The next attribute and its values, `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<(&'a str, Values<'a>)>, BerError> {
        if self.attributes.is_empty() {
            return Ok(None);
        }
        let mut attribute = self.attributes.inside(SEQUENCE)?;
        let name = attribute.text()?;
        let values = attribute.inside(SET)?;
        attribute.end()?;
        Ok(Some((name, Values(values))))
    }
}

/// The values of an attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a>(Reader<'a>);

impl<'a> Values<'a> {
    pub(crate) fn next(&mut self) -> Result<Option<&'a [u8]>, BerError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.0.value(OCTET_STRING).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bind_as_it_goes_out() {
        assert_eq!(
            bind(1, "cn=a", &Secret::new("pw")),
            b"\x30\x12\x02\x01\x01\x60\x0d\x02\x01\x03\x04\x04cn=a\x80\x02pw"
        );
    }

    #[test]
    fn a_page_is_asked_for_and_its_cookie_read() {
        let filter = Filter::everything();
        let search_for = Search {
            base: "",
            scope: Scope::Base,
            filter: &filter,
            attributes: &["1.1"],
            size_limit: 0,
        };
        let bytes = search(7, &search_for, Some((1000, b"xyz")));
        // Requests and answers carry the same control in the same place.
        let answer = Answer::read(&bytes).unwrap();
        assert_eq!((answer.id, answer.operation), (7, 0x63));
        assert_eq!(answer.cookie().unwrap(), Some(&b"xyz"[..]));
        let bytes = search(7, &search_for, None);
        assert_eq!(Answer::read(&bytes).unwrap().cookie().unwrap(), None);
    }

    #[test]
    fn an_entry_is_read_without_copies() {
        let mut writer = Writer::default();
        writer.octets("uid=jane").inside(SEQUENCE, |w| {
            w.inside(SEQUENCE, |w| {
                w.octets("uid").inside(SET, |w| {
                    w.octets("jane").octets("j");
                });
            });
        });
        let mut entry = Entry::read(Reader::new(&writer.0)).unwrap();
        assert_eq!(entry.dn, "uid=jane");
        let (name, mut values) = entry.next().unwrap().unwrap();
        assert_eq!(name, "uid");
        assert_eq!(values.next().unwrap(), Some(&b"jane"[..]));
        assert_eq!(values.next().unwrap(), Some(&b"j"[..]));
        assert_eq!(values.next().unwrap(), None);
        assert!(entry.next().unwrap().is_none());
    }

    proptest! {
        /// ldap-16: whatever octets a server sends, reading them ends.
        #[test]
        fn sec_ldap_16_any_octets(bytes in any::<Vec<u8>>()) {
            if let Ok(mut answer) = Answer::read(&bytes) {
                let _ = answer.cookie();
                let _ = reference(answer.content);
                if let Ok(mut entry) = Entry::read(answer.content) {
                    while let Ok(Some((_, mut values))) = entry.next() {
                        while let Ok(Some(_)) = values.next() {}
                    }
                }
                let _ = Outcome::read(&mut answer.content);
            }
        }
    }
}
