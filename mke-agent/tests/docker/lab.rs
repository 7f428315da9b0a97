//! A swarm of several real engines: a manager and workers.

use std::sync::Arc;

use mke_test_support::lab;

use super::engine::Engine;

/// The engines of a swarm. The first is the manager.
pub(crate) struct Lab {
    lab: Arc<lab::Lab>,
    engines: Vec<Engine>,
}

impl Lab {
    /// Starts a manager and workers with these names, all with the image that tests use.
    pub(crate) async fn start(workers: &[&str]) -> Self {
        let names = std::iter::once("manager1").chain(workers.iter().copied());
        let lab = Arc::new(lab::Lab::start(lab::Lab::builder().names(names).swarm(1)));
        let count = workers.len() + 1;
        let engines: Vec<Engine> = (1..=count).map(|number| Engine::of(&lab, number)).collect();
        for engine in &engines {
            engine.build_image();
        }
        Self { lab, engines }
    }

    /// The manager's engine.
    pub(crate) fn manager(&self) -> &Engine {
        &self.engines[0]
    }

    /// The first worker leaves the swarm and joins it again, as a node that nobody knows.
    #[allow(dead_code, reason = "each test crate uses a part of the harness")]
    pub(crate) fn rejoin(&self) {
        self.engines[1].docker(&["swarm", "leave"]);
        self.lab.join(2, lab::Role::Worker);
    }
}
