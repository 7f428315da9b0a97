//! The storage class of claims that name none.

use serde_json::json;

use crate::admission::cluster::annotation;
use crate::admission::outcome::No;
use crate::admission::read::{At, object_at};
use crate::admission::request::AdmissionOperation;
use crate::admission::review::{Draft, Review};

const DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];
const OLD_FIELD: &str = "volume.beta.kubernetes.io/storage-class";

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let request = review.request;
    let Some(object) = draft.object.as_mut() else {
        return Ok(());
    };
    if !request.target.is("PersistentVolumeClaim") || request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    // An empty name is a choice too: no class at all.
    let named = At::root(object).descend(&["spec", "storageClassName"])?.is_some();
    if named || annotation(object, OLD_FIELD)?.is_some() {
        return Ok(());
    }
    let mut defaults = Vec::new();
    for (name, class) in review.cluster.objects().all("StorageClass") {
        for key in DEFAULT {
            if annotation(class, key)? == Some("true") && !defaults.contains(&name) {
                defaults.push(name);
            }
        }
    }
    match defaults.as_slice() {
        [] => Ok(()),
        [class] => {
            object_at(object, &["spec"])?.insert("storageClassName".to_owned(), json!(class));
            draft.note(format!("set the default storage class {class}"));
            Ok(())
        }
        several => Err(review.forbidden(format!(
            "{} default StorageClasses were found: {}; name one in spec.storageClassName",
            several.len(),
            several.join(", ")
        ))),
    }
}
