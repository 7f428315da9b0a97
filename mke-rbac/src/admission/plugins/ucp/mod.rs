//! The product's own authorization: identities in objects, objects that stay, and options for few (R91, R93).

mod host_paths;
mod privileged;
mod protected;
mod stacks;
mod subjects;

use crate::admission::outcome::No;
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    subjects::rewrite(review, draft)?;
    stacks::annotate(review, draft)
}

pub(super) fn validate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    protected::validate(review)?;
    host_paths::validate(review, draft)?;
    privileged::validate(review, draft)?;
    let target = &review.request.target;
    if target.is("ServiceAccount") && review.request.operation == AdmissionOperation::Delete {
        let which = match (&target.namespace, &target.name) {
            (Some(namespace), Some(name)) => format!("the service account {namespace}:{name}"),
            (Some(namespace), None) => format!("all service accounts of {namespace}"),
            (None, _) => "service accounts".to_owned(),
        };
        draft.note(format!("remove {which} from scheduling authorization"));
    }
    Ok(())
}
