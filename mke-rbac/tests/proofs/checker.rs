//! What makes the checker worth trusting: it is small, and it has nothing from the engine.

use std::path::Path;

use serde_json::Value;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proof-checker");

/// All its lines, comments and blank ones included: at most 300, and no line so long that it hides others.
#[test]
fn the_checker_can_be_read_in_one_sitting() {
    let mut lines = 0;
    for entry in std::fs::read_dir(Path::new(DIRECTORY).join("src")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        lines += text.lines().count();
        assert!(text.lines().all(|line| line.chars().count() <= 120));
    }
    assert!((100..=300).contains(&lines), "{lines} lines");
}

/// Neither directly nor in tests does it depend on anything but JSON.
#[test]
fn the_checker_depends_on_json_only() {
    let manifest: toml::Table = std::fs::read_to_string(Path::new(DIRECTORY).join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let dependencies: Vec<_> = manifest["dependencies"].as_table().unwrap().keys().collect();
    assert_eq!(dependencies, ["serde", "serde_json"]);
    assert!(
        manifest
            .keys()
            .all(|key| !key.contains("-dependencies") && key != "target")
    );
}

/// A proof that is none is refused with a reason.
#[test]
fn what_is_no_proof_is_refused() {
    let state = crate::many::state(
        &mke_rbac::Policy::compile(mke_rbac::model::Model::with_builtin_collections()),
        &mke_rbac::kubernetes::Authorizer::compile(&Default::default()),
    );
    for text in [
        "null",
        "{}",
        "[]",
        r#"{"swarm": {}}"#,
        r#"{"swarm": {"subject": "anonymous", "access": "public", "checks": [], "decision": null}}"#,
        r#"{"swarm": {"subject": "anonymous", "access": "open", "checks": [], "decision": {"allowed": "public"}}}"#,
        r#"{"swarm": {"subject": "anonymous", "access": "public", "checks": [], "rule": "conflicting-labels", "decision": {"allowed": "public"}}}"#,
        r#"{"swarm": {"subject": "anonymous", "access": "public", "checks": [], "more": 1, "decision": {"allowed": "public"}}}"#,
        r#"{"swarm": {"subject": {"user": "stranger"}, "access": "operation", "checks": [], "decision": {"allowed": "administrator"}}}"#,
    ] {
        let proof: Value = serde_json::from_str(text).unwrap();
        assert!(mke_proof::check(&state, &proof).is_err(), "{text}");
    }
    let public = r#"{"swarm": {"subject": "anonymous", "access": "public", "checks": [], "decision": {"allowed": "public"}}}"#;
    assert_eq!(
        mke_proof::check(&state, &serde_json::from_str(public).unwrap()),
        Ok(true)
    );
}
