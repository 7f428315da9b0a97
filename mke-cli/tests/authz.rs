//! Questions about access from the shell: every command of the guide, and the picture in a real browser.

#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::examples;

/// A directory with the files of the guide, and `ucp` first in the path of its shell.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let state = root.join("conformance/cases/swarm-orcabank-advanced.yaml");
        std::fs::copy(state, dir.path().join("orcabank.yaml")).unwrap();
        for entry in std::fs::read_dir(root.join("docs/guide/examples")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        Self { dir }
    }

    fn shell(&self, command: &str) -> Output {
        let ucp = Path::new(env!("CARGO_BIN_EXE_ucp")).parent().unwrap();
        let path = format!("{}:{}", ucp.display(), std::env::var("PATH").unwrap());
        Command::new("sh")
            .args(["-c", command])
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env_remove("MKE_URL")
            .env_remove("MKE_OUTPUT")
            .output()
            .unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// CLI-001, RBAC-019, K8S-001: every command of the guide prints what the guide shows, without a network.
#[test]
fn the_guide_tells_the_truth() {
    let desk = Desk::new();
    let mut examples = examples(include_str!("../../docs/guide/authorization.md"));
    examples.extend(self::examples(include_str!("../../docs/guide/mke4.md")));
    assert!(examples.len() > 20, "the guide has {} examples", examples.len());
    for (command, shown) in examples {
        let output = desk.shell(&command);
        let error = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.trim_end(), shown.trim_end(), "$ {command}\n{error}");
    }
}

/// RBAC-019: every report is one JSON document too, and the exit code tells yes from no from nonsense.
#[test]
fn json_and_exit_codes() {
    let desk = Desk::new();
    let state = "--state orcabank.yaml";
    for (command, code) in [
        (
            format!("can-i 'Service View' --collection /prod --user sam {state}"),
            0,
        ),
        (
            format!("can-i 'Service Create' --collection /prod --user sam {state}"),
            1,
        ),
        (
            format!("can-i Service Create --collection /prod --user nobody {state}"),
            2,
        ),
        (format!("can-i --list --user sam {state}"), 0),
        (
            format!("authz who-can 'Service Create' --collection /prod/db {state}"),
            0,
        ),
        ("authz who-can get pods --manifests blue.yaml".to_owned(), 1),
        (
            format!("authz explain 'Service View' --collection /prod --user sam {state}"),
            0,
        ),
        (
            format!("authz explain 'Service View' --collection /prod {state}"),
            1,
        ),
        (format!("authz access /prod {state}"), 0),
        (format!("authz access -n blue --manifests blue.yaml {state}"), 0),
        ("authz access -n green --manifests blue.yaml".to_owned(), 1),
    ] {
        let output = desk.shell(&format!("ucp --output json {command}"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command}: {error}");
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(value.is_object(), "{command}");
    }
    for command in [
        format!("can-i {state}"),
        format!("can-i Fly {state}"),
        format!("can-i get pods --modifier Privileged {state}"),
        format!("can-i 'Service View' -n blue {state}"),
        format!("can-i --list 'Service View' {state}"),
        format!("can-i --api GET {state}"),
        format!("can-i --api 'POST /containers/create' --body nothing.json {state}"),
        format!("can-i 'Service View' --as sam {state}"),
        format!("authz who-can 'Service View' --collection /nowhere {state}"),
        format!("authz explain 'Service View' --user nobody {state}"),
        format!("authz access {state}"),
        format!("authz access / -n blue {state}"),
        format!("authz access /nowhere {state}"),
        "authz access / --state nothing.yaml".to_owned(),
        "authz access / --state blue.yaml".to_owned(),
        "can-i get pods --as jane --manifests orcabank.yaml service.json".to_owned(),
        // Standard input is there once: nothing is taken for empty.
        "authz who-can get pods --state - --manifests - < orcabank.yaml".to_owned(),
        format!("authz simulate --changes - --apply - {state} < blue.yaml"),
        "authz unused - --state - < orcabank.yaml".to_owned(),
    ] {
        let output = desk.shell(&format!("ucp {command}"));
        let error = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(2 | 3)), "{command}: {code:?}\n{error}");
        assert!(!error.is_empty(), "{command} says why");
    }
}

/// The picture opens in a browser: no parser error, every name there, and something to see.
#[test]
fn the_picture_opens_in_a_browser() {
    let desk = Desk::new();
    let output = desk.shell("ucp authz access / --svg access.svg --state orcabank.yaml");
    assert!(output.status.success());
    let browser = |arguments: &[&str]| {
        let profile = desk.file("profile");
        let output = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .arg(format!("file://{}", desk.file("access.svg").display()))
            .env("HOME", desk.dir.path())
            .output();
        output.unwrap_or_else(|error| {
            panic!("this test opens a picture in Chromium: install the package chromium ({error})")
        })
    };
    let shown = browser(&["--dump-dom"]);
    let document = String::from_utf8_lossy(&shown.stdout);
    assert!(!document.contains("parsererror"), "{document}");
    for name in [
        "Access to /",
        "mindi",
        "team:orcabank/payments",
        "Full Control",
        "staging",
    ] {
        assert!(document.contains(name), "{name} is not in {document}");
    }
    let picture = desk.file("access.png");
    browser(&[
        &format!("--screenshot={}", picture.display()),
        "--window-size=1100,600",
    ]);
    let png = std::fs::read(&picture).unwrap();
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((&png[1..4], number(16), number(20)), (&b"PNG"[..], 1100, 600));
    // A blank picture of this size is a few kilobytes.
    assert!(png.len() > 30_000, "{} bytes", png.len());
}
