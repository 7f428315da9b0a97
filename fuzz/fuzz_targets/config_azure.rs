//! The file `azure.json`: refused with problems that have their places, or taken; never a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::config::AzureConfig;

fuzz_target!(|text: &str| {
    if let Err(problems) = AzureConfig::parse(text) {
        assert!(!problems.0.is_empty());
        assert!(problems.0.iter().all(|problem| problem.line <= text.lines().count() + 1));
    }
});
