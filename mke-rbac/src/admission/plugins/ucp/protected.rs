//! Objects that nobody deletes, because nobody could administer the cluster without them (ADM-005).

use crate::admission::outcome::No;
use crate::admission::request::AdmissionOperation;
use crate::admission::review::Review;

const CLUSTER_ADMIN: &str = "cluster-admin";

pub(super) fn validate(review: &Review<'_>) -> Result<(), No> {
    let target = &review.request.target;
    let protected = target.is("ClusterRole") || target.is("ClusterRoleBinding");
    if !protected || review.request.operation != AdmissionOperation::Delete {
        return Ok(());
    }
    match target.name.as_deref() {
        Some(CLUSTER_ADMIN) => Err(review.forbidden("the built-in cluster-admin cannot be deleted")),
        None => Err(review.forbidden(
            "cannot be deleted all at once, because the built-in cluster-admin is among them; name one",
        )),
        Some(_) => Ok(()),
    }
}
