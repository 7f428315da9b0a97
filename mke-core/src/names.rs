//! Names that people give, validated once at the edge.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The organization that holds every user (R2).
pub const DEFAULT_ORGANIZATION: &str = "docker-datacenter";

/// Longest account or team name, in characters (R8).
pub const MAX_NAME_CHARS: usize = 100;

/// Characters that the product refuses in account names (R8).
const FORBIDDEN: &[char] = &[
    '\\', '*', '+', '[', ']', ':', ';', '|', '=', ',', '?', '<', '>', '"', '\'',
];

/// Why a text is no valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("{what} must not be empty")]
    Empty {
        /// Which kind of name.
        what: &'static str,
    },
    /// More than [`MAX_NAME_CHARS`] characters.
    #[error("{what} has {found} characters, at most {max} are allowed")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// Its length in characters.
        found: usize,
        /// The longest allowed length.
        max: usize,
    },
    /// A character that may not appear.
    #[error("{what} must not contain `{}`{hint}", found.escape_default())]
    Character {
        /// Which kind of name.
        what: &'static str,
        /// The first offending character.
        found: char,
        /// What to use instead, or nothing.
        hint: &'static str,
    },
    /// A name that has a meaning of its own in a path or as an id.
    #[error("{what} must not be `{found}`: {why}")]
    Reserved {
        /// Which kind of name.
        what: &'static str,
        /// The name.
        found: String,
        /// Why it is reserved.
        why: &'static str,
    },
    /// A collection path that does not start at the root.
    #[error("collection path `{found}` must start with `/`")]
    NotAbsolute {
        /// The path as given.
        found: String,
    },
}

fn check_length(what: &'static str, name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty { what });
    }
    let found = name.chars().count();
    if found > MAX_NAME_CHARS {
        return Err(NameError::TooLong {
            what,
            found,
            max: MAX_NAME_CHARS,
        });
    }
    Ok(())
}

/// Rules on top of R8, because names appear in URLs, file names, scripts and log lines: no control or
/// invisible formatting characters, no `/`, not `.` or `..`.
fn check_safe(what: &'static str, name: &str) -> Result<(), NameError> {
    if let Some(found) = name
        .chars()
        .find(|c| *c == '/' || c.is_control() || is_format(*c))
    {
        return Err(NameError::Character {
            what,
            found,
            hint: "",
        });
    }
    if name == "." || name == ".." {
        return Err(NameError::Reserved {
            what,
            found: name.to_owned(),
            why: "it has a meaning in paths",
        });
    }
    Ok(())
}

/// Zero-width, bidirectional and line-separating characters, which make two names look alike.
fn is_format(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The name of a user or an organization: 1 to 100 characters, no capitals, no spaces, none of
/// `\ * + [ ] : ; | = , ? < > " '` (R8), and nothing that is unsafe in a path. A name never looks like an
/// id, because the API takes either in the same place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(Arc<str>);

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        const WHAT: &str = "account name";
        check_length(WHAT, name)?;
        for found in name.chars() {
            if found.is_uppercase() {
                return Err(NameError::Character {
                    what: WHAT,
                    found,
                    hint: ", use small letters",
                });
            }
            if found.is_whitespace() || FORBIDDEN.contains(&found) {
                return Err(NameError::Character {
                    what: WHAT,
                    found,
                    hint: "",
                });
            }
        }
        check_safe(WHAT, name)?;
        if uuid::Uuid::try_parse(name).is_ok() {
            return Err(NameError::Reserved {
                what: WHAT,
                found: name.to_owned(),
                why: "it looks like an account id",
            });
        }
        Ok(Self(name.into()))
    }
}

/// The name of a team: 1 to 100 characters (R8), nothing that is unsafe in a path, and not in the form of an id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TeamName(Arc<str>);

impl TeamName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TeamName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        const WHAT: &str = "team name";
        check_length(WHAT, name)?;
        check_safe(WHAT, name)?;
        if uuid::Uuid::try_parse(name).is_ok() {
            return Err(NameError::Reserved {
                what: WHAT,
                found: name.to_owned(),
                why: "it looks like a team id",
            });
        }
        Ok(Self(name.into()))
    }
}

/// The absolute path of a collection, such as `/Shared/db/mobile`: names joined by `/`, compared exactly and
/// case sensitively (R10). A trailing slash is dropped (R12). `//`, `.` and `..` are refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CollectionPath(Arc<str>);

