//! Every command of the guide to directories, against a real control plane and a real directory server.

#![cfg(test)]

mod support;

use std::path::Path;

use mke_core::time::Timestamp;
use mke_test_support::{Ldif, Slapd};
use support::{Server, examples, follow_guide};

/// Where the directory of the guide answers.
const SHOWN: &str = "ldap://ldap.example.com";

fn directory() -> Slapd {
    let mut directory = Ldif::domain("dc=example,dc=com");
    let people: Vec<String> = ["alice", "jane", "joe", "kim"]
        .iter()
        .map(|name| directory.person(name, "her secret"))
        .collect();
    directory.person("outsider", "her secret");
    directory.group("platform-users", &people);
    directory.group("platform-admins", &people[..1]);
    directory.group("web", &people[1..2]);
    Slapd::start(&directory)
}

/// Text in which what differs from run to run looks the same: moments, ids, the name of the machine.
fn alike(text: &str) -> String {
    let word = |word: &str| {
        let is_id = word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
        if word.parse::<Timestamp>().is_ok() {
            "MOMENT".to_owned()
        } else if is_id {
            "ID".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| {
        if line.starts_with("worker: ") {
            return "worker: HOST".to_owned();
        }
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// LDAP-012, LDAP-015, LDAP-022: every command of the guide prints what the guide shows, in the order of the page.
#[tokio::test]
async fn the_guide_tells_the_truth() {
    let slapd = directory();
    let server = Server::start(&[]).await;
    let desk = tempfile::tempdir().unwrap();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    let settings = std::fs::read_to_string(guide.join("examples/directory.json")).unwrap();
    let settings = settings.replace(SHOWN, &slapd.url());
    std::fs::write(desk.path().join("directory.json"), settings).unwrap();
    let page = std::fs::read_to_string(guide.join("identity.md")).unwrap();
    let examples = examples(&page);
    assert!(examples.len() > 15, "the guide has {} examples", examples.len());
    let url = slapd.url();
    follow_guide(&server, desk.path(), &examples, |text| {
        alike(&text.replace(&url, SHOWN))
    })
    .await;
}
