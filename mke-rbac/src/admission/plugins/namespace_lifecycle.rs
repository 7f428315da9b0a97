//! Namespaces: nothing new in those that are missing or on their way out, and three that stay (ADM-002).

use serde_json::Value;

use crate::admission::outcome::{No, Status};
use crate::admission::request::AdmissionOperation;
use crate::admission::review::Review;

/// Namespaces that cannot be deleted.
const KEPT: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) fn validate(review: &Review<'_>) -> Result<(), No> {
    let request = review.request;
    let target = &request.target;
    if target.is("Namespace") {
        if request.operation != AdmissionOperation::Delete {
            return Ok(());
        }
        return match target.name.as_deref() {
            Some(name) if KEPT.contains(&name) => Err(review.forbidden("this namespace may not be deleted")),
            None => Err(review.forbidden("namespaces may not be deleted all at once; name one")),
            Some(_) => Ok(()),
        };
    }
    let Some(namespace) = review.namespace().filter(|_| request.is_write()) else {
        return Ok(());
    };
    // Questions about rights may be asked about any namespace.
    if target.group == "authorization.k8s.io" {
        return Ok(());
    }
    let Some(object) = review.cluster.objects().get("Namespace", None, namespace) else {
        return Err(No::plain(
            Status::NotFound,
            format!("namespaces \"{namespace}\" not found; create it first"),
        ));
    };
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let terminating =
        text("/status/phase") == Some("Terminating") || text("/metadata/deletionTimestamp").is_some();
    if terminating && request.operation == AdmissionOperation::Create {
        return Err(review.forbidden(format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        )));
    }
    Ok(())
}
