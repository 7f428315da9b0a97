//! What is known about one key: its [`Key`] is the single definition that reading, writing, the JSON Schema, the
//! reference page and `explain` follow. Keys are written where their field is, see [`super::section`].

use std::collections::BTreeMap;
use std::fmt;

use super::format::Format;
use super::value::Value;
use crate::secret::Secret;

/// One key of a file.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The table, dotted, rows of an array marked with `[]` and names that the user chooses with `<name>`:
    /// `auth.sessions`, `registries[]`, `Extensions.<name>.Config`. Empty for the top of the file.
    pub table: &'static str,
    /// The key's own name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What its text, or each text of its list, must look like.
    pub format: Format,
    /// Its value where the file says nothing.
    pub default: Fallback,
    /// The only values allowed; empty allows all. For a list they are those of its items.
    pub allowed: &'static [&'static str],
    /// Whether other capitalisation of [`Self::allowed`] is taken; it is stored as declared.
    pub any_case: bool,
    /// Smallest whole number.
    pub min: Option<i64>,
    /// Largest whole number.
    pub max: Option<i64>,
    /// What the number or text counts: `minutes`, `CIDR`, `duration`, …
    pub unit: Option<&'static str>,
    /// When the file must give it.
    pub required: Required,
    /// Whether empty text is refused. Elsewhere it means that nothing is chosen.
    pub not_empty: bool,
    /// The first version that knows it, where documented.
    pub since: Option<Version>,
    /// The last version that knows it, where documented.
    pub until: Option<Version>,
    /// Whether it belongs to a file of version 3.4.
    pub in_3_4: bool,
    /// The flag of the install command that sets the same.
    pub install_flag: Option<&'static str>,
    /// What a change of it touches.
    pub effect: Effect,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Other names under which files hold it, in the same table.
    pub aliases: &'static [&'static str],
    /// Its name in the JSON form of its table, where there is one.
    pub json: Option<&'static str>,
    /// What else must hold for it, in words; checked unless it is about the outside world.
    pub rule: Option<&'static str>,
    /// What may go wrong when it changes on a running cluster.
    pub risk: Option<&'static str>,
    /// Whether there is no way back: once it is true, or holds text, a running cluster refuses every change of it.
    pub lasting: bool,
}

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// true or false
    Bool,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// A list of texts.
    List,
    /// Texts under names that the user chooses.
    Map,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "true or false",
            Self::Integer => "whole number",
            Self::Text => "text",
            Self::List => "list of texts",
            Self::Map => "map of texts",
        })
    }
}

/// The value that stands where the file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// No value at all: the key is unset.
    Unset,
    /// true or false
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(&'static str),
    /// A list; most are empty.
    List(&'static [&'static str]),
    /// An empty map.
    EmptyMap,
}

/// When a file must give a key that has no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// Never.
    No,
    /// Whenever its table is there.
    Always,
    /// When the switch of this name in the same table is on.
    When(&'static str),
}

/// What a change of a key touches on a running cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the value is read when it is next needed, or kept for the record.
    Nothing,
    /// Every controller follows at once.
    Live,
    /// These components restart on the managers.
    Restart(&'static [&'static str]),
    /// These components are brought in line on every node.
    AllNodes(&'static [&'static str]),
    /// It is fixed at installation: a change is refused.
    InstallOnly,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Live => f.write_str("live"),
            Self::Restart(components) => write!(f, "restarts {}", components.join(", ")),
            Self::AllNodes(components) => write!(f, "all nodes: {}", components.join(", ")),
            Self::InstallOnly => f.write_str("install only"),
        }
    }
}

/// A version of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number; 0 where documents give two.
    pub patch: u16,
}

impl Version {
    /// The newest version whose keys are known here.
    pub const NEWEST: Self = Self::new(3, 9, 0);

    /// A version from its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `3.4` or `3.4.15`.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(|part| part.parse::<u16>().ok());
        let version = Self::new(parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)?;
        }
        Ok(())
    }
}

impl Key {
    /// The dotted path; parts that hold dots are quoted.
    pub fn path(&self) -> String {
        if self.table.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.table, self.name)
        }
    }

    /// The value where the file says nothing.
    pub fn default_value(&self) -> Option<Value> {
        match self.default {
            Fallback::Unset => None,
            Fallback::Bool(value) => Some(Value::Bool(value)),
            Fallback::Integer(value) => Some(Value::Integer(value)),
            Fallback::Text(value) if self.secret => Some(Value::Secret(Secret::new(value))),
            Fallback::Text(value) => Some(Value::Text(value.to_owned())),
            Fallback::List(values) => Some(Value::List(values.iter().map(|&v| v.to_owned()).collect())),
            Fallback::EmptyMap => Some(Value::Map(BTreeMap::new())),
        }
    }

    /// Whether it can only be chosen at installation.
    pub fn install_only(&self) -> bool {
        self.effect == Effect::InstallOnly
    }

    /// What is allowed, for messages: "a whole number from 10 to 43200".
    pub fn expected(&self) -> String {
        let words = || one_of(self.allowed);
        match self.kind {
            Kind::Bool => "true or false".to_owned(),
            Kind::Integer if !self.allowed.is_empty() => words(),
            Kind::Integer => format!("a whole number {}", self.bounds()),
            Kind::Text if !self.allowed.is_empty() => words(),
            Kind::Text => match self.format {
                Format::Any => "text in quotes".to_owned(),
                format => format.to_string(),
            },
            Kind::List if !self.allowed.is_empty() => format!("a list of texts, each {}", words()),
            Kind::List => match self.format {
                Format::Any => "a list of texts".to_owned(),
                format => format!("a list of texts, each {format}"),
            },
            Kind::Map => match self.format {
                Format::Any => "a table of texts".to_owned(),
                format => format!("a table of texts, each {format}"),
            },
        }
    }

    /// The bounds of a number, for messages: "from 10 to 43200".
    pub fn bounds(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("from {min} to {max}"),
            (Some(min), None) => format!("from {min}"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => "of 64 bits".to_owned(),
        }
    }
}

