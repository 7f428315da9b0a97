//! What a controller of a cluster knows of the nodes at the moment: the swarm's list, the agents' tasks, and the states that
//! follow with what the store says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mke_core::product::{ProductVersion, labels};
use mke_core::time::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::roll::Roll;
use super::state::{NodeState, state_of};
use super::swarm::{SwarmNode, TaskState, agent_tasks};
use super::{Inventory, Level};
use crate::engine::{EngineClient, EngineError};
use crate::mtls::{Credentials, MtlsError};

/// Rest before the controller of a manager says again that it lives when the store did not take it; else it does so every
/// [`STEP`](crate::steps::STEP).
pub const BEAT_AGAIN: Duration = Duration::from_secs(1);
/// How often nodes are looked at again while not all of them are healthy: tasks change without an event.
pub const GLANCE: Duration = Duration::from_secs(2);

/// What makes a controller the member of a cluster with agents.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Directory with the certificate of this node.
    pub node_certs: PathBuf,
    /// The version of this controller.
    pub version: ProductVersion,
    /// Where images come from.
    pub organisation: String,
}

/// The swarm at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swarm {
    /// Its nodes.
    pub nodes: Vec<SwarmNode>,
    /// The state of the agent's newest task on each node.
    pub tasks: BTreeMap<String, TaskState>,
}

impl Swarm {
    /// What the engine of a manager says now.
    ///
    /// # Errors
    /// The engine's.
    pub async fn read(engine: &EngineClient) -> Result<Self, EngineError> {
        let nodes: Vec<Value> = engine.get_json("/nodes").await?;
        // By label: the engine refuses a filter that names a service that is not there, and one generation never is.
        let filter = json!({ "label": [labels::INSTANCE_ID] });
        let path = format!(
            "/tasks?filters={}",
            crate::engine::lookup::escaped(&filter.to_string())
        );
        let mut tasks: Vec<Value> = engine.get_json(&path).await?;
        tasks.retain(is_of_agent);
        Ok(Self {
            nodes: nodes.iter().filter_map(SwarmNode::read).collect(),
            tasks: agent_tasks(&tasks),
        })
    }

    /// The state of every node, by id.
    pub fn states(&self, roll: &Roll, now: Timestamp) -> BTreeMap<String, NodeState> {
        let state = |node: &SwarmNode| {
            let known = roll.known(node, self.tasks.get(&node.id).copied());
            state_of(&known, roll.report(&node.id).map(|report| &**report), now)
        };
        self.nodes
            .iter()
            .map(|node| (node.id.clone(), state(node)))
            .collect()
    }

    /// Whether it has a node.
    pub fn has(&self, id: &str) -> bool {
        self.nodes.iter().any(|node| node.id == id)
    }
}

/// See the module.
pub struct Board {
    /// What the controller was told.
    pub membership: Membership,
    /// The certificate of this node.
    pub credentials: Arc<Credentials>,
    /// Swarm's id of this node.
    pub node_id: String,
    /// Writes what agents say.
    pub inventory: Inventory,
    swarm: watch::Sender<Arc<Swarm>>,
    /// Why the store did not take the last sign of life of this controller.
    silenced: Mutex<Option<String>>,
    said: Mutex<BTreeMap<String, NodeState>>,
    /// What writers were last told of managers that are missing, and when that was found out.
    pub(crate) missing: tokio::sync::Mutex<Option<(tokio::time::Instant, Option<String>)>>,
}

/// Whether a task is that of a node's agent, not of another service of the product.
fn is_of_agent(task: &Value) -> bool {
    let program = task.pointer("/Spec/ContainerSpec/Args/0");
    program.and_then(Value::as_str) == Some("agent")
}

impl Board {
    /// A board of this node; it knows nothing before [`Self::refresh`].
    ///
    /// # Errors
    /// When the certificate of the node cannot be used.
    pub fn new(membership: Membership, inventory: Inventory) -> Result<Self, MtlsError> {
        let credentials = Arc::new(Credentials::open(&membership.node_certs)?);
        let node_id = credentials.current().material.holder().common_name.clone();
        Ok(Self {
            membership,
            credentials,
            node_id,
            inventory,
            swarm: watch::Sender::default(),
            silenced: Mutex::default(),
            said: Mutex::default(),
            missing: tokio::sync::Mutex::default(),
        })
    }

    /// The swarm as it was last seen; the receiver wakes up when it is another.
    pub fn swarm(&self) -> watch::Receiver<Arc<Swarm>> {
        self.swarm.subscribe()
    }

