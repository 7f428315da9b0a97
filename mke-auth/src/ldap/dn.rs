//! Distinguished names: how one is written (RFC 4514), when two are the same, and which lies below which.
//!
//! Two names are the same when their parts are, whatever the case of letters, the number of spaces in a row and
//! the way in which characters are escaped. That is what the matching rules of nearly all naming attributes say
//! (caseIgnoreMatch); a directory that tells `cn=Jane` from `cn=jane` is read as if it did not.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Longest name that is read, in bytes. Judgement: far above any in use, and a bound for what is kept of it.
pub const MAX_DN_BYTES: usize = 4096;

/// Most parts of a name.
const MAX_PARTS: usize = 256;

/// Why a text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no distinguished name: {why}", shown.escape_debug())]
pub struct DnError {
    shown: String,
    why: &'static str,
}

/// A distinguished name in the one form that all of its spellings share: parts from the entry to the root, attributes in
/// small letters, values in small letters without spaces at their ends or in a row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dn(Vec<String>);

impl Dn {
    /// Reads a name. The empty text is the root.
    ///
    /// # Errors
    ///
    /// [`DnError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        let fail = |why| DnError {
            shown: text.chars().take(200).collect(),
            why,
        };
        if text.len() > MAX_DN_BYTES {
            return Err(fail("it is too long"));
        }
        let mut parts = Vec::new();
        if text.trim_matches(' ').is_empty() {
            return Ok(Self(parts));
        }
        let mut rest = text;
        loop {
            let (part, separator, after) = part(rest).map_err(fail)?;
            parts.push(part);
            if parts.len() > MAX_PARTS {
                return Err(fail("it has too many parts"));
            }
            match separator {
                None => return Ok(Self(parts)),
                Some(()) => rest = after,
            }
        }
    }

    /// How many parts it has.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether it is `base` or lies below it.
    pub fn is_within(&self, base: &Self) -> bool {
        self.0.ends_with(&base.0)
    }

    /// Whether it lies one level below `base`.
    pub fn is_child_of(&self, base: &Self) -> bool {
        self.depth() == base.depth() + 1 && self.is_within(base)
    }

    /// A short stand-in for comparisons: two names have the same one exactly if they are the same.
    pub fn key(&self) -> DnKey {
        let mut hash = Sha256::new();
        for part in &self.0 {
            hash.update(part.as_bytes());
            // Cannot stand in a part: `parse` escapes it.
            hash.update(b",");
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(digest.split_at(16).0);
        DnKey(key)
    }
}

/// The first half of the SHA-256 of a [`Dn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnKey([u8; 16]);

impl DnKey {
    /// The key of a written name, without taking it apart where it is written in the plainest way, as nearly all are.
    ///
    /// # Errors
    ///
    /// [`DnError`] when it is no name.
    pub fn of(text: &str) -> Result<Self, DnError> {
        if text.len() > PLAIN_BYTES || !is_plain(text) {
            return Dn::parse(text).map(|dn| dn.key());
        }
        let mut small = [0; PLAIN_BYTES + 1];
        for (to, from) in small.iter_mut().zip(text.bytes().chain([b','])) {
            *to = from.to_ascii_lowercase();
        }
        let digest: [u8; 32] = Sha256::digest(small.split_at(text.len() + 1).0).into();
        let mut key = [0; 16];
        key.copy_from_slice(digest.split_at(16).0);
        Ok(Self(key))
    }
}

/// Longest name that [`is_plain`] is asked about.
const PLAIN_BYTES: usize = 255;

/// Whether small letters are all that a name needs to be in its one form: nothing escaped or quoted, no space but
/// single ones inside values, attributes that are words.
fn is_plain(text: &str) -> bool {
    let part_is_plain = |part: &str| {
        let Some((attribute, value)) = part.split_once('=') else {
            return false;
        };
        attribute.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
            && attribute.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !value.starts_with(' ')
            && !value.ends_with(' ')
            && !value.contains("  ")
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'.' | b'-' | b'_' | b'@'))
    };
    text.split(',').all(part_is_plain)
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl fmt::Debug for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({self})")
    }
}

