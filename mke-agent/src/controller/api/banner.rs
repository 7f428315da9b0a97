//! `/api/banner`: what people who log in must be told. Everybody learns that certificates end and that nodes are not well,
//! administrators also which nodes and why (MON-001).

use std::time::Duration;

use http::StatusCode;
use mke_core::product::Orchestrator;
use serde::Serialize;
use serde_json::json;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::life::{Level, NodeState, SwarmNode};

/// People are told this long before a certificate ends.
const WARN_BEFORE: Duration = Duration::from_secs(90 * 24 * 3600);

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Banner {
    level: Severity,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// It passes, or nothing is broken.
    Warning,
    /// Something is broken until somebody acts.
    Critical,
}

/// The warnings of this moment.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let mut banners = of_certificates(&call);
    // Where no agents are nobody tells how nodes do.
    if let Some(board) = call.state.board.as_deref() {
        let states = board.states(&call.snapshot.roll, call.state.clock.now());
        let swarm = board.swarm().borrow().clone();
        let nodes: Vec<(&SwarmNode, &NodeState)> = swarm
            .nodes
            .iter()
            .filter_map(|node| Some((node, states.get(&node.id)?)))
            .collect();
        banners.extend(of_nodes(&nodes, call.by_administrator()));
    }
    Ok(body::json(StatusCode::OK, &json!(banners)))
}

fn of_certificates(call: &Call) -> Vec<Banner> {
    let now = call.state.clock.now();
    let authorities = &call.state.authorities;
    [
        (
            "client authority",
            authorities.client().not_after(),
            "all client bundles end with it",
        ),
        (
            "server certificate",
            authorities.server_not_after(),
            "clients refuse the server then",
        ),
    ]
    .into_iter()
    .filter(|(_, end, _)| now >= end.minus(WARN_BEFORE))
    .map(|(what, end, why)| Banner {
        level: Severity::Warning,
        message: format!("The {what} ends at {end}: {why}."),
    })
    .collect()
}

fn of_nodes(nodes: &[(&SwarmNode, &NodeState)], administrator: bool) -> Vec<Banner> {
    let of = |level| nodes.iter().filter(move |(_, state)| state.level() == level);
    let (broken, pending) = (of(Level::Error).count(), of(Level::Pending).count());
    let mut banners = Vec::new();
    if broken > 0 {
        banners.push(Banner {
            level: Severity::Critical,
            message: format!("{broken} of {} nodes are not healthy", nodes.len()),
        });
    }
    if pending > 0 {
        banners.push(Banner {
            level: Severity::Warning,
            message: format!("{pending} of {} nodes are being changed", nodes.len()),
        });
    }
    if !administrator {
        return banners;
    }
    for (node, state) in of(Level::Error) {
        let hint = state.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
        banners.push(Banner {
            level: Severity::Critical,
            message: format!("{}: {}{hint}", node.hostname, state.message),
        });
    }
    let mixed = nodes
        .iter()
        .filter(|(node, _)| Orchestrator::of_labels(&node.labels) == Orchestrator::Mixed);
    let mixed: Vec<&str> = mixed.map(|(node, _)| node.hostname.as_str()).collect();
    if !mixed.is_empty() {
        banners.push(Banner {
            level: Severity::Warning,
            message: format!(
                "both orchestrators use {}, which is not meant for production",
                mixed.join(", ")
            ),
        });
    }
    banners
}

#[cfg(test)]
mod tests {
    use mke_core::product::{Role, labels};

    use super::*;
    use crate::life::Message;

    /// MON-001: everybody is told that nodes are not well and how many; which, and why, and what else is to be done only
    /// administrators. Nothing is said of a cluster that is well.
    #[test]
    fn who_is_told_what() {
        let node = |name: &str, mixed: bool| {
            let labels = match mixed {
                true => {
                    json!({ labels::ORCHESTRATOR_SWARM: "true", labels::ORCHESTRATOR_KUBERNETES: "true" })
                }
                false => json!({}),
            };
            SwarmNode::read(&json!({
                "ID": name, "Spec": { "Labels": labels }, "Description": { "Hostname": name },
            }))
            .unwrap()
        };
        let state = |message| NodeState {
            message,
            hint: Some("look there"),
        };
        let nodes = [node("n1", false), node("n2", true), node("n3", false)];
        let healthy = state(Message::Healthy(Role::Worker));
        let (lost, joining) = (
            state(Message::HeartbeatFailure),
            state(Message::CompletingRegistration),
        );
        let told = |states: [&NodeState; 3], administrator| -> Vec<String> {
            let known: Vec<_> = nodes.iter().zip(states).collect();
            let banners = of_nodes(&known, administrator);
            banners.into_iter().map(|banner| banner.message).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(told([&healthy; 3], false), none);
        assert_eq!(told([&healthy; 3], true).len(), 1, "a mixed node");
        let unwell = [&lost, &healthy, &joining];
        assert_eq!(
            told(unwell, false),
            ["1 of 3 nodes are not healthy", "1 of 3 nodes are being changed"]
        );
        assert_eq!(
            told(unwell, true)[2..],
            [
                "n1: heartbeat failure: look there",
                "both orchestrators use n2, which is not meant for production"
            ]
        );
    }
}
