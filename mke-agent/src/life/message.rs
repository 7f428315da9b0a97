//! What is said about a node: the words of the product, and how serious they are.
//!
//! A message that begins with `[Pending]` passes by itself; every other one but the healthy ones lasts until somebody
//! acts (MON-002). The words are those of the documentation, so that people and programs find them there.

use std::fmt;
use std::net::IpAddr;

use mke_core::product::Role;
use mke_core::product::labels::AGENT_PAUSE;
use serde::{Deserialize, Serialize};

use super::report::LocalSwarm;
use super::swarm::TaskState;

/// What transient messages begin with.
pub const PENDING: &str = "[Pending] ";
/// What messages about a manager's own components begin with.
const CONTROLLER: &str = "Unhealthy MKE Controller: ";

/// How serious a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything runs as it should.
    Healthy,
    /// Something is under way and ends by itself.
    Pending,
    /// Something is wrong until it is resolved.
    Error,
}

/// One thing to say about a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// All components run.
    Healthy(Role),
    /// The same, and the label says that nothing is reconciled.
    Paused(Role),
    /// It is drained, so that its agent has no task either. Its components run on.
    Drained(Role),
    /// It is in the swarm, but not yet in the inventory, or has not said anything yet.
    CompletingRegistration,
    /// No manager has heard of it for ten seconds.
    HeartbeatFailure,
    /// `ucp-reconcile` is at work.
    Reconfiguring,
    /// It should be a manager, and `ucp-reconcile` has not begun.
    ReconfigurationPending,
    /// The task of its agent does not run yet.
    AgentTask(TaskState),
    /// `ucp-reconcile` has just begun.
    Undetermined,
    /// Other managers miss the heartbeats of this manager.
    Unreachable,
    /// The controller of this manager does not answer.
    NoController,
    /// Another node has the same engine id.
    DuplicateEngine {
        /// The node's address.
        address: Option<IpAddr>,
    },
    /// It joined as a manager and runs Windows, on which none can be.
    WindowsManager,
    /// A component runs and says of itself that it is not well.
    Unhealthy {
        /// Its name.
        component: String,
        /// Whether the node is a manager.
        role: Role,
    },
    /// `ucp-reconcile` could not do its work and will try again.
    ReconcileFailed {
        /// What failed, and why.
        why: String,
        /// How often it was tried since it last worked.
        attempts: u32,
    },
    /// What would have to be done must not be done.
    Refused {
        /// Every reason.
        why: String,
    },
}

impl Message {
    /// How serious it is.
    pub const fn level(&self) -> Level {
        match self {
            Self::Healthy(_) | Self::Paused(_) | Self::Drained(_) => Level::Healthy,
            Self::CompletingRegistration
            | Self::Reconfiguring
            | Self::ReconfigurationPending
            | Self::AgentTask(_)
            | Self::Undetermined => Level::Pending,
            Self::HeartbeatFailure
            | Self::Unreachable
            | Self::NoController
            | Self::DuplicateEngine { .. }
            | Self::WindowsManager
            | Self::Unhealthy { .. }
            | Self::ReconcileFailed { .. }
            | Self::Refused { .. } => Level::Error,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.level() == Level::Pending {
            f.write_str(PENDING)?;
        }
        match self {
            Self::Healthy(role) => write!(f, "Healthy MKE {}", word(*role)),
            Self::Paused(role) => write!(
                f,
                "Healthy MKE {}, not reconciled while its label {AGENT_PAUSE} is true",
                word(*role)
            ),
            Self::Drained(role) => write!(
                f,
                "Healthy MKE {}, not reconciled while it is drained",
                word(*role)
            ),
            Self::CompletingRegistration => f.write_str("Completing node registration"),
            Self::HeartbeatFailure => f.write_str("heartbeat failure"),
            Self::Reconfiguring => f.write_str("Node is being reconfigured"),
            Self::ReconfigurationPending => f.write_str("Reconfiguration pending"),
            Self::AgentTask(state) => write!(f, "The ucp-agent task is {state}"),
            Self::Undetermined => f.write_str("Unable to determine node state"),
            Self::Unreachable => write!(f, "{CONTROLLER}node is unreachable"),
            Self::NoController => write!(f, "{CONTROLLER}unable to reach controller"),
            Self::DuplicateEngine { address } => {
                write!(f, "{CONTROLLER}Docker Swarm Cluster: Local node ")?;
                match address {
                    Some(address) => write!(f, "{address}")?,
                    None => f.write_str("without an address")?,
                }
                f.write_str(" has status Pending")
            }
            Self::WindowsManager => {
                f.write_str("a manager cannot run Windows; it was not demoted, do that yourself")
            }
            Self::Unhealthy { component, role } => match role {
                Role::Manager => write!(f, "{CONTROLLER}{component} is unhealthy"),
                Role::Worker => write!(f, "Unhealthy MKE worker: {component} is unhealthy"),
            },
            Self::ReconcileFailed { why, attempts } => {
                write!(f, "Reconfiguration failed {attempts} times, trying again: {why}")
            }
            Self::Refused { why } => write!(f, "Reconfiguration refused: {why}"),
        }
    }
}

/// A role in messages.
const fn word(role: Role) -> &'static str {
    match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    }
}

/// What to look at on a node that no manager hears of, as its own engine last described its part of the swarm
/// (NST-003).
pub const fn heartbeat_hint(local: Option<LocalSwarm>) -> &'static str {
    match local {
        Some(LocalSwarm::Inactive) => {
            "the node left the swarm: join it again, or remove it from the list of nodes"
        }
        Some(LocalSwarm::Pending) => {
            "the engine tries to reach a manager: let TCP port 2377 through from the node to the managers"
        }
        Some(LocalSwarm::Error) => "an error keeps Swarm from starting: look at the log of the node's engine",
        Some(LocalSwarm::Locked) => "the swarm is locked on this node: run `docker swarm unlock` there",
        Some(LocalSwarm::Active) | None => {
            "run `docker info` on the node: `inactive` means that it left the swarm, `pending` that it reaches no manager \
             on TCP port 2377, `error` that Swarm did not start"
        }
    }
}
