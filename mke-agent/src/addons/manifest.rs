//! One object of Kubernetes: where it lies, what it says, and what marks it as ours.

use std::fmt;

use mke_core::product::labels;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// On our objects: the add-on that they belong to. One of ours.
pub const ADDON: &str = "com.docker.ucp.addon";

/// The kinds that add-ons are made of, each after those that it needs. No other kind is ever made, changed or removed.
pub(super) const KINDS: [(&str, &str); 8] = [
    ("Namespace", "v1"),
    ("ServiceAccount", "v1"),
    ("ClusterRole", "rbac.authorization.k8s.io/v1"),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
    ("ConfigMap", "v1"),
    ("Service", "v1"),
    ("DaemonSet", "apps/v1"),
    ("Deployment", "apps/v1"),
];

/// Where a kind stands among [`KINDS`]; `None` for one that is no part of add-ons.
pub(super) fn rank(kind: &str) -> Option<usize> {
    KINDS.iter().position(|(known, _)| *known == kind)
}

/// Which object it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its kind, such as `DaemonSet`.
    pub kind: String,
    /// Its namespace, when it lies in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Place {
    /// An object in a namespace.
    pub(super) fn within(namespace: &str, kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }
    }

    /// An object of the whole cluster.
    pub(super) fn whole(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A wanted object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Which object it is.
    pub place: Place,
    /// The digest of what it says, which its annotation holds.
    pub digest: String,
    /// The object as the API server takes it, with its marks.
    pub object: Value,
}

impl Manifest {
    /// An object of an add-on, marked as ours. `content` holds everything but its kind and its metadata.
    pub(super) fn new(cluster_id: &str, addon: &str, place: Place, content: Value) -> Self {
        let digest = hex::encode(Sha256::digest(content.to_string().as_bytes()));
        let version = KINDS
            .iter()
            .find(|(kind, _)| *kind == place.kind)
            .map_or("v1", |(_, version)| *version);
        let mut object = json!({
            "apiVersion": version,
            "kind": place.kind,
            "metadata": {
                "name": place.name,
                "labels": { labels::INSTANCE_ID: cluster_id, ADDON: addon },
                "annotations": { labels::SPEC: digest },
            },
        });
        if let (Some(namespace), Some(metadata)) = (&place.namespace, object.get_mut("metadata")) {
            metadata["namespace"] = json!(namespace);
        }
        if let (Value::Object(object), Value::Object(content)) = (&mut object, content) {
            object.extend(content);
        }
        Self {
            place,
            digest,
            object,
        }
    }

    /// The full names of its images.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        let of = |list: &str| {
            self.object
                .pointer(&format!("/spec/template/spec/{list}"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|container| container.get("image")?.as_str())
        };
        of("initContainers").chain(of("containers"))
    }
}
