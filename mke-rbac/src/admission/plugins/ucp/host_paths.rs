//! Persistent volumes that reach into a node: for administrators to make, for everybody to claim (ADM-006).
//!
//! The selective attributes are about pods, so they open nothing here.

use serde_json::Value;

use crate::admission::outcome::{Fault, No};
use crate::admission::read::At;
use crate::admission::review::{Draft, Review};

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let request = review.request;
    let Some(object) = draft
        .object
        .as_ref()
        .filter(|_| request.target.is("PersistentVolume"))
    else {
        return Ok(());
    };
    if super::privileged::has_every_option(review) {
        return Ok(());
    }
    let Some(spec) = At::root(object).field("spec")? else {
        return Ok(());
    };
    let mut faults = Vec::new();
    for (field, what) in [("hostPath", "host paths"), ("local", "local volumes")] {
        if let Some(source) = spec.field(field)? {
            faults.push((source.path, what));
        }
    }
    if let Some(class) = spec.field("storageClassName")?
        && is_local(review, class.text()?)
    {
        faults.push((class.path, "the Local storage class"));
    }
    let Some((_, what)) = faults.first() else {
        return Ok(());
    };
    // The control plane binds volumes to claims; it does not choose what they reach.
    let sources = |object: Option<&Value>| -> Vec<Option<Value>> {
        ["hostPath", "local", "storageClassName"]
            .map(|field| {
                object
                    .and_then(|object| object.pointer(&format!("/spec/{field}")))
                    .cloned()
            })
            .to_vec()
    };
    if request.requester.is_control_plane() && sources(Some(object)) == sources(request.old_object.as_ref()) {
        return Ok(());
    }
    let message = super::privileged::message(&request.requester.user, what);
    let faults = faults.into_iter().map(|(path, what)| Fault {
        path,
        message: format!("uses {what}"),
    });
    Err(review.forbidden(message).because(faults.collect()))
}

/// Whether a storage class is for local volumes: by its name, or because nothing provisions its volumes.
fn is_local(review: &Review<'_>, class: &str) -> bool {
    let object = review.cluster.objects().get("StorageClass", None, class);
    let provisioner = object
        .and_then(|class| class.get("provisioner"))
        .and_then(Value::as_str);
    class.eq_ignore_ascii_case("local") || provisioner == Some("kubernetes.io/no-provisioner")
}
