//! Kubernetes manifests: refused with problems, or roles and bindings that are the same when written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_rbac::kubernetes::Rbac;

fuzz_target!(|text: &str| {
    let Ok(rbac) = Rbac::from_manifests(text) else { return };
    let again = Rbac::from_manifests(&rbac.to_manifests().to_string()).expect("our own manifests are accepted");
    // Bindings without names get some when they are written, so only those with names are compared.
    if rbac.bindings.iter().all(|binding| binding.name.is_some()) {
        assert_eq!(again, rbac);
    }
});
