//! Runs every example and looks at what it shows.

#![cfg(test)]

use std::process::Command;

fn run(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{program} failed\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn embed_policy() {
    let shown = run(env!("CARGO_BIN_EXE_embed-policy"));
    assert!(shown.contains("yes: Service Create"), "{shown}");
    assert!(shown.contains("no:  Container Create {Privileged}"), "{shown}");
    assert!(shown.contains("no:  Service View"), "{shown}");
    assert!(!shown.contains("/Shared/payments\n"), "{shown}");
}

#[test]
fn issue_certificate() {
    let shown = run(env!("CARGO_BIN_EXE_issue-certificate"));
    assert!(
        shown.contains("accepted for mke.example.com and 10.0.0.5"),
        "{shown}"
    );
    assert!(shown.contains("refused for other.example.com"), "{shown}");
}

#[test]
fn drive_api() {
    let shown = run(env!("CARGO_BIN_EXE_drive-api"));
    assert!(shown.contains("jane sees [\"/Shared/web\"]"), "{shown}");
    assert!(shown.contains("403 access denied"), "{shown}");
}
