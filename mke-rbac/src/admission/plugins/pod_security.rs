//! Pod security policies at work: a pod is admitted by one policy, which it names from then on (PSP-001 to PSP-006).

use serde_json::{Value, json};

use crate::admission::cluster::annotation;
use crate::admission::outcome::{Fault, No};
use crate::admission::pod::{Pod, find_mut, keeps_spec};
use crate::admission::psp::{Candidates, POLICY_ANNOTATION, is_profile_annotation, select};
use crate::admission::read::{At, descend_mut, object_at};
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let target = &review.request.target;
    let (Some(object), Some(namespace)) = (draft.object.as_ref(), review.namespace()) else {
        return Ok(());
    };
    if target.is_ephemeral_containers() {
        return ephemeral(review, draft);
    }
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    if !target.is("Pod") {
        // What cannot be read is refused by those who judge templates.
        if let Ok(Some(text)) = outlook(review, &pod, namespace) {
            draft.note(text);
        }
        return Ok(());
    }
    if review.request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    let candidates = Candidates {
        cluster: review.cluster,
        namespace,
        requester: Some(&review.request.requester),
        service_account: pod.service_account()?,
    };
    match select(&candidates, pod.at.value, true, None)? {
        Err(faults) => Err(refuse(review, faults)),
        Ok(selected) => {
            let changed = selected.pod != *pod.at.value;
            let defaults = if changed { ", which filled in defaults" } else { "" };
            let note = format!("admitted by the policy {}{defaults}", selected.policy);
            let mut admitted = selected.pod;
            let annotations = object_at(&mut admitted, &["metadata", "annotations"])?;
            annotations.insert(POLICY_ANNOTATION.to_owned(), json!(selected.policy));
            if let Some(object) = draft.object.as_mut()
                && let Some(pod) = find_mut(target, object)
            {
                *pod = admitted;
            }
            draft.note(note);
            draft.policy = Some(selected.policy);
            Ok(())
        }
    }
}

/// Other plugins may have changed the pod since, and an update may: what is stored must be allowed as it is.
pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let target = &review.request.target;
    let (Some(object), Some(namespace)) = (draft.object.as_ref(), review.namespace()) else {
        return Ok(());
    };
    if !target.is("Pod") || keeps_what_policies_judge(review, object)? {
        return Ok(());
    }
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    let candidates = Candidates {
        cluster: review.cluster,
        namespace,
        requester: Some(&review.request.requester),
        service_account: pod.service_account()?,
    };
    let hint = match (&draft.policy, review.request.operation) {
        // A new pod that no policy admitted is refused already.
        (None, AdmissionOperation::Create) => return Ok(()),
        (Some(policy), _) => Some(policy.as_str()),
        (None, _) => match &review.request.old_object {
            Some(old) => annotation(old, POLICY_ANNOTATION)?,
            None => None,
        },
    };
    match select(&candidates, pod.at.value, false, hint)? {
        Ok(_) => Ok(()),
        Err(faults) => Err(refuse(review, faults)),
    }
}

/// An update that changes neither the specification nor the profiles in the annotations.
fn keeps_what_policies_judge(review: &Review<'_>, object: &Value) -> Result<bool, No> {
    if !keeps_spec(review.request) {
        return Ok(false);
    }
    let profiles = |object: Option<&Value>| -> Result<Vec<(String, String)>, No> {
        let metadata = object.map_or(Ok(None), |object| At::root(object).field("metadata"))?;
        let pairs = metadata.map_or(Ok(Vec::new()), |metadata| metadata.pairs("annotations"))?;
        let mut profiles: Vec<(String, String)> = pairs
            .into_iter()
            .filter(|(key, _)| is_profile_annotation(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        profiles.sort();
        Ok(profiles)
    };
    Ok(profiles(Some(object))? == profiles(review.request.old_object.as_ref())?)
}

fn refuse(review: &Review<'_>, faults: Vec<Fault>) -> No {
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    review
        .forbidden(format!(
            "unable to validate against any pod security policy: [{}]",
            all.join("; ")
        ))
        .because(faults)
}

/// What will happen to the pods of a template: they are made by a controller, so the service account counts
/// (PSP-003).
fn outlook(review: &Review<'_>, pod: &Pod<'_>, namespace: &str) -> Result<Option<String>, No> {
    let service_account = pod.service_account()?;
    let candidates = Candidates {
        cluster: review.cluster,
        namespace,
        requester: None,
        service_account,
    };
    Ok(match select(&candidates, pod.at.value, true, None)? {
        Ok(_) => None,
        Err(faults) if faults.is_empty() => Some(format!(
            "its pods will be refused: the service account {namespace}:{service_account} may use no pod security policy; \
             bind it to a role such as unprivileged-psp-role"
        )),
        Err(faults) => Some(format!(
            "its pods will be refused for the service account {namespace}:{service_account}: {}",
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        )),
    })
}

/// Containers that are added to a running pod are judged together with it.
fn ephemeral(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let (Some(object), Some(namespace)) = (draft.object.as_ref(), review.namespace()) else {
        return Ok(());
    };
    let root = At::root(object);
    let spec = root.field("spec")?;
    let holder = spec.as_ref().unwrap_or(&root);
    let containers: Vec<Value> = holder
        .list("ephemeralContainers")?
        .iter()
        .map(|container| container.value.clone())
        .collect();
    let old = review
        .request
        .old_object
        .as_ref()
        .filter(|old| old.get("spec").is_some());
    let known = old.or_else(|| {
        let name = review.request.target.name.as_deref()?;
        review.cluster.objects().get("Pod", Some(namespace), name)
    });
    let mut pod = known.cloned().unwrap_or_else(|| json!({"spec": {}}));
    object_at(&mut pod, &["spec"])?.insert("ephemeralContainers".to_owned(), Value::Array(containers));
    let account = At::root(&pod).descend(&["spec", "serviceAccountName"])?;
    let account = account
        .map_or(Ok("default"), |account| account.text())?
        .to_owned();
    let hint = annotation(&pod, POLICY_ANNOTATION)?.map(str::to_owned);
    let candidates = Candidates {
        cluster: review.cluster,
        namespace,
        requester: Some(&review.request.requester),
        service_account: &account,
    };
    match select(&candidates, &pod, true, hint.as_deref())? {
        Err(faults) => Err(refuse(review, faults)),
        Ok(mut selected) => {
            let admitted = descend_mut(&mut selected.pod, &["spec", "ephemeralContainers"]).map(Value::take);
            let in_spec = spec.is_some();
            let path: &[&str] = if in_spec { &["spec"] } else { &[] };
            if let (Some(admitted), Some(object)) = (admitted, draft.object.as_mut()) {
                object_at(object, path)?.insert("ephemeralContainers".to_owned(), admitted);
            }
            draft.note(format!("admitted by the policy {}", selected.policy));
            Ok(())
        }
    }
}
