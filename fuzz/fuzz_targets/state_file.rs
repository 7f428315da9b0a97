//! State files: refused with problems, or worlds that can be asked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_rbac::state::{StateFile, World};

fuzz_target!(|text: &str| {
    let _ = StateFile::parse(text);
    if let Ok(world) = World::parse(text, None) {
        let _ = world.policy().to_model();
    }
});
