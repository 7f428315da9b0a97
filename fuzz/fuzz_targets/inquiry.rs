//! Questions about a whole policy, as bodies of requests: refused with the field, or answered in JSON and in text. The
//! first byte chooses the question.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mke_rbac::inquiry::{
    self, AccessTo, Diff, Explain, Inquiry, Paths, PolicyTests, Replay, Report as _, Scene, Simulate, Unused,
    WhoCan,
};
use mke_rbac::state::World;
use serde_json::Value;

fn ask<I: Inquiry>(scene: &Scene<'_>, body: Value) {
    let Ok(question) = inquiry::read::<I>(body) else { return };
    let Ok(report) = question.ask(scene) else { return };
    let json = serde_json::to_string(&report).expect("reports can be written");
    serde_json::from_str::<I::Report>(&json).expect("reports can be read again");
    let _ = (report.to_string(), report.image(), report.is_no());
}

fuzz_target!(|input: (u8, &str)| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| {
        let text = include_str!("../../conformance/cases/swarm-defaults.yaml");
        let file = mke_rbac::state::StateFile::parse(text).expect("a file of the project");
        let name = file.worlds.keys().next().cloned();
        World::parse(text, name.as_deref()).expect("a world of the project")
    });
    let (which, text) = input;
    let Ok(mut body) = serde_json::from_str::<Value>(text) else { return };
    let sent = body.as_object_mut().and_then(|fields| fields.remove("inventory"));
    let sent = sent.and_then(|inventory| inquiry::read_inventory(inventory).ok());
    let scene = Scene::new(world.policy(), sent.as_ref().unwrap_or(world.inventory()));
    match which % 9 {
        0 => ask::<AccessTo>(&scene, body),
        1 => ask::<Diff>(&scene, body),
        2 => ask::<Explain>(&scene, body),
        3 => ask::<Paths>(&scene, body),
        4 => ask::<PolicyTests>(&scene, body),
        5 => ask::<Replay>(&scene, body),
        6 => ask::<Simulate>(&scene, body),
        7 => ask::<Unused>(&scene, body),
        _ => ask::<WhoCan>(&scene, body),
    }
});
