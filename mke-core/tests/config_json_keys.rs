//! Every key of the two JSON bodies, the directory's settings and `azure.json`, from its own definition: its default, an
//! allowed value at each bound, one just outside, the wrong type and the wrong case.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use mke_core::config::{
    AzureConfig, ChildRef, Format, Key, Kind, Ldap, Problem, Problems, Required, Section, Value, azure_keys,
    keys,
};
use serde_json::{Value as Json, json};

/// One of the two bodies.
struct Body {
    keys: Vec<&'static Key>,
    parse: fn(&str) -> Result<Box<dyn Section>, Problems>,
    /// A body in which every table has a row, and every rule between keys holds.
    whole: Json,
    /// What stands before the table of every key.
    prefix: &'static str,
    /// Keys that another key's value makes necessary in `whole`, so that they are not empty there.
    needed: &'static [&'static str],
}

fn bodies() -> [Body; 2] {
    [
        Body {
            keys: keys()
                .iter()
                .copied()
                .filter(|key| key.table.starts_with("auth.ldap"))
                .collect(),
            parse: |text| Ldap::parse_json(text).map(|ldap| Box::new(ldap) as Box<dyn Section>),
            whole: {
                let mut whole: Json = serde_json::from_str(include_str!("config_files/ldap.json")).unwrap();
                whole["adminSyncOpts"]["searchBaseDN"] = json!("dc=example,dc=com");
                whole
            },
            prefix: "auth.ldap",
            needed: &[
                "server_url",
                "domain",
                "base_dn",
                "username_attr",
                "match_group_dn",
                "match_group_member_attr",
                "group_dn",
                "group_member_attr",
            ],
        },
        Body {
            keys: azure_keys().to_vec(),
            parse: |text| AzureConfig::parse(text).map(|file| Box::new(file) as Box<dyn Section>),
            whole: serde_json::from_str(include_str!("config_files/azure.json")).unwrap(),
            prefix: "",
            needed: &[],
        },
    ]
}

impl Body {
    /// The names of the tables around a key as TOML spells them, without rows.
    fn tables(&self, key: &Key) -> Vec<&'static str> {
        let below = key.table.strip_prefix(self.prefix).unwrap();
        let names = below.split('.').filter(|name| !name.is_empty());
        names.map(|name| name.trim_end_matches("[]")).collect()
    }

    /// The pointer to the table of a key, into its first row.
    fn pointer(&self, key: &Key) -> String {
        let mut pointer = String::new();
        for table in self.tables(key) {
            let mut words = table.split('_');
            pointer.push('/');
            pointer.push_str(words.next().unwrap());
            for word in words {
                let (first, rest) = word.split_at(1);
                pointer.push_str(&(first.to_uppercase() + rest));
            }
        }
        if key.table.ends_with("[]") {
            pointer.push_str("/0");
        }
        pointer
    }

    fn name(key: &Key) -> &'static str {
        key.json.unwrap_or(key.name)
    }

    /// The body with one name set, or taken out.
    fn with(&self, key: &Key, name: &str, value: Option<Json>) -> String {
        let mut body = self.whole.clone();
        let table = body
            .pointer_mut(&self.pointer(key))
            .unwrap()
            .as_object_mut()
            .unwrap();
        table.remove(Self::name(key));
        if let Some(value) = value {
            table.insert(name.to_owned(), value);
        }
        serde_json::to_string_pretty(&body).unwrap()
    }

    /// The value of a key in what was read.
    fn value(&self, root: &dyn Section, key: &Key) -> Option<Value> {
        fn step(section: &dyn Section, tables: &[&str], key: &Key) -> Option<Value> {
            let Some((first, rest)) = tables.split_first() else {
                return section.value(key.name);
            };
            match section.child(first).unwrap().1 {
                ChildRef::Table(table) => step(table, rest, key),
                ChildRef::Rows(rows) => step(rows[0], rest, key),
                ChildRef::Named(_) => None,
            }
        }
        step(root, &self.tables(key), key)
    }

    /// What is wrong when `name` has this value, at its own line and under its own pointer.
    fn problem(&self, key: &Key, name: &str, value: Json) -> Option<Problem> {
        let text = self.with(key, name, Some(value));
        let pointer = format!("{}/{name}", self.pointer(key));
        let problems = (self.parse)(&text)
            .err()
            .map_or_else(Vec::new, |problems| problems.0);
        let found = problems.into_iter().find(|problem| problem.key == pointer)?;
        let line = text.lines().nth(found.line - 1).unwrap();
        // A missing value has the place of its table.
        assert!(line.contains(name) || line.contains('{'), "{found}: {line}");
        Some(found)
    }
}

/// Allowed values: each listed one, each bound, a sample of the format.
fn allowed(key: &Key) -> Vec<Json> {
    match key.kind {
        Kind::Bool => vec![json!(true), json!(false)],
        Kind::Integer => [key.min, key.max]
            .iter()
            .flatten()
            .map(|bound| json!(bound))
            .collect(),
        _ if !key.allowed.is_empty() => key.allowed.iter().map(|word| json!(word)).collect(),
        _ => vec![json!(key.format.sample())],
    }
}

