//! Configuration files: refused with problems, or a configuration that is the same when written and read again, and a
//! text that comes back byte for byte. Edits change the key that they name and nothing else, whatever the spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::config::{Config, Document, KeyPath, Value};

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else {
        let problems = Config::parse(text).expect_err("no configuration without a document");
        assert!(problems.0.iter().all(|problem| problem.line <= text.lines().count() + 1));
        return;
    };
    assert_eq!(document.to_string(), text);
    let path: KeyPath = "auth.sessions.lifetime_minutes".parse().expect("a path");
    let mut edited = document.clone();
    if edited.set(&path, &Value::Integer(4_711)).is_ok() {
        assert_eq!(edited.get(&path).as_deref(), Some("4711"));
        assert_eq!(edited.unset(&path), Ok(true));
    }
    let Ok(config) = Config::parse(text) else { return };
    let again = Config::parse(&config.to_toml()).expect("our own file is accepted");
    assert_eq!(again, config);
    assert!(config.diff(&again).is_empty());

    // Two readers of TOML agree: what one found, put back through the other, changes nothing that is said.
    let mut same = document.clone();
    for difference in Config::default().diff(&config) {
        if let Some(value) = &difference.after {
            same.set(&difference.path, value).expect("a value that is there can be set");
        }
    }
    let same = Config::parse(&same.to_string()).expect("values that were accepted are accepted");
    assert_eq!(same, config);

    // An edit of one key is a difference in that key.
    let mut edited = document;
    if edited.set(&path, &Value::Integer(43_199)).is_ok()
        && let Ok(after) = Config::parse(&edited.to_string())
    {
        let differences = config.diff(&after);
        assert!(differences.iter().all(|difference| difference.path == path), "{differences:?}");
    }
});
