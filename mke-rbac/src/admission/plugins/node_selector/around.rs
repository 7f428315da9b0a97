//! The ways around tolerations and affinity, closed for everybody but administrators (K8S-009): naming a node in a pod,
//! binding a pod to a node, and changing what nodes and namespaces say about who may run where.

use serde_json::Value;

use super::super::node_restriction::changed_labels;
use super::super::pod_node_selector;
use super::{MANAGER, ORCHESTRATOR, PRODUCT, Rules, text};
use crate::admission::cluster::annotation;
use crate::admission::outcome::No;
use crate::admission::pod::{Pod, keeps_spec};
use crate::admission::read::At;
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};
use crate::admission::selector;

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let requester = &review.request.requester;
    let target = &review.request.target;
    let trusted = requester.is_administrator() || requester.is_control_plane();
    let (false, Some(object)) = (trusted, &draft.object) else {
        return Ok(());
    };
    if target.group.is_empty() && target.resource == "nodes" {
        return node(review, object);
    }
    if target.is("Namespace") {
        return namespace(review, object);
    }
    let at = At::root(object);
    let binding = target.group.is_empty() && target.kind == "Binding";
    if binding {
        return match at.descend(&["target", "name"])? {
            Some(name) => assigned(review, name.text()?),
            None => Ok(()),
        };
    }
    // Templates too: their pods are made by Kubernetes itself, which is trusted to copy them.
    if keeps_spec(review.request) {
        return Ok(());
    }
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    let named = pod.spec.text_of("nodeName")?.filter(|name| !name.is_empty());
    let old = review.request.old_object.as_ref();
    let before = old
        .and_then(|old| old.pointer("/spec/nodeName"))
        .and_then(Value::as_str);
    match named {
        Some(name) if target.is("Pod") && before == Some(name) => Ok(()),
        // A kubelet's own pods; that they are is another plugin's business.
        Some(name) if pod.is_mirror()? && requester.as_node() == Some(name) => Ok(()),
        Some(name) => assigned(review, name),
        None => Ok(()),
    }
}

/// A pod goes to this node without the scheduler: it must be one to which the scheduler could have sent it.
fn assigned(review: &Review<'_>, name: &str) -> Result<(), No> {
    let requester = &review.request.requester;
    let Some(node) = review.cluster.objects().get("Node", None, name) else {
        return Err(review.forbidden(format!(
            "user \"{requester}\" may not choose the node {name}, of which nothing is known"
        )));
    };
    let rules = Rules::of(review);
    let at = At::root(node);
    let spec = at.field("spec")?;
    let taints = spec.map_or(Ok(Vec::new()), |spec| spec.list("taints"))?;
    let labelled = node
        .pointer("/metadata/labels")
        .is_some_and(|labels| labels.get(MANAGER).is_some());
    let tainted = |key: &str| taints.iter().any(|taint| text(taint.value, "key") == key);
    if !rules.on_managers && (labelled || tainted(MANAGER)) {
        return Err(review.forbidden(format!(
            "user \"{requester}\" may not run workloads on the node {name}, which is for managers"
        )));
    }
    if !rules.system && tainted(ORCHESTRATOR) {
        return Err(review.forbidden(format!(
            "user \"{requester}\" may not run workloads on the node {name}, which is for swarm workloads"
        )));
    }
    let wanted = pod_node_selector::wanted(review)?;
    if !pod_node_selector::selects(&wanted, node) {
        return Err(review.forbidden(format!(
            "user \"{requester}\" may not run workloads on the node {name}: the namespace is bound to nodes with {}",
            selector::write(&wanted)
        )));
    }
    Ok(())
}

/// Labels and taints that decide where workloads run belong to administrators.
fn node(review: &Review<'_>, object: &Value) -> Result<(), No> {
    let requester = &review.request.requester;
    let old = review.request.old_object.as_ref();
    let mut isolating = Vec::new();
    for (_, namespace) in review.cluster.objects().all("Namespace") {
        let text = annotation(namespace, pod_node_selector::ANNOTATION)?.unwrap_or_default();
        isolating.extend(selector::parse(text).unwrap_or_default().into_keys());
    }
    let default = selector::parse(&review.settings.raw().cluster_default_node_selector);
    isolating.extend(default.unwrap_or_default().into_keys());
    for label in changed_labels(object, old)? {
        if label.starts_with(PRODUCT) || isolating.contains(&label) {
            return Err(review.forbidden(format!(
                "user \"{requester}\" is not an admin and may not change the label {label}, which decides where workloads run"
            )));
        }
    }
    let taints = |object: Option<&Value>| -> Result<Vec<Value>, No> {
        let Some(object) = object else {
            return Ok(Vec::new());
        };
        let spec = At::root(object).field("spec")?;
        let taints = spec.map_or(Ok(Vec::new()), |spec| spec.list("taints"))?;
        let ours = taints
            .into_iter()
            .filter(|taint| text(taint.value, "key").starts_with(PRODUCT));
        // When a taint was added says nothing about where workloads run.
        Ok(ours
            .map(|taint| {
                serde_json::json!([
                    text(taint.value, "key"),
                    text(taint.value, "value"),
                    text(taint.value, "effect")
                ])
            })
            .collect())
    };
    let (before, after) = (taints(old)?, taints(Some(object))?);
    let kubelet = requester.as_node().is_some() && review.request.operation == AdmissionOperation::Create;
    if before != after && !kubelet {
        return Err(review.forbidden(format!(
            "user \"{requester}\" is not an admin and may not change taints below {PRODUCT}, which decide where workloads run"
        )));
    }
    Ok(())
}

/// The node selector of a namespace binds those who work in it, so they cannot change it.
fn namespace(review: &Review<'_>, object: &Value) -> Result<(), No> {
    let after = annotation(object, pod_node_selector::ANNOTATION)?;
    let before = match &review.request.old_object {
        Some(old) => annotation(old, pod_node_selector::ANNOTATION)?,
        None => None,
    };
    if before == after {
        return Ok(());
    }
    let requester = &review.request.requester;
    Err(review.forbidden(format!(
        "user \"{requester}\" is not an admin and may not change the annotation {}, which decides where workloads run",
        pod_node_selector::ANNOTATION
    )))
}
