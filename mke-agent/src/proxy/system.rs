//! Which containers belong to the control plane itself (DAPI-006, proxy-32).
//!
//! They are left out of lists unless the caller asks for all, and their logs are for administrators.
//!
//! Everything that comes through a controller is labelled with a collection. What carries no such label was made at the
//! engine of its node itself, where nobody but the control plane, Kubernetes and root of the node make anything.

use mke_core::ids::CollectionId;
use mke_rbac::Policy;
use mke_rbac::demand::{Home, ObjectKind};
use mke_rbac::engine::answer::labels_of;
use mke_rbac::engine::labels::{ACCESS_LABEL, COLLECTION, home_of};
use mke_rbac::model::builtin;
use serde_json::{Map, Value};

/// The label of every container that the product starts.
const INSTANCE_LABEL: &str = "com.docker.ucp.InstanceID";
/// How their names begin. Neither proves anything: anybody may choose a label or a name, but not the collection.
const NAME_PREFIX: &str = "ucp-";
/// How the names of pause containers begin.
const PAUSE_PREFIX: &str = "k8s_POD_";

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
    let placed =
        |labels: &Map<String, Value>| labels.contains_key(ACCESS_LABEL) || labels.contains_key(COLLECTION);
    if !labels.is_some_and(placed) {
        return marked || named || is_pause(container);
    }
    (marked || named)
        && match home_of(labels, policy) {
            Home::Collection(home) => policy.covers(&CollectionId::new(builtin::SYSTEM), &home),
            Home::Conflicting => false,
        }
}

/// Whether a container only holds the namespaces of a pod (ARCH-020).
fn is_pause(container: &Value) -> bool {
    let names = container["Names"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    names
        .iter()
        .chain(container.get("Name"))
        .filter_map(Value::as_str)
        .any(|name| name.trim_start_matches('/').starts_with(PAUSE_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::model::Model;
    use serde_json::json;

    /// DAPI-006, ARCH-020: by label or name, and by collection; what a controller made is never hidden by its label or name
    /// alone.
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
                true,
            ),
            (
                json!({ "Names": ["/k8s_POD_web_default_1_0"], "Labels": {} }),
                true,
            ),
            (
                json!({ "Names": ["/k8s_web_web_default_1_0"], "Labels": {} }),
                false,
            ),
            (json!({ "Names": ["/k8s_POD_mine"], "Labels": shared }), false),
            (json!({ "Names": ["/k8s_POD_mine"], "Labels": system }), false),
            (json!({ "Names": ["/ucp-mine"], "Labels": shared }), false),
            (json!({ "Names": ["/web"], "Labels": system }), false),
            (json!({ "Names": ["/ucp-kv"], "Labels": null }), true),
            (json!({ "Names": ["/web"], "Labels": null }), false),
        ] {
            assert_eq!(is_system(&container, &policy), expected, "{container}");
        }
    }
}
