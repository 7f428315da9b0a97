//! What agents ask and tell, and what operators read of it.
//!
//! An agent speaks for its own node only: its connection proved that with a certificate of the cluster's authority, whose
//! common name is the node's id.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use mke_core::causes::chain;
use mke_core::product::{Orchestrator, labels};
use mke_core::store::StoreError;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::Call;
use crate::addons::KubeNode;
use crate::agent::node::Sight;
use crate::agent::node::sources::store_members;
use crate::agent::node::turn;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::life::board::Board;
use crate::life::{Report, SwarmNode};
use crate::node::{EngineRuntime, NoMaterial, Preview, Runtime as _, WireSpec};

/// How long an agent waits for something new.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How long looking at a node may take.
const LOOK: Duration = Duration::from_secs(20);

fn board(call: &Call) -> Result<&Board, ApiError> {
    call.state.board.as_deref().ok_or_else(|| {
        ApiError::new(
            Kind::NotFound,
            "this controller is no member of a cluster with agents",
        )
    })
}

/// What one node shall be. With `after` naming the revision that the agent knows, waits for another one; 204 when none came.
pub(super) async fn spec(call: Call) -> Result<Response, ApiError> {
    let board = board(&call)?;
    let after = call.query("after")?.unwrap_or("0");
    let after: u64 = after
        .parse()
        .map_err(|_| ApiError::malformed("after is the number of a revision"))?;
    let until = Instant::now() + LONG_POLL;
    let (mut swarm, mut revision) = (board.swarm(), call.state.revision.clone());
    loop {
        swarm.mark_unchanged();
        revision.mark_unchanged();
        let current = current(&call, board, call.param(0)).await?;
        if let Some(spec) = current.filter(|spec| spec.revision != after) {
            return Ok(body::json(StatusCode::OK, &json!(spec)));
        }
        let happened = async {
            tokio::select! {
                _ = swarm.changed() => {}
                _ = revision.changed() => {}
            }
        };
        if timeout_at(until, happened).await.is_err() {
            return Ok(body::status(StatusCode::NO_CONTENT));
        }
    }
}

async fn current(call: &Call, board: &Board, id: &str) -> Result<Option<WireSpec>, StoreError> {
    let state = &call.state;
    let snapshot = state.snapshot();
    let swarm = board.swarm().borrow().clone();
    let members = store_members(&*state.store).await?;
    let turn = turn::holder(&*state.store).await?;
    let sight = Sight {
        cluster_id: &state.cluster.id,
        version: board.membership.version,
        organisation: &board.membership.organisation,
        config: &snapshot.config,
        nodes: &swarm.nodes,
        roll: &snapshot.roll,
        store_members: members.as_deref(),
        turn: turn.as_ref().map(|(node, _)| node.as_str()),
    };
    Ok(sight.of(id))
}

/// Takes what an agent says of its node; the same again says that it lives.
pub(super) async fn report(call: Call) -> Result<Response, ApiError> {
    let board = board(&call)?;
    let report: Report = serde_json::from_slice(&call.body)
        .map_err(|error| ApiError::malformed(format!("the body is no report: {error}")))?;
    report
        .check()
        .map_err(|error| ApiError::malformed(error.to_string()))?;
    let id = call.param(0);
    if !board.swarm().borrow().has(id) {
        // It may have joined a moment ago. What left the swarm keeps its certificate, and says nothing any more.
        board.refresh(&call.state.engine).await?;
        if !board.swarm().borrow().has(id) {
            return Err(ApiError::new(
                Kind::Forbidden,
                format!("access denied: node {id} is not in the swarm (any more)"),
            ));
        }
    }
    let known = call.snapshot.roll.report(id);
    if known.is_none_or(|known| known.report != report) {
        board.inventory.keep_report(id, report).await?;
    }
    board.inventory.heard_of_node(id).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// The nodes with their states, components and what was last done on each, for operators.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let board = board(&call)?;
    if let Err(error) = board.refresh(&call.state.engine).await {
        tracing::debug!(%error, "nodes are told as they were known before");
    }
    let roll = &call.snapshot.roll;
    let swarm = board.swarm().borrow().clone();
    let states = board.states(roll, call.state.clock.now());
    let nodes: Vec<Value> = swarm
        .nodes
        .iter()
        .map(|node| {
            let state = states.get(&node.id);
            let orchestrator = Orchestrator::of_labels(&node.labels);
            let stored = roll.report(&node.id);
            let report = stored.map(|stored| &stored.report);
            json!({
                "id": node.id,
                "hostname": node.hostname,
                "address": node.address,
                "role": node.role,
                "availability": node.availability,
                "orchestrator": orchestrator,
                "labels": shown_labels(node),
                "warning": warning(orchestrator),
                "state": state.map(|state| state.level()),
                "message": state.map(|state| state.message.to_string()),
                "hint": state.and_then(|state| state.hint),
                "registered_at": roll.node(&node.id).map(|record| record.registered_at),
                "reported_at": stored.map(|stored| stored.at),
                "engine_version": report.map_or(node.engine_version.as_str(), |report| &report.engine_version),
                "agent_version": report.map(|report| &report.agent_version),
                "components": report.map(|report| &report.components),
                "outcomes": report.map(|report| &report.outcomes),
            })
        })
        .collect();
    Ok(body::json(StatusCode::OK, &json!({ "nodes": nodes })))
}

