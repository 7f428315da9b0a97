//! Files of assertions about a policy: refused with the field, or run with a report for people and one for pipelines.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mke_rbac::inquiry::{Inquiry as _, PolicyTests, Scene};
use mke_rbac::state::World;

fuzz_target!(|text: &str| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let text = include_str!("../../conformance/cases/swarm-defaults.yaml");
        let file = mke_rbac::state::StateFile::parse(text).expect("a file of the project");
        let name = file.worlds.keys().next().cloned();
        World::parse(text, name.as_deref()).expect("a world of the project")
    });
    let Ok(tests) = PolicyTests::parse(text) else { return };
    let scene = Scene::new(world.policy(), world.inventory());
    let report = tests.ask(&scene).expect("a file that was read can be run");
    assert_eq!(report.tests.len(), tests.tests.len());
    assert_eq!(report.passed + report.failed + report.errors, tests.tests.len());
    // XML knows no control characters but these three.
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}');
    assert!(report.junit().chars().all(allowed), "{:?}", report.junit());
    let _ = report.to_string();
});
