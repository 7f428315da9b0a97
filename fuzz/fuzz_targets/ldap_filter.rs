//! Filters from any text, and any text as a value: what is read is written as itself, and a value never becomes more than one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_auth::ldap::{Filter, escape_filter_value};

fuzz_target!(|text: &str| {
    if let Ok(filter) = Filter::parse(text) {
        let again = Filter::parse(&filter.to_string());
        assert!(again.as_ref() == Ok(&filter), "{filter} became {again:?}");
    }
    let built = Filter::equals("uid", text.as_bytes());
    let read = Filter::parse(&format!("(uid={})", escape_filter_value(text)));
    assert!(read.is_err() || read.as_ref() == Ok(&built), "{text:?} became {read:?}");
});
