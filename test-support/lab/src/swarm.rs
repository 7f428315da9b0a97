//! Makes a swarm of the nodes of a lab.

use std::time::Duration;

use crate::error::LabError;
use crate::lab::Lab;
use crate::net::OVERLAY_POOL;
use crate::wait;

/// How long a swarm may take until every node is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// As what a node joins a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Holds the swarm's state.
    Manager,
    /// Runs tasks only.
    Worker,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        }
    }
}

impl Lab {
    /// Puts the first node into swarm mode, and lets the others join, as many as managers as asked. Returns when all are ready.
    ///
    /// # Errors
    /// When a node cannot join, or is not ready in time.
    pub fn form_swarm(&self, managers: usize) -> Result<(), LabError> {
        let first = self.node(1)?;
        let address = first.ip().to_string();
        first.docker(&[
            "swarm",
            "init",
            "--advertise-addr",
            &address,
            "--listen-addr",
            &format!("{address}:2377"),
            "--default-addr-pool",
            OVERLAY_POOL,
            "--default-addr-pool-mask-length",
            "24",
        ])?;
        for number in 2..=self.len() {
            self.join(
                number,
                if number <= managers {
                    Role::Manager
                } else {
                    Role::Worker
                },
            )?;
        }
        self.swarm_ready(self.len(), managers.clamp(1, self.len()))
    }

    /// Lets a node join the swarm of the first.
    ///
    /// # Errors
    /// When it is in a swarm already, or the first node cannot be reached.
    pub fn join(&self, number: usize, role: Role) -> Result<(), LabError> {
        let (first, node) = (self.node(1)?, self.node(number)?);
        let token = first.docker(&["swarm", "join-token", "--quiet", role.word()])?;
        let address = node.ip().to_string();
        node.docker(&[
            "swarm",
            "join",
            "--token",
            &token,
            "--advertise-addr",
            &address,
            "--listen-addr",
            &format!("{address}:2377"),
            &format!("{}:2377", first.ip()),
        ])
        .map(drop)
    }

    /// Waits until the swarm of the first node has this many nodes that are ready, and managers that are reachable.
    ///
    /// # Errors
    /// When that is not so in time.
    pub fn swarm_ready(&self, nodes: usize, managers: usize) -> Result<(), LabError> {
        let first = self.node(1)?;
        let mut last = String::new();
        wait::until(PATIENCE, || {
            last = first
                .docker(&[
                    "node",
                    "ls",
                    "--format",
                    "{{.Hostname}} {{.Status}} {{.ManagerStatus}}",
                ])
                .unwrap_or_else(|error| error.to_string());
            let ready = last.lines().filter(|line| line.contains(" Ready"));
            let up = ready.clone().count();
            let leading = ready
                .filter(|line| line.ends_with("Leader") || line.ends_with("Reachable"))
                .count();
            (up == nodes && leading == managers).then_some(())
        })
        .ok_or_else(|| LabError::InVain {
            what: format!(
                "{nodes} nodes of the swarm are ready, and {managers} managers reachable; last seen:\n{last}"
            ),
            limit: PATIENCE,
            log: String::new(),
        })
    }
}
