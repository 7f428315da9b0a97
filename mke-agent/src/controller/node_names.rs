//! Names of the server's certificate that the label of this manager's node adds (PKI-011).

use mke_core::pki::SubjectAltName;
use serde_json::Value;

use super::state::State;
use crate::engine::{EngineClient, EngineError};

/// The label: names separated by commas.
const LABEL: &str = "com.docker.ucp.SANs";

/// Gives the server's certificate the names that the node's label asks for. Without an engine they stay as they are.
pub(crate) async fn refresh(state: &State) {
    let Ok(names) = of_this_node(&state.engine).await else {
        return;
    };
    match state.authorities.set_node_names(names).await {
        Ok(true) => tracing::info!("the server certificate has the names of the node's label"),
        Ok(false) => {}
        Err(error) => {
            tracing::error!(%error, "the server certificate could not be given the names of its node")
        }
    }
}

/// The names that the node's label asks for; nothing outside a swarm. A name that is none is reported and left out.
async fn of_this_node(engine: &EngineClient) -> Result<Vec<SubjectAltName>, EngineError> {
    let info: Value = engine.get_json("/info").await?;
    let managed = info.pointer("/Swarm/ControlAvailable") == Some(&Value::Bool(true));
    let id = info
        .pointer("/Swarm/NodeID")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !managed || id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Vec::new());
    }
    let node: Value = engine.get_json(&format!("/nodes/{id}")).await?;
    let text = node
        .pointer("/Spec/Labels")
        .and_then(|labels| labels.get(LABEL))
        .and_then(Value::as_str)
        .unwrap_or_default();
    Ok(parse(text))
}

fn parse(text: &str) -> Vec<SubjectAltName> {
    let mut names: Vec<SubjectAltName> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse() {
            Ok(name) if !names.contains(&name) => names.push(name),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "a name in the node label {LABEL} is left out"),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas() {
        let names = parse("lb.example.com, 192.0.2.7,,bad name,lb.example.com,");
        let texts: Vec<_> = names.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["lb.example.com", "192.0.2.7"]);
    }
}
