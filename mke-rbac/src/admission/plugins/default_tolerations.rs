//! How long a pod stays on a node that is not ready or cannot be reached, unless it says so itself (ADM-003).

use serde_json::json;

use crate::admission::outcome::No;
use crate::admission::pod::{Pod, find_mut};
use crate::admission::read::{array_in, object_at};
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let target = &review.request.target;
    let Some(object) = draft.object.as_mut() else {
        return Ok(());
    };
    if !target.is("Pod") || review.request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    let settings = review.settings.raw();
    let mut missing = Vec::new();
    for (key, seconds) in [
        (
            "node.kubernetes.io/not-ready",
            settings.default_not_ready_toleration_seconds,
        ),
        (
            "node.kubernetes.io/unreachable",
            settings.default_unreachable_toleration_seconds,
        ),
    ] {
        let mut present = false;
        for toleration in pod.spec.list("tolerations")? {
            let of_key = [None, Some(""), Some(key)].contains(&toleration.text_of("key")?);
            let effect = toleration.text_of("effect")?;
            present |= of_key && [None, Some(""), Some("NoExecute")].contains(&effect);
        }
        if !present {
            missing.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let count = missing.len();
    if let Some(pod) = find_mut(target, object) {
        array_in(object_at(pod, &["spec"])?, "tolerations")?.extend(missing);
    }
    draft.note(format!(
        "added {count} tolerations for nodes that are not ready or unreachable"
    ));
    Ok(())
}
