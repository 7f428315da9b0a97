//! The OrcaBank states, and short ways to ask about them.

use std::path::Path;

use mke_rbac::Policy;
use mke_rbac::inquiry::{self, Inquiry, InquiryError, Scene};
use mke_rbac::state::World;
use serde_json::Value;

/// The text of a file of conformance cases.
pub(crate) fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/cases");
    std::fs::read_to_string(root.join(name)).unwrap()
}

pub(crate) fn basic() -> World {
    World::parse(&file("swarm-orcabank-basic.yaml"), None).unwrap()
}

pub(crate) fn advanced() -> World {
    World::parse(&file("swarm-orcabank-advanced.yaml"), None).unwrap()
}

/// A world of a few lines, without the frame of the file.
pub(crate) fn world(record: &str) -> World {
    let text = format!(
        "format: rbac-scenarios/1\nworlds:\n  one:\n    {}",
        record.trim().replace('\n', "\n    ")
    );
    World::parse(&text, None).unwrap()
}

/// Asks with a body in JSON.
pub(crate) fn ask<I: Inquiry>(world: &World, body: Value) -> Result<I::Report, InquiryError> {
    let inquiry: I = inquiry::read(body)?;
    inquiry.ask(&Scene::new(world.policy(), world.inventory()))
}

/// The names of all users, sorted.
pub(crate) fn users(policy: &Policy) -> Vec<String> {
    let mut names: Vec<_> = policy.users().map(|user| user.name.clone()).collect();
    names.sort();
    names
}
