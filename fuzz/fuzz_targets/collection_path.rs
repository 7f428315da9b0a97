//! Paths of collections and names of accounts: refused, or the same text when written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::names::{AccountName, CollectionPath};

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<CollectionPath>() {
        let again: CollectionPath = path.as_str().parse().expect("a valid path is accepted");
        assert_eq!(again.as_str(), path.as_str());
    }
    if let Ok(name) = text.parse::<AccountName>() {
        assert!(!name.as_str().contains(['/', '\0', '\n']));
    }
});
