//! Every key, from its own definition: its default, an allowed value at each bound, one just outside, the wrong type
//! and the wrong case.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod config_support;

use config_support::{files, outside, quoted, swap_case, valid, wrong_types};
use mke_core::config::{Config, Interlock, KeyPath, Kind, Value, interlock_keys, keys};

/// CFG-005, CFG-006, CFG-007, CFG-009, CFG-010, CFG-012, CFG-014, CFG-015, CFG-017, CFG-018, CFG-019, CFG-021, CFG-022,
/// CFG-025, CFG-027, CFG-028, CFG-030, CFG-031, CFG-032, CFG-033, CFG-035, CFG-037, CFG-038, CFG-039, CFG-040, CFG-042,
/// CFG-043, CFG-044: what each key takes is taken and is what can be read afterwards.
#[test]
fn allowed_values() {
    for file in files() {
        for key in file.keys {
            for literal in valid(key) {
                let text = file.text(key, key.name, &literal);
                let settings = (file.parse)(&text).unwrap_or_else(|problems| panic!("{text}: {problems}"));
                let expected: toml_edit::Value = literal.parse().unwrap();
                let found = settings.iter().any(|setting| {
                    let same_key = std::ptr::eq(setting.key, *key);
                    same_key
                        && setting
                            .value
                            .as_ref()
                            .is_some_and(|value| means(value, &expected))
                });
                assert!(found, "{} = {literal} was read as something else", key.path());
            }
        }
    }
}

fn means(value: &Value, expected: &toml_edit::Value) -> bool {
    match value {
        Value::Bool(value) => expected.as_bool() == Some(*value),
        Value::Integer(value) => expected.as_integer() == Some(*value),
        Value::Text(value) => expected.as_str() == Some(value),
        Value::Secret(value) => expected.as_str() == Some(value.expose()),
        Value::List(values) => expected
            .as_array()
            .is_some_and(|array| array.iter().map(|item| item.as_str().unwrap()).eq(values)),
        Value::Map(values) => expected.as_inline_table().is_some_and(|table| {
            table.len() == values.len()
                && values
                    .iter()
                    .all(|(name, value)| table[name].as_str() == Some(value))
        }),
    }
}

/// The typed default of every key is the one that its definition names.
#[test]
fn defaults() {
    for (settings, all) in [
        (Config::default().settings(), keys()),
        (Interlock::default().settings(), interlock_keys()),
    ] {
        let unique: std::collections::BTreeSet<_> =
            settings.iter().map(|setting| setting.key.path()).collect();
        // Rows and named tables that are not there by default have no values.
        assert!(
            all.iter()
                .filter(|key| !key.table.contains(['[', '<']))
                .all(|key| unique.contains(&key.path()))
        );
        for setting in settings.iter().filter(|setting| !setting.key.table.contains('[')) {
            let declared = setting.key.default_value();
            let empty_list = setting.value == Some(Value::List(Vec::new())) && declared.is_none();
            assert!(
                setting.value == declared || empty_list,
                "{}: {:?}",
                setting.path,
                setting.value
            );
        }
    }
    let config = Config::default();
    let get = |path: &str| config.get(&path.parse::<KeyPath>().unwrap());
    assert_eq!(get("cluster_config.kubelet_max_pods"), Some(Value::Integer(110)));
    assert_eq!(
        get("cluster_config.service_mesh.ingress_exposed_ports[2].node_port"),
        Some(Value::Integer(33002))
    );
    assert_eq!(
        get("user_workload_defaults.swarm_defaults.\"tasktemplate.restartpolicy.delay\".value"),
        Some(Value::Text("5s".into()))
    );
    assert_eq!(
        get("cluster_config.service_mesh.ingress_exposed_ports[3].node_port"),
        None
    );
    assert_eq!(get("cluster_config.nonsense"), None);
}

/// CFG-002: a value just outside of what is allowed is refused, at its line, and the message names the key and the
/// remedy.
#[test]
fn values_just_outside() {
    for file in files() {
        for key in file.keys {
            for literal in outside(key) {
                let text = file.text(key, key.name, &literal);
                let problems = file.problems(&text);
                let hit = problems
                    .iter()
                    .find(|problem| problem.key.contains(key.name) && problem.line == 1);
                let hit = hit.unwrap_or_else(|| panic!("{text}: {problems:?}"));
                assert!(hit.allowed.is_some() && hit.found.is_some(), "{hit:?}");
                let remedy = ["use ", "expected ", "give "]
                    .iter()
                    .any(|word| hit.message.contains(word));
                assert!(remedy, "{hit}");
            }
        }
    }
}

/// CFG-002: a value of another type is refused, and what is expected is said.
#[test]
fn values_of_the_wrong_type() {
    for file in files() {
        for key in file.keys {
            for literal in wrong_types(key) {
                let text = file.text(key, key.name, literal);
                let problems = file.problems(&text);
                let hit = problems
                    .iter()
                    .find(|problem| problem.line == 1 && problem.key.contains(key.name));
                let hit = hit.unwrap_or_else(|| panic!("{text}: {problems:?}"));
                assert!(hit.message.starts_with("expected "), "{hit}");
            }
        }
    }
}

/// CFG-002: a key in the wrong case is unknown, and the right one is named; a word in the wrong case is not allowed.
#[test]
fn the_wrong_case() {
    for file in files() {
        for key in file.keys {
            let text = file.text(key, &swap_case(key.name), &valid(key)[0]);
            let problems = file.problems(&text);
            let hit = problems
                .iter()
                .find(|problem| problem.line == 1 && problem.nearest.is_some());
            let hit = hit.unwrap_or_else(|| panic!("{text}: {problems:?}"));
            assert_eq!(
                hit.nearest
                    .as_deref()
                    .map(|path| path.replace("<name>", "default")),
                Some(key.path().replace("<name>", "default")),
                "{text}"
            );
            for word in key
                .allowed
                .iter()
                .filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()))
            {
                let literal = if key.kind == Kind::List {
                    format!("[\"{}\"]", swap_case(word))
                } else {
                    quoted(&swap_case(word))
                };
                let refused = !file.problems(&file.text(key, key.name, &literal)).is_empty();
                assert_eq!(refused, !key.any_case, "{} = {literal}", key.path());
            }
        }
    }
}

/// No message and no debug output of a secret key holds its value.
#[test]
fn secrets_are_not_shown() {
    let mut seen = 0;
    for file in files() {
        for key in file.keys.iter().filter(|key| key.secret) {
            seen += 1;
            let text = file.text(key, key.name, "[\"hunter2hunter2\"]");
            let shown = format!("{:?}", file.problems(&text));
            assert!(!shown.is_empty() && !shown.contains("hunter2"), "{shown}");
            let text = file.text(key, key.name, "\"hunter2hunter2\"");
            let settings = (file.parse)(&text).unwrap();
            let setting = settings
                .iter()
                .find(|setting| std::ptr::eq(setting.key, *key))
                .unwrap();
            let shown = format!("{settings:?} {}", setting.value.as_ref().unwrap());
            assert!(
                shown.contains("********") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }
    assert_eq!(seen, 7);
}
