//! Calls that several nodes carry out: removing and tagging an image or removing a volume where it is, making a volume
//! on every node, cleaning up, counting what is used.
//!
//! It succeeded when one node did it. A node where it failed is named in the log; when all failed, the first refusal is the
//! answer.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use mke_rbac::Permit;
use mke_rbac::engine::{EndpointId, Forward};
use serde_json::Value;

use super::send;
use crate::controller::body::{self, Response, empty};
use crate::controller::error::ApiError;
use crate::engine::EngineError;
use crate::engine::client::{MAX_WHOLE_ANSWER, whole};
use crate::fleet::{Member, merge};

/// Whether a call is one for several nodes.
pub(super) const fn is_for_all(endpoint: EndpointId) -> bool {
    matches!(
        endpoint,
        EndpointId::BuildCancel
            | EndpointId::BuildPrune
            | EndpointId::ImagePrune
            | EndpointId::SystemDiskUsage
    )
}

/// Whether a call is for every node that has its object.
pub(super) const fn is_for_holders(endpoint: EndpointId) -> bool {
    matches!(
        endpoint,
        EndpointId::ImageRemove | EndpointId::ImageTag | EndpointId::VolumeRemove | EndpointId::VolumeCreate
    )
}

/// Sends a call to these nodes, one after the other where order matters to nobody, and makes one answer.
pub(super) async fn run(
    nodes: &[Arc<Member>],
    permit: &Permit,
    endpoint: EndpointId,
    forward: &Forward,
    caller: &HeaderMap,
) -> Result<Response, ApiError> {
    let calls = nodes.iter().map(|member| one(member, permit, forward, caller));
    let answers = futures_util::future::join_all(calls).await;
    let mut good = Vec::new();
    let mut refusal = None;
    for (member, answer) in nodes.iter().zip(answers) {
        match answer {
            Ok((status, bytes)) if status.is_success() => good.push((member, status, bytes)),
            Ok((status, bytes)) => {
                tracing::info!(node = member.name(), %status, "the node refused its part of a call");
                refusal.get_or_insert(Ok((status, bytes)));
            }
            Err(error) => {
                tracing::warn!(node = member.name(), %error, "the node did not do its part of a call");
                refusal.get_or_insert(Err(error));
            }
        }
    }
    let Some((_, status, first)) = good.first() else {
        return match refusal {
            Some(Ok((status, bytes))) => Ok(body::bytes(status, "application/json", bytes)),
            Some(Err(error)) => Err(error),
            None => Err(EngineError::NoNode { nodes: String::new() }.into()),
        };
    };
    let status = *status;
    let values = || {
        good.iter()
            .filter_map(|(_, _, bytes)| serde_json::from_slice::<Value>(bytes).ok())
    };
    let merged = match endpoint {
        EndpointId::ImageRemove => {
            let mut lines: Vec<Value> = Vec::new();
            for line in values().filter_map(|value| value.as_array().cloned()).flatten() {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
            Some(Value::Array(lines))
        }
        EndpointId::BuildPrune | EndpointId::ImagePrune => Some(merge::sums(values())),
        EndpointId::SystemDiskUsage => Some(merge::sums(good.iter().filter_map(|(member, _, bytes)| {
            let mut usage: Value = serde_json::from_slice(bytes).ok()?;
            name_node(&mut usage, &member.name());
            Some(usage)
        }))),
        _ => None,
    };
    match merged {
        Some(value) => Ok(body::json(status, &value)),
        None if first.is_empty() => Ok(body::status(status)),
        None => Ok(body::bytes(status, "application/json", first.clone())),
    }
}

async fn one(
    member: &Arc<Member>,
    permit: &Permit,
    forward: &Forward,
    caller: &HeaderMap,
) -> Result<(StatusCode, bytes::Bytes), ApiError> {
    let response = send::send(member.engine(), permit, forward.clone(), caller, empty()).await?;
    let (mut head, body) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(CONTENT_TYPE);
    let bytes = whole(&forward.path_and_query, body, MAX_WHOLE_ANSWER).await?;
    Ok((head.status, bytes))
}

/// In what is used on a node, containers and volumes carry its name.
fn name_node(usage: &mut Value, node: &str) {
    for volume in usage["Volumes"].as_array_mut().into_iter().flatten() {
        merge::prefix(volume, node);
    }
    for container in usage["Containers"].as_array_mut().into_iter().flatten() {
        for name in container["Names"].as_array_mut().into_iter().flatten() {
            if let Some(text) = name.as_str() {
                *name = Value::from(crate::fleet::container::with_node(node, text));
            }
        }
    }
}
