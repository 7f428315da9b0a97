//! What a node's state is: one pure function over what the managers know and what the node says of itself (NST rows).
//!
//! The order of its questions is the order of what explains what: a node that nobody hears of is not "being
//! reconfigured", whatever it said last. Nothing is red that merely takes its time (NST-011), and being drained is no
//! fault (SCH-007).

use std::time::Duration;

use mke_core::product::Role;
use mke_core::time::Timestamp;
use serde_json::{Value, json};

use super::message::{Level, Message, heartbeat_hint};
use super::report::{ComponentState, Phase, StoredReport};
use super::swarm::{Availability, SwarmNode, SwarmState, TaskState};

/// How long nobody may hear of a node before that is a heartbeat failure.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// Whether somebody was heard of within [`HEARTBEAT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contact {
    /// Never so far.
    #[default]
    Never,
    /// Yes.
    Alive,
    /// Not any more.
    Lost,
}

/// What managers know of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// What the swarm says.
    pub node: &'a SwarmNode,
    /// The agent's task on it; `None` when there is none, or nobody could be asked.
    pub task: Option<TaskState>,
    /// Whether it is in the inventory.
    pub registered: bool,
    /// Whether its agent is heard of.
    pub contact: Contact,
    /// Whether another node has the same engine id.
    pub twin: bool,
    /// For managers: whether its controller is heard of.
    pub controller: Contact,
    /// How often its controller was lost since somebody keeps watch. Each time it came again.
    pub losses: u32,
}

/// A node's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// What is said.
    pub message: Message,
    /// What to do about it, where there is something.
    pub hint: Option<&'static str>,
}

impl NodeState {
    /// How serious it is.
    pub const fn level(&self) -> Level {
        self.message.level()
    }

    /// The word in `Status.State` of the Engine API: `ready` only when all is well, because that is what clients wait
    /// for. What passes by itself is `unknown`, so that nothing is red that need not be.
    pub const fn engine_word(&self) -> &'static str {
        match self.level() {
            Level::Healthy => "ready",
            Level::Pending => "unknown",
            Level::Error => "down",
        }
    }

    /// The words for `Status` of the Engine API.
    pub fn to_status(&self) -> (Value, Value) {
        (json!(self.engine_word()), json!(self.message.to_string()))
    }

    const fn of(message: Message) -> Self {
        Self { message, hint: None }
    }
}

/// The state of a node.
///
/// ```text
/// lost by the swarm → no Windows manager → twin → drained → agent not running → silent agent → not registered → role changes → reconcile → controller → components
/// ```
pub fn state_of(known: &Known<'_>, stored: Option<&StoredReport>, now: Timestamp) -> NodeState {
    let node = known.node;
    let report = stored.map(|stored| &stored.report);
    if node.is_unreachable() {
        return NodeState::of(Message::Unreachable);
    }
    let silent = || NodeState {
        message: Message::HeartbeatFailure,
        hint: Some(heartbeat_hint(report.map(|report| report.swarm))),
    };
    if node.is_lost() {
        return silent();
    }
    // A connection that broke off comes again elsewhere, unless the agent is silent too. And right after a change of its
    // leader the swarm does not know itself who is there: it finds out within seconds.
    let absent = is_absent(known);
    match node.state {
        SwarmState::Unknown | SwarmState::Disconnected if absent => {
            return NodeState::of(Message::Undetermined);
        }
        SwarmState::Disconnected if known.contact != Contact::Alive => return silent(),
        SwarmState::Unknown if known.contact == Contact::Lost => return NodeState::of(Message::Undetermined),
        _ => {}
    }
    if node.role == Role::Manager && node.os == "windows" {
        return NodeState {
            message: Message::WindowsManager,
            hint: Some("demote it with `docker node demote`: it works on as a worker"),
        };
    }
    if known.twin {
        return NodeState {
            message: Message::DuplicateEngine {
                address: node.address,
            },
            hint: Some(
                "another node has the same engine id: remove /etc/docker/key.json here, with newer engines the file engine-id \
                 in its data directory, and start the engine again",
            ),
        };
    }
    if absent && known.registered && report.is_some_and(|report| report.role == node.role) {
        return match (node.role, known.controller) {
            (Role::Worker, _) | (Role::Manager, Contact::Alive) => NodeState::of(Message::Drained(node.role)),
            (Role::Manager, _) => NodeState::of(Message::NoController),
        };
    }
    if let Some(task) = known.task.filter(|task| *task != TaskState::Running) {
        return NodeState::of(Message::AgentTask(task));
    }
    if known.contact == Contact::Lost {
        // Both beats of a manager go through the store, so that all managers miss them at the same moment.
        return match (node.role, known.controller) {
            (Role::Manager, Contact::Lost) => NodeState::of(Message::Unreachable),
            _ => silent(),
        };
    }
    let Some(stored) = stored.filter(|_| known.registered) else {
        return NodeState::of(Message::CompletingRegistration);
    };
    let message = of_report(known, stored, now);
    let hint = match message {
        Message::NoController if known.losses > 1 => Some(
            "it comes and goes: measure the latency between the managers, and look at the log of ucp-controller there",
        ),
        Message::NoController => Some("look at the log of ucp-controller there"),
        _ => None,
    };
    NodeState { message, hint }
}

/// Whether the agent is away because the node is drained: that takes every task from it, those of agents too. What the node
/// carries runs on, and nobody reconciles it.
fn is_absent(known: &Known<'_>) -> bool {
    let task = match known.task {
        Some(task) => task == TaskState::Running,
        None => known.contact == Contact::Alive,
    };
    known.node.availability == Availability::Drain && !task
}

/// What follows from the report of a node that is heard of.
fn of_report(known: &Known<'_>, stored: &StoredReport, now: Timestamp) -> Message {
    let (node, report) = (known.node, &stored.report);
    match &report.phase {
        Phase::Failed { why, attempts } => {
            return Message::ReconcileFailed {
                why: why.clone(),
                attempts: *attempts,
            };
        }
        Phase::Refused { why } => return Message::Refused { why: why.clone() },
        Phase::Beginning => return Message::Undetermined,
        Phase::Reconciling => return Message::Reconfiguring,
        Phase::Starting | Phase::Waiting | Phase::Settled | Phase::Paused => {}
    }
    match (node.role, report.role) {
        (Role::Manager, Role::Worker) => return Message::ReconfigurationPending,
        (Role::Worker, Role::Manager) => return Message::Reconfiguring,
        (Role::Manager, Role::Manager) | (Role::Worker, Role::Worker) => {}
    }
    match report.phase {
        Phase::Starting => return Message::Undetermined,
        Phase::Waiting if node.role == Role::Manager => return Message::ReconfigurationPending,
        Phase::Waiting => return Message::Reconfiguring,
        _ => {}
    }
    if node.role == Role::Manager && known.controller != Contact::Alive {
        let young = now.since(stored.at) < HEARTBEAT;
        return match known.controller {
            // It was started a moment ago.
            Contact::Never if young => Message::Reconfiguring,
            Contact::Never | Contact::Lost | Contact::Alive => Message::NoController,
        };
    }
    let unwell = report
        .components
        .iter()
        .find(|component| component.state == ComponentState::Unhealthy);
    match (unwell, &report.phase) {
        (Some(component), _) => Message::Unhealthy {
            component: component.name.clone(),
            role: node.role,
        },
        (None, Phase::Paused) => Message::Paused(node.role),
        (None, _) => Message::Healthy(node.role),
    }
}

#[cfg(test)]
mod tests;
