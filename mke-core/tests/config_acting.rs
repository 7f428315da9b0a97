//! The list of keys that the program acts on is true.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mke_core::config::{ACTING, Config, Effect, acting_topics, find_key, keys, without_effect};

fn repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// Each listed key exists, stands once, is one that running controllers follow, and is read by the code that is
/// named beside it.
#[test]
fn listed_keys_are_read() {
    let mut seen = BTreeSet::new();
    for acting in ACTING.iter().flat_map(|topic| topic.keys) {
        let key = find_key(acting.key).unwrap();
        assert_eq!(key.path(), acting.key);
        assert!(seen.insert(acting.key), "{} stands twice", acting.key);
        assert!(key.is_acted_on());
        assert_eq!(key.effect, Effect::Live, "{}", acting.key);
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

/// The README names exactly what is listed.
#[test]
fn the_readme_names_them() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let readme = words(&repository("README.md"));
    let topics = format!("the control plane acts only on {}.", words(&acting_topics()));
    assert!(readme.contains(&topics), "README.md must say: {topics}");
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
