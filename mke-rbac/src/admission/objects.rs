//! The objects of a cluster that plugins look up: read from manifests, kept by kind, namespace and name.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::psp;
use super::read::{At, Unreadable, object_at};
use super::request::Target;
use crate::kubernetes::Rbac;

/// The longest text of manifests that is read, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 16 << 20;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Why manifests cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestsError {
    /// Longer than [`MAX_MANIFEST_BYTES`].
    #[error("the manifests have {found} bytes, at most {MAX_MANIFEST_BYTES} are read; split them")]
    TooLarge {
        /// The length.
        found: usize,
    },
    /// Not YAML or JSON.
    #[error("document {document} is no manifest in YAML or JSON")]
    Syntax {
        /// The place among the documents, from 1.
        document: usize,
        /// Why.
        #[source]
        source: serde_yaml_ng::Error,
    },
    /// It does not say what it is.
    #[error("document {document}: {source}")]
    Shape {
        /// The place among the documents, from 1.
        document: usize,
        /// What is missing.
        source: Unreadable,
    },
    /// An object without a name cannot be looked up.
    #[error("document {document}: a {kind} without metadata.name; name it")]
    Unnamed {
        /// The place among the documents, from 1.
        document: usize,
        /// Its kind.
        kind: String,
    },
}

/// Kind, then namespace and name.
type ByKind = BTreeMap<String, BTreeMap<(Option<String>, String), Value>>;

/// Objects of a cluster, later ones in the place of earlier ones with the same name.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    kinds: ByKind,
}

impl Objects {
    /// Nothing at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What every cluster has: four namespaces, the roles and bindings of Kubernetes, and two pod security policies
    /// with the roles and the binding that belong to them (PSP-001).
    pub fn defaults() -> Self {
        let mut objects = Self::default();
        for name in NAMESPACES {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            objects.put("Namespace", None, name, namespace);
        }
        // Data of this crate, which a test reads.
        let mut found = Vec::new();
        let _ = flatten(Rbac::bootstrap().to_manifests(), 1, &mut found);
        objects.take(found);
        let _ = objects.read(psp::MANIFESTS);
        objects
    }

    /// Adds the objects of a text of manifests: documents of YAML or JSON, lists of objects included. A namespaced
    /// object without a namespace is in `default`.
    ///
    /// # Errors
    /// See [`ManifestsError`]; nothing is added then.
    pub fn read(&mut self, text: &str) -> Result<(), ManifestsError> {
        if text.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestsError::TooLarge { found: text.len() });
        }
        crate::yaml::check(text).map_err(|source| ManifestsError::Syntax { document: 1, source })?;
        let mut found = Vec::new();
        for (index, document) in serde_yaml_ng::Deserializer::from_str(text).enumerate() {
            let document_number = index + 1;
            let value = Value::deserialize(document).map_err(|source| ManifestsError::Syntax {
                document: document_number,
                source,
            })?;
            if !value.is_null() {
                flatten(value, document_number, &mut found)?;
            }
        }
        self.take(found);
        Ok(())
    }

    fn take(&mut self, found: Vec<(Target, String, Value)>) {
        for (target, name, value) in found {
            self.put(&target.kind, target.namespace.as_deref(), &name, value);
        }
    }

    /// Adds one object.
    pub fn put(&mut self, kind: &str, namespace: Option<&str>, name: &str, object: Value) {
        let key = (namespace.map(str::to_owned), name.to_owned());
        self.kinds.entry(kind.to_owned()).or_default().insert(key, object);
    }

    /// Takes one object away; says whether it was there.
    pub fn remove(&mut self, kind: &str, namespace: Option<&str>, name: &str) -> bool {
        let key = (namespace.map(str::to_owned), name.to_owned());
        self.kinds
            .get_mut(kind)
            .is_some_and(|objects| objects.remove(&key).is_some())
    }

    /// All objects of some kinds as one manifest.
    pub(super) fn list(&self, kinds: &[&str]) -> String {
        let items: Vec<&Value> = kinds
            .iter()
            .flat_map(|kind| self.all(kind))
            .map(|(_, object)| object)
            .collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
    }

    /// One object.
    pub(super) fn get(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Value> {
        let key = (namespace.map(str::to_owned), name.to_owned());
        self.kinds.get(kind)?.get(&key)
    }

    /// All objects of a kind with their names, in order of namespace and name.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        let objects = self.kinds.get(kind).into_iter().flatten();
        objects.map(|((_, name), value)| (name.as_str(), value))
    }

    /// All objects of a kind in a namespace with their names, in order of name.
    pub(super) fn of<'o>(
        &'o self,
        kind: &str,
        namespace: &'o str,
    ) -> impl Iterator<Item = (&'o str, &'o Value)> {
        let objects = self.kinds.get(kind).into_iter().flatten();
        objects
            .filter(move |((found, _), _)| found.as_deref() == Some(namespace))
            .map(|((_, name), value)| (name.as_str(), value))
    }
}

fn flatten(
    value: Value,
    document: usize,
    found: &mut Vec<(Target, String, Value)>,
) -> Result<(), ManifestsError> {
    let shape = |source| ManifestsError::Shape { document, source };
    let target = Target::of(&value, "default").map_err(shape)?;
    if target.kind.ends_with("List") && value.get("items").is_some() {
        let items = At::root(&value).list("items").map_err(shape)?;
        for item in items {
            flatten(item.value.clone(), document, found)?;
        }
        return Ok(());
    }
    let mut value = value;
    if let Some(namespace) = &target.namespace {
        let metadata = object_at(&mut value, &["metadata"]).map_err(shape)?;
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    match target.name.clone() {
        Some(name) => found.push((target, name, value)),
        None => {
            return Err(ManifestsError::Unnamed {
                document,
                kind: target.kind,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_complete() {
        let mut objects = Objects::defaults();
        assert_eq!(objects.all("PodSecurityPolicy").count(), 2);
        let roles: Vec<&str> = objects.all("ClusterRole").map(|(name, _)| name).collect();
        for role in ["cluster-admin", "privileged-psp-role", "unprivileged-psp-role"] {
            assert!(roles.contains(&role), "{role}");
        }
        assert_eq!(objects.all("Namespace").count(), 4);
        assert!(objects.remove("ClusterRoleBinding", None, psp::DEFAULT_BINDING));
        assert!(!objects.remove("ClusterRoleBinding", None, psp::DEFAULT_BINDING));
    }
}
