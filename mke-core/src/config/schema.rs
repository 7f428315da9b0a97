//! JSON Schema (2020-12) of the files, made from the definitions of their keys: for editors and pipelines.

use serde_json::{Map, Value as Json, json};

use super::key::{Key, Kind, Required};
use super::section::{ChildRef, Section};
use super::value::Value;
use super::{AzureConfig, Config, Interlock, Ldap};

impl Config {
    /// The JSON Schema of the configuration file.
    pub fn json_schema() -> Json {
        document("Configuration file", &Self::default(), Names::Toml)
    }
}

impl Interlock {
    /// The JSON Schema of the Interlock file.
    pub fn json_schema() -> Json {
        document("Interlock file", &Self::default(), Names::Toml)
    }
}

impl AzureConfig {
    /// The JSON Schema of `azure.json`.
    pub fn json_schema() -> Json {
        document("azure.json", &Self::default(), Names::Json)
    }
}

impl Ldap {
    /// The JSON Schema of the body of the directory's API.
    pub fn json_schema() -> Json {
        document("Directory", &Self::default(), Names::Json)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Names {
    Toml,
    Json,
}

fn document(title: &str, section: &dyn Section, names: Names) -> Json {
    let mut schema = table(section, names);
    if let Json::Object(fields) = &mut schema {
        fields.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        fields.insert("title".to_owned(), json!(title));
    }
    schema
}

fn table(section: &dyn Section, names: Names) -> Json {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    section.each_key(&mut |key| {
        let name = match names {
            Names::Toml => key.name,
            Names::Json => key.json.unwrap_or(key.name),
        };
        properties.insert(name.to_owned(), property(key));
        if names == Names::Toml {
            for alias in key.aliases {
                let mut other = property(key);
                if let Json::Object(fields) = &mut other {
                    fields.insert("deprecated".to_owned(), json!(true));
                }
                properties.insert((*alias).to_owned(), other);
            }
        }
        // A key with other names may be given under those.
        if key.required == Required::Always && key.default_value().is_none() && key.aliases.is_empty() {
            required.push(name);
        }
    });
    section.each_child(&mut |child, tables| {
        let inner = table((child.prototype)().as_ref(), names);
        let name = match names {
            Names::Toml => child.name,
            Names::Json => child.json.unwrap_or(child.name),
        };
        let mut schema = match tables {
            ChildRef::Table(_) => inner,
            ChildRef::Rows(_) => json!({ "type": "array", "items": inner }),
            ChildRef::Named(_) => json!({ "type": "object", "additionalProperties": inner }),
        };
        if let Json::Object(fields) = &mut schema {
            fields.insert("description".to_owned(), json!(child.about.trim_start()));
        }
        properties.insert(name.to_owned(), schema);
    });
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if let (Json::Object(fields), false) = (&mut schema, required.is_empty()) {
        fields.insert("required".to_owned(), json!(required));
    }
    schema
}

fn property(key: &Key) -> Json {
    let mut text = key.about.to_owned();
    if let Some(rule) = key.rule {
        text = format!("{text} Rule: {rule}.");
    }
    let mut schema = match key.kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer => {
            let mut schema = json!({ "type": "integer" });
            if let Json::Object(fields) = &mut schema {
                if let Some(min) = key.min {
                    fields.insert("minimum".to_owned(), json!(min));
                }
                if let Some(max) = key.max {
                    fields.insert("maximum".to_owned(), json!(max));
                }
                if !key.allowed.is_empty() {
                    let numbers: Vec<_> = key
                        .allowed
                        .iter()
                        .filter_map(|word| word.parse::<i64>().ok())
                        .collect();
                    fields.insert("enum".to_owned(), json!(numbers));
                }
            }
            schema
        }
        Kind::Text => words(key),
        Kind::List => json!({ "type": "array", "items": words(key) }),
        Kind::Map => json!({ "type": "object", "additionalProperties": words(key) }),
    };
    if let Json::Object(fields) = &mut schema {
        fields.insert("description".to_owned(), json!(text));
        if let Some(default) = key.default_value().filter(|_| !key.secret) {
            fields.insert("default".to_owned(), plain(&default));
        }
        if key.secret {
            fields.insert("writeOnly".to_owned(), json!(true));
        }
        if key.until.is_some() {
            fields.insert("deprecated".to_owned(), json!(true));
        }
        fields.insert("x-change".to_owned(), json!(key.effect.to_string()));
        for (name, version) in [("x-since", key.since), ("x-until", key.until)] {
            if let Some(version) = version {
                fields.insert(name.to_owned(), json!(version.to_string()));
            }
        }
    }
    schema
}

/// The schema of a text, or of each text in a list or map.
fn words(key: &Key) -> Json {
    if key.allowed.is_empty() {
        return if key.not_empty {
            json!({ "type": "string", "minLength": 1 })
        } else {
            json!({ "type": "string" })
        };
    }
    let mut allowed: Vec<String> = key.allowed.iter().map(|&word| word.to_owned()).collect();
    if key.any_case {
        // The two spellings that files have; the reader takes any.
        allowed.extend(key.allowed.iter().map(|word| word.to_lowercase()));
        allowed.extend(key.allowed.iter().map(|word| word.to_uppercase()));
        allowed.sort();
        allowed.dedup();
    }
    json!({ "type": "string", "enum": allowed })
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Integer(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Secret(_) => Json::Null,
        Value::List(values) => json!(values),
        Value::Map(values) => json!(values),
    }
}
