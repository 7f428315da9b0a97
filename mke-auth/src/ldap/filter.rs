//! Search filters: read from text (RFC 4515), built from parts, written for the wire (RFC 4511 section 4.5.1.7).
//!
//! A filter of the configuration is read once, when the configuration is. What a person typed never becomes text
//! of a filter: it is put into a parsed one as a value ([`Filter::equals`]), so there is nothing that it could
//! escape from.

use std::fmt;

use super::dn::is_attribute;
use super::wire::ber::{BOOLEAN, OCTET_STRING, SEQUENCE, Writer};

/// Longest filter that is read, in bytes.
pub const MAX_FILTER_BYTES: usize = 16 << 10;

/// How deep filters may be nested.
pub const MAX_FILTER_DEPTH: usize = 32;

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Longer than [`MAX_FILTER_BYTES`].
    #[error("the filter has {found} bytes, at most {MAX_FILTER_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// Nested deeper than [`MAX_FILTER_DEPTH`].
    #[error("the filter is nested more than {MAX_FILTER_DEPTH} levels deep")]
    TooDeep,
    /// Something else than RFC 4515 allows in this place.
    #[error("the filter is wrong at character {}: {why}", at + 1)]
    Syntax {
        /// Where, in bytes from 0.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
}

/// A condition on entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them hold.
    And(Vec<Filter>),
    /// One of them holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// An attribute has this value.
    Equals(String, Vec<u8>),
    /// An attribute has a value of this order or after it.
    AtLeast(String, Vec<u8>),
    /// An attribute has a value of this order or before it.
    AtMost(String, Vec<u8>),
    /// An attribute has a value that is about this.
    About(String, Vec<u8>),
    /// An attribute is there.
    Present(String),
    /// An attribute has a value that holds these texts in this order.
    Substrings(String, Substrings),
    /// A matching rule holds.
    Extensible(Extensible),
}

/// Parts of a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Substrings {
    /// It starts with this.
    pub initial: Option<Vec<u8>>,
    /// It holds these, in order.
    pub any: Vec<Vec<u8>>,
    /// It ends with this.
    pub last: Option<Vec<u8>>,
}

/// A matching rule with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extensible {
    /// The rule.
    pub rule: Option<String>,
    /// The attribute.
    pub attribute: Option<String>,
    /// The value.
    pub value: Vec<u8>,
    /// Whether attributes in the name of the entry count too.
    pub dn: bool,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// [`FilterError`] says where it is wrong.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(FilterError::TooLong { found: text.len() });
        }
        let mut parser = Parser { text, at: 0 };
        let filter = parser.filter(0)?;
        if parser.at < text.len() {
            return Err(parser.wrong("something follows the closing parenthesis"));
        }
        Ok(filter)
    }

    /// Every entry: all have a class.
    pub fn everything() -> Self {
        Self::Present("objectClass".to_owned())
    }

    /// The attribute has exactly this value, whatever characters are in it.
    pub fn equals(attribute: &str, value: impl Into<Vec<u8>>) -> Self {
        Self::Equals(attribute.to_owned(), value.into())
    }

    /// This one and another.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::And(vec![self, other])
    }

    /// Writes it for the wire.
    pub(crate) fn write(&self, writer: &mut Writer) {
        let pair = |writer: &mut Writer, tag, attribute: &str, value: &[u8]| {
            writer.inside(tag, |w| {
                w.octets(attribute).octets(value);
            });
        };
        match self {
            Self::And(all) => {
                writer.inside(0xa0, |w| all.iter().for_each(|filter| filter.write(w)));
            }
            Self::Or(any) => {
                writer.inside(0xa1, |w| any.iter().for_each(|filter| filter.write(w)));
            }
            Self::Not(filter) => {
                writer.inside(0xa2, |w| filter.write(w));
            }
            Self::Equals(attribute, value) => pair(writer, 0xa3, attribute, value),
            Self::Substrings(attribute, parts) => {
                writer.inside(0xa4, |w| {
                    w.value(OCTET_STRING, attribute.as_bytes());
                    w.inside(SEQUENCE, |w| {
                        if let Some(initial) = &parts.initial {
                            w.value(0x80, initial);
                        }
                        for any in &parts.any {
                            w.value(0x81, any);
                        }
                        if let Some(last) = &parts.last {
                            w.value(0x82, last);
                        }
                    });
                });
            }
            Self::AtLeast(attribute, value) => pair(writer, 0xa5, attribute, value),
            Self::AtMost(attribute, value) => pair(writer, 0xa6, attribute, value),
            Self::Present(attribute) => {
                writer.value(0x87, attribute.as_bytes());
            }
            Self::About(attribute, value) => pair(writer, 0xa8, attribute, value),
            Self::Extensible(extensible) => {
                writer.inside(0xa9, |w| {
                    if let Some(rule) = &extensible.rule {
                        w.value(0x81, rule.as_bytes());
                    }
                    if let Some(attribute) = &extensible.attribute {
                        w.value(0x82, attribute.as_bytes());
                    }
                    w.value(0x83, &extensible.value);
                    if extensible.dn {
                        w.value(0x80 | BOOLEAN << 2, &[0xff]);
                    }
                });
            }
        }
    }
}

