//! `ucp auth scim`, and what an independent tester of SCIM servers says of a real control plane.

#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{Server, UCP};

/// Calls `ucp` against a server.
fn ucp(server: &Server, token: &str, args: &[&str]) -> Output {
    Command::new(UCP)
        .args(args)
        .env("MKE_URL", &server.url)
        .env("MKE_TOKEN", token)
        .env("MKE_CA_FILE", server.data().join("ca.pem"))
        .output()
        .unwrap()
}

fn done(server: &Server, token: &str, args: &[&str]) -> String {
    let output = ucp(server, token, args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ucp {args:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The tester from PyPI, in the environment that `cargo xtask test` makes.
fn tester() -> PathBuf {
    // This program lies in TARGET/debug/deps.
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().nth(3).unwrap_or(Path::new("target"));
    let program = target.join("python/bin/scim2");
    assert!(
        program.is_file(),
        "{} is missing: `cargo xtask test` installs it from PyPI (Debian package: python3-venv)",
        program.display()
    );
    program
}

/// SCIM-001: on, a token that is shown once, off.
#[tokio::test]
async fn the_command() {
    let server = Server::start(&[]).await;
    let token = server.login().await;
    assert!(done(&server, &token, &["auth", "scim", "show"]).starts_with("SCIM: off"));
    done(&server, &token, &["auth", "scim", "enable"]);
    let made = done(&server, &token, &["auth", "scim", "token"]);
    assert_eq!(made.len(), 36);
    let shown = done(&server, &token, &["auth", "scim", "show"]);
    assert!(shown.starts_with("SCIM: on") && !shown.contains(&made), "{shown}");
    assert!(shown.contains("/enzi/v0/scim/v2"), "{shown}");
    let users = format!("{}/enzi/v0/scim/v2/Users", server.url);
    let status = async || {
        let answer = server.http().get(&users).bearer_auth(&made).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(status().await, 200);
    done(&server, &token, &["auth", "scim", "disable"]);
    assert_eq!(status().await, 403);
    done(&server, &token, &["auth", "scim", "token", "--remove"]);
    assert_eq!(status().await, 401);
    assert!(
        !ucp(&server, "no-token", &["auth", "scim", "enable"])
            .status
            .success()
    );
}

/// SCIM-003, SCIM-005, SCIM-009, SCIM-010, SCIM-012, SCIM-013, SCIM-015: `scim2-tester` finds no error: discovery,
/// creation, reading, lists, searches, replacement, deletion, and changes of every attribute that is announced.
#[tokio::test(flavor = "multi_thread")]
async fn an_independent_tester_finds_no_error() {
    let server = Server::start(&[]).await;
    let token = server.login().await;
    done(&server, &token, &["auth", "scim", "enable"]);
    let scim = done(&server, &token, &["auth", "scim", "token"]);
    let base = format!("{}/enzi/v0/scim/v2", server.url);
    let tested = tokio::task::spawn_blocking(move || {
        Command::new(tester())
            .args(["--url", &base, "--no-verify", "test"])
            .env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {scim}"))
            .env("NO_COLOR", "1")
            .output()
            .unwrap()
    });
    let tested = tested.await.unwrap();
    let said = String::from_utf8_lossy(&tested.stdout);
    let error = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success(), "{said}\n{error}");
    let verdicts = |verdict: &str| said.lines().filter(|line| line.contains(verdict)).count();
    assert_eq!(
        (verdicts("ERROR"), verdicts("SKIPPED"), verdicts("CRITICAL")),
        (0, 0, 0),
        "{said}"
    );
    // What the tester checks depends on what is announced. Fewer checks would mean that it saw less.
    assert!(verdicts("SUCCESS ") >= 65, "{said}");
}
