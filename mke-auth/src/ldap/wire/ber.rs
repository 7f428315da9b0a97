//! The part of BER that LDAP uses (RFC 4511 section 5.1): definite lengths, one-octet tags.
//!
//! Reading never copies, never recurses and never looks beyond the bytes that it was given; whatever does not
//! belong to that part is an error. What the bytes mean is not decided here.

/// Why bytes are not what they should be. What a server sends must not end in more than a refusal (ldap-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// A value goes on beyond what contains it.
    #[error("a value is longer than what contains it")]
    Overrun,
    /// The length is not written in one to five octets, or has no end.
    #[error("a length is not definite or too large")]
    Length,
    /// Another kind of value is needed in this place.
    #[error("tag {found:#04x} instead of {expected:#04x}")]
    Tag {
        /// The tag that was found.
        found: u8,
        /// The tag that belongs there.
        expected: u8,
    },
    /// Something is missing.
    #[error("a value is missing")]
    Missing,
    /// Something is left over.
    #[error("there is more than there should be")]
    Trailing,
    /// A number does not fit.
    #[error("a number is out of range")]
    Number,
    /// Text is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
}

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Reads one value after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next value.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Result<(u8, &'a [u8]), BerError> {
        let tag = self.peek().ok_or(BerError::Missing)?;
        let (header, length) = header(self.0)?.ok_or(BerError::Overrun)?;
        let end = header.checked_add(length).ok_or(BerError::Length)?;
        let content = self.0.get(header..end).ok_or(BerError::Overrun)?;
        self.0 = self.0.get(end..).unwrap_or_default();
        Ok((tag, content))
    }

    /// The next value, which must have this tag.
    pub(crate) fn value(&mut self, expected: u8) -> Result<&'a [u8], BerError> {
        match self.peek() {
            None => Err(BerError::Missing),
            Some(found) if found != expected => Err(BerError::Tag { found, expected }),
            Some(_) => Ok(self.any()?.1),
        }
    }

    /// The inside of the next value, which must have this tag.
    pub(crate) fn inside(&mut self, expected: u8) -> Result<Self, BerError> {
        self.value(expected).map(Self)
    }

    /// The next value when it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BerError> {
        if self.peek() == Some(tag) {
            self.value(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Text in a string of octets.
    pub(crate) fn text(&mut self) -> Result<&'a str, BerError> {
        std::str::from_utf8(self.value(OCTET_STRING)?).map_err(|_| BerError::Text)
    }

    /// A number from 0 to 2³¹ - 1, which is what LDAP's numbers are.
    pub(crate) fn number(&mut self, tag: u8) -> Result<u32, BerError> {
        number(self.value(tag)?)
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), BerError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(BerError::Trailing)
        }
    }
}

fn number(octets: &[u8]) -> Result<u32, BerError> {
    if octets.is_empty() || octets.len() > 5 || octets.first().is_some_and(|first| *first >= 0x80) {
        return Err(BerError::Number);
    }
    let value = octets
        .iter()
        .fold(0u64, |value, octet| (value << 8) | u64::from(*octet));
    u32::try_from(value)
        .ok()
        .filter(|value| i32::try_from(*value).is_ok())
        .ok_or(BerError::Number)
}

/// How many octets the tag and the length of a value take, and how long its content is; `None` when more octets
/// are needed to know.
pub(crate) fn header(bytes: &[u8]) -> Result<Option<(usize, usize)>, BerError> {
    let Some(first) = bytes.get(1).copied() else {
        return Ok(None);
    };
    if first < 0x80 {
        return Ok(Some((2, usize::from(first))));
    }
    let count = usize::from(first & 0x7f);
    // 0x80 is the indefinite form.
    if count == 0 || count > 4 {
        return Err(BerError::Length);
    }
    let Some(octets) = bytes.get(2..2 + count) else {
        return Ok(None);
    };
    let length = octets
        .iter()
        .fold(0usize, |length, octet| (length << 8) | usize::from(*octet));
    // A negative number as some encoders would write it, and nothing that anybody sends.
    if length > i32::MAX as usize {
        return Err(BerError::Length);
    }
    Ok(Some((2 + count, length)))
}

