//! `ucp admission`, the program itself, offline.

#![cfg(test)]

use std::path::Path;
use std::process::{Command, Output};

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: mypod, namespace: default}
spec: {containers: [{name: c, image: nginx, securityContext: {privileged: true}}]}
";
const SETTINGS: &str =
    "{priv_attributes_allowed_for_user_accounts: [privileged], priv_attributes_user_accounts: [abby]}";
const STATE: &str = "format: rbac-scenarios/1
worlds:
  w:
    users: {abby: {}, jane: {}, root: {admin: true}}
";

fn ucp(directory: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucp"));
    command
        .args(args)
        .current_dir(directory)
        .env_clear()
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// ADM-007, ADM-012, PSP-003: a privileged pod for a user, an administrator and a user with the attribute; without the
/// default binding the policies refuse it.
#[test]
fn a_privileged_pod_is_tried() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (name, text) in [
        ("pod.yaml", POD),
        ("settings.yaml", SETTINGS),
        ("state.yaml", STATE),
        ("odd.yaml", "kind: Pod"),
    ] {
        std::fs::write(path.join(name), text).unwrap();
    }
    let review = |args: &[&str]| {
        let mut all = vec!["admission", "review", "--object", "pod.yaml"];
        all.extend(args);
        let output = ucp(path, &all);
        (output.status.code().unwrap(), said(&output))
    };
    let (code, text) = review(&["--user", "someone"]);
    assert_eq!(code, 1, "{text}");
    let expected =
        "user \"someone\" is not an admin and does not have permissions to use privileged mode for resource";
    assert!(text.contains(expected), "{text}");
    let (code, text) = review(&["--user", "someone", "--admin"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("allowed") && text.contains("kubernetes.io/psp: privileged"),
        "{text}"
    );
    let state = ["--state", "state.yaml", "--settings", "settings.yaml", "--user"];
    for (user, expected) in [("abby", 0), ("jane", 1), ("root", 0), ("nobody", 2)] {
        let mut args = state.to_vec();
        args.push(user);
        let (code, text) = review(&args);
        assert_eq!(code, expected, "{user}: {text}");
    }
    let without = [
        "--without",
        "ClusterRoleBinding/ucp:all:privileged-psp-role",
        "--user",
        "someone",
    ];
    let (code, text) = review(&without);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("unable to validate against any pod security policy: []"),
        "{text}"
    );
    assert_eq!(review(&["--user", "x", "--without", "Pod/none"]).0, 2);
    assert_eq!(
        review(&["--user", "x", "--settings", "settings.yaml"]).0,
        2,
        "there is no user abby"
    );
    let odd = ucp(
        path,
        &["admission", "review", "--object", "odd.yaml", "--user", "x"],
    );
    assert_eq!(odd.status.code(), Some(2), "{}", said(&odd));
    let json = ucp(
        path,
        &[
            "--output",
            "json",
            "admission",
            "review",
            "--object",
            "pod.yaml",
            "--user",
            "x",
        ],
    );
    let outcome: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(outcome["decision"], "denied");
    assert_eq!(outcome["refusals"][0]["plugin"], "UCPAuthorization");
}

/// ADM-001, ADM-004: the plugins are listed in order, custom ones as always on.
#[test]
fn plugins_are_listed() {
    let output = ucp(Path::new("."), &["admission", "plugins"]);
    let text = said(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 16, "{text}");
    assert!(lines[1].starts_with("NamespaceLifecycle"), "{text}");
    assert!(
        lines[2].starts_with("UCPAuthorization") && lines[2].contains("always on"),
        "{text}"
    );
}
