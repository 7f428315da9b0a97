//! Uploaded public keys (pki-12): refused, or a key that survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::pki::PublicKey;

fuzz_target!(|text: &str| {
    let Ok(key) = PublicKey::from_pem(text) else { return };
    let again = PublicKey::from_pem(&key.pem()).expect("our own PEM is accepted");
    assert_eq!(again.der(), key.der());
});