/// Labels as people are shown them: those that say which orchestrator a node has are shown as that (ORC-002).
fn shown_labels(node: &SwarmNode) -> BTreeMap<&str, &str> {
    let hidden = [labels::ORCHESTRATOR_SWARM, labels::ORCHESTRATOR_KUBERNETES];
    node.labels
        .iter()
        .filter(|(key, _)| !hidden.contains(&key.as_str()))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

/// What is not meant for production (ORC-008).
const fn warning(orchestrator: Orchestrator) -> Option<&'static str> {
    match orchestrator {
        Orchestrator::Mixed => Some(
            "both orchestrators use this node, and neither knows what the other one takes: this is not meant for production",
        ),
        Orchestrator::Swarm | Orchestrator::Kubernetes | Orchestrator::None => None,
    }
}

/// What would be done on a node now, for operators: it is looked at through its own engine, and nothing is changed.
pub(super) async fn plan(call: Call) -> Result<Response, ApiError> {
    let board = board(&call)?;
    let named = call.param(0);
    let unknown = || ApiError::new(Kind::NotFound, format!("there is no node {named}"));
    let swarm = board.swarm().borrow().clone();
    let nodes = || swarm.nodes.iter();
    let by_name = || nodes().find(|node| node.hostname == named);
    let node = nodes()
        .find(|node| node.id == named)
        .or_else(by_name)
        .ok_or_else(unknown)?;
    let spec = current(&call, board, &node.id).await?.ok_or_else(|| {
        ApiError::new(
            Kind::NotFound,
            format!("nobody knows yet where node {named} is reached"),
        )
    })?;
    let fleet = &call.state.fleet;
    let engine = match fleet.member(&node.id) {
        Some(member) => member.engine().clone(),
        None if node.id == board.node_id => fleet.local().clone(),
        None => return Err(unknown()),
    };
    let runtime = EngineRuntime::new(engine, &*spec.cluster.cluster_id, NoMaterial);
    let observed = timeout(LOOK, runtime.observe())
        .await
        .map_err(|_| {
            ApiError::new(
                Kind::BadGateway,
                format!("the engine of node {named} does not answer in time"),
            )
        })?
        .map_err(|error| {
            let why = chain(&error);
            ApiError::new(
                Kind::BadGateway,
                format!("node {named} cannot be looked at: {why}"),
            )
        })?;
    let roll = &call.snapshot.roll;
    let known = |node: &SwarmNode| {
        let stored = roll.report(&node.id);
        KubeNode::of(node, stored.map(|stored| stored.report.msr))
    };
    let all: Vec<KubeNode> = nodes().map(known).collect();
    let preview = Preview::of(&spec.cluster, &spec.node, &spec.state, &observed);
    let preview = preview.with_addons(&spec.cluster, &all, None);
    Ok(body::json(StatusCode::OK, &json!(preview)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ORC-002: each label sets a type, both together give mixed, and people are shown the type instead of the labels; ORC-008:
    /// mixed nodes come with a warning, others do not.
    #[test]
    fn orchestrators_as_people_see_them() {
        let (swarm, kubernetes) = (labels::ORCHESTRATOR_SWARM, labels::ORCHESTRATOR_KUBERNETES);
        for (own, word, warns) in [
            (&[swarm][..], "swarm", false),
            (&[kubernetes], "kubernetes", false),
            (&[swarm, kubernetes], "mixed", true),
            (&[], "none", false),
        ] {
            let mut node =
                SwarmNode::read(&json!({ "ID": "n", "Spec": { "Labels": { "team": "a" } } })).unwrap();
            for label in own {
                node.labels.insert((*label).to_owned(), "true".to_owned());
            }
            let orchestrator = Orchestrator::of_labels(&node.labels);
            assert_eq!(json!(orchestrator), word);
            assert_eq!(warning(orchestrator).is_some(), warns, "{word}");
            assert_eq!(json!(shown_labels(&node)), json!({ "team": "a" }));
        }
        let mut node = SwarmNode::read(&json!({ "ID": "n" })).unwrap();
        node.labels.insert(kubernetes.to_owned(), "false".to_owned());
        assert_eq!(Orchestrator::of_labels(&node.labels), Orchestrator::None);
    }
}
