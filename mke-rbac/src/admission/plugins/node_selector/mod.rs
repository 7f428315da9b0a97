//! Where pods may run: tolerations and affinity for every pod, and no way around them (ADM-010, R93, R96, K8S-009).

mod affinity;
mod around;
mod tolerations;

use serde_json::Value;

use crate::admission::outcome::No;
use crate::admission::pod::{Pod, find_mut, keeps_spec};
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

/// Key of the taint of managers and registry nodes, and of the label of managers.
const MANAGER: &str = "com.docker.ucp.manager";
/// Key of the taint of nodes that run swarm workloads only.
const ORCHESTRATOR: &str = "com.docker.ucp.orchestrator.kubernetes";
/// Labels and taints below this name decide where workloads may run.
const PRODUCT: &str = "com.docker.ucp.";

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let request = review.request;
    let target = &request.target;
    // Kubernetes itself makes pods of templates that went through here, and schedules them.
    // An update of metadata must not set off a new roll-out.
    if request.requester.is_control_plane() || keeps_spec(request) {
        return Ok(());
    }
    let Some(object) = draft.object.as_mut() else {
        return Ok(());
    };
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    // The annotation alone makes no mirror pod: anybody can write it.
    if pod.is_mirror()? && request.requester.as_node().is_some() {
        return Ok(());
    }
    let rules = Rules::of(review);
    // A pod that exists can only get more tolerations, so those that it has are no longer a question.
    let running = target.is("Pod") && request.operation == AdmissionOperation::Update;
    let kept = match &request.old_object {
        Some(old) if running => tolerations::of(old)?,
        _ => Vec::new(),
    };
    let (tolerations, mut notes) = tolerations::rewrite(&pod, &rules, &kept, running)?;
    let Some(pod) = find_mut(target, object) else {
        return Ok(());
    };
    tolerations::store(pod, tolerations)?;
    if !running && !rules.on_managers && affinity::keep_off_managers(pod)? {
        notes.push("added an affinity that keeps it off managers".to_owned());
    }
    for note in notes {
        draft.note(note);
    }
    Ok(())
}

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    around::validate(review, draft)
}

/// What holds for the pods of a request.
struct Rules {
    /// Whether they belong to the system.
    system: bool,
    /// Whether they may run on managers.
    on_managers: bool,
}

impl Rules {
    fn of(review: &Review<'_>) -> Self {
        let settings = review.settings.raw();
        let admin = review.request.requester.is_administrator();
        let system = review.namespace() == Some("kube-system");
        Self {
            system,
            on_managers: settings.enable_user_ucp_scheduling
                || admin && (settings.enable_admin_ucp_scheduling || system),
        }
    }

    /// Whether a toleration of this taint must go.
    fn forbids(&self, key: &str, effect: &str) -> bool {
        match key {
            ORCHESTRATOR => !self.system,
            MANAGER => !self.on_managers && effect != "NoExecute",
            _ => false,
        }
    }
}

/// The text in a field of a JSON object, empty when it is absent.
fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
