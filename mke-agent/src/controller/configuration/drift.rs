//! How far what this controller runs with is from what is stored.
//!
//! Live settings run as the newest view has them. What takes a restart of the controller runs as it was when the
//! controller started, whatever the view says.

use mke_core::config::{CONTROLLER, Config, Difference, Effect};

use super::{ChangeError, Configuration, InForce, Version};

/// What is stored and what runs.
#[derive(Debug, Clone)]
pub struct Drift {
    /// The version in the store.
    pub stored: Version,
    /// The version that this controller follows.
    pub running: Version,
    /// From what runs to what is stored.
    pub differences: Vec<Difference>,
}

impl Configuration {
    /// Compares what is stored with what this controller runs with, of which `running` is the newest view.
    ///
    /// # Errors
    /// When the store does not answer, or its record cannot be read.
    pub async fn drift(&self, running: &InForce) -> Result<Drift, ChangeError> {
        let stored = self.stored().await?;
        Ok(Drift {
            stored: stored.version,
            running: running.version,
            differences: between(&self.started, &running.config, &stored.config),
        })
    }
}

fn between(started: &Config, running: &Config, stored: &Config) -> Vec<Difference> {
    let of_start = |difference: &Difference| match difference.key.effect {
        Effect::Restart(components) | Effect::AllNodes(components) => components.contains(&CONTROLLER),
        Effect::Nothing | Effect::Live | Effect::InstallOnly => false,
    };
    let restarts = started.diff(stored).into_iter().filter(|change| of_start(change));
    let others = running
        .diff(stored)
        .into_iter()
        .filter(|change| !of_start(change));
    restarts.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_waited_for() {
        let started = Config::default();
        let mut stored = started.clone();
        stored.cluster.controller_port = 8443;
        stored.auth.sessions.per_user_limit = 3;
        let keys = |running: &Config| {
            let differences = between(&started, running, &stored);
            let keys = differences.iter().map(|change| change.path.to_string());
            keys.collect::<Vec<_>>()
        };
        let (port, limit) = ("cluster_config.controller_port", "auth.sessions.per_user_limit");
        // The view has everything, and the port still waits.
        assert_eq!(keys(&stored), [port]);
        assert_eq!(keys(&started), [port, limit]);
    }
}
