//! Which containers belong to the control plane itself (DAPI-006, proxy-32).
//!
//! They are left out of lists unless the caller asks for all, and their logs are for administrators.

use mke_core::ids::CollectionId;
use mke_rbac::Policy;
use mke_rbac::demand::{Home, ObjectKind};
use mke_rbac::engine::{answer::labels_of, labels::home_of};
use mke_rbac::model::builtin;
use serde_json::Value;

/// The label of every container that the product starts.
const INSTANCE_LABEL: &str = "com.docker.ucp.InstanceID";
/// How their names begin. Neither proves anything: anybody may choose a label or a name, but not the collection.
const NAME_PREFIX: &str = "ucp-";

/// Whether a container, single or from a list, is part of the control plane.
pub(super) fn is_system(container: &Value, policy: &Policy) -> bool {
    let labels = labels_of(ObjectKind::Container, container);
    let marked = labels.is_some_and(|labels| labels.contains_key(INSTANCE_LABEL));
    let names = container["Names"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let named = names
        .iter()
        .chain(container.get("Name"))
        .filter_map(Value::as_str)
        .any(|name| name.trim_start_matches('/').starts_with(NAME_PREFIX));
    (marked || named)
        && match home_of(labels, policy) {
            Home::Collection(home) => policy.covers(&CollectionId::new(builtin::SYSTEM), &home),
            Home::Conflicting => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::model::Model;
    use serde_json::json;

    /// DAPI-006: by label or name, and by collection; neither label nor name alone hides anything.
    #[test]
    fn system_containers() {
        let policy = Policy::compile(Model::with_builtin_collections());
        let system = json!({ "com.docker.ucp.collection": "system" });
        let shared = json!({ "com.docker.ucp.collection": "shared" });
        for (container, expected) in [
            (json!({ "Names": ["/ucp-proxy"], "Labels": system }), true),
            (
                json!({ "Name": "/ucp-proxy", "Config": { "Labels": system } }),
                true,
            ),
            (
                json!({ "Names": ["/x"], "Labels": { INSTANCE_LABEL: "1", "com.docker.ucp.collection": "system" } }),
                true,
            ),
            (
                json!({ "Names": ["/x"], "Labels": { INSTANCE_LABEL: "1", "com.docker.ucp.collection": "shared" } }),
                false,
            ),
            (
                json!({ "Names": ["/x"], "Labels": { INSTANCE_LABEL: "1" } }),
                false,
            ),
            (json!({ "Names": ["/ucp-mine"], "Labels": shared }), false),
            (json!({ "Names": ["/web"], "Labels": system }), false),
            (json!({ "Names": ["/ucp-mine"], "Labels": null }), false),
        ] {
            assert_eq!(is_system(&container, &policy), expected, "{container}");
        }
    }
}
