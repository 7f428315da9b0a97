//! Certificates from outside: PEM with anything in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_core::pki::{PublicKey, parse_certificates};

fuzz_target!(|text: &str| {
    let Ok(certificates) = parse_certificates(text) else { return };
    for certificate in &certificates {
        let _ = PublicKey::of_certificate(certificate);
    }
});