/// Writes a text as the value of an attribute in a name (RFC 4514 section 2.4).
///
/// ```
/// use mke_auth::ldap::escape_dn_value;
///
/// assert_eq!(escape_dn_value("Smith, Jane"), r"Smith\, Jane");
/// ```
pub fn escape_dn_value(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '#' if i == 0 => escaped.push_str("\\#"),
            ' ' if i == 0 || i == last => escaped.push_str("\\ "),
            '\0' => escaped.push_str("\\00"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The short names of RFC 4514 section 3, for names that were written with numbers.
const NUMBERS: [(&str, &str); 9] = [
    ("2.5.4.3", "cn"),
    ("2.5.4.7", "l"),
    ("2.5.4.8", "st"),
    ("2.5.4.10", "o"),
    ("2.5.4.11", "ou"),
    ("2.5.4.6", "c"),
    ("2.5.4.9", "street"),
    ("0.9.2342.19200300.100.1.25", "dc"),
    ("0.9.2342.19200300.100.1.1", "uid"),
];

/// Whether a text can name an attribute: letters, digits and hyphens after a letter, or a number with dots.
pub(crate) fn is_attribute(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    if first.is_ascii_digit() {
        return text
            .split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
    }
    first.is_ascii_alphabetic() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Reads the first part: it, whether another follows, and what follows.
fn part(text: &str) -> Result<(String, Option<()>, &str), &'static str> {
    let mut pairs: Vec<String> = Vec::new();
    let mut rest = text;
    loop {
        let (attribute, value) = rest.split_once('=').ok_or("a part has no `=`")?;
        let attribute = attribute.trim_matches(' ');
        if !is_attribute(attribute) {
            return Err("a part has no attribute before `=`");
        }
        let attribute = attribute.to_ascii_lowercase();
        let attribute = NUMBERS
            .iter()
            .find(|(number, _)| *number == attribute)
            .map_or(attribute.as_str(), |(_, name)| *name);
        let (value, separator, after) = value_of(value)?;
        pairs.push(format!("{attribute}={value}"));
        match separator {
            Some('+') => rest = after,
            other => {
                pairs.sort_unstable();
                return Ok((pairs.join("+"), other.map(|_| ()), after));
            }
        }
    }
}

/// Reads one value up to `,`, `;`, `+` or the end: its one form, the separator, and what follows.
fn value_of(text: &str) -> Result<(String, Option<char>, &str), &'static str> {
    let (text, quoted) = match text.trim_start_matches(' ').strip_prefix('"') {
        // RFC 1779 wrote values in quotes; some directories still do.
        Some(quoted) => (quoted, true),
        None => (text, false),
    };
    let mut octets: Vec<u8> = Vec::new();
    let mut chars = text.char_indices();
    let mut end = None;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let (_, first) = chars.next().ok_or("it ends with a backslash")?;
                match first.to_digit(16) {
                    Some(high) => {
                        let low = chars.next().and_then(|(_, second)| second.to_digit(16));
                        let low = low.ok_or("a backslash is followed by one hexadecimal digit")?;
                        octets.push(u8::try_from(high * 16 + low).unwrap_or_default());
                    }
                    None => push(&mut octets, first),
                }
            }
            '"' if quoted => {
                let after = text.get(at + 1..).unwrap_or_default().trim_start_matches(' ');
                let mut following = after.chars();
                end = Some(match following.next() {
                    None => (None, after),
                    Some(separator @ (',' | ';' | '+')) => (Some(separator), following.as_str()),
                    Some(_) => return Err("something follows a value in quotes"),
                });
                break;
            }
            ',' | ';' | '+' if !quoted => {
                end = Some((Some(c), text.get(at + 1..).unwrap_or_default()));
                break;
            }
            '\0' => return Err("it holds a NUL that is not escaped"),
            '<' | '>' | '"' if !quoted => return Err("`<`, `>` and `\"` must be escaped"),
            other => push(&mut octets, other),
        }
    }
    let (separator, after) = match end {
        Some(end) => end,
        None if quoted => return Err("a value in quotes has no end"),
        None => (None, ""),
    };
    if separator.is_some() && after.trim_matches(' ').is_empty() {
        return Err("a part is missing at its end");
    }
    Ok((one_form(&octets), separator, after))
}

fn push(octets: &mut Vec<u8>, c: char) {
    let mut buffer = [0; 4];
    octets.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
}

