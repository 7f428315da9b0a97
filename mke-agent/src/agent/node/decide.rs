//! What an agent does next, from what is wanted and what is there. Pure.

use mke_core::product::{ProductVersion, Role, labels};

use crate::life::report::{ComponentReport, ComponentState};
use crate::node::{
    ContainerState, Desired, Observed, ObservedContainer, Plan, Purpose, WireSpec, check, plan,
};

/// What an agent does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Everything is as wanted.
    Settled,
    /// The node's label says that nothing is to be done.
    Paused,
    /// The node has an earlier version than this agent, and its label keeps it there.
    Held,
    /// Something is to be done, and another node must be done first.
    Later(String),
    /// Something is to be done that takes down what other managers rely on: the turn must be taken first.
    NeedsTurn,
    /// What would have to be done must not be done.
    Refused(String),
    /// `ucp-reconcile` is to be started; what it will do.
    Reconcile(Plan),
}

/// Decides. With the turn of this node in the state, it never asks for it again.
pub fn decide(spec: &WireSpec, observed: &Observed) -> Decision {
    if spec.node.is_paused() {
        return Decision::Paused;
    }
    if spec.node.is_held() && is_upgrade(spec, observed) {
        return Decision::Held;
    }
    let desired = Desired::of(&spec.cluster, &spec.node);
    let plan = plan(&desired, observed, &spec.state, Purpose::Converge);
    if plan.is_empty() {
        let later = plan.blocked.iter().find(|blocked| blocked.later);
        return match later {
            Some(blocked) => Decision::Later(format!("{}: {}", blocked.object, blocked.why)),
            None => Decision::Settled,
        };
    }
    if spec.node.role == Role::Manager && plan.needs_turn() && !spec.state.has_turn(&spec.node.id) {
        return Decision::NeedsTurn;
    }
    match check(plan.clone(), &desired, observed, &spec.state) {
        Ok(_) => Decision::Reconcile(plan),
        Err(refusals) => {
            let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            Decision::Refused(reasons.join("; "))
        }
    }
}

/// Whether bringing the node to what is wanted would raise its version. Going back to the version of the agent is none: that
/// is how a worker whose upgrade failed is mended (UPG-013).
pub fn is_upgrade(spec: &WireSpec, observed: &Observed) -> bool {
    Desired::of(&spec.cluster, &spec.node)
        .containers
        .iter()
        .filter_map(|wanted| observed.containers.get(&wanted.name))
        .filter(|found| Observed::is_ours(&found.labels, &spec.cluster.cluster_id))
        .filter_map(|found| found.labels.get(labels::VERSION)?.parse::<ProductVersion>().ok())
        .any(|version| version < spec.cluster.version)
}

/// How the node's components do. Those that are wanted and not there count as stopped.
pub fn components(spec: &WireSpec, observed: &Observed) -> Vec<ComponentReport> {
    Desired::of(&spec.cluster, &spec.node)
        .containers
        .iter()
        .map(|wanted| {
            let found = observed.containers.get(&wanted.name);
            let version = found.and_then(|container| container.labels.get(labels::VERSION));
            ComponentReport {
                name: wanted.name.clone(),
                state: found.map_or(ComponentState::Stopped, state),
                version: version.cloned().unwrap_or_default(),
            }
        })
        .collect()
}

/// How a component does whose container is there: it is unwell when it keeps ending and the engine keeps starting it, and when
/// somebody froze it.
const fn state(found: &ObservedContainer) -> ComponentState {
    match found.state {
        ContainerState::Running if found.looping => ComponentState::Unhealthy,
        ContainerState::Running => ComponentState::Running,
        ContainerState::Restarting | ContainerState::Paused => ComponentState::Unhealthy,
        ContainerState::Created
        | ContainerState::Removing
        | ContainerState::Exited
        | ContainerState::Dead => ComponentState::Stopped,
    }
}

/// Whether containers of a trusted registry run on the node (ORC-006).
pub fn carries_msr(observed: &Observed) -> bool {
    observed.containers.values().any(|container| {
        let name = container.image.rsplit('/').next().unwrap_or_default();
        name.starts_with("dtr-") && container.state == ContainerState::Running
    })
}
