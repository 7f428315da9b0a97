//! Generated files: what is not edited stays byte for byte, and an edit is one difference.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod config_support;

use config_support::generate;
use mke_core::config::{Config, Document, KeyPath, ReadOptions, Value};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// CFG-001: a valid file, however it is written, comes back byte for byte when nothing changed, also after every
    /// value was set to what it is; what is read survives writing and reading.
    #[test]
    fn nothing_changed(seed: u64) {
        let generate::File { text, given } = generate::file(seed);
        let config = Config::parse(&text).unwrap_or_else(|problems| panic!("{text}: {problems}"));
        let mut document = Document::parse(&text).unwrap();
        prop_assert_eq!(document.to_string(), text.as_str());
        prop_assert_eq!(&document.read(&ReadOptions::default()).unwrap().value, &config);
        for (path, _) in &given {
            let path: KeyPath = path.parse().unwrap();
            let value = config.get(&path);
            let value = value.unwrap_or_else(|| panic!("{text}: no {path}"));
            prop_assert!(!document.set(&path, &value).unwrap(), "{}: {}", text, path);
        }
        prop_assert_eq!(document.to_string(), text.as_str());
        // Setting values, also those of rows that the file leaves out, changes nothing that is said.
        for difference in Config::default().diff(&config).iter().take(12) {
            document.set(&difference.path, difference.after.as_ref().unwrap()).unwrap();
        }
        prop_assert_eq!(&Config::parse(&document.to_string()).unwrap(), &config);
        prop_assert_eq!(Config::parse(&config.to_toml()).unwrap(), config.clone());
        let stored = serde_json::to_string(&config).unwrap();
        prop_assert_eq!(serde_json::from_str::<Config>(&stored).unwrap(), config);
    }

    /// CFG-001: after one edit everything else is as it was, to the byte; the value that was there is the only thing that
    /// is gone.
    #[test]
    fn one_edit(seed: u64, chosen in any::<prop::sample::Index>()) {
        let generate::File { text, given } = generate::file(seed);
        prop_assume!(!given.is_empty());
        let (name, literal) = &given[chosen.index(given.len())];
        let path: KeyPath = name.parse().unwrap();
        let mut document = Document::parse(&text).unwrap();
        prop_assert_eq!(document.get(&path), Some(literal.clone()));
        document.set(&path, &Value::Text("EDITED".into())).unwrap();
        let edited = document.to_string();
        let (before, after) = edited.split_once("\"EDITED\"").unwrap();
        prop_assert!(text.starts_with(before) && text.ends_with(after));
        prop_assert_eq!(&text[before.len()..text.len() - after.len()], literal.as_str());
    }

    /// CFG-001: what is taken out is gone, and nothing else of what the file says is different.
    #[test]
    fn one_removal(seed: u64, chosen in any::<prop::sample::Index>()) {
        let generate::File { text, given } = generate::file(seed);
        prop_assume!(!given.is_empty());
        let (name, _) = &given[chosen.index(given.len())];
        let path: KeyPath = name.parse().unwrap();
        let before = Config::parse(&text).unwrap();
        let mut document = Document::parse(&text).unwrap();
        prop_assert!(document.unset(&path).unwrap(), "{}: {}", text, path);
        prop_assert_eq!(document.get(&path), None);
        // What a row or a rule needs cannot be taken out of a valid file; then the mistake is about that.
        match Config::parse(&document.to_string()) {
            Ok(after) => {
                for difference in before.diff(&after) {
                    prop_assert_eq!(&difference.path, &path, "{}", text);
                }
            }
            Err(problems) => prop_assert!(problems.0.iter().all(|problem| &problem.key == name), "{}: {}", text, problems),
        }
    }
}
