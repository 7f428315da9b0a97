//! Gives every node of the swarm a place in the collections, and keeps containers off nodes that their makers may
//! not use.
//!
//! Workers start in `/Shared` and managers in `/System` (R11). A manager that is alone does the work too, so it lies in
//! `/Shared`: see `docs/decisions/0008-single-node-lies-in-shared.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use mke_core::ids::CollectionId;
use mke_rbac::demand::{Home, ObjectKind};
use mke_rbac::engine::answer::labels_of;
use mke_rbac::engine::labels::{ACCESS_LABEL, COLLECTION, home_of};
use mke_rbac::model::builtin;
use mke_rbac::{Placed, Policy};
use serde_json::{Value, json};

use super::caller::Caller;
use crate::controller::body::{empty, full};
use crate::controller::error::{ApiError, Kind};
use crate::controller::node_names;
use crate::controller::state::State;
use crate::engine::{EngineClient, EngineError};

/// Says that Swarm may use a node, which services ask for (R49).
const SWARM_LABEL: &str = "com.docker.ucp.orchestrator.swarm";
/// Says that Kubernetes may use a node.
const KUBERNETES_LABEL: &str = "com.docker.ucp.orchestrator.kubernetes";
/// Rest before the engine is asked again after it failed.
const RETRY_TIME: Duration = Duration::from_secs(5);
/// Nodes change while they are written; each attempt starts from what is stored then.
const ATTEMPTS: usize = 5;

/// Labels every node that has no place yet, or does not say who may use it: such a node is new, and `orchestrator` is
/// the label that it gets. Outside a swarm there is nothing to do.
///
/// # Errors
/// When the engine cannot be asked, or keeps refusing.
async fn ensure_homes(
    engine: &EngineClient,
    policy: &Policy,
    orchestrator: &'static str,
) -> Result<(), EngineError> {
    for attempt in 1.. {
        match label_all(engine, policy, orchestrator).await {
            // Somebody else wrote the node in between.
            Err(EngineError::Refused { message, .. })
                if attempt < ATTEMPTS && message.contains("update out of sequence") => {}
            done => return done,
        }
    }
    Ok(())
}

/// [`ensure_homes`] now and whenever a node comes or changes, for as long as it is polled; the names that the label of
/// this node asks for follow as well.
pub(crate) async fn keep_homes(state: &State) {
    loop {
        if let Err(error) = follow(state).await {
            tracing::warn!(%error, "nodes cannot be given their collections, trying again");
        }
        tokio::time::sleep(RETRY_TIME).await;
    }
}

async fn follow(state: &State) -> Result<(), EngineError> {
    let engine = &state.engine;
    let filters = "/events?filters=%7B%22type%22%3A%5B%22node%22%5D%7D";
    let request = Request::get(filters)
        .body(empty())
        .map_err(|source| EngineError::Unreadable {
            path: filters.to_owned(),
            source: source.into(),
        })?;
    // The stream opens first, so that no node slips in between.
    let mut events = engine.send(request).await?.into_body();
    loop {
        let snapshot = state.snapshot();
        let orchestrator = orchestrator_label(&snapshot.config.scheduling.default_node_orchestrator);
        ensure_homes(engine, &snapshot.policy, orchestrator).await?;
        node_names::refresh(state).await;
        match events.frame().await {
            Some(Ok(_)) => {}
            Some(Err(source)) => {
                return Err(EngineError::Unreadable {
                    path: filters.to_owned(),
                    source,
                });
            }
            None => return Ok(()),
        }
    }
}

/// The label of nodes that an orchestrator may use (ORC-001).
fn orchestrator_label(orchestrator: &str) -> &'static str {
    match orchestrator {
        "kubernetes" => KUBERNETES_LABEL,
        _ => SWARM_LABEL,
    }
}

