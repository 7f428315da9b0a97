//! What the engines say about themselves as one: sums, and the state of each node (DAPI-004, DAPI-009).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use mke_rbac::demand::ObjectKind;
use serde_json::{Value, json};

use super::ask::{self, Gathered};
use super::{Member, Presence};
use crate::engine::EngineError;

/// How long a node may take to describe itself.
const INFO_TIME: Duration = Duration::from_secs(3);
/// What is added up over all nodes.
const SUMS: [&str; 6] = [
    "Containers",
    "ContainersRunning",
    "ContainersPaused",
    "ContainersStopped",
    "NCPU",
    "MemTotal",
];

/// What one node says about itself.
#[derive(Debug)]
pub struct NodeInfo {
    info: Value,
    images: Vec<String>,
}

/// Asks every node.
pub async fn ask(members: &[Arc<Member>]) -> Gathered<NodeInfo> {
    ask::each(members.iter().cloned(), INFO_TIME, |member| async move {
        let images = member.objects(ObjectKind::Image).await?;
        Ok(NodeInfo {
            info: member.engine().get_json("/info").await?,
            images: images.iter().map(|image| image.id.clone()).collect(),
        })
    })
    .await
}

/// The cluster as one engine: the description of the local one with the sums of all.
///
/// # Errors
/// When no node answers.
pub fn merged(
    all: Gathered<NodeInfo>,
    members: &[Arc<Member>],
    strategy: &str,
    administrator: bool,
    shown: &dyn Fn(&Member) -> bool,
) -> Result<Value, EngineError> {
    let all = all.any()?;
    let local = all
        .answers
        .iter()
        .find(|(member, _)| member.is_local())
        .or(all.answers.first());
    let mut info = local.map(|(_, node)| node.info.clone()).unwrap_or_default();
    for field in SUMS {
        let sum: i64 = all
            .answers
            .iter()
            .map(|(_, node)| node.info[field].as_i64().unwrap_or(0))
            .sum();
        info[field] = json!(sum);
    }
    let images: HashSet<&String> = all.answers.iter().flat_map(|(_, node)| &node.images).collect();
    info["Images"] = json!(images.len());
    let mut rows = vec![
        json!(["Role", "primary"]),
        json!(["Strategy", strategy]),
        json!(["Nodes", members.len().to_string()]),
    ];
    for member in members.iter().filter(|member| shown(member)) {
        let node = all.answers.iter().find(|(other, _)| other.id() == member.id());
        rows.extend(of_node(member, node.map(|(_, node)| &node.info), administrator));
    }
    info["SystemStatus"] = Value::Array(rows);
    Ok(info)
}

/// The rows about one node. How many containers it has, and the labels of its engine, are for administrators.
fn of_node(member: &Member, info: Option<&Value>, administrator: bool) -> Vec<Value> {
    let facts = member.facts();
    let address = facts
        .address
        .map(|address| address.to_string())
        .unwrap_or_default();
    let status = match (member.presence(), info) {
        (Presence::Silent, _) | (_, None) => "Unhealthy",
        _ => "Healthy",
    };
    let count = |field: &str| info.map_or(0, |info| info[field].as_i64().unwrap_or(0));
    let labels: Vec<String> = facts
        .engine_labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let row = |key: &str, value: String| json!([format!("  └ {key}"), value]);
    let mut rows = vec![
        json!([format!(" {}", facts.name), address]),
        row("ID", facts.id.clone()),
        row("Status", status.to_owned()),
        row("CPUs", (facts.nano_cpus / 1_000_000_000).to_string()),
        row("Memory", format!("{} MiB", facts.memory_bytes / (1024 * 1024))),
        row("ServerVersion", facts.engine_version.clone()),
    ];
    if administrator {
        let containers = format!(
            "{} ({} Running, {} Paused, {} Stopped)",
            count("Containers"),
            count("ContainersRunning"),
            count("ContainersPaused"),
            count("ContainersStopped")
        );
        rows.push(row("Containers", containers));
        rows.push(row("Labels", labels.join(", ")));
    }
    rows
}