/// "one of `a`, `b`", or just "`a`".
pub(super) fn one_of(allowed: &[&str]) -> String {
    let words: Vec<_> = allowed.iter().map(|word| format!("`{word}`")).collect();
    if words.len() == 1 {
        words.concat()
    } else {
        format!("one of {}", words.join(", "))
    }
}

/// How keys are declared, see the tables beside the fields.
impl Key {
    const fn new(kind: Kind, default: Fallback) -> Self {
        Self {
            table: "",
            name: "",
            about: "",
            kind,
            format: Format::Any,
            default,
            allowed: &[],
            any_case: false,
            min: None,
            max: None,
            unit: None,
            required: Required::No,
            not_empty: false,
            since: None,
            until: None,
            in_3_4: true,
            install_flag: None,
            effect: Effect::Nothing,
            secret: false,
            aliases: &[],
            json: None,
            rule: None,
            risk: None,
            lasting: false,
        }
    }

    pub(super) const fn bool(default: bool) -> Self {
        Self::new(Kind::Bool, Fallback::Bool(default))
    }

    pub(super) const fn integer(default: i64) -> Self {
        Self::new(Kind::Integer, Fallback::Integer(default))
    }

    pub(super) const fn text(default: &'static str) -> Self {
        Self::new(Kind::Text, Fallback::Text(default))
    }

    pub(super) const fn list(default: &'static [&'static str]) -> Self {
        Self::new(Kind::List, Fallback::List(default))
    }

    pub(super) const fn map() -> Self {
        Self::new(Kind::Map, Fallback::EmptyMap)
    }

    /// A key that has no value until the file gives one.
    pub(super) const fn unset(kind: Kind) -> Self {
        Self::new(kind, Fallback::Unset)
    }

    pub(super) const fn one_of(mut self, allowed: &'static [&'static str]) -> Self {
        self.allowed = allowed;
        self
    }

    pub(super) const fn any_case(mut self) -> Self {
        self.any_case = true;
        self
    }

    pub(super) const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    pub(super) const fn min(mut self, min: i64) -> Self {
        self.min = Some(min);
        self
    }

    pub(super) const fn max(mut self, max: i64) -> Self {
        self.max = Some(max);
        self
    }

    pub(super) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = Required::Always;
        self
    }

    pub(super) const fn required_when(mut self, switch: &'static str) -> Self {
        self.required = Required::When(switch);
        self
    }

    pub(super) const fn not_empty(mut self) -> Self {
        self.not_empty = true;
        self
    }

    pub(super) const fn since(mut self, major: u16, minor: u16, patch: u16) -> Self {
        self.since = Some(Version::new(major, minor, patch));
        self
    }

    pub(super) const fn until(mut self, major: u16, minor: u16, patch: u16) -> Self {
        self.until = Some(Version::new(major, minor, patch));
        self
    }

    /// Marks a key that files of version 3.4 do not have.
    pub(super) const fn not_in_3_4(mut self) -> Self {
        self.in_3_4 = false;
        self
    }

    pub(super) const fn flag(mut self, flag: &'static str) -> Self {
        self.install_flag = Some(flag);
        self
    }

    pub(super) const fn live(mut self) -> Self {
        self.effect = Effect::Live;
        self
    }

    pub(super) const fn restarts(mut self, components: &'static [&'static str]) -> Self {
        self.effect = Effect::Restart(components);
        self
    }

    pub(super) const fn all_nodes(mut self, components: &'static [&'static str]) -> Self {
        self.effect = Effect::AllNodes(components);
        self
    }

    pub(super) const fn fixed_at_install(mut self) -> Self {
        self.effect = Effect::InstallOnly;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn json(mut self, json: &'static str) -> Self {
        self.json = Some(json);
        self
    }

    pub(super) const fn rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    pub(super) const fn risk(mut self, risk: &'static str) -> Self {
        self.risk = Some(risk);
        self
    }

    pub(super) const fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// Puts the key where it belongs. `about` is the field's documentation, which starts with a space.
    pub(super) const fn at(mut self, table: &'static str, name: &'static str, about: &'static str) -> Self {
        self.table = table;
        self.name = name;
        self.about = match about.as_bytes() {
            [b' ', ..] => about.split_at(1).1,
            _ => about,
        };
        self
    }
}
