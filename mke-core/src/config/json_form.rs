//! Tables as JSON, in the spelling of their API, without secrets; and single values as JSON.

use serde_json::{Map, Value as Json};

use super::key::{Key, Kind};
use super::section::{ChildRef, Section};
use super::value::Value;
use super::{Config, Ldap};

impl Ldap {
    /// The settings as the directory's API shows them: what [`Self::parse_json`] reads, without passwords. Keys that
    /// are unset are empty texts.
    pub fn to_json(&self) -> Json {
        table(self)
    }
}

fn table(section: &dyn Section) -> Json {
    let mut map = Map::new();
    section.each_key(&mut |key| {
        if !key.secret {
            let value = section.value(key.name);
            map.insert(
                key.json.unwrap_or(key.name).to_owned(),
                shown(key, value.as_ref()),
            );
        }
    });
    section.each_child(&mut |child, tables| {
        let value = match tables {
            ChildRef::Table(inner) => table(inner),
            ChildRef::Rows(rows) => Json::Array(rows.into_iter().map(table).collect()),
            ChildRef::Named(named) => Json::Object(
                named
                    .into_iter()
                    .map(|(name, inner)| (name.to_owned(), table(inner)))
                    .collect(),
            ),
        };
        map.insert(child.json.unwrap_or(child.name).to_owned(), value);
    });
    Json::Object(map)
}

fn shown(key: &Key, value: Option<&Value>) -> Json {
    match (value, key.kind) {
        (None, Kind::Text) => Json::from(""),
        (value, _) => value.map_or(Json::Null, Value::to_json),
    }
}

impl Value {
    /// The value as JSON; of a secret only that it is one.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Secret(_) => super::MASK.into(),
            Self::List(values) => values.iter().map(String::as_str).collect(),
            Self::Map(values) => values
                .iter()
                .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
                .collect(),
        }
    }

    /// Reads a value of a key from JSON. Bounds are checked with the whole configuration.
    ///
    /// # Errors
    /// What the key takes, when the JSON is of another type.
    pub fn from_json(key: &Key, json: &Json) -> Result<Self, String> {
        let texts = |items: &Vec<Json>| {
            let items = items.iter().map(|item| item.as_str().map(str::to_owned));
            items.collect::<Option<Vec<_>>>()
        };
        let value = match (key.kind, json) {
            (Kind::Bool, Json::Bool(value)) => Some(Self::Bool(*value)),
            (Kind::Integer, Json::Number(number)) => number.as_i64().map(Self::Integer),
            (Kind::Text, Json::String(text)) if key.secret => Some(Self::Secret(text.clone().into())),
            (Kind::Text, Json::String(text)) => Some(Self::Text(declared(key, text))),
            (Kind::List, Json::Array(items)) => texts(items).map(Self::List),
            (Kind::Map, Json::Object(map)) => map
                .iter()
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect::<Option<_>>()
                .map(Self::Map),
            _ => None,
        };
        value.ok_or_else(|| key.expected())
    }
}

/// The word as the key declares it, where other capitalisation is taken.
fn declared(key: &Key, text: &str) -> String {
    let mut words = key.allowed.iter();
    let word = words.find(|word| key.any_case && word.eq_ignore_ascii_case(text));
    word.map_or(text, |word| word).to_owned()
}

impl Config {
    /// Takes a value at a path without rows, and says whether there is such a key and the type fits. Whether the value
    /// is allowed is checked with the whole configuration ([`Self::problems`], [`super::Kept::follow`]).
    pub fn assign(&mut self, path: &super::KeyPath, value: &Value) -> bool {
        use super::path::Step;
        use super::section::ChildMut;
        let mut section: &mut dyn Section = self;
        let Some((Step::Name(name), tables)) = path.0.split_last() else {
            return false;
        };
        for step in tables {
            let Step::Name(table) = step else { return false };
            section = match section.child_mut(table) {
                Some((_, ChildMut::Table(inner))) => inner,
                _ => return false,
            };
        }
        section.assign(name, value)
    }
}