    /// Looks at the swarm.
    ///
    /// # Errors
    /// The engine's; what was known stays.
    pub async fn refresh(&self, engine: &EngineClient) -> Result<(), EngineError> {
        let seen = Swarm::read(engine).await?;
        self.swarm.send_if_modified(|known| {
            let changed = **known != seen;
            if changed {
                *known = Arc::new(seen);
            }
            changed
        });
        Ok(())
    }

    /// The state of every node that the swarm was last seen to have.
    pub fn states(&self, roll: &Roll, now: Timestamp) -> BTreeMap<String, NodeState> {
        let swarm = self.swarm.borrow().clone();
        swarm.states(roll, now)
    }

    /// Writes states that changed to the log (NST-001). Says whether all nodes are healthy.
    pub fn say(&self, states: BTreeMap<String, NodeState>) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, state) in &states {
            if said.get(id) == Some(state) {
                continue;
            }
            let message = state.message.to_string();
            match state.level() {
                Level::Healthy | Level::Pending => {
                    tracing::info!(node = id, message, "the state of a node changed")
                }
                Level::Error => tracing::warn!(
                    node = id,
                    message,
                    hint = state.hint,
                    "the state of a node changed"
                ),
            }
        }
        for id in said.keys().filter(|id| !states.contains_key(*id)) {
            tracing::info!(node = id, "a node left the swarm");
        }
        let healthy = states.values().all(|state| state.level() == Level::Healthy);
        *said = states;
        healthy
    }

    /// Notes whether the store took the sign of life of this controller; else why not.
    pub fn note_beat(&self, refused: Option<String>) {
        *self.silenced.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// Whether the components of this manager work (MON-004); else why they do not. A manager whose store takes no writes
    /// does not: what it knows grows old, and whoever distributes requests must send them to another one.
    ///
    /// # Errors
    /// What is wrong, for administrators.
    pub fn own_health(&self, roll: &Roll, now: Timestamp) -> Result<(), String> {
        if let Some(why) = &*self.silenced.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(format!("the store of this manager takes no writes: {why}"));
        }
        if let Some(state) = self.states(roll, now).get(&self.node_id)
            && state.level() == Level::Error
        {
            return Err(match state.hint {
                Some(hint) => format!("{}: {hint}", state.message),
                None => state.message.to_string(),
            });
        }
        let Some(stored) = roll.report(&self.node_id) else {
            return Err("the agent of this node has not said anything yet".to_owned());
        };
        match stored.report.unwell() {
            Some(component) => Err(format!("{} is {}", component.name, component.state)),
            None => Ok(()),
        }
    }
}

/// Writes states into the engine's description of nodes: one of them, or a list (NST-001, MON-002).
pub fn dress(answer: &mut Value, states: &BTreeMap<String, NodeState>) {
    match answer {
        Value::Array(nodes) => nodes.iter_mut().for_each(|node| dress(node, states)),
        Value::Object(node) => {
            let state = node
                .get("ID")
                .and_then(Value::as_str)
                .and_then(|id| states.get(id));
            if let Some(state) = state
                && let Some(status) = node.get_mut("Status").and_then(Value::as_object_mut)
            {
                let (word, message) = state.to_status();
                status.insert("State".to_owned(), word);
                status.insert("Message".to_owned(), message);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Message;
    use mke_core::product::Role;

    /// MON-002: clients that list nodes read the product's states; what nobody knows a state of stays as it is.
    #[test]
    fn lists_and_single_nodes() {
        let state = |message| NodeState { message, hint: None };
        let states = [
            ("a".to_owned(), state(Message::Healthy(Role::Worker))),
            ("b".to_owned(), state(Message::Reconfiguring)),
            ("c".to_owned(), state(Message::HeartbeatFailure)),
        ]
        .into();
        let node =
            |id: &str, word: &str| json!({ "ID": id, "Status": { "State": word, "Addr": "10.0.0.1" } });
        let mut list = json!([
            node("a", "down"),
            node("b", "ready"),
            node("c", "ready"),
            node("d", "ready")
        ]);
        dress(&mut list, &states);
        let words: Vec<_> = (0..4)
            .map(|place| list[place]["Status"]["State"].clone())
            .collect();
        assert_eq!(words, ["ready", "unknown", "down", "ready"]);
        assert_eq!(
            list[1]["Status"]["Message"],
            "[Pending] Node is being reconfigured"
        );
        assert_eq!(list[2]["Status"]["Addr"], "10.0.0.1");
        assert_eq!(list[3], node("d", "ready"));
        let mut one = node("c", "ready");
        dress(&mut one, &states);
        assert_eq!(one["Status"]["Message"], "heartbeat failure");
        let mut odd = json!("text");
        dress(&mut odd, &states);
        assert_eq!(odd, json!("text"));
    }
}
