//! Changes of nodes that are refused although their asker may make them: those that would cost the cluster its majority, make a
//! manager of what cannot be one, or leave nobody in charge of a node (NOD-005, NOD-007, ORC-003). Pure but for the hook.
//!
//! The engine's own socket is not guarded: it is the way out when a rule is in somebody's way.

use http::StatusCode;
use mke_core::product::{Orchestrator, Role, quorum};
use mke_rbac::engine::EndpointId;
use serde_json::Value;

use crate::controller::error::{ApiError, Kind};
use crate::controller::state::State;
use crate::engine::EngineError;
use crate::engine::lookup::escaped;
use crate::life::{Level, SwarmNode};

/// A manager, as the cluster knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Manager {
    id: String,
    hostname: String,
    /// Whether it counts towards a majority.
    works: bool,
}

/// What is to be done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change<'c> {
    /// It shall be so: `Spec` of the Engine API.
    Update(&'c Value),
    /// It shall be forgotten.
    Remove,
}

/// Refuses what must not be done. Everything that is not about roles, orchestrators and removal passes.
///
/// # Errors
/// [`Kind::Conflict`] with the reason and what to do instead, or the engine's when it cannot say what the node is.
pub(super) async fn must_be_safe(
    state: &State,
    endpoint: EndpointId,
    named: Option<&str>,
    body: &[u8],
) -> Result<(), ApiError> {
    if !matches!(endpoint, EndpointId::NodeUpdate | EndpointId::NodeRemove) {
        return Ok(());
    }
    let Some(named) = named else { return Ok(()) };
    let path = format!("/nodes/{}", escaped(named));
    let found: Value = match state.engine.get_json(&path).await {
        Ok(found) => found,
        // Whoever names a node that is not there hears so from the engine.
        Err(EngineError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let Some(node) = SwarmNode::read(&found) else {
        return Ok(());
    };
    let spec: Value;
    let change = if endpoint == EndpointId::NodeRemove {
        Change::Remove
    } else {
        // What is no JSON is refused elsewhere.
        spec = serde_json::from_slice(body).unwrap_or(Value::Null);
        Change::Update(&spec)
    };
    match refusal(&node, change, &managers(state)) {
        Some(why) => Err(ApiError::new(Kind::Conflict, why)),
        None => Ok(()),
    }
}

/// The managers; nobody where no agents tell how they do.
fn managers(state: &State) -> Vec<Manager> {
    let Some(board) = &state.board else {
        return Vec::new();
    };
    let states = board.states(&state.snapshot().roll, state.clock.now());
    let swarm = board.swarm().borrow().clone();
    let managers = swarm.nodes.iter().filter(|node| node.role == Role::Manager);
    managers
        .map(|node| Manager {
            id: node.id.clone(),
            hostname: node.hostname.clone(),
            works: states
                .get(&node.id)
                .is_some_and(|state| state.level() != Level::Error),
        })
        .collect()
}

fn refusal(node: &SwarmNode, change: Change<'_>, managers: &[Manager]) -> Option<String> {
    let name = if node.hostname.is_empty() {
        &node.id
    } else {
        &node.hostname
    };
    let spec = match change {
        Change::Remove if node.role == Role::Manager => {
            return Some(format!(
                "node {name} is a manager: when all nodes are healthy demote it with `docker node demote {name}`, wait until it \
                 is a healthy worker, then remove it"
            ));
        }
        Change::Remove => return None,
        Change::Update(spec) => spec,
    };
    let becomes = match spec["Role"].as_str() {
        Some("manager") => Role::Manager,
        Some("worker") => Role::Worker,
        _ => node.role,
    };
    if node.role == Role::Worker && becomes == Role::Manager && node.os == "windows" {
        return Some(format!(
            "node {name} runs Windows, and only Linux nodes can be managers"
        ));
    }
    if node.role == Role::Manager
        && becomes == Role::Worker
        && let Some(why) = demotion(node, name, managers)
    {
        return Some(why);
    }
    let labels = spec["Labels"].as_object()?;
    let labels = labels
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    let (before, after) = (
        Orchestrator::of_labels(&node.labels),
        Orchestrator::of_labels(&labels.collect()),
    );
    (before != Orchestrator::None && after == Orchestrator::None).then(|| {
        format!(
            "node {name} would have no orchestrator any more: add the label of the one that shall have it before you remove \
             that of the other"
        )
    })
}

/// Whether those that remain would have a majority that works.
fn demotion(node: &SwarmNode, name: &str, managers: &[Manager]) -> Option<String> {
    let remaining: Vec<&Manager> = managers.iter().filter(|manager| manager.id != node.id).collect();
    // The engine refuses to demote the last one, and where nobody tells how managers do nobody can judge.
    if remaining.is_empty() {
        return None;
    }
    let works = remaining.iter().filter(|manager| manager.works).count();
    let needed = quorum(u32::try_from(remaining.len()).unwrap_or(u32::MAX));
    if works >= usize::try_from(needed).unwrap_or(usize::MAX) {
        return None;
    }
    let unwell = remaining.iter().filter(|manager| !manager.works);
    let unwell: Vec<&str> = unwell.map(|manager| manager.hostname.as_str()).collect();
    Some(format!(
        "without node {name}, {works} of {} managers would work and {needed} must: bring back {} first, or demote it instead",
        remaining.len(),
        unwell.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use mke_core::product::labels::{ORCHESTRATOR_KUBERNETES, ORCHESTRATOR_SWARM};
    use serde_json::json;

    use super::*;

    fn node(id: &str, role: &str, os: &str, labels: &[&str]) -> SwarmNode {
        let labels: serde_json::Map<_, _> = labels
            .iter()
            .map(|label| ((*label).to_owned(), json!("true")))
            .collect();
        SwarmNode::read(&json!({
            "ID": id,
            "Spec": { "Role": role, "Labels": labels },
            "Description": { "Hostname": format!("host-{id}"), "Platform": { "OS": os } },
        }))
        .unwrap()
    }

    fn managers(works: &[(&str, bool)]) -> Vec<Manager> {
        works
            .iter()
            .map(|(id, works)| Manager {
                id: (*id).to_owned(),
                hostname: format!("host-{id}"),
                works: *works,
            })
            .collect()
    }

    fn to_worker() -> Value {
        json!({ "Role": "worker", "Availability": "active" })
    }

    /// NOD-005: a manager is demoted before it is removed, and only while those that remain have a majority that works; the one
    /// that is broken may always be demoted. A worker may be removed. NOD-004.
    #[test]
    fn removing_managers() {
        let (a, worker) = (
            node("a", "manager", "linux", &[]),
            node("w", "worker", "linux", &[]),
        );
        let all_well = managers(&[("a", true), ("b", true), ("c", true)]);
        let why = refusal(&a, Change::Remove, &all_well).unwrap();
        assert!(why.contains("docker node demote host-a"), "{why}");
        assert_eq!(refusal(&worker, Change::Remove, &all_well), None);
        for (others, allowed) in [
            (vec![("b", true), ("c", true)], true),
            (vec![("b", true), ("c", false)], false),
            (vec![("b", false)], false),
            (vec![("b", true)], true),
            (vec![("b", true), ("c", true), ("d", false)], true),
            (vec![("b", true), ("c", true), ("d", false), ("e", false)], false),
        ] {
            for a_works in [true, false] {
                let mut all = managers(&[("a", a_works)]);
                all.extend(managers(&others));
                let why = refusal(&a, Change::Update(&to_worker()), &all);
                assert_eq!(why.is_none(), allowed, "{others:?} {why:?}");
                if let Some(why) = why {
                    let unwell = others.iter().find(|(_, works)| !works).unwrap().0;
                    assert!(why.contains(&format!("host-{unwell}")), "{why}");
                }
            }
        }
        // What says nothing about the role, or nothing new, is no demotion.
        let few = managers(&[("a", true), ("b", false)]);
        for spec in [json!({}), json!({ "Role": "manager", "Availability": "drain" })] {
            assert_eq!(refusal(&a, Change::Update(&spec), &few), None, "{spec}");
        }
        assert_eq!(refusal(&a, Change::Update(&to_worker()), &managers(&[])), None);
    }

    /// NOD-007: a Windows node is not made a manager; one that joined as a manager may be demoted, which nobody else does.
    #[test]
    fn windows_managers() {
        let all = managers(&[("a", true), ("b", true)]);
        let worker = node("w", "worker", "windows", &[]);
        let why = refusal(&worker, Change::Update(&json!({ "Role": "manager" })), &all).unwrap();
        assert!(why.contains("Windows"), "{why}");
        let linux = node("w", "worker", "linux", &[]);
        assert_eq!(
            refusal(&linux, Change::Update(&json!({ "Role": "manager" })), &all),
            None
        );
        let manager = node("a", "manager", "windows", &[]);
        assert_eq!(refusal(&manager, Change::Update(&to_worker()), &all), None);
    }

    /// ORC-003: the label of the new orchestrator comes before that of the old one goes; the other order is refused.
    #[test]
    fn order_of_labels() {
        let labels = |labels: &[&str]| {
            let labels: serde_json::Map<_, _> = labels
                .iter()
                .map(|label| ((*label).to_owned(), json!("true")))
                .collect();
            json!({ "Role": "worker", "Labels": labels })
        };
        let (swarm, kubernetes) = (ORCHESTRATOR_SWARM, ORCHESTRATOR_KUBERNETES);
        for (before, after, allowed) in [
            (&[swarm][..], &[swarm, kubernetes][..], true),
            (&[swarm, kubernetes], &[kubernetes], true),
            (&[swarm, kubernetes], &[swarm], true),
            (&[swarm], &[kubernetes], true),
            (&[swarm], &[], false),
            (&[kubernetes], &["team"], false),
            (&[swarm, kubernetes], &[], false),
            (&[], &["team"], true),
        ] {
            let why = refusal(
                &node("w", "worker", "linux", before),
                Change::Update(&labels(after)),
                &[],
            );
            assert_eq!(why.is_none(), allowed, "{before:?} {after:?} {why:?}");
        }
        let switched_off = json!({ "Labels": { swarm: "false" } });
        assert!(
            refusal(
                &node("w", "worker", "linux", &[swarm]),
                Change::Update(&switched_off),
                &[]
            )
            .is_some()
        );
    }
}
