//! Which attributes users and groups have: what is announced is exactly what is kept, read, compared and changed.
//!
//! Every other module asks this table. [`super::discovery`] writes it down for clients.

use super::error::{ScimError, ScimType};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Moment,
    Reference(&'static [&'static str]),
    Complex(&'static [Attribute]),
}

/// Whether a client may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadOnly,
    ReadWrite,
    /// Given with a new value and never changed in it; a value as a whole may come and go.
    Immutable,
}

/// One attribute or sub-attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) multi_valued: bool,
    pub(super) required: bool,
    pub(super) case_exact: bool,
    pub(super) mutability: Mutability,
    /// Whether no other resource may have the value.
    pub(super) unique: bool,
    /// Values that clients are told of; others are taken too.
    pub(super) canonical: &'static [&'static str],
    pub(super) description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Text,
        multi_valued: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        unique: false,
        canonical: &[],
        description,
    }
}

/// The attributes that every resource has and no schema lists (RFC 7643, section 3.1).
const COMMON: [Attribute; 4] = [
    Attribute {
        kind: Kind::Reference(&["uri"]),
        multi_valued: true,
        mutability: Mutability::ReadOnly,
        case_exact: true,
        ..text("schemas", "The schemas of the resource.")
    },
    Attribute {
        case_exact: true,
        mutability: Mutability::ReadOnly,
        unique: true,
        ..text("id", "The id of the account or team.")
    },
    Attribute {
        case_exact: true,
        ..text("externalId", "What the client calls the resource.")
    },
    Attribute {
        kind: Kind::Complex(&META),
        mutability: Mutability::ReadOnly,
        ..text("meta", "About the resource itself.")
    },
];

const META: [Attribute; 5] = [
    read_only(text("resourceType", "User or Group.")),
    read_only(Attribute {
        kind: Kind::Moment,
        ..text("created", "When it was made.")
    }),
    read_only(Attribute {
        kind: Kind::Moment,
        ..text("lastModified", "When a SCIM client last changed it.")
    }),
    read_only(Attribute {
        kind: Kind::Reference(&["uri"]),
        ..text("location", "Where it is.")
    }),
    read_only(text("version", "Its version, as in the header ETag.")),
];

const fn read_only(attribute: Attribute) -> Attribute {
    Attribute {
        mutability: Mutability::ReadOnly,
        ..attribute
    }
}

const NAME: [Attribute; 3] = [
    text("formatted", "The full name of the account."),
    text("familyName", "The family name."),
    text("givenName", "The given name."),
];

const EMAIL: [Attribute; 3] = [
    Attribute {
        required: true,
        ..text("value", "The address.")
    },
    Attribute {
        canonical: &["work", "home", "other"],
        ..text("type", "What the address is for.")
    },
    Attribute {
        kind: Kind::Flag,
        ..text("primary", "Whether it is the preferred one; at most one is.")
    },
];

const USER: [Attribute; 5] = [
    Attribute {
        required: true,
        unique: true,
        ..text("userName", "The name of the account, without capitals.")
    },
    Attribute {
        kind: Kind::Complex(&NAME),
        ..text("name", "The parts of the person's name.")
    },
    text("displayName", "What the person is called on screens."),
    Attribute {
        kind: Kind::Flag,
        required: true,
        ..text(
            "active",
            "Whether the account may log in. Without it, sessions end and bundles open nothing.",
        )
    },
    Attribute {
        kind: Kind::Complex(&EMAIL),
        multi_valued: true,
        required: true,
        ..text("emails", "Addresses; a new user needs one.")
    },
];

const MEMBER: [Attribute; 3] = [
    Attribute {
        required: true,
        case_exact: true,
        mutability: Mutability::Immutable,
        ..text("value", "The id of the user.")
    },
    Attribute {
        kind: Kind::Reference(&["User"]),
        case_exact: true,
        mutability: Mutability::Immutable,
        ..text("$ref", "Where the user is.")
    },
    Attribute {
        canonical: &["User"],
        mutability: Mutability::Immutable,
        ..text("type", "Always User.")
    },
];

const GROUP: [Attribute; 2] = [
    Attribute {
        required: true,
        unique: true,
        ..text(
            "displayName",
            "The name of the group; the team is called so with _SCIM behind it.",
        )
    },
    Attribute {
        kind: Kind::Complex(&MEMBER),
        multi_valued: true,
        ..text("members", "The users of the group.")
    },
];

/// A type of resources.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) name: &'static str,
    pub(super) plural: &'static str,
    pub(super) urn: &'static str,
    pub(super) description: &'static str,
    pub(super) attributes: &'static [Attribute],
}

/// Users.
pub(super) static USERS: Schema = Schema {
    name: "User",
    plural: "Users",
    urn: "urn:ietf:params:scim:schemas:core:2.0:User",
    description: "User accounts that SCIM clients keep.",
    attributes: &USER,
};

/// Groups.
pub(super) static GROUPS: Schema = Schema {
    name: "Group",
    plural: "Groups",
    urn: "urn:ietf:params:scim:schemas:core:2.0:Group",
    description: "Teams that SCIM clients keep.",
    attributes: &GROUP,
};

impl Attribute {
    /// The sub-attributes; none of a simple attribute.
    pub(super) const fn parts(&self) -> &'static [Attribute] {
        match self.kind {
            Kind::Complex(parts) => parts,
            _ => &[],
        }
    }

    pub(super) fn part(&self, name: &str) -> Option<&'static Attribute> {
        self.parts()
            .iter()
            .find(|part| part.name.eq_ignore_ascii_case(name))
    }

    pub(super) const fn is_complex(&self) -> bool {
        matches!(self.kind, Kind::Complex(_))
    }

    /// Whether two texts are the same value of it.
    pub(super) fn same(&self, a: &str, b: &str) -> bool {
        a == b || (!self.case_exact && fold(a) == fold(b))
    }
}

/// A text without its capitals.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Which attribute a name in a filter, a path or a list of attributes means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) attribute: &'static Attribute,
    pub(super) part: Option<&'static Attribute>,
}

impl Schema {
    /// The attribute with this name, in any spelling.
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        let named = |attribute: &&'static Attribute| attribute.name.eq_ignore_ascii_case(name);
        self.attributes.iter().find(named).or_else(|| {
            // A static of its own, so that what is found lives as long.
            static ALL: [Attribute; 4] = COMMON;
            ALL.iter().find(named)
        })
    }

    /// Reads `attribute`, `attribute.part`, or either behind the schema's URN and a colon.
    ///
    /// # Errors
    ///
    /// 400 with the given keyword when there is no such attribute.
    pub(super) fn named(&self, text: &str, keyword: ScimType) -> Result<Named, ScimError> {
        let unknown = || {
            ScimError::bad(
                keyword,
                format!("{} have no attribute `{}`", self.plural, text.escape_debug()),
            )
        };
        let local = match text.get(..self.urn.len()) {
            Some(urn) if urn.eq_ignore_ascii_case(self.urn) => text
                .get(self.urn.len()..)
                .and_then(|rest| rest.strip_prefix(':'))
                .ok_or_else(unknown)?,
            _ => text,
        };
        let (name, part) = match local.split_once('.') {
            Some((name, part)) => (name, Some(part)),
            None => (local, None),
        };
        let attribute = self.attribute(name).ok_or_else(unknown)?;
        let part = part
            .map(|part| attribute.part(part).ok_or_else(unknown))
            .transpose()?;
        Ok(Named { attribute, part })
    }
}