fn outside(key: &Key) -> Vec<Json> {
    match key.kind {
        Kind::Bool => Vec::new(),
        Kind::Integer => {
            let mut values: Vec<_> = key.min.iter().map(|min| json!(min - 1)).collect();
            values.extend(key.max.iter().map(|max| json!(max + 1)));
            values.push(json!(9_223_372_036_854_775_808_u64));
            values
        }
        _ if !key.allowed.is_empty() => vec![json!("no-such-word")],
        _ => key.format.bad_sample().iter().map(|bad| json!(bad)).collect(),
    }
}

fn wrong_types(key: &Key) -> Vec<Json> {
    let mut types = vec![Json::Null, json!([1]), json!({}), json!(1.5)];
    match key.kind {
        Kind::Bool => types.extend([json!(1), json!("true")]),
        Kind::Integer => types.extend([json!(true), json!("1")]),
        _ => types.extend([json!(1), json!(true)]),
    }
    types
}

fn swapped(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    text.chars().map(swap).collect()
}

fn means(value: &Value, expected: &Json) -> bool {
    match value {
        Value::Bool(value) => expected == value,
        Value::Integer(value) => expected == value,
        Value::Text(value) => expected == value,
        Value::Secret(value) => expected == value.expose(),
        _ => false,
    }
}

/// CFG-002: what each key takes is taken, and is what can be read afterwards; what is absent has its default.
#[test]
fn allowed_values_and_defaults() {
    let mut seen = 0;
    for body in bodies() {
        for key in &body.keys {
            seen += 1;
            for value in allowed(key) {
                let text = body.with(key, Body::name(key), Some(value.clone()));
                let read = (body.parse)(&text).unwrap_or_else(|problems| panic!("{text}: {problems}"));
                let found = body.value(read.as_ref(), key).unwrap();
                assert!(means(&found, &value), "{} = {value}: {found}", key.path());
            }
            let absent = (body.parse)(&body.with(key, "", None));
            let needed = key.required != Required::No && key.default_value().is_none();
            if needed || body.needed.contains(&key.name) && key.default_value().is_none() {
                let problems = absent.map(drop).unwrap_err();
                assert!(
                    problems
                        .0
                        .iter()
                        .any(|problem| problem.key.ends_with(Body::name(key))),
                    "{problems}"
                );
            } else {
                let read = absent.unwrap_or_else(|problems| panic!("{}: {problems}", key.path()));
                let found = body.value(read.as_ref(), key);
                assert_eq!(found, key.default_value(), "{}", key.path());
            }
        }
    }
    assert_eq!(seen, 34 + 23, "every key of both bodies");
}

/// CFG-002: what is just outside is refused at its line, and so is an empty text where one is needed.
#[test]
fn values_just_outside() {
    for body in bodies() {
        for key in &body.keys {
            for value in outside(key) {
                let hit = body.problem(key, Body::name(key), value.clone());
                let hit = hit.unwrap_or_else(|| panic!("{} takes {value}", key.path()));
                assert!(hit.allowed.is_some() && hit.found.is_some(), "{hit:?}");
            }
            let empty = key.kind == Kind::Text && (key.not_empty || body.needed.contains(&key.name));
            if empty {
                let hit = body.problem(key, Body::name(key), json!(""));
                assert!(hit.is_some(), "{} takes nothing", key.path());
            } else if key.kind == Kind::Text && key.allowed.is_empty() {
                assert_eq!(
                    body.problem(key, Body::name(key), json!("")),
                    None,
                    "{}",
                    key.path()
                );
            }
        }
    }
}

/// CFG-002: another type is refused, null and fractions too, and what is expected is said; a secret is not.
#[test]
fn values_of_the_wrong_type() {
    for body in bodies() {
        for key in &body.keys {
            for value in wrong_types(key) {
                let hit = body.problem(key, Body::name(key), value.clone());
                let hit = hit.unwrap_or_else(|| panic!("{} takes {value}", key.path()));
                assert!(hit.message.starts_with("expected "), "{hit}");
            }
            if key.secret {
                let hit = body
                    .problem(key, Body::name(key), json!(["hunter2hunter2"]))
                    .unwrap();
                assert!(!format!("{hit:?}").contains("hunter2"), "{hit:?}");
            }
        }
    }
}

/// CFG-002: names are told from one another by case, and so are words.
#[test]
fn the_wrong_case() {
    for body in bodies() {
        for key in &body.keys {
            let name = swapped(Body::name(key));
            let hit = body.problem(key, &name, allowed(key).into_iter().next().unwrap_or(json!(0)));
            assert!(
                hit.is_some_and(|hit| hit.message.starts_with("unknown key")),
                "{name}"
            );
            for word in key.allowed {
                let refused = body.problem(key, Body::name(key), json!(swapped(word))).is_some();
                assert_eq!(refused, !key.any_case, "{} = {word}", key.path());
            }
        }
    }
}

/// The formats that keys of these bodies have are ones for which there is something to refuse, apart from plain text.
#[test]
fn formats_refuse_something() {
    for key in bodies().iter().flat_map(|body| &body.keys) {
        if key.format != Format::Any {
            let bad = key.format.bad_sample().unwrap();
            assert!(
                !key.format.accepts(bad) && key.format.accepts(key.format.sample()),
                "{}",
                key.path()
            );
        }
    }
}
