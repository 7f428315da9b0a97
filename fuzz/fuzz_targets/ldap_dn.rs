//! Distinguished names from any text, and any text as a value of one: it stays one value below its base.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_auth::ldap::{Dn, MAX_DN_BYTES, account_name, escape_dn_value};

fuzz_target!(|text: &str| {
    if let Ok(dn) = Dn::parse(text) {
        let written = dn.to_string();
        // Bytes that are no text are written with three letters each, which may be longer than a name that is read.
        if written.len() <= MAX_DN_BYTES {
            let again = Dn::parse(&written);
            assert!(again.as_ref() == Ok(&dn), "{dn} became {again:?}");
            assert_eq!(again.unwrap().key(), dn.key());
        }
    }
    let base = Dn::parse("ou=people,dc=example,dc=com").unwrap();
    if let Ok(dn) = Dn::parse(&format!("uid={},ou=people,dc=example,dc=com", escape_dn_value(text))) {
        assert!(dn.is_child_of(&base), "{text:?} became {dn}");
    }
    if let Ok(name) = account_name(text) {
        assert_eq!(account_name(name.as_str()), Ok(name));
    }
});
