//! The node selector of a namespace: every pod of it runs on the nodes that the annotation names, and on no others
//! (K8S-008, R96).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::admission::outcome::No;
use crate::admission::pod::{Pod, find_mut, keeps_spec};
use crate::admission::read::object_at;
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};
use crate::admission::selector;

/// The annotation of a namespace that holds its selector.
pub(super) const ANNOTATION: &str = "scheduler.alpha.kubernetes.io/node-selector";

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let target = &review.request.target;
    // Nodes of a pod cannot be chosen again, so there is nothing to add to one that runs.
    if !target.is("Pod") || review.request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    let wanted = wanted(review)?;
    let Some(object) = draft.object.as_mut().filter(|_| !wanted.is_empty()) else {
        return Ok(());
    };
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    refuse_conflicts(review, &pod, &wanted, false)?;
    if let Some(pod) = find_mut(target, object) {
        let selector = object_at(pod, &["spec", "nodeSelector"])?;
        for (key, value) in &wanted {
            selector.insert(key.clone(), json!(value));
        }
    }
    draft.note(format!(
        "added the node selector of the namespace: {}",
        selector::write(&wanted)
    ));
    Ok(())
}

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let target = &review.request.target;
    let Some(object) = draft.object.as_ref().filter(|_| target.is("Pod")) else {
        return Ok(());
    };
    if keeps_spec(review.request) {
        return Ok(());
    }
    match Pod::find(target, object)? {
        Some(pod) => refuse_conflicts(review, &pod, &wanted(review)?, !is_mirror(&pod)?),
        None => Ok(()),
    }
}

fn is_mirror(pod: &Pod<'_>) -> Result<bool, No> {
    Ok(pod.is_mirror()?)
}

/// The selector of the namespace, or that of the cluster for namespaces without one.
pub(super) fn wanted(review: &Review<'_>) -> Result<BTreeMap<String, String>, No> {
    let Some(namespace) = review.namespace() else {
        return Ok(BTreeMap::new());
    };
    let own = review.cluster.namespace_annotation(namespace, ANNOTATION)?;
    let text = own.unwrap_or(&review.settings.raw().cluster_default_node_selector);
    selector::parse(text).ok_or_else(|| {
        review.forbidden(format!(
            "namespace {namespace} has the node selector `{text}`, which is not of the form `key=value,key=value`"
        ))
    })
}

/// Refuses a pod whose own selector wants something else; with `complete` also one that lacks a part.
fn refuse_conflicts(
    review: &Review<'_>,
    pod: &Pod<'_>,
    wanted: &BTreeMap<String, String>,
    complete: bool,
) -> Result<(), No> {
    let own: BTreeMap<&str, &str> = pod.spec.pairs("nodeSelector")?.into_iter().collect();
    let conflicts = wanted.iter().any(|(key, value)| match own.get(key.as_str()) {
        Some(own) => own != value,
        None => complete,
    });
    if conflicts {
        return Err(review.forbidden(format!(
            "pod node label selector conflicts with its namespace node label selector {}",
            selector::write(wanted)
        )));
    }
    Ok(())
}

/// Whether the labels of a node satisfy a selector.
pub(super) fn selects(selector: &BTreeMap<String, String>, node: &Value) -> bool {
    let labels = node.pointer("/metadata/labels");
    selector.iter().all(|(key, value)| {
        labels.and_then(|labels| labels.get(key)).and_then(Value::as_str) == Some(value.as_str())
    })
}
