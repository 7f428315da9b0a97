//! The program as scripts see it: the last line, the exit code, and the name of what failed.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

use std::path::Path;
use std::process::Command;

/// Runs the program on one file. Returns its exit code and its output.
fn run(file: &Path) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_mke-conformance");
    let output = Command::new(program).arg(file).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn cases() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases/swarm-defaults.yaml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_last_line_counts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cases.yaml");
    std::fs::write(&file, cases()).unwrap();
    let (code, output) = run(&file);
    assert_eq!(code, Some(0), "{output}");
    let last = output.lines().last().unwrap();
    assert!(
        last.ends_with(" passed, 0 failed") && !last.starts_with('0'),
        "{last}"
    );
}

#[test]
fn a_wrong_expectation_is_named_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cases.yaml");
    std::fs::write(&file, cases().replacen("decision: allow", "decision: deny", 1)).unwrap();
    let (code, output) = run(&file);
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("S083"), "{output}");
    assert!(output.trim_end().ends_with(" passed, 1 failed"), "{output}");
}

#[test]
fn what_is_no_case_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cases.yaml");
    for text in [
        "",
        "format: rbac-scenarios/2\nworlds: {}\nscenarios: []\n",
        "format: [",
        "unknown: 1\n",
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(run(&file).0, Some(2), "{text}");
    }
    assert_eq!(run(&dir.path().join("none.yaml")).0, Some(2));
}