/// Writes values.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    /// A value with this content.
    pub(crate) fn value(&mut self, tag: u8, content: &[u8]) -> &mut Self {
        self.0.push(tag);
        let (octets, used) = length_octets(content.len());
        self.0.extend(octets.iter().take(used));
        self.0.extend_from_slice(content);
        self
    }

    /// A value whose content is written by `write`.
    pub(crate) fn inside(&mut self, tag: u8, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.0.push(tag);
        let start = self.0.len();
        write(self);
        let (octets, used) = length_octets(self.0.len() - start);
        self.0.splice(start..start, octets.into_iter().take(used));
        self
    }

    /// A number that is not negative.
    pub(crate) fn number(&mut self, tag: u8, number: u32) -> &mut Self {
        let octets = number.to_be_bytes();
        let skip = octets.iter().take(3).take_while(|octet| **octet == 0).count();
        let significant = octets.get(skip..).unwrap_or_default();
        if significant.first().is_some_and(|first| *first >= 0x80) {
            let mut padded = vec![0];
            padded.extend_from_slice(significant);
            self.value(tag, &padded)
        } else {
            self.value(tag, significant)
        }
    }

    /// A string of octets.
    pub(crate) fn octets(&mut self, octets: impl AsRef<[u8]>) -> &mut Self {
        self.value(OCTET_STRING, octets.as_ref())
    }

    /// Yes or no.
    pub(crate) fn boolean(&mut self, value: bool) -> &mut Self {
        self.value(BOOLEAN, &[if value { 0xff } else { 0 }])
    }
}

/// The octets of a length, and how many of them count.
fn length_octets(length: usize) -> ([u8; 5], usize) {
    let [.., a, b, c, d] = length.to_be_bytes();
    match length {
        0..=0x7f => ([d, 0, 0, 0, 0], 1),
        0x80..=0xff => ([0x81, d, 0, 0, 0], 2),
        0x100..=0xffff => ([0x82, c, d, 0, 0], 3),
        _ => ([0x84, a, b, c, d], 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// ldap-16: indefinite, negative and overlong lengths, and those beyond the bytes that are there.
    #[test]
    fn sec_ldap_16_lengths_that_are_refused() {
        for (bytes, error) in [
            (&[0x30, 0x80, 0, 0][..], BerError::Length),
            (&[0x30, 0x85, 0, 0, 0, 0, 1, 0], BerError::Length),
            (&[0x30, 0xff], BerError::Length),
            (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], BerError::Length),
            (&[0x30, 0x84, 0x80, 0, 0, 0], BerError::Length),
            (&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], BerError::Overrun),
            (&[0x30, 0x05, 1, 2, 3], BerError::Overrun),
            (&[0x30, 0x82, 1], BerError::Overrun),
            (&[0x30], BerError::Overrun),
            (&[], BerError::Missing),
        ] {
            assert_eq!(Reader::new(bytes).any(), Err(error), "{bytes:02x?}");
        }
    }

    #[test]
    fn numbers_at_their_bounds() {
        for (octets, value) in [
            (&[0][..], Some(0)),
            (&[0x7f, 0xff, 0xff, 0xff], Some(0x7fff_ffff)),
            (&[0, 0x80], Some(128)),
            (&[0x80], None),
            (&[0xff, 0xff], None),
            (&[0, 0x80, 0, 0, 0], None),
            (&[0, 0, 0, 0, 0, 1], None),
            (&[], None),
        ] {
            assert_eq!(number(octets).ok(), value, "{octets:02x?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n in 0u32..=0x7fff_ffff, text in any::<Vec<u8>>(), times in 0usize..300) {
            let text = text.repeat(times);
            let mut writer = Writer::default();
            writer.inside(SEQUENCE, |w| { w.number(INTEGER, n).octets(&text).boolean(true); });
            let mut outer = Reader::new(&writer.0);
            let mut inner = outer.inside(SEQUENCE).unwrap();
            prop_assert!(outer.end().is_ok());
            prop_assert_eq!(inner.number(INTEGER), Ok(n));
            prop_assert_eq!(inner.value(OCTET_STRING), Ok(&text[..]));
            prop_assert_eq!(inner.value(BOOLEAN), Ok(&[0xff][..]));
            prop_assert!(inner.end().is_ok());
        }

        #[test]
        fn nothing_panics(bytes in any::<Vec<u8>>()) {
            let mut reader = Reader::new(&bytes);
            while reader.any().is_ok() {}
        }
    }
}