/// Writes a value for use in the text of a filter (RFC 4515 section 3): `*`, parentheses, the backslash and
/// control characters become a backslash and two hexadecimal digits.
///
/// ```
/// use mke_auth::ldap::escape_filter_value;
///
/// assert_eq!(escape_filter_value("a*)(b"), r"a\2a\29\28b");
/// ```
pub fn escape_filter_value(value: impl AsRef<[u8]>) -> String {
    let value = value.as_ref();
    let text = String::from_utf8_lossy(value);
    let mut escaped = String::with_capacity(value.len());
    if text.as_bytes() != value {
        value.iter().for_each(|octet| escape(&mut escaped, *octet));
        return escaped;
    }
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(octet) if matches!(c, '*' | '(' | ')' | '\\') || c.is_ascii_control() => {
                escape(&mut escaped, octet);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

fn escape(text: &mut String, octet: u8) {
    text.push('\\');
    text.push_str(&hex::encode([octet]));
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |octets: &[u8]| escape_filter_value(octets);
        f.write_str("(")?;
        match self {
            Self::And(all) => {
                f.write_str("&")?;
                all.iter().try_for_each(|filter| filter.fmt(f))?;
            }
            Self::Or(any) => {
                f.write_str("|")?;
                any.iter().try_for_each(|filter| filter.fmt(f))?;
            }
            Self::Not(filter) => write!(f, "!{filter}")?,
            Self::Equals(attribute, wanted) => write!(f, "{attribute}={}", value(wanted))?,
            Self::AtLeast(attribute, wanted) => write!(f, "{attribute}>={}", value(wanted))?,
            Self::AtMost(attribute, wanted) => write!(f, "{attribute}<={}", value(wanted))?,
            Self::About(attribute, wanted) => write!(f, "{attribute}~={}", value(wanted))?,
            Self::Present(attribute) => write!(f, "{attribute}=*")?,
            Self::Substrings(attribute, parts) => {
                write!(
                    f,
                    "{attribute}={}*",
                    value(parts.initial.as_deref().unwrap_or_default())
                )?;
                for any in &parts.any {
                    write!(f, "{}*", value(any))?;
                }
                f.write_str(&value(parts.last.as_deref().unwrap_or_default()))?;
            }
            Self::Extensible(extensible) => {
                f.write_str(extensible.attribute.as_deref().unwrap_or_default())?;
                if extensible.dn {
                    f.write_str(":dn")?;
                }
                if let Some(rule) = &extensible.rule {
                    write!(f, ":{rule}")?;
                }
                write!(f, ":={}", value(&extensible.value))?;
            }
        }
        f.write_str(")")
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self, why: &'static str) -> FilterError {
        FilterError::Syntax { at: self.at, why }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: char, why: &'static str) -> Result<(), FilterError> {
        if !self.rest().starts_with(token) {
            return Err(self.wrong(why));
        }
        self.at += token.len_utf8();
        Ok(())
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > MAX_FILTER_DEPTH {
            return Err(FilterError::TooDeep);
        }
        self.eat('(', "a filter starts with `(`")?;
        let filter = match self.rest().chars().next() {
            Some('&') => {
                self.at += 1;
                Filter::And(self.list(depth)?)
            }
            Some('|') => {
                self.at += 1;
                Filter::Or(self.list(depth)?)
            }
            Some('!') => {
                self.at += 1;
                Filter::Not(Box::new(self.filter(depth + 1)?))
            }
            _ => self.item()?,
        };
        self.eat(')', "a filter ends with `)`")?;
        Ok(filter)
    }

    /// `(&)` is true and `(|)` is false (RFC 4526), but a list that nobody filled in is more likely a mistake.
    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, FilterError> {
        let mut filters = vec![self.filter(depth + 1)?];
        while self.rest().starts_with('(') {
            filters.push(self.filter(depth + 1)?);
        }
        Ok(filters)
    }

    fn item(&mut self) -> Result<Filter, FilterError> {
        let item = self.rest();
        let equals = item
            .find(['=', '(', ')'])
            .filter(|at| item[*at..].starts_with('='));
        let Some(equals) = equals else {
            return Err(self.wrong("a condition has no `=`"));
        };
        let left = item.get(..equals).unwrap_or_default();
        let (attribute, kind) = match left.chars().next_back() {
            Some(kind @ ('>' | '<' | '~' | ':')) => (left.strip_suffix(kind).unwrap_or_default(), Some(kind)),
            _ => (left, None),
        };
        if kind == Some(':') {
            let (target, rule, dn) = self.extensible(attribute)?;
            self.at += equals + 1;
            let value = self.single_value()?;
            return Ok(Filter::Extensible(Extensible {
                rule,
                attribute: target,
                value,
                dn,
            }));
        }
        if !is_description(attribute) {
            return Err(self.wrong("a condition has no attribute before `=`"));
        }
        let attribute = attribute.to_owned();
        self.at += equals + 1;
        Ok(match kind {
            Some('>') => Filter::AtLeast(attribute, self.single_value()?),
            Some('<') => Filter::AtMost(attribute, self.single_value()?),
            Some(_) => Filter::About(attribute, self.single_value()?),
            None => {
                let mut parts = self.values()?;
                match parts.len() {
                    0 | 1 => Filter::Equals(attribute, parts.pop().unwrap_or_default()),
                    2 if parts.iter().all(Vec::is_empty) => Filter::Present(attribute),
                    _ => {
                        let last = parts.pop().filter(|part| !part.is_empty());
                        let initial = Some(parts.remove(0)).filter(|part| !part.is_empty());
                        parts.retain(|part| !part.is_empty());
                        if initial.is_none() && last.is_none() && parts.is_empty() {
                            return Err(self.wrong("a value is nothing but stars"));
                        }
                        let any = parts;
                        Filter::Substrings(attribute, Substrings { initial, any, last })
                    }
                }
            }
        })
    }

    /// Takes `attribute:dn:rule` apart; each may be missing, but not attribute and rule both.
    fn extensible(&self, left: &str) -> Result<(Option<String>, Option<String>, bool), FilterError> {
        let mut parts = left.split(':');
        let attribute = parts.next().filter(|part| !part.is_empty());
        let mut rest: Vec<&str> = parts.collect();
        let dn = rest.first().is_some_and(|part| part.eq_ignore_ascii_case("dn"));
        if dn {
            rest.remove(0);
        }
        let rule = match rest.as_slice() {
            [] => None,
            [rule] if is_attribute(rule) => Some((*rule).to_owned()),
            _ => return Err(self.wrong("a matching rule is not named as it should be")),
        };
        if attribute.is_some_and(|attribute| !is_description(attribute))
            || (attribute.is_none() && rule.is_none())
        {
            return Err(self.wrong("a condition has neither attribute nor matching rule before `:=`"));
        }
        Ok((attribute.map(str::to_owned), rule, dn))
    }

    fn single_value(&mut self) -> Result<Vec<u8>, FilterError> {
        let start = self.at;
        let mut parts = self.values()?;
        if parts.len() > 1 {
            self.at = start;
            return Err(self.wrong("a star is only allowed after `=`"));
        }
        Ok(parts.pop().unwrap_or_default())
    }

    /// The texts between stars up to the closing parenthesis.
    fn values(&mut self) -> Result<Vec<Vec<u8>>, FilterError> {
        let mut parts = Vec::new();
        let mut part = Vec::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.wrong("a filter ends with `)`"));
            };
            match c {
                ')' => {
                    parts.push(part);
                    return Ok(parts);
                }
                '*' => parts.push(std::mem::take(&mut part)),
                '(' | '\0' => return Err(self.wrong("this character must be written as `\\` and two digits")),
                '\\' => {
                    let digits = self.rest().get(1..3).unwrap_or_default();
                    let octet = hex::decode(digits).ok().filter(|octets| octets.len() == 1);
                    part.extend(
                        octet.ok_or_else(|| self.wrong("`\\` is followed by two hexadecimal digits"))?,
                    );
                    self.at += 2;
                }
                other => part.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            self.at += c.len_utf8();
        }
    }
}