impl CollectionPath {
    /// The root collection, `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names on the way from the root, none for the root itself.
    pub fn elements(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|element| !element.is_empty())
    }

    /// The path of the child with this name. The name is checked like every path element.
    pub fn child(&self, name: &str) -> Result<Self, NameError> {
        check_element(name)?;
        Ok(Self(
            if &*self.0 == "/" {
                format!("/{name}")
            } else {
                format!("{}/{name}", self.0)
            }
            .into(),
        ))
    }
}

/// Longest collection path, in bytes: far beyond any use, and a bound for every parser behind it.
const MAX_PATH_BYTES: usize = 4096;

fn check_element(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "collection name";
    check_length(WHAT, name)?;
    check_safe(WHAT, name)
}

impl FromStr for CollectionPath {
    type Err = NameError;

    fn from_str(path: &str) -> Result<Self, NameError> {
        if path.len() > MAX_PATH_BYTES {
            return Err(NameError::TooLong {
                what: "collection path",
                found: path.len(),
                max: MAX_PATH_BYTES,
            });
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err(NameError::NotAbsolute {
                found: path.to_owned(),
            });
        };
        if rest.is_empty() {
            return Ok(Self::root());
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        for element in rest.split('/') {
            check_element(element)?;
        }
        Ok(Self(format!("/{rest}").into()))
    }
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }
    };
}

text_conversions!(AccountName);
text_conversions!(TeamName);
text_conversions!(CollectionPath);

#[cfg(test)]
mod tests {
    use super::*;

    /// AUTH-002, AUTH-004: lengths 0, 1, 100 and 101, and every forbidden character.
    #[test]
    fn account_names_at_their_bounds() {
        assert!("".parse::<AccountName>().is_err());
        assert!("a".parse::<AccountName>().is_ok());
        assert!("a".repeat(100).parse::<AccountName>().is_ok());
        assert!("a".repeat(101).parse::<AccountName>().is_err());
        for c in "\\*+[]:;|=,?<>\"' \tA/\n\u{202e}\u{200b}".chars() {
            assert!(
                format!("a{c}b").parse::<AccountName>().is_err(),
                "{c:?} must be refused"
            );
        }
        for name in ["jane.doe", "o-brien_2", "jürgen", "a@b", "x#y"] {
            assert!(name.parse::<AccountName>().is_ok(), "{name} must be accepted");
        }
        for name in [".", "..", "7f1b3a52-7c0e-4b8e-9d5e-111111111111"] {
            assert!(name.parse::<AccountName>().is_err(), "{name} must be refused");
        }
    }

    /// AUTH-004: team names may hold capitals and spaces, at most 100 characters.
    #[test]
    fn team_names_at_their_bounds() {
        assert!("".parse::<TeamName>().is_err());
        assert!("Ops Team".parse::<TeamName>().is_ok());
        assert!("é".repeat(100).parse::<TeamName>().is_ok());
        assert!("t".repeat(101).parse::<TeamName>().is_err());
        assert!("a/b".parse::<TeamName>().is_err());
    }

    /// rbac-02: root, trailing slash, empty elements, dots and case.
    #[test]
    fn collection_paths() {
        let path = |text: &str| text.parse::<CollectionPath>().map(|path| path.to_string());
        assert_eq!(path("/").unwrap(), "/");
        assert_eq!(path("/Shared/").unwrap(), "/Shared");
        assert_eq!(
            path("/Shared/View-only services").unwrap(),
            "/Shared/View-only services"
        );
        for bad in [
            "",
            "prod",
            "//",
            "/a//b",
            "/a/../b",
            "/./a",
            "/a//",
            "/a\0",
            "/\u{202e}a",
        ] {
            assert!(path(bad).is_err(), "{bad:?} must be refused");
        }
        assert_ne!(path("/prod").unwrap(), path("/Prod").unwrap());
        let shared: CollectionPath = "/Shared".parse().unwrap();
        assert_eq!(shared.child("db").unwrap().as_str(), "/Shared/db");
        assert!(shared.child("a/b").is_err());
        assert_eq!(
            shared.child("db").unwrap().elements().collect::<Vec<_>>(),
            ["Shared", "db"]
        );
    }
}
