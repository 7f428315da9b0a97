//! Facts and proofs for the checker: refused or judged, never a panic or an endless walk, and the same each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_proof::{State, check};

fuzz_target!(|texts: (&str, &str)| {
    let Ok(proof) = serde_json::from_str(texts.1) else { return };
    let Ok(state) = serde_json::from_str::<State>(texts.0) else { return };
    assert_eq!(check(&state, &proof), check(&state, &proof));
});
