//! The list of keys that the program acts on is true.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mke_core::config::{ACTING, Config, Effect, acting_topics, find_key, keys, without_effect};

fn repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Each listed key exists, stands once, is one that running controllers or agents follow, and is read by the code that is
/// named beside it.
#[test]
fn listed_keys_are_read() {
    let mut seen = BTreeSet::new();
    for acting in ACTING.iter().flat_map(|topic| topic.keys) {
        let key = find_key(acting.key).unwrap();
        assert_eq!(key.path(), acting.key);
        assert!(seen.insert(acting.key), "{} stands twice", acting.key);
        assert!(key.is_acted_on());
        assert!(
            matches!(
                key.effect,
                Effect::Live | Effect::Restart(_) | Effect::AllNodes(_)
            ),
            "{}",
            acting.key
        );
        let text = repository(acting.file);
        let code = text
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.starts_with("//"));
        let code: String = code.collect();
        assert!(
            code.contains(acting.reads),
            "{} does not say `{}`, by which it is to read {}",
            acting.file,
            acting.reads,
            acting.key
        );
    }
    assert!(keys().iter().any(|key| !key.is_acted_on()));
}

/// The README names exactly what is listed. `MKE_UPDATE_DOCS=1` writes it.
#[test]
fn the_readme_names_them() {
    const BEGIN: &str = "the control plane acts only on\n";
    let readme = repository("README.md");
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (named, after) = rest.split_once('.').unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if std::env::var_os("MKE_UPDATE_DOCS").is_some() {
        let mut lines = vec![String::new()];
        for word in acting_topics().split(' ') {
            if lines.last().unwrap().len() + word.len() > 115 {
                lines.push(String::new());
            }
            let line = lines.last_mut().unwrap();
            let gap = if line.is_empty() { "" } else { " " };
            line.push_str(&format!("{gap}{word}"));
        }
        let text = format!("{before}{BEGIN}{}.{after}", lines.join("\n"));
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"), text).unwrap();
        return;
    }
    assert_eq!(
        words(named),
        acting_topics(),
        "README.md is stale: MKE_UPDATE_DOCS=1 cargo test -p mke-core --test config_acting"
    );
}

/// Of a set of changes, those are named that nothing acts on.
#[test]
fn changes_without_effect() {
    let before = Config::default();
    let mut after = before.clone();
    after.auth.sessions.lifetime_minutes = 61;
    after.cluster.kubelet.kubelet_max_pods = 111;
    assert_eq!(
        without_effect(&before.diff(&after)),
        ["cluster_config.kubelet_max_pods"]
    );
}
