//! The JSON Schemas, judged by a validator that is not ours (Python's `jsonschema`), and our reader agree on generated
//! files: on good ones, and on those whose shape is wrong.
//!
//! The schema says types, bounds, words and names. What texts must look like and what must hold between keys is the
//! reader's alone, so files that are wrong in those ways only are not compared.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod config_support;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use config_support::{File, files, generate, outside, swap_case, valid, wrong_types};
use mke_core::config::{AzureConfig, Config, Interlock, Key, Kind, Ldap};
use serde_json::{Value, json};

/// Reads `{schemas, cases: [[schema, instance]]}` and prints for each case whether the instance is valid.
const VALIDATOR: &str = r#"
import json, sys
from jsonschema import Draft202012Validator
given = json.load(sys.stdin)
validators = []
for schema in given["schemas"]:
    Draft202012Validator.check_schema(schema)
    validators.append(Draft202012Validator(schema))
print(json.dumps([validators[which].is_valid(instance) for which, instance in given["cases"]]))
"#;

/// The Python of the environment that `cargo xtask test` makes beside the directory of this program.
fn python() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let python = program.ancestors().nth(3).unwrap().join("python/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: `cargo xtask test` makes it, or: apt-get install python3-venv, python3 -m venv {}, and its pip install \
         jsonschema",
        python.display(),
        python.ancestors().nth(2).unwrap().display()
    );
    python
}

/// A document, and whether our reader takes it.
struct Case {
    schema: usize,
    instance: Value,
    ours: bool,
    shown: String,
}

fn verdicts(schemas: &[Value], cases: &[Case]) -> Vec<bool> {
    let pairs: Vec<_> = cases
        .iter()
        .map(|case| json!([case.schema, case.instance]))
        .collect();
    let given = json!({ "schemas": schemas, "cases": pairs }).to_string();
    let mut child = Command::new(python())
        .args(["-c", VALIDATOR])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the validator failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn toml_case(schema: usize, text: &str, ours: bool) -> Option<Case> {
    // What is no TOML has no instance, and dates have no place in JSON.
    let table = toml::from_str::<toml::Table>(text).ok()?;
    Some(Case {
        schema,
        instance: serde_json::to_value(table).unwrap(),
        ours,
        shown: text.to_owned(),
    })
}

/// Whether a schema can say why a value is wrong: bounds of numbers and lists of words.
fn of_shape(key: &Key) -> bool {
    key.kind == Kind::Integer || !key.allowed.is_empty()
}

/// CFG-002: for every key of both TOML files, with the schema at hand.
fn cases_of(schema: usize, file: &File, cases: &mut Vec<Case>) {
    for key in file.keys {
        let mut literals = valid(key);
        literals.extend(wrong_types(key).iter().map(|&literal| literal.to_owned()));
        if of_shape(key) {
            literals.extend(outside(key));
        }
        let texts = literals.iter().map(|literal| file.text(key, key.name, literal));
        let other_case = file.text(key, &swap_case(key.name), &valid(key)[0]);
        for text in texts.chain([other_case]) {
            let ours = file.problems(&text).is_empty();
            cases.extend(toml_case(schema, &text, ours));
        }
    }
}

/// The bodies in JSON: each value of the whole one replaced by other types, taken out, and given another name.
fn json_cases(schema: usize, whole: &str, parse: fn(&str) -> bool, cases: &mut Vec<Case>) {
    let whole: Value = serde_json::from_str(whole).unwrap();
    let mut pointers = Vec::new();
    collect(&whole, "", &mut pointers);
    let mut add = |instance: Value| {
        let shown = instance.to_string();
        cases.push(Case {
            schema,
            ours: parse(&shown),
            instance,
            shown,
        });
    };
    add(whole.clone());
    for pointer in pointers {
        let was = whole.pointer(&pointer).unwrap();
        for other in [
            Value::Null,
            json!(true),
            json!(7),
            json!(1.5),
            json!("text"),
            json!([1]),
            json!({ "a": 1 }),
        ] {
            // A text in place of a text, or a number of a number, is a matter of its look and of rules.
            if std::mem::discriminant(was) != std::mem::discriminant(&other) {
                let mut instance = whole.clone();
                *instance.pointer_mut(&pointer).unwrap() = other;
                add(instance);
            }
        }
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut instance = whole.clone();
        if let Some(table) = instance.pointer_mut(parent).and_then(Value::as_object_mut) {
            let value = table.remove(name).unwrap();
            table.insert(swap_case(name), value);
            add(instance);
        }
    }
}

fn collect(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(row, item)| (row.to_string(), item))
            .collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let pointer = format!("{pointer}/{name}");
        collect(value, &pointer, pointers);
        pointers.push(pointer);
    }
}

/// CFG-001, CFG-002: both judges agree on every case.
#[test]
fn an_independent_validator_agrees() {
    let schemas = [
        Config::json_schema(),
        Interlock::json_schema(),
        Ldap::json_schema(),
        AzureConfig::json_schema(),
    ];
    let mut cases = Vec::new();
    for (schema, file) in files().iter().enumerate() {
        cases_of(schema, file, &mut cases);
    }
    for seed in 0..300 {
        let text = generate::file(seed).text;
        cases.extend(toml_case(
            0,
            text.trim_start_matches('\u{feff}'),
            Config::parse(&text).is_ok(),
        ));
    }
    for text in [
        include_str!("config_files/full.toml").to_owned(),
        Config::default().to_toml(),
        Config::example(),
    ] {
        cases.extend(toml_case(0, &text, Config::parse(&text).is_ok()));
    }
    let ldap = include_str!("config_files/ldap.json");
    json_cases(2, ldap, |text| Ldap::parse_json(text).is_ok(), &mut cases);
    let azure = include_str!("config_files/azure.json");
    json_cases(3, azure, |text| AzureConfig::parse(text).is_ok(), &mut cases);

    let theirs = verdicts(&schemas, &cases);
    assert_eq!(theirs.len(), cases.len());
    let good = cases.iter().filter(|case| case.ours).count();
    assert!(
        good > 700 && cases.len() - good > 1_000,
        "{good} of {}",
        cases.len()
    );
    let differ: Vec<_> = cases
        .iter()
        .zip(&theirs)
        .filter(|(case, theirs)| case.ours != **theirs)
        .map(|(case, theirs)| {
            format!(
                "schema {}: ours {}, theirs {theirs}: {}",
                case.schema, case.ours, case.shown
            )
        })
        .collect();
    assert!(
        differ.is_empty(),
        "{} of {}:\n{}",
        differ.len(),
        cases.len(),
        differ.join("\n")
    );
}
