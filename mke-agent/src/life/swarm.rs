//! What the swarm knows of its nodes and of the agents' tasks on them, read from the Engine API. Pure.
//!
//! Words that are not known are not guessed at: an unknown role is a worker, which may do less, and an unknown state is
//! unknown.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use mke_core::product::Role;
use serde::{Deserialize, Serialize};

/// Whether the swarm hears of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SwarmState {
    /// It does.
    Ready,
    /// Its heartbeats are missing.
    Down,
    /// Its connection broke off.
    Disconnected,
    /// It has not heard of it yet, or is not sure.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What tasks may run on a node (NOD-003).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// No new ones.
    Pause,
    /// None: those that ran moved.
    Drain,
    /// New ones come.
    #[default]
    #[serde(other)]
    Active,
}

/// Whether other managers reach a manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reachability {
    /// They do.
    Reachable,
    /// They do not.
    Unreachable,
    /// Not known.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A manager's part in the swarm's consensus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerStatus {
    /// Whether it leads.
    pub leader: bool,
    /// Whether the others reach it.
    pub reachability: Reachability,
    /// Its address in the swarm, with the port.
    pub address: String,
}

/// A node as the swarm describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmNode {
    /// Swarm's id.
    pub id: String,
    /// How often it was changed: what an update must name.
    pub version: u64,
    /// The name of the machine.
    pub hostname: String,
    /// Where it is reached, as far as the swarm knows.
    pub address: Option<IpAddr>,
    /// `linux` or `windows`.
    pub os: String,
    /// The role that it has been given.
    pub role: Role,
    /// What tasks may run there.
    pub availability: Availability,
    /// Whether the swarm hears of it.
    pub state: SwarmState,
    /// What the swarm says about that.
    pub message: String,
    /// For managers.
    pub manager: Option<ManagerStatus>,
    /// The node's labels.
    pub labels: BTreeMap<String, String>,
    /// The engine's version.
    pub engine_version: String,
}

impl SwarmNode {
    /// Reads one element of `GET /nodes`. `None` when it has no id.
    pub fn read(value: &serde_json::Value) -> Option<Self> {
        let raw = RawNode::deserialize(value).ok()?;
        if raw.id.is_empty() {
            return None;
        }
        let manager = raw.manager_status.map(|status| ManagerStatus {
            leader: status.leader,
            reachability: status.reachability,
            address: status.addr,
        });
        let of_manager = manager.as_ref().and_then(|manager| host_of(&manager.address));
        // A manager that leads knows itself by the address that it listens on, which may be any (`0.0.0.0`).
        let address = raw.status.addr.parse().ok().filter(is_one);
        Some(Self {
            address: of_manager.filter(is_one).or(address),
            id: raw.id,
            version: raw.version.index,
            hostname: raw.description.hostname,
            os: raw.description.platform.os,
            role: if raw.spec.role == "manager" {
                Role::Manager
            } else {
                Role::Worker
            },
            availability: raw.spec.availability,
            state: raw.status.state,
            message: raw.status.message,
            manager,
            labels: raw.spec.labels.unwrap_or_default(),
            engine_version: raw.description.engine.engine_version,
        })
    }

    /// Whether a label stands there with the value `true`.
    pub fn has(&self, label: &str) -> bool {
        self.labels.get(label).is_some_and(|value| value == "true")
    }

    /// Whether the swarm, or for a manager its peers, have lost it. That its connection broke off is not enough: whenever the
    /// swarm gets another leader, all of them do, and come again.
    pub fn is_lost(&self) -> bool {
        self.state == SwarmState::Down || self.is_unreachable()
    }

    /// Whether other managers miss this manager.
    pub fn is_unreachable(&self) -> bool {
        self.manager
            .as_ref()
            .is_some_and(|manager| manager.reachability == Reachability::Unreachable)
    }
}

fn is_one(address: &IpAddr) -> bool {
    !address.is_unspecified()
}

/// The host of `address:port`, with IPv6 in brackets.
fn host_of(address: &str) -> Option<IpAddr> {
    match address.parse::<std::net::SocketAddr>() {
        Ok(address) => Some(address.ip()),
        Err(_) => address.parse().ok(),
    }
}

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Made.
    New,
    /// Waits for resources.
    Pending,
    /// Has a node.
    Assigned,
    /// The node took it.
    Accepted,
    /// The node makes it ready: images are pulled.
    Preparing,
    /// Ready to start.
    Ready,
    /// Starts.
    Starting,
    /// Runs.
    Running,
    /// Ended well.
    Complete,
    /// Was stopped.
    Shutdown,
    /// Ended badly.
    Failed,
    /// The node refused it.
    Rejected,
    /// Will be removed.
    Remove,
    /// Its node has been lost for too long.
    Orphaned,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Shutdown => "shutdown",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Remove => "remove",
            Self::Orphaned => "orphaned",
        })
    }
}

/// The state of the agent's newest task on each node, by node id, from the answer to `GET /tasks` for the agents'
/// services. A task that runs counts before every other one of its node: the others are its past, or the one that will
/// take its place.
pub fn agent_tasks(tasks: &[serde_json::Value]) -> BTreeMap<String, TaskState> {
    let mut newest: BTreeMap<String, (bool, String, TaskState)> = BTreeMap::new();
    for task in tasks {
        let Ok(raw) = RawTask::deserialize(task) else {
            continue;
        };
        let Some(state) = raw.status.state else { continue };
        if raw.node_id.is_empty() {
            continue;
        }
        let rank = (state == TaskState::Running, raw.created_at, state);
        match newest.get_mut(&raw.node_id) {
            Some(known) if (known.0, &known.1) >= (rank.0, &rank.1) => {}
            Some(known) => *known = rank,
            None => {
                newest.insert(raw.node_id, rank);
            }
        }
    }
    newest
        .into_iter()
        .map(|(node, (_, _, state))| (node, state))
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawNode {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    version: RawVersion,
    #[serde(default)]
    spec: RawSpec,
    #[serde(default)]
    description: RawDescription,
    #[serde(default)]
    status: RawStatus,
    manager_status: Option<RawManager>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawVersion {
    index: u64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawSpec {
    role: String,
    availability: Availability,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawDescription {
    hostname: String,
    platform: RawPlatform,
    engine: RawEngine,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPlatform {
    #[serde(rename = "OS")]
    os: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawEngine {
    engine_version: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawStatus {
    state: SwarmState,
    message: String,
    addr: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawManager {
    leader: bool,
    reachability: Reachability,
    addr: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawTask {
    #[serde(rename = "NodeID", default)]
    node_id: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    status: RawTaskStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawTaskStatus {
    state: Option<TaskState>,
}
