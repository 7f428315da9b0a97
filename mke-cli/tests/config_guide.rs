//! Every command of the guide to the configuration, against a real control plane.

#![cfg(test)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{Server, UCP, examples};

/// CFG-001, CFG-002, CFG-003: every command of the guide prints what the guide shows, in the order of the page.
#[tokio::test]
async fn the_guide_tells_the_truth() {
    let server = Server::start(&[]).await;
    let token = server.login().await;
    let desk = tempfile::tempdir().unwrap();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    for entry in std::fs::read_dir(guide.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, desk.path().join(path.file_name().unwrap())).unwrap();
    }
    let page = std::fs::read_to_string(guide.join("configuration.md")).unwrap();
    let examples = examples(&page);
    assert!(examples.len() > 25, "the guide has {} examples", examples.len());
    let programs = Path::new(UCP).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut wrong = Vec::new();
    for (command, shown) in examples {
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(desk.path())
            .env("PATH", &path)
            .env("MKE_URL", &server.url)
            .env("MKE_TOKEN", &token)
            .env("MKE_CA_FILE", server.data().join("ca.pem"))
            .env_remove("MKE_OUTPUT")
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        if printed.trim_end() != shown.trim_end() {
            let said = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!("$ {command}\n{printed}-- and on the side:\n{said}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "the guide shows something else than:\n{}",
        wrong.join("\n")
    );
}
