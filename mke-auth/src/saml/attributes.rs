//! What the identity provider says about a person: full name, groups, whether it is an administrator (SAML-003).
//!
//! Other attributes are not looked at. An attribute that decides something and is not clear refuses the login.

use roxmltree::Node;

use super::Refusal;
use super::names::{ASSERTION, XSI};
use super::xml::{attribute, elements, is, text};
use crate::records::MAX_FULL_NAME_CHARS;

/// The attribute with the name for people.
pub const FULL_NAME: &str = "fullname";
/// The attribute with the groups.
pub const MEMBER_OF: &str = "member-of";
/// The attribute that makes an administrator, and its spelling in the claim rules for ADFS.
pub const IS_ADMIN: [&str; 2] = ["is-admin", "is*admin"];

/// What an assertion says about its subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name for people, where it was given; at most [`MAX_FULL_NAME_CHARS`] characters without control
    /// characters.
    pub full_name: Option<String>,
    /// The groups, in order, each once.
    pub groups: Vec<String>,
    /// Whether the provider makes it an administrator. Absent means no (saml-39).
    pub is_admin: bool,
}

pub(super) fn read(statements: &[Node<'_, '_>]) -> Result<Person, Refusal> {
    let mut person = Person::default();
    let mut admin: Option<bool> = None;
    for statement in statements {
        for found in elements(*statement)? {
            if !is(found, ASSERTION, "Attribute") {
                return Err(Refusal::structure(format!(
                    "an attribute statement holds `{}`",
                    found.tag_name().name()
                )));
            }
            match attribute(found, "Name")? {
                FULL_NAME => {
                    for value in values(found)? {
                        let name = readable(&value);
                        match &person.full_name {
                            Some(other) if *other != name => {
                                return Err(Refusal::Ambiguous(FULL_NAME.to_owned()));
                            }
                            _ => person.full_name = Some(name),
                        }
                    }
                }
                MEMBER_OF => person.groups.extend(values(found)?),
                name if IS_ADMIN.contains(&name) => {
                    for value in values(found)? {
                        let granted = value == "1" || value.eq_ignore_ascii_case("true");
                        if admin.replace(granted).is_some_and(|other| other != granted) {
                            return Err(Refusal::Ambiguous(name.to_owned()));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    person.groups.retain(|group| !group.is_empty());
    person.groups.sort_unstable();
    person.groups.dedup();
    person.is_admin = admin.unwrap_or(false);
    Ok(person)
}

/// The values of an attribute. Those that are declared absent are.
fn values(attribute: Node<'_, '_>) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    for value in elements(attribute)? {
        if !is(value, ASSERTION, "AttributeValue") {
            return Err(Refusal::structure("an attribute must hold values"));
        }
        let absent = value
            .attribute((XSI, "nil"))
            .is_some_and(|nil| nil == "true" || nil == "1");
        if !absent {
            found.push(text(value)?.to_owned());
        }
    }
    Ok(found)
}

/// A name that can stand in lists and logs. It is shown only, so what is too long is cut.
fn readable(name: &str) -> String {
    let clean = name.chars().filter(|c| !c.is_control());
    clean.take(MAX_FULL_NAME_CHARS).collect()
}
