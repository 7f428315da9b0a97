//! Stacks carry the identity of who wrote them, so that what is made of them later is made with the right rights
//! (ADM-011). What a client writes there itself is replaced.

use serde_json::json;

use crate::admission::outcome::No;
use crate::admission::read::object_at;
use crate::admission::review::{Draft, Review};

/// The annotation with the user name that Kubernetes sees.
const USER: &str = "com.docker.ucp.stack.user";
/// The annotation with the groups, separated by commas.
const GROUPS: &str = "com.docker.ucp.stack.groups";

pub(super) fn annotate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let Some(object) = draft
        .object
        .as_mut()
        .filter(|_| review.request.target.is("Stack"))
    else {
        return Ok(());
    };
    let requester = &review.request.requester;
    let annotations = object_at(object, &["metadata", "annotations"])?;
    annotations.insert(USER.to_owned(), json!(requester.user));
    annotations.insert(GROUPS.to_owned(), json!(requester.groups.join(",")));
    draft.note(format!("noted the identity of {requester}"));
    Ok(())
}
