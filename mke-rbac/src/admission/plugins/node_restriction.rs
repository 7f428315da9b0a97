//! What a kubelet may change: its own node, and the pods on it.

use serde_json::Value;

use crate::admission::outcome::No;
use crate::admission::pod::Pod;
use crate::admission::read::At;
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

/// Labels below these names are for kubelets to set on their own nodes; others with the same domains are not.
const OWN_LABELS: [&str; 12] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubelet.kubernetes.io/",
    "node.kubernetes.io/",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// Labels that kubelets must not touch at all (beside those of the product).
const RESERVED: &str = "node-restriction.kubernetes.io/";

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let request = review.request;
    let requester = &request.requester;
    let Some(node) = requester.as_node() else {
        if requester.is_in("system:nodes") {
            return Err(review.forbidden(format!(
                "could not determine the node of the user \"{requester}\""
            )));
        }
        return Ok(());
    };
    let target = &request.target;
    let own_name = || target.name.as_deref().is_some_and(|name| name == node);
    match target.resource.as_str() {
        "pods" if target.group.is_empty() => pods(review, draft, node),
        "nodes" if target.group.is_empty() => {
            let created = request.operation == AdmissionOperation::Create;
            if !own_name() {
                return Err(review.forbidden(format!("node \"{node}\" is not allowed to modify other nodes")));
            }
            if request.operation == AdmissionOperation::Delete {
                return Err(review.forbidden(format!("node \"{node}\" is not allowed to delete itself")));
            }
            node_object(review, draft, created)
        }
        "leases" if target.group == "coordination.k8s.io" => {
            let own = own_name() && target.namespace.as_deref() == Some("kube-node-lease");
            if own {
                return Ok(());
            }
            Err(review.forbidden(format!(
                "node \"{node}\" may only write the lease of its own name in the namespace kube-node-lease"
            )))
        }
        "csinodes" if target.group == "storage.k8s.io" && !own_name() => Err(review.forbidden(format!(
            "node \"{node}\" may only write the CSINode of its own name"
        ))),
        _ => Ok(()),
    }
}

fn pods(review: &Review<'_>, draft: &Draft, node: &str) -> Result<(), No> {
    let request = review.request;
    match (request.operation, request.target.subresource.as_deref()) {
        (AdmissionOperation::Create, None) => {
            let Some(object) = &draft.object else {
                return Ok(());
            };
            match Pod::find(&request.target, object)? {
                Some(pod) => mirror(review, &pod, node),
                None => Err(review.forbidden("pod has no specification")),
            }
        }
        (AdmissionOperation::Update, Some("status"))
        | (AdmissionOperation::Delete, None)
        | (AdmissionOperation::Create, Some("eviction")) => {
            let known = request.old_object.as_ref().or_else(|| {
                let name = request.target.name.as_deref()?;
                review
                    .cluster
                    .objects()
                    .get("Pod", request.target.namespace.as_deref(), name)
            });
            let on = known
                .and_then(|pod| pod.pointer("/spec/nodeName"))
                .and_then(Value::as_str);
            if on == Some(node) {
                return Ok(());
            }
            Err(review.forbidden(format!("node \"{node}\" can only change pods that run on it")))
        }
        (_, Some("exec" | "attach" | "portforward" | "log")) => Ok(()),
        _ => Err(review.forbidden(format!(
            "node \"{node}\" may only create mirror pods, and change the status of its pods or delete them"
        ))),
    }
}

/// A kubelet creates pods only to show what it runs by itself, without anything of the cluster in them.
fn mirror(review: &Review<'_>, pod: &Pod<'_>, node: &str) -> Result<(), No> {
    if !pod.is_mirror()? {
        return Err(review.forbidden(format!(
            "pod does not have the annotation of a mirror pod, node \"{node}\" can only create mirror pods"
        )));
    }
    if pod.spec.text_of("nodeName")? != Some(node) {
        return Err(review.forbidden(format!(
            "node \"{node}\" can only create pods with spec.nodeName set to itself"
        )));
    }
    if pod
        .spec
        .text_of("serviceAccountName")?
        .is_some_and(|name| !name.is_empty())
    {
        return Err(review.forbidden(format!(
            "node \"{node}\" can not create pods that reference a service account"
        )));
    }
    for volume in pod.spec.list("volumes")? {
        for kind in ["secret", "configMap", "persistentVolumeClaim", "projected"] {
            if volume.field(kind)?.is_some() {
                return Err(review.forbidden(format!(
                    "node \"{node}\" can not create pods that reference a {kind}"
                )));
            }
        }
    }
    for container in pod.containers()? {
        let mut from = container.list("envFrom")?;
        for variable in container.list("env")? {
            from.extend(variable.field("valueFrom")?);
        }
        for source in from {
            for kind in ["secretRef", "configMapRef", "secretKeyRef", "configMapKeyRef"] {
                if source.field(kind)?.is_some() {
                    return Err(review.forbidden(format!(
                        "node \"{node}\" can not create pods that reference a {kind}"
                    )));
                }
            }
        }
    }
    Ok(())
}

fn node_object(review: &Review<'_>, draft: &Draft, created: bool) -> Result<(), No> {
    let Some(object) = &draft.object else {
        return Ok(());
    };
    let old = review.request.old_object.as_ref();
    for label in changed_labels(object, old)? {
        let domain = label
            .split('/')
            .next()
            .filter(|_| label.contains('/'))
            .unwrap_or_default();
        let kubernetes = |name: &str| domain == name || domain.ends_with(&format!(".{name}"));
        let ours = OWN_LABELS.iter().any(|own| match own.strip_suffix('/') {
            Some(prefix) => domain == prefix || domain.ends_with(&format!(".{prefix}")),
            None => label == **own,
        });
        let reserved = label.starts_with(RESERVED)
            || domain.ends_with(&format!(".{}", RESERVED.trim_end_matches('/')))
            || label.starts_with("com.docker.ucp.");
        if reserved || (kubernetes("kubernetes.io") || kubernetes("k8s.io")) && !ours {
            return Err(review.forbidden(format!(
                "a node is not allowed to set or remove the label {label} on itself"
            )));
        }
    }
    let taints = |object: Option<&Value>| {
        object
            .and_then(|object| object.pointer("/spec/taints"))
            .filter(|taints| taints.as_array().is_some_and(|taints| !taints.is_empty()))
            .cloned()
    };
    // A kubelet brings its taints when it registers, and cannot change them later.
    if !created && taints(Some(object)) != taints(old) {
        return Err(review.forbidden("a node is not allowed to modify its taints"));
    }
    if At::root(object).descend(&["spec", "configSource"])?.is_some() {
        return Err(review.forbidden("a node is not allowed to set its configSource"));
    }
    Ok(())
}

/// Labels that are new, gone or different.
pub(super) fn changed_labels(object: &Value, old: Option<&Value>) -> Result<Vec<String>, No> {
    let labels = |object: Option<&Value>| -> Result<Vec<(String, String)>, No> {
        let metadata = object.map_or(Ok(None), |object| At::root(object).field("metadata"))?;
        let pairs = metadata.map_or(Ok(Vec::new()), |metadata| metadata.pairs("labels"))?;
        Ok(pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect())
    };
    let (after, before) = (labels(Some(object))?, labels(old)?);
    let differs = |one: &[(String, String)], other: &[(String, String)]| -> Vec<String> {
        let gone = one.iter().filter(|pair| !other.contains(pair));
        gone.map(|(key, _)| key.clone()).collect()
    };
    let mut changed = differs(&after, &before);
    changed.extend(differs(&before, &after));
    changed.sort();
    changed.dedup();
    Ok(changed)
}