async fn label_all(
    engine: &EngineClient,
    policy: &Policy,
    orchestrator: &'static str,
) -> Result<(), EngineError> {
    let nodes: Vec<Value> = match engine.get_json("/nodes").await {
        Ok(nodes) => nodes,
        // Not in a swarm, or a worker.
        Err(EngineError::Refused { status, .. }) if status == http::StatusCode::SERVICE_UNAVAILABLE => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for node in &nodes {
        let missing = missing_labels(node, nodes.len() == 1, policy, orchestrator);
        if missing.is_empty() {
            continue;
        }
        let mut spec = node["Spec"].clone();
        let labels = &mut spec["Labels"];
        if !labels.is_object() {
            *labels = json!({});
        }
        for (key, value) in missing {
            labels[key] = Value::String(value);
        }
        let id = node["ID"].as_str().unwrap_or_default();
        let version = &node["Version"]["Index"];
        let path = format!("/nodes/{id}/update?version={version}");
        engine.call("POST", &path, full(spec.to_string())).await?;
        tracing::info!(node = id, "the node has its collection");
    }
    Ok(())
}

/// What a node lacks. One that has a place keeps it.
fn missing_labels(
    node: &Value,
    alone: bool,
    policy: &Policy,
    orchestrator: &'static str,
) -> BTreeMap<String, String> {
    let labels = labels_of(ObjectKind::Node, node);
    let has = |key: &str| labels.is_some_and(|labels| labels.contains_key(key));
    let mut missing = BTreeMap::new();
    if !has(ACCESS_LABEL) && !has(COLLECTION) {
        let manager = node["Spec"]["Role"] == "manager";
        let home = if manager && !alone {
            builtin::SYSTEM
        } else {
            builtin::SHARED
        };
        missing.extend(policy.collection_labels(&CollectionId::new(home)));
    }
    if !has(SWARM_LABEL) && !has(KUBERNETES_LABEL) {
        missing.insert(orchestrator.to_owned(), "true".to_owned());
    }
    missing
}

/// Refuses a container whose maker may not use the node of this engine (SCH-005). Services are placed by the swarm instead,
/// which has the constraint.
pub(super) async fn must_admit(
    engine: &EngineClient,
    caller: &Caller,
    placed: &Placed,
) -> Result<(), ApiError> {
    let Some(schedule) = placed.schedule.as_ref().filter(|_| !caller.admin) else {
        return Ok(());
    };
    let home = local_home(engine, &caller.policy).await?;
    if schedule.admits(&home, &caller.policy) {
        return Ok(());
    }
    let root = caller.policy.collection(schedule.root.as_str()).map_or_else(
        || schedule.root.to_string(),
        |collection| collection.path.to_string(),
    );
    Err(ApiError::new(
        Kind::Conflict,
        format!(
            "could not find any nodes on which the container could be created: it may run on nodes below `{root}`, and none \
             of them takes containers here"
        ),
    ))
}

/// Where the node of this engine lies. Outside a swarm it counts as a single host.
async fn local_home(engine: &EngineClient, policy: &Policy) -> Result<Home, EngineError> {
    let id = engine.node_id().await?;
    if id.is_empty() {
        return Ok(Home::Collection(CollectionId::new(builtin::SHARED)));
    }
    let node: Value = engine.get_json(&format!("/nodes/{id}")).await?;
    Ok(home_of(labels_of(ObjectKind::Node, &node), policy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::model::Model;

    /// R11, R18: where nodes start, and that a node keeps the place that it has.
    #[test]
    fn where_nodes_start() {
        let policy = Policy::compile(Model::with_builtin_collections());
        let place = |role: &str, labels: Value, alone: bool| {
            let node = json!({ "Spec": { "Role": role, "Labels": labels } });
            missing_labels(&node, alone, &policy, SWARM_LABEL).remove(ACCESS_LABEL)
        };
        assert_eq!(place("worker", json!({}), false).as_deref(), Some("/Shared"));
        assert_eq!(place("manager", json!({}), false).as_deref(), Some("/System"));
        assert_eq!(place("manager", json!(null), true).as_deref(), Some("/Shared"));
        assert_eq!(place("manager", json!({ ACCESS_LABEL: "/prod" }), true), None);
    }

    /// R49, ORC-001: a node with a place still learns who may use it, once; what says so already stays.
    #[test]
    fn the_orchestrator_label() {
        let policy = Policy::compile(Model::with_builtin_collections());
        let missing = |labels: Value, orchestrator: &str| {
            let node = json!({ "Spec": { "Role": "worker", "Labels": labels } });
            let missing = missing_labels(&node, false, &policy, orchestrator_label(orchestrator));
            missing.into_keys().collect::<Vec<_>>()
        };
        let placed = || json!({ ACCESS_LABEL: "/Shared" });
        assert_eq!(missing(placed(), "swarm"), [SWARM_LABEL]);
        assert_eq!(missing(placed(), "kubernetes"), [KUBERNETES_LABEL]);
        for (label, value) in [
            (SWARM_LABEL, "true"),
            (SWARM_LABEL, "false"),
            (KUBERNETES_LABEL, "true"),
        ] {
            let mut labels = placed();
            labels[label] = json!(value);
            for orchestrator in ["swarm", "kubernetes"] {
                assert!(
                    missing(labels.clone(), orchestrator).is_empty(),
                    "{label} {orchestrator}"
                );
            }
        }
    }
}
