//! Waiting until a whole cluster is ready: every agent has its task, every node its proxy, every manager a controller that
//! says that it is healthy, and every node the state that `docker node ls` shows as ready.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::daemon::{Daemon, filters};
use super::error::InstallError;
use super::inventory::{Inventory, Node};
use super::ping::{Health, ping};
use super::progress::Progress;
use crate::life::Level;
use crate::programs::nodes::StateList;

/// The port of the proxy that every node has.
const PROXY: u16 = 12376;
/// The container in which is asked how nodes do.
const CONTROLLER: &str = "ucp-controller";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(500);

/// Waits for all nodes that the swarm sees.
///
/// # Errors
/// [`InstallError::TookTooLong`] with each node that is not ready and why.
pub async fn all_nodes(
    daemon: &Daemon,
    port: u16,
    limit: Duration,
    progress: &dyn Progress,
) -> Result<(), InstallError> {
    let end = Instant::now() + limit;
    let mut told = BTreeMap::new();
    loop {
        let mut waiting = not_ready(daemon, port).await?;
        if waiting.is_empty() {
            waiting = not_healthy(daemon).await?;
        }
        if waiting.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            let each = waiting.iter().map(|(node, reason)| format!("{node}: {reason}"));
            return Err(InstallError::TookTooLong {
                what: "making all nodes ready".to_owned(),
                seconds: limit.as_secs(),
                detail: format!(": {}", each.collect::<Vec<_>>().join("; ")),
            });
        }
        if waiting != told {
            for (node, reason) in &waiting {
                progress.info(&format!("Waiting for node {node}: {reason}"));
            }
            told = waiting;
        }
        sleep(LOOK).await;
    }
}

/// Nodes that are not ready, and why.
///
/// # Errors
/// The engine's.
pub async fn not_ready(daemon: &Daemon, port: u16) -> Result<BTreeMap<String, String>, InstallError> {
    let nodes = Inventory::read(daemon, true).await?.nodes;
    let query = filters(&json!({ "desired-state": ["running"] }));
    let tasks = daemon.list(&format!("/tasks?filters={query}")).await?;
    let mut waiting = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.os == "linux") {
        if let Some(reason) = reason(node, &tasks, port).await {
            waiting.insert(node.name.clone(), reason);
        }
    }
    Ok(waiting)
}

/// Nodes that are not healthy, and what is said of them. Asked in the controller of this manager, which sees the store: what
/// it serves about nodes needs a login.
async fn not_healthy(daemon: &Daemon) -> Result<BTreeMap<String, String>, InstallError> {
    let (code, text) = daemon
        .exec(CONTROLLER, &["/bin/ucp-agent", "nodes", "--output", "json"])
        .await?;
    Ok(read(code, &text))
}

/// Reads the answer of `ucp-agent nodes`. Its log may stand before it.
fn read(code: i64, text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().rev();
    let found = lines
        .filter_map(|line| serde_json::from_str::<StateList>(line).ok())
        .next();
    match found {
        Some(list) => list
            .nodes
            .into_iter()
            .filter(|node| node.state != Level::Healthy)
            .map(|node| (node.hostname, node.message))
            .collect(),
        // It may be replaced at this very moment.
        None => [(
            "of this controller".to_owned(),
            format!(
                "the states of the nodes cannot be read (exit code {code}): {}",
                text.trim()
            ),
        )]
        .into(),
    }
}

async fn reason(node: &Node, tasks: &[Value], port: u16) -> Option<String> {
    if !node.ready {
        return Some("the swarm does not see it".to_owned());
    }
    if let Some(reason) = agent(node, tasks) {
        return Some(reason);
    }
    let Ok(address) = node.address.parse::<IpAddr>() else {
        return Some(format!("its address `{}` is none", node.address));
    };
    if !matches!(
        timeout(CONNECT, TcpStream::connect((address, PROXY))).await,
        Ok(Ok(_))
    ) {
        return Some(format!("its proxy does not answer at {address}:{PROXY}"));
    }
    if !node.manager {
        return None;
    }
    match ping(address, port).await {
        Health::Healthy => None,
        Health::Unwell(text) => Some(format!("its controller is not healthy: {text}")),
        Health::Silent(text) => Some(format!("its controller does not answer: {text}")),
    }
}

/// Whether its agent runs.
fn agent(node: &Node, tasks: &[Value]) -> Option<String> {
    let text = |task: &Value, pointer: &str| {
        task.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let kind = if node.manager {
        "--role manager"
    } else {
        "--role worker"
    };
    let of_agent = |task: &&Value| {
        let words = task.pointer("/Spec/ContainerSpec/Args").and_then(Value::as_array);
        let words: Vec<&str> = words.into_iter().flatten().filter_map(Value::as_str).collect();
        words.join(" ").contains(kind)
    };
    let states: Vec<String> = tasks
        .iter()
        .filter(|task| text(task, "/NodeID") == node.id)
        .filter(of_agent)
        .map(|task| text(task, "/Status/State"))
        .collect();
    if states.iter().any(|state| state == "running") {
        return None;
    }
    Some(match states.first() {
        Some(state) => format!("The ucp-agent task is {state}"),
        None => "it has no task of an agent yet".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NST-011, INST-001: an installation has not succeeded while a node is pending; what is said of it is handed on. An answer
    /// that cannot be read is no good news.
    #[test]
    fn only_healthy_nodes_are_ready() {
        let list = |states: &[(&str, &str)]| {
            let nodes: Vec<Value> = states
                .iter()
                .map(|(state, message)| json!({ "id": "i", "hostname": "n1", "role": "manager", "state": state, "message": message }))
                .collect();
            format!("a line of a log\n{}\n", json!({ "nodes": nodes }))
        };
        assert_eq!(
            read(0, &list(&[("healthy", "Healthy MKE manager")])),
            BTreeMap::new()
        );
        let waiting = read(1, &list(&[("pending", "[Pending] Completing node registration")]));
        assert_eq!(waiting["n1"], "[Pending] Completing node registration");
        assert_eq!(read(1, &list(&[("error", "heartbeat failure")])).len(), 1);
        for (code, text) in [(1, ""), (126, "OCI runtime exec failed"), (0, "{}")] {
            assert_eq!(read(code, text).len(), 1, "{text}");
        }
    }
}
