//! Configuration files: refused with problems, or a configuration that is the same when written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::config::Config;

fuzz_target!(|text: &str| {
    let Ok(config) = Config::parse(text) else { return };
    let again = Config::parse(&config.to_toml()).expect("our own file is accepted");
    assert_eq!(again, config);
});
