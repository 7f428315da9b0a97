//! `ucp proof`: an explanation is checked against the facts of the state that it was made from.

#![cfg(test)]

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

const STATE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../conformance/cases/swarm-orcabank-basic.yaml"
);

/// Runs the command and gives its exit code with what it printed.
fn ucp(words: &[&str]) -> (ExitCode, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("ucp").chain(words.iter().copied());
    let code = mke_cli::run(args.map(Into::into), &mut out, &mut err);
    (
        code,
        String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap(),
    )
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// An auditor accepts a true explanation of an allow and of a denial, and refuses both when anything in
/// them was changed.
#[test]
fn an_auditor_checks_explanations() {
    let directory = tempfile::tempdir().unwrap();
    let (code, facts) = ucp(&["proof", "facts", "--state", STATE]);
    assert_eq!(code, ExitCode::SUCCESS, "{facts}");
    let facts = write(directory.path(), "facts.json", &facts);
    for (user, collection, allowed) in [
        ("mindi", "/Shared/mobile", true),
        ("mindi", "/Shared/payments", false),
    ] {
        let asked = [
            "Service Create",
            "--collection",
            collection,
            "--user",
            user,
            "--state",
            STATE,
        ];
        let (_, explained) = ucp(&[&["--output", "json", "authz", "explain"], &asked[..]].concat());
        let explanation = write(directory.path(), "explanation.json", &explained);
        let (code, text) = ucp(&["proof", "check", "--state", &facts, &explanation]);
        assert_eq!(code, ExitCode::SUCCESS, "{text}");
        let answer = if allowed { "allow" } else { "deny" };
        assert!(
            text.starts_with(&format!("the proof holds: {answer}\n")),
            "{text}"
        );

        let mut forged: Value = serde_json::from_str(&explained).unwrap();
        let checks = forged.pointer_mut("/proof/swarm/checks/0/collection").unwrap();
        *checks = "system".into();
        let forged = write(directory.path(), "forged.json", &forged.to_string());
        let (code, text) = ucp(&["--output", "json", "proof", "check", "--state", &facts, &forged]);
        assert_eq!(code, ExitCode::from(1), "{text}");
        assert!(text.contains("\"holds\": false"), "{text}");
    }
    let (code, text) = ucp(&["proof", "check", "--state", STATE, &facts]);
    assert_eq!(code, ExitCode::from(2), "{text}");
}
