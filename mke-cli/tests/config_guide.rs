//! Every command of the guide to the configuration, against a real control plane.

#![cfg(test)]

mod support;

use std::path::Path;

use support::{Server, examples, follow_guide};

/// CFG-001, CFG-002, CFG-003: every command of the guide prints what the guide shows, in the order of the page.
#[tokio::test]
async fn the_guide_tells_the_truth() {
    let server = Server::start(&[]).await;
    let desk = tempfile::tempdir().unwrap();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    for entry in std::fs::read_dir(guide.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, desk.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let page = std::fs::read_to_string(guide.join("configuration.md")).unwrap();
    let examples = examples(&page);
    assert!(examples.len() > 25, "the guide has {} examples", examples.len());
    follow_guide(&server, desk.path(), &examples, |text| text.trim_end().to_owned()).await;
}
