//! Which account name a value of the directory stands for (LDAP-005, ldap-13).
//!
//! One person has one name, however it is typed: compatibility forms are resolved (NFKC), letters made small. Two
//! entries whose values come to the same name are a collision, and a value that cannot be a name is no user.

use mke_core::names::{AccountName, NameError};
use unicode_normalization::UnicodeNormalization as _;

use crate::records::MAX_FULL_NAME_CHARS;

/// The account name of a value.
///
/// # Errors
///
/// [`NameError`] when it cannot be one.
pub fn account_name(value: &str) -> Result<AccountName, NameError> {
    // What nearly all names are made of needs no tables.
    if value.is_ascii() {
        return value.to_ascii_lowercase().parse();
    }
    // Small letters first may leave characters that NFKC turns into others with capitals, so it is done twice.
    let small: String = value.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    small.parse()
}

/// The full name as it is kept: without control characters, cut at [`MAX_FULL_NAME_CHARS`].
pub(crate) fn full_name(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_FULL_NAME_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ldap-13: case, normalization and compatibility forms make one name; a space makes none.
    #[test]
    fn sec_ldap_13_one_name_or_none() {
        for (value, name) in [
            ("Jane.Doe", Some("jane.doe")),
            ("JÜRGEN", Some("jürgen")),
            ("ju\u{308}rgen", Some("jürgen")),
            ("ａｄｍｉｎ", Some("admin")),
            ("ADMIN", Some("admin")),
            ("oﬃce", Some("office")),
            ("admin ", None),
            (" admin", None),
            ("ad\u{200b}min", None),
            ("ad\u{202e}min", None),
        ] {
            assert_eq!(
                account_name(value).ok().as_ref().map(AccountName::as_str),
                name,
                "{value:?}"
            );
        }
    }

    /// LDAP-005: 100 characters, none that cannot be printed, no space, none of those that are listed.
    #[test]
    fn names_at_their_bounds() {
        assert!(account_name(&"A".repeat(100)).is_ok());
        assert!(account_name(&"a".repeat(101)).is_err());
        assert!(account_name("").is_err());
        for c in "/\\[]:;|=,+*?<>'\" \t\n\u{7}\u{7f}\u{a0}".chars() {
            assert!(account_name(&format!("a{c}b")).is_err(), "{c:?} must be refused");
        }
        for name in ["jane@example.com", "o-brien_2", "x#y"] {
            assert!(account_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn full_names_fit() {
        assert_eq!(full_name("Jane\n\u{7}Doe"), "JaneDoe");
        assert_eq!(full_name(&"é".repeat(400)).chars().count(), MAX_FULL_NAME_CHARS);
    }
}
