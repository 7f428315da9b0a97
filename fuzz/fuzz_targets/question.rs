//! Questions in JSON, asked of a fresh cluster: refused, or answered.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mke_rbac::question::Question;
use mke_rbac::state::World;

fuzz_target!(|text: &str| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let text = include_str!("../../conformance/cases/swarm-defaults.yaml");
        let file = mke_rbac::state::StateFile::parse(text).expect("a file of the project");
        let name = file.worlds.keys().next().cloned();
        World::parse(text, name.as_deref()).expect("a world of the project")
    });
    let Ok(question) = serde_json::from_str::<Question>(text) else { return };
    let answer = world.answer(&question);
    serde_json::to_string(&answer).expect("answers can be written");
});