/// An attribute, maybe with options such as `;binary`.
fn is_description(text: &str) -> bool {
    let mut parts = text.split(';');
    parts.next().is_some_and(is_attribute)
        && parts.all(|option| {
            !option.is_empty() && option.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(text: &str) -> Filter {
        Filter::parse(text).unwrap()
    }

    #[test]
    fn what_is_read_is_written() {
        for text in [
            "(objectClass=*)",
            "(&(objectClass=person)(!(uid=root)))",
            "(|(cn=a*)(cn=*b)(cn=*c*)(cn=a*b*c))",
            "(createTimestamp>=20260101000000Z)",
            "(uidNumber<=10)",
            "(cn~=jane)",
            "(memberOf:1.2.840.113556.1.4.1941:=cn=g,dc=x)",
            "(ou:dn:=people)",
            "(:caseExactMatch:=x)",
            "(cn;lang-de=a\\2ab)",
            "(cn=)",
            "(cn=a=b)",
        ] {
            assert_eq!(filter(text).to_string(), text);
        }
    }

    /// LDAP-009: a filter of the configuration is read before it is used, and what is wrong is said.
    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "cn=a",
            "(cn=a",
            "(cn=a))",
            "(cn)",
            "(=a)",
            "(&)",
            "(|)",
            "(!)",
            "(!(a=b)(c=d))",
            "(cn=a(b)",
            "(cn=\\4)",
            "(cn=\\zz)",
            "(cn>=a*)",
            "(cn=a\0)",
            "(c n=a)",
            "(:=a)",
            "(a:b:c:=d)",
            "(cn=**)",
            "()",
            "(&())",
        ] {
            assert!(Filter::parse(text).is_err(), "{text:?} must be refused");
        }
        let nested = |levels: usize| format!("{}(a=b){}", "(!".repeat(levels), ")".repeat(levels));
        assert!(Filter::parse(&nested(MAX_FILTER_DEPTH)).is_ok());
        assert_eq!(
            Filter::parse(&nested(MAX_FILTER_DEPTH + 1)),
            Err(FilterError::TooDeep)
        );
        let long = |bytes: usize| format!("(cn={})", "a".repeat(bytes - 5));
        assert!(Filter::parse(&long(MAX_FILTER_BYTES)).is_ok());
        assert!(Filter::parse(&long(MAX_FILTER_BYTES + 1)).is_err());
    }

    #[test]
    fn the_wire_form() {
        let mut writer = Writer::default();
        filter("(&(a=b)(c=*)(d=x*y*z))").write(&mut writer);
        let expected = b"\xa0\x1b\xa3\x06\x04\x01a\x04\x01b\x87\x01c\xa4\x0e\x04\x01d\x30\x09\x80\x01x\x81\x01y\x82\x01z";
        assert_eq!(writer.0, expected);
        let mut writer = Writer::default();
        filter("(ou:dn:2.5.13.2:=p)").write(&mut writer);
        assert_eq!(
            writer.0,
            b"\xa9\x14\x81\x082.5.13.2\x82\x02ou\x83\x01p\x84\x01\xff".to_vec()
        );
    }

    proptest! {
        /// ldap-04: whatever is typed is one value of one condition, in the text form too.
        #[test]
        fn sec_ldap_04_values_stay_values(value in any::<String>()) {
            let built = Filter::equals("uid", value.as_bytes());
            let text = format!("(uid={})", escape_filter_value(&value));
            if text.len() <= MAX_FILTER_BYTES {
                prop_assert_eq!(&filter(&text), &built);
            }
            prop_assert_eq!(built.to_string(), text);
        }

        #[test]
        fn nothing_panics(text in "[()&|!=*\\\\a-z:;<>~0-9 é]{0,60}") {
            if let Ok(read) = Filter::parse(&text) {
                prop_assert_eq!(filter(&read.to_string()), read);
            }
        }
    }
}
