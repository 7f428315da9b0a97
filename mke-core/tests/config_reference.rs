//! The reference page, the explanations and the JSON Schema follow the definitions of the keys.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use mke_core::config::{AzureConfig, Config, Interlock, Ldap, explain, keys, reference_page};
use serde_json::Value;

/// `docs/reference/configuration.md` is what the definitions say.
#[test]
fn the_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/configuration.md");
    let page = reference_page();
    if std::env::var_os("MKE_UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/configuration.md is stale: MKE_UPDATE_DOCS=1 cargo test -p mke-core --test config_reference"
    );
}

#[test]
fn keys_are_explained() {
    for key in keys() {
        let explanation = explain(&key.path()).unwrap();
        assert_eq!(explanation.key, key.path());
        assert!(explanation.to_string().contains(key.about));
    }
    let text = explain("auth.sessions.renewal_threshold_minutes")
        .unwrap()
        .to_string();
    for part in ["20", "minutes", "less 5", "live", "from 0"] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert_eq!(
        explain("registries[4].host_address").unwrap().key,
        "registries[].host_address"
    );
    let error = explain("auth.sesions.lifetime_minutes").unwrap_err().to_string();
    assert!(
        error.contains("did you mean `auth.sessions.lifetime_minutes`"),
        "{error}"
    );
    assert!(
        explain("cluster_config.swarm_only")
            .unwrap()
            .effect
            .contains("install")
    );
}

/// A slow, obvious reading of the part of JSON Schema that is used here.
fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{value} {why} of {schema}"));
    let fits = match schema["type"].as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        other => return Err(format!("unknown type {other}")),
    };
    if !fits {
        return fail("is not the type");
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return fail("is none");
    }
    if let (Some(number), Some(min)) = (value.as_i64(), schema["minimum"].as_i64())
        && number < min
    {
        return fail("is below the minimum");
    }
    if let (Some(number), Some(max)) = (value.as_i64(), schema["maximum"].as_i64())
        && number > max
    {
        return fail("is above the maximum");
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            return Err(format!("{required} is missing in {value}"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(schema), _) => valid(schema, inner)?,
            (None, Value::Bool(false)) => return Err(format!("{name} is unknown")),
            (None, schema) => valid(schema, inner)?,
        }
    }
    for item in value.as_array().into_iter().flatten() {
        valid(&schema["items"], item)?;
    }
    Ok(())
}

fn json(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

/// The schemas take the whole files, and refuse what the reader refuses for its shape.
#[test]
fn json_schema() {
    let schema = Config::json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    valid(&schema, &json(include_str!("config_files/full.toml"))).unwrap();
    valid(&schema, &json(&Config::default().to_toml())).unwrap();
    valid(&schema, &json(&Config::example())).unwrap();
    for text in [
        "nonsense = 1",
        "[auth]\nbackend = 1",
        "[auth]\nbackend = \"Managed\"",
        "[auth.sessions]\nlifetime_minutes = 9",
        "[[registries]]\nhost_address = \"h\"",
        "[cluster_config]\ndns = [1]",
    ] {
        assert!(
            valid(&schema, &json(text)).is_err() && Config::parse(text).is_err(),
            "{text}"
        );
    }
    valid(
        &Interlock::json_schema(),
        &json(include_str!("config_files/interlock.toml")),
    )
    .unwrap();
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    valid(
        &AzureConfig::json_schema(),
        &parsed(include_str!("config_files/azure.json")),
    )
    .unwrap();
    valid(
        &Ldap::json_schema(),
        &parsed(include_str!("config_files/ldap.json")),
    )
    .unwrap();
    assert!(valid(&AzureConfig::json_schema(), &parsed("{}")).is_err());
}

/// The schema never holds a secret's default, and marks secrets as written only.
#[test]
fn json_schema_and_secrets() {
    let schema = Config::json_schema();
    let password = &schema["properties"]["auth"]["properties"]["ldap"]["properties"]["reader_password"];
    assert_eq!(password["writeOnly"], true);
    assert!(password.get("default").is_none());
}