/// The form that equal values share. It is escaped, so that joined parts can be told apart.
fn one_form(octets: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(octets) else {
        return octets.iter().map(|octet| format!("\\{octet:02x}")).collect();
    };
    let mut form = String::with_capacity(text.len());
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !form.is_empty() {
            form.push(' ');
        }
        for c in word.chars().flat_map(char::to_lowercase) {
            match c {
                ',' | '+' | '=' | '\\' | '#' | '"' | ';' | '<' | '>' => {
                    form.push('\\');
                    form.push(c);
                }
                '\0' => form.push_str("\\00"),
                other => form.push(other),
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    /// LDAP-003: which names are the same, and which are not.
    #[test]
    fn spellings_of_one_name() {
        for (a, b) in [
            ("uid=jane,dc=example,dc=com", "UID=Jane, DC=Example,DC=com"),
            ("cn=Smith\\, Jane,o=x", "cn=\"Smith, Jane\",o=x"),
            ("cn=Smith\\, Jane,o=x", "CN=Smith\\2C  jane;O=x"),
            ("cn=a+uid=b,o=x", "uid=b+cn=a,o=x"),
            ("cn=\\c3\\bc", "cn=ü"),
            ("2.5.4.3=jane", "cn=jane"),
            ("", "  "),
        ] {
            assert_eq!(dn(a), dn(b), "{a} and {b}");
            assert_eq!(dn(a).key(), dn(b).key());
        }
        for (a, b) in [
            ("cn=a\\,o=b", "cn=a,o=b"),
            ("cn=a\\+b=c", "cn=a+b=c"),
            ("cn=jane", "uid=jane"),
            ("cn=jane,o=x", "cn=jane"),
            ("cn=\\23ff", "cn=\\ff"),
        ] {
            assert_ne!(dn(a), dn(b), "{a} and {b}");
            assert_ne!(dn(a).key(), dn(b).key());
        }
    }

    #[test]
    fn what_is_no_name() {
        for text in [
            "jane",
            "=x",
            "cn=a,",
            "cn=a,,o=b",
            "cn=a+,o=b",
            "1x=a",
            "cn=\\4",
            "cn=a\\",
            "cn=\"a",
            "cn=\"a\"b",
            "cn=a<b",
            "cn=a\0b",
            "c n=a",
            "cn=a,o",
        ] {
            assert!(Dn::parse(text).is_err(), "{text:?} must be refused");
        }
        assert!(Dn::parse(&format!("cn={}", "a".repeat(MAX_DN_BYTES))).is_err());
        assert!(Dn::parse(&vec!["o=a"; MAX_PARTS].join(",")).is_ok());
        assert!(Dn::parse(&vec!["o=a"; MAX_PARTS + 1].join(",")).is_err());
    }

    #[test]
    fn what_lies_below() {
        let base = dn("dc=example,dc=com");
        assert!(dn("ou=people,dc=Example,dc=COM").is_child_of(&base));
        assert!(dn("uid=a,ou=people,dc=example,dc=com").is_within(&base));
        assert!(!dn("uid=a,ou=people,dc=example,dc=com").is_child_of(&base));
        assert!(base.is_within(&base) && !base.is_child_of(&base));
        assert!(!dn("dc=badexample,dc=com").is_within(&base));
        assert!(!dn("dc=com").is_within(&base));
        assert!(base.is_within(&Dn::default()));
    }

    proptest! {
        /// ldap-04: any text as a value stays one value, and is read back as itself.
        #[test]
        fn sec_ldap_04_values_stay_values(value in any::<String>()) {
            let text = format!("uid={},ou=people,dc=example,dc=com", escape_dn_value(&value));
            if let Ok(name) = Dn::parse(&text) {
                prop_assert_eq!(name.depth(), 4);
                prop_assert!(name.is_child_of(&dn("ou=people,dc=example,dc=com")));
            } else {
                prop_assert!(text.len() > MAX_DN_BYTES, "{}", text);
            }
        }

        /// The short way comes to the same as the long one.
        #[test]
        fn keys_of_plain_names(text in "[a-z0-9A-C][a-zB-D-]{0,3}=[a-zA-Z @._-]{0,8}(,[a-z]{1,3}= ?[a-z0-9 ,+#]{0,6}){0,3}") {
            match (DnKey::of(&text), Dn::parse(&text)) {
                (Ok(key), Ok(dn)) => prop_assert_eq!(key, dn.key(), "{}", text),
                (key, dn) => prop_assert_eq!(key.is_err(), dn.is_err(), "{}", text),
            }
        }

        /// The one form is a name itself, and the same.
        #[test]
        fn the_one_form_is_read_as_itself(text in "(cn|2\\.5\\.4\\.3)=([a-zA-Z ,;+\"<>#=\u{0}éİ]|\\\\[,;\"#<>= ]|\\\\ff|\\\\00){0,12}") {
            if let Ok(dn) = Dn::parse(&text) {
                prop_assert_eq!(Dn::parse(&dn.to_string()), Ok(dn));
            }
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = DnKey::of(&text);
            let _ = Dn::parse(&text);
        }
    }
}
