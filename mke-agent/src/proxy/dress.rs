//! Answers about one object of a node, as the cluster shows them: a container says on which node it is, networks and
//! volumes carry the node before their names.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use mke_rbac::demand::ObjectKind;
use mke_rbac::engine::{AnswerKind, EndpointId};
use serde_json::{Value, json};

use crate::controller::body::{Body, full};
use crate::controller::error::ApiError;
use crate::engine::client::{MAX_WHOLE_ANSWER, whole};
use crate::fleet::{Member, merge};

/// Whether the answer of an endpoint is changed here.
pub(super) const fn is_dressed(endpoint: EndpointId, answer: AnswerKind) -> bool {
    matches!(
        answer,
        AnswerKind::Inspect(ObjectKind::Container | ObjectKind::Network | ObjectKind::Volume)
    ) || matches!(endpoint, EndpointId::VolumeCreate)
}

/// Changes a successful answer.
pub(super) async fn dress(
    answer: AnswerKind,
    member: &Member,
    response: Response<Body>,
) -> Result<Response<Body>, ApiError> {
    let (mut head, body) = response.into_parts();
    let bytes = whole("the answer", body, MAX_WHOLE_ANSWER).await?;
    let dressed = match answer {
        AnswerKind::Inspect(ObjectKind::Container) => with_node(&bytes, member),
        _ => with_prefix(&bytes, member),
    };
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, full(dressed)))
}

/// The container with its node, in the form of the classic Swarm. Its own text is not taken apart: it may be long.
fn with_node(bytes: &Bytes, member: &Member) -> Vec<u8> {
    let facts = member.facts();
    let address = facts
        .address
        .map(|address| address.to_string())
        .unwrap_or_default();
    let node = json!({
        "ID": facts.id,
        "Name": facts.name,
        "IP": address,
        "Addr": address,
        "Cpus": facts.nano_cpus / 1_000_000_000,
        "Memory": facts.memory_bytes,
        "Labels": facts.engine_labels,
    });
    match bytes.strip_prefix(b"{") {
        Some(rest) => [format!("{{\"Node\":{node},").as_bytes(), rest].concat(),
        None => bytes.to_vec(),
    }
}

fn with_prefix(bytes: &Bytes, member: &Member) -> Vec<u8> {
    let Ok(mut object) = serde_json::from_slice::<Value>(bytes) else {
        return bytes.to_vec();
    };
    if matches!(object["Scope"].as_str(), Some("swarm" | "global")) {
        return bytes.to_vec();
    }
    merge::prefix(&mut object, &member.name());
    object.to_string().into_bytes()
}
