//! Any target and method: refused, or a path that means the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_rbac::engine::{normalize, route};

fuzz_target!(|input: (&str, &str)| {
    let (method, target) = input;
    let Ok(target) = normalize(target) else { return };
    let path = target.path();
    // What is forwarded must not be read differently by the next parser (proxy-02).
    let again = normalize(&path).expect("a normal path is accepted");
    assert_eq!(again.path(), path, "normalising twice changes nothing");
    let _ = route(method, &target);
});
