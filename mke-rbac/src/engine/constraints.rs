//! Placement constraints of services: the caller's own are kept and only narrow further, the computed ones cannot be
//! sent (R45, R48, R49, proxy-26).

use serde_json::Value;

use super::draft::{items, text};
use super::forward::{Forwarding, with_object};
use crate::judge::Placed;

/// Keeps services on nodes that Swarm orchestrates (R49).
const ORCHESTRATOR: &str = "node.labels.com.docker.ucp.orchestrator.swarm==true";
/// What a constraint on the collections of a node begins with, in small letters and without spaces.
const COLLECTION: &str = "node.labels.com.docker.ucp.collection";

/// Whether a service is an agent of the control plane: those run on every node, whoever orchestrates it (LBL-002). Only
/// administrators change them.
fn is_agent(spec: &Value, with: &Forwarding<'_>) -> bool {
    let name = text(&spec["Name"]);
    with.owner.admin && name.starts_with("ucp-") && name.split('-').any(|part| part == "agent")
}

/// Whether a constraint speaks of the collections of nodes. Swarm reads the part `node.labels.` without case.
fn is_computed(constraint: &str) -> bool {
    let plain: String = constraint
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    plain
        .strip_prefix(COLLECTION)
        .is_some_and(|rest| rest.starts_with(['.', '=', '!']))
}

fn list(spec: &Value) -> Vec<String> {
    items(&spec["TaskTemplate"]["Placement"]["Constraints"])
        .map(|constraint| text(constraint).to_owned())
        .collect()
}

/// Whether a spec that is restored as it is keeps the service where the caller may schedule it: it holds the constraint
/// that an update would get, or the same ones as now where an update would leave them (R48).
pub(super) fn admit_rollback(previous: &Value, stored: &Value, placed: &Placed) -> bool {
    let computed = |spec: &Value| {
        let mut computed = list(spec);
        computed.retain(|constraint| is_computed(constraint));
        computed
    };
    match &placed.schedule {
        Some(schedule) => list(previous).contains(&schedule.constraint),
        None => computed(previous) == computed(stored),
    }
}

/// Replaces the computed constraints of a spec. Without a schedule in the judgement, those of the stored spec stay.
pub(super) fn put(spec: &mut Value, stored: Option<&Value>, placed: &Placed, with: &Forwarding<'_>) {
    let mut constraints = list(spec);
    // Ours go to the end in one order, so that an unchanged service is sent unchanged.
    constraints.retain(|constraint| !is_computed(constraint) && constraint != ORCHESTRATOR);
    match (&placed.schedule, stored) {
        (Some(schedule), _) => constraints.push(schedule.constraint.clone()),
        (None, Some(stored)) => {
            constraints.extend(
                list(stored)
                    .into_iter()
                    .filter(|constraint| is_computed(constraint)),
            );
        }
        (None, None) => {}
    }
    if with.orchestrator_label && !is_agent(spec, with) {
        constraints.push(ORCHESTRATOR.to_owned());
    }
    if constraints.is_empty() && spec["TaskTemplate"]["Placement"].is_null() {
        return;
    }
    with_object(spec, "TaskTemplate", |_| {});
    with_object(&mut spec["TaskTemplate"], "Placement", |placement| {
        placement.insert("Constraints".to_owned(), Value::from(constraints));
    });
}
