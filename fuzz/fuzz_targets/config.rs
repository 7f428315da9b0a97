//! Configuration files: refused with problems, or a configuration that is the same when written and read again, and a
//! text that comes back byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::config::{Config, Document, Value};

fuzz_target!(|text: &str| {
    let Ok(mut document) = Document::parse(text) else {
        assert!(Config::parse(text).is_err(), "no configuration without a document");
        return;
    };
    assert_eq!(document.to_string(), text);
    let path = "auth.sessions.lifetime_minutes".parse().expect("a path");
    if document.set(&path, &Value::Integer(4_711)).is_ok() {
        assert_eq!(document.get(&path).as_deref(), Some("4711"));
        assert_eq!(document.unset(&path), Ok(true));
    }
    let Ok(config) = Config::parse(text) else { return };
    let again = Config::parse(&config.to_toml()).expect("our own file is accepted");
    assert_eq!(again, config);
});
