//! What is there in Kubernetes: a list of objects as its API and `kubectl get --output json` give it. Only what decides is kept.

use std::collections::{BTreeMap, BTreeSet};

use mke_core::product::labels;
use serde::Deserialize;
use serde_json::Value;

use super::manifest::{ADDON, Place, rank};
use super::nodes::{KubeNode, NodeTaints, Taint};

/// An object of a kind that add-ons are made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenObject {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The digest of what was wanted when it was made, when it says so.
    pub digest: Option<String>,
}

impl SeenObject {
    /// Whether it belongs to this installation.
    pub fn is_ours(&self, cluster_id: &str) -> bool {
        !cluster_id.is_empty()
            && self
                .labels
                .get(labels::INSTANCE_ID)
                .is_some_and(|id| id == cluster_id)
    }

    /// The add-on that it belongs to.
    pub(super) fn addon(&self) -> Option<&str> {
        self.labels.get(ADDON).map(String::as_str)
    }
}

/// A registered node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenNode {
    /// Its taints.
    pub taints: BTreeSet<Taint>,
}

/// What is there. Objects that another object owns, and of kinds that add-ons are not made of, are left out.
///
/// ```
/// use mke_agent::addons::Objects;
/// let objects: Objects = serde_json::from_str(r#"{"kind": "List", "items": [
///     {"kind": "Node", "metadata": {"name": "n1"}},
///     {"kind": "DaemonSet", "metadata": {"namespace": "kube-system", "name": "calico-node"}}
/// ]}"#)?;
/// assert_eq!((objects.nodes.len(), objects.objects.len()), (1, 1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Value")]
pub struct Objects {
    /// Objects by place.
    pub objects: BTreeMap<Place, SeenObject>,
    /// Nodes by name.
    pub nodes: BTreeMap<String, SeenNode>,
}

impl Objects {
    /// A cluster that was just made: no objects, and nodes with the taints that their kubelets bring along.
    pub fn fresh(nodes: &[KubeNode]) -> Self {
        let node = |node: &KubeNode| {
            let taints = NodeTaints::brought(node).into_iter().collect();
            (node.name.clone(), SeenNode { taints })
        };
        Self {
            objects: BTreeMap::new(),
            nodes: nodes.iter().map(node).collect(),
        }
    }
}

#[derive(Deserialize)]
struct Item {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    owner_references: Vec<Value>,
}

#[derive(Deserialize, Default)]
struct Spec {
    #[serde(default)]
    taints: Vec<Taint>,
}

impl TryFrom<Value> for Objects {
    type Error = String;

    /// Reads a list.
    ///
    /// # Errors
    /// When it is none, or an element names no kind and no name; the first of them.
    fn try_from(value: Value) -> Result<Self, String> {
        let items = match value.get("items") {
            Some(Value::Array(items)) if value.get("kind").is_some_and(|kind| kind == "List") => items,
            _ => {
                return Err(
                    "this is no list of Kubernetes' objects: take what `kubectl get KINDS --all-namespaces --output json` prints"
                        .to_owned(),
                );
            }
        };
        let mut seen = Self::default();
        for (place, item) in items.iter().enumerate() {
            let kind = item.get("kind").and_then(Value::as_str).unwrap_or_default();
            if kind != "Node" && rank(kind).is_none() && !kind.is_empty() {
                continue;
            }
            let item = Item::deserialize(item)
                .map_err(|error| format!("element {} of the list: {error}", place + 1))?;
            let metadata = item.metadata;
            if item.kind == "Node" {
                let taints = item.spec.taints.into_iter().collect();
                seen.nodes.insert(metadata.name, SeenNode { taints });
            } else if metadata.owner_references.is_empty() {
                let at = Place {
                    kind: item.kind,
                    namespace: metadata.namespace,
                    name: metadata.name,
                };
                let object = SeenObject {
                    digest: metadata.annotations.get(labels::SPEC).cloned(),
                    labels: metadata.labels,
                };
                seen.objects.insert(at, object);
            }
        }
        Ok(seen)
    }
}
